import numpy as np
import pytest
import torch
from torch import nn

from symmdp import EquivariantMaps, Representation, groups
from symmdp.errors import ShapeError
from symmdp.maps import SharedBasis
from symmdp.nn import EquivariantConv2d, EquivariantLinear, FreeTensor, JointExpansion, replace_maps_
from symmdp.representations import flip


def space_of(shape: tuple[int, ...], copies: tuple[int, ...], seed: int = 0) -> SharedBasis:
    """A random orthonormal basis of a shape `(elements, *block)`."""
    size = int(np.prod(shape[1:]))
    q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))
    return SharedBasis(q[: shape[0]].reshape(shape), copies)


CASES = [
    space_of((3, 4, 2), (2, 3)),
    space_of((2, 3), (5,)),
    space_of((1, 2, 2), (1, 1)),
    space_of((0, 2, 3), (2, 2)),
    space_of((4, 2, 2), (3, 1)),
]


def slow(space: SharedBasis, theta: np.ndarray) -> np.ndarray:
    """Block by block."""
    whole = np.zeros(space.shape)
    coefficients = theta.reshape(*space.copies, len(space.basis))
    for place in np.ndindex(*space.copies):
        block = tuple(slice(i * n, (i + 1) * n) for i, n in zip(place, space.basis.shape[1:], strict=True))
        whole[block] = sum((t * b for t, b in zip(coefficients[place], space.basis, strict=True)), np.zeros(()))
    return whole


@pytest.mark.parametrize("space", CASES)
def test_blocks(space: SharedBasis) -> None:
    rng = np.random.default_rng(1)
    theta = rng.standard_normal((2, space.count))
    whole = space.expand(theta)
    np.testing.assert_allclose(whole, [slow(space, t) for t in theta], atol=1e-14)
    np.testing.assert_allclose(space.project(whole[0]), theta[0], atol=1e-12)
    # A projection: what remains is orthogonal to the space.
    noise = rng.standard_normal(space.shape)
    rest = noise - space.expand(space.project(noise))
    np.testing.assert_allclose(space.project(rest), 0, atol=1e-12)


@pytest.mark.parametrize("space", CASES)
def test_free_tensors_of_blocks(space: SharedBasis) -> None:
    tensor = FreeTensor(space, dtype=torch.float64)
    theta = np.random.default_rng(2).standard_normal((3, space.count))
    with torch.no_grad():
        tensor.theta.copy_(torch.as_tensor(theta[0]))
    np.testing.assert_allclose(tensor().detach(), slow(space, theta[0]), atol=1e-14)
    np.testing.assert_allclose(tensor.expand(torch.as_tensor(theta)), [slow(space, t) for t in theta], atol=1e-14)
    tensor.assign(slow(space, theta[1]))
    np.testing.assert_allclose(tensor.theta.detach(), theta[1], atol=1e-12)


@pytest.mark.parametrize("place", range(len(CASES)))
def test_a_stack_with_another_basis_in_each_row(place: int) -> None:
    like = CASES[place]
    spaces = [space_of(like.basis.shape, like.copies, seed) for seed in range(3)]
    modules = [
        nn.ModuleList([FreeTensor(space, dtype=torch.float64), FreeTensor.whole((2,), dtype=torch.float64)]) for space in spaces
    ]
    joint = JointExpansion(modules[0], modules)
    generator = torch.Generator().manual_seed(0)
    theta = torch.randn(3, joint.count, dtype=torch.float64, generator=generator)
    whole = joint.expand(theta)
    for row, space in enumerate(spaces):
        np.testing.assert_allclose(whole[row, :-2], slow(space, theta[row, :-2].numpy()).ravel(), atol=1e-14)
    G = torch.randn(whole.shape, dtype=torch.float64, generator=generator)
    torch.testing.assert_close((whole * G).sum(1), (theta * joint.transpose(G)).sum(1))
    torch.testing.assert_close(JointExpansion(modules[0]).expand(theta)[0], whole[0])


@pytest.mark.parametrize("place", range(len(CASES)))
@pytest.mark.parametrize("of_row", [[0, 1, 2, 0, 1, 2], [0, 0, 1, 1], [1, 0, 0, 1], [0, 0, 1], [0, 0]])
def test_rows_of_a_stack_that_share_a_basis(place: int, of_row: list[int]) -> None:
    like = CASES[place]
    modules = [
        nn.ModuleList([FreeTensor(space_of(like.basis.shape, like.copies, seed), dtype=torch.float64)]) for seed in range(3)
    ]
    shared = [modules[i] for i in of_row]
    joint, alone = JointExpansion(shared[0], shared), [JointExpansion(module) for module in shared]
    generator = torch.Generator().manual_seed(0)
    theta = torch.randn(len(of_row), joint.count, dtype=torch.float64, generator=generator)
    whole = joint.expand(theta)
    torch.testing.assert_close(whole, torch.cat([one.expand(row[None]) for one, row in zip(alone, theta, strict=True)]))
    G = torch.randn(whole.shape, dtype=torch.float64, generator=generator)
    wanted = torch.cat([one.transpose(row[None]) for one, row in zip(alone, G, strict=True)])
    torch.testing.assert_close(joint.transpose(G), wanted)
    if len(set(of_row)) > 1 and joint.count:
        for use in (joint.expand, joint.transpose):
            with pytest.raises(ShapeError, match=f"Each of {len(of_row)} rows has its basis; got a stack of 1"):
                use(theta[:1] if use == joint.expand else G[:1])


def layers() -> list[EquivariantLinear | EquivariantConv2d]:
    c2 = groups.cyclic(2)
    wide = 300 * c2.regular  # isotypic when it is equivariant
    plane = flip(c2, "x")
    return [
        EquivariantLinear(2 * c2.regular, 3 * c2.regular),
        EquivariantLinear(wide, wide),
        EquivariantConv2d(2 * c2.regular, 2 * c2.regular, 3, plane),
    ]


@pytest.mark.parametrize("place", range(3))
def test_replaced_maps(place: int) -> None:
    layer = layers()[place]
    maps = EquivariantMaps(layer.rep_in.group.regular, layer.rep_in.group.regular)
    if isinstance(layer, EquivariantConv2d):
        block = Representation(maps.rep_in.group, [np.eye(18), np.eye(18)])
        maps = EquivariantMaps(block, maps.rep_out)
    copies = layer.rep_out.dim // 2, layer.rep_in.dim // 2
    norm = float(layer.weight.detach().norm())
    weight = SharedBasis(np.asarray(maps.random_basis(np.random.default_rng(0), 2)), copies)
    bias = SharedBasis(np.array([[1.0, 0.0]]), copies[:1])
    with torch.no_grad():
        layer.free_bias.theta.fill_(1.0)  # pyright: ignore[reportOptionalMemberAccess]
    replace_maps_(layer, weight, bias, torch.Generator().manual_seed(0))
    assert float(layer.weight.detach().norm()) == pytest.approx(norm, rel=1e-5)
    assert not layer.bias.any()  # pyright: ignore[reportOptionalMemberAccess]
    x = torch.randn(70, layer.rep_in.dim, *([5, 5] if isinstance(layer, EquivariantConv2d) else []))
    wanted = (
        torch.nn.functional.conv2d(x, layer.weight)
        if isinstance(layer, EquivariantConv2d)
        else torch.nn.functional.linear(x, layer.weight)
    )
    for few in (x, x[:1]):  # both ways through a layer that would choose by the number of rows
        torch.testing.assert_close(layer(few), wanted[: len(few)], atol=1e-4, rtol=1e-4)
        with torch.no_grad():
            torch.testing.assert_close(layer(few), wanted[: len(few)], atol=1e-4, rtol=1e-4)
    with pytest.raises(ShapeError, match="bias of shape"):
        replace_maps_(layer, weight, None)
