"""Convolutions of images: against torch, a slow symmetrizer of NumPy's turns and mirrors, and characters."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from symmdp import EquivariantMaps, Representation, groups
from symmdp.errors import GroupMismatchError, OptionError, RepresentationError, ShapeError
from symmdp.nn import (
    EquivariantConv2d,
    EquivariantLayerNorm,
    EquivariantLinear,
    EquivariantSequential,
    GroupPool,
    OnChannels,
    Residual,
    SetPool,
    orthogonal_,
)
from symmdp.representations import flip, irreps, pixel_action, plane

Rep = Representation
C1, C2, C4, D4 = groups.trivial(), groups.cyclic(2), groups.cyclic(4), groups.dihedral(4)
PLANES = {
    "trivial": 2 * C1.trivial,
    "flip x": flip(C2, "x"),
    "flip y": flip(C2, "y"),
    "C4": plane(C4),
    "D4": plane(D4),
    "transpose": Rep(C2, [np.eye(2), [[0, -1], [-1, 0]]]),  # rows for columns, and nothing reversed
}
# What NumPy does to an image for the generators of each.
IN_NUMPY: dict[str, list[Callable[[np.ndarray], np.ndarray]]] = {
    "trivial": [],
    "flip x": [np.fliplr],
    "flip y": [np.flipud],
    "C4": [np.rot90],
    "D4": [np.rot90, np.flipud],
    "transpose": [np.transpose],
}
EVERY_PLANE = pytest.mark.parametrize("name", list(PLANES))
# (kernel, stride, padding, dilation, height, width); the size fits every group
GRIDS = [
    (3, 1, 0, 1, 5, 5),
    (3, 2, 1, 1, 7, 7),
    (3, 3, 1, 2, 9, 9),
    (1, 2, 0, 1, 5, 5),
    (2, 1, 0, 1, 4, 4),
    (2, 1, 1, 1, 5, 5),
    (2, 2, 0, 1, 6, 6),
    (4, 3, 1, 1, 8, 8),
    (2, 3, 0, 3, 7, 7),
]


def on_images(rep: Rep, plane: Rep, g: int, x: Tensor) -> Tensor:
    """`f ↦ ρ(g) f(ρ_plane(g)⁻¹ ·)`."""
    pixels = torch.tensor(pixel_action(plane, *x.shape[-2:])(g), dtype=x.dtype)
    moved = (x.flatten(-2) @ pixels.T).unflatten(-1, x.shape[-2:])
    return torch.einsum("ab,...bhw->...ahw", torch.tensor(rep(g), dtype=x.dtype), moved)


def violation(layer: EquivariantConv2d, x: Tensor, function: Callable[[Tensor], Tensor] | None = None) -> float:
    function = function or layer
    y = function(x)
    images = [function(on_images(layer.rep_in, layer.plane, g, x)) for g in layer.rep_in.group]
    moved = [on_images(layer.rep_out, layer.plane, g, y) for g in layer.rep_in.group]
    return max(float((a - b).detach().abs().max()) for a, b in zip(images, moved, strict=True))


def kinds(plane: Rep) -> dict[str, Rep]:
    """Channels of every kind: trivial, regular, one sign, the plane itself, and matrices that are no signed permutations."""
    group = plane.group
    skew = np.array([[1.0, 1.0], [0.0, 1.0]])
    turned = np.array([[0.8, -0.6], [0.6, 0.8]])
    return {
        "trivial": group.trivial,
        "regular": group.regular,
        "sign": irreps(group)[-1].rep if irreps(group)[-1].dim == 1 else irreps(group)[1].rep,
        "plane": plane,
        "orthogonal": Rep(group, turned @ plane.matrices @ turned.T) + group.trivial,
        "sheared": Rep(group, skew @ plane.matrices @ np.linalg.inv(skew)),
    }


def images(layer: EquivariantConv2d, height: int, width: int, *batch: int) -> Tensor:
    shape = (*(batch or (2,)), layer.rep_in.dim, height, width)
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def conv(rep_in: Rep, rep_out: Rep, kernel: int | tuple[int, int], plane: Rep, **options) -> EquivariantConv2d:
    generator = torch.Generator().manual_seed(0)
    return EquivariantConv2d(rep_in, rep_out, kernel, plane, generator=generator, dtype=torch.float64, **options)


@EVERY_PLANE
def test_every_kind_of_channels(name: str) -> None:
    plane = PLANES[name]
    for a, b in itertools.product(kinds(plane).values(), repeat=2):
        layer = conv(a, b, 3, plane, padding=1)
        assert layer.free_weight.count == EquivariantMaps(a * pixel_action(plane, 3, 3), b).dim
        assert violation(layer, images(layer, 4, 4)) < 1e-12


@pytest.mark.parametrize("grid", GRIDS, ids=str)
@EVERY_PLANE
def test_every_grid(name: str, grid: tuple[int, ...]) -> None:
    plane = PLANES[name]
    kernel, stride, padding, dilation, height, width = grid
    rep = plane.group.regular + plane
    options = {"stride": stride, "padding": padding, "dilation": dilation, "size": (height, width)}
    layer = conv(rep, rep, kernel, plane, **options)
    x = images(layer, height, width)
    assert violation(layer, x) < 1e-12
    assert tuple(layer(x).shape[-2:]) == layer.output_size((height, width))
    # The negative control: one entry of the kernel.
    weight = layer.weight.detach().clone()
    weight[0, 0, 0, 0] += 1e-2
    if plane.group.order > 1:
        assert violation(layer, x, lambda x: layer._convolve(x, weight, layer.bias)) > 1e-4


@pytest.mark.parametrize("name", ["flip x", "flip y"])
def test_images_that_are_not_square(name: str) -> None:
    plane = PLANES[name]
    rep = plane.group.regular
    layer = conv(rep, rep + plane, (2, 3), plane, stride=(2, 3), padding=(1, 0), dilation=(1, 2))
    for height, width in ((4, 8), (6, 5)):
        assert violation(layer, images(layer, height, width)) < 1e-12
    # The axis that nothing reverses may have any size.
    height, width = (5, 8) if name == "flip x" else (4, 6)
    assert violation(layer, images(layer, height, width)) < 1e-12


@EVERY_PLANE
def test_the_condition_on_sizes_is_exactly_right(name: str) -> None:
    """Without the check a convolution is equivariant on the sizes that pass it, and on no other; even kernels too."""
    plane = PLANES[name]
    rep = plane.group.regular
    right = 0
    for kernel, stride, padding, dilation in itertools.product((1, 2, 3, 4), (1, 2, 3), (0, 1), (1, 2)):
        layer = conv(rep, rep, kernel, plane, stride=stride, padding=padding, dilation=dilation, bias=False)
        for size in (7, 8, 9):
            x = images(layer, size, size, 1)
            if size + 2 * padding < layer.windows.extent[0]:
                with pytest.raises(ShapeError, match="A window covers"):
                    layer(x)
                continue
            error = violation(layer, x, lambda x, layer=layer: layer._convolve(x, layer.weight, None))
            try:
                layer(x)
            except ShapeError:
                assert error > 1e-3, (kernel, stride, padding, dilation, size)
                with pytest.raises(ShapeError):
                    layer.output_size((size, size))
            else:
                right += 1
                assert error < 1e-12, (kernel, stride, padding, dilation, size)
    assert right == 144 if name in ("trivial", "transpose") else 50 < right < 144


@EVERY_PLANE
def test_the_kernel_against_a_slow_symmetrizer(name: str) -> None:
    """`1/|G| Σ_g ρ_out(g)⁻¹ K(ρ_plane(g) ·) ρ_in(g)`, where NumPy turns and mirrors the kernel, is the tied kernel."""
    plane = PLANES[name]
    group = plane.group
    rep_in, rep_out = group.regular + plane, kinds(plane)["orthogonal"]
    rng = np.random.default_rng(0)
    for a, b in ((rep_in, rep_in), (rep_in, rep_out)):
        kernel = rng.standard_normal((b.dim, a.dim, 3, 3))
        total = np.zeros_like(kernel)
        for g in group:
            moved = np.linalg.inv(b(g)) @ kernel.transpose(2, 3, 0, 1) @ a(g)
            moved = moved.transpose(2, 3, 0, 1)
            inverse = group.words[group.inverses[g]]
            turns = dict(zip(group.generators, IN_NUMPY[name], strict=True))
            for s in reversed(inverse):  # the image of K under g⁻¹
                moved = np.stack([turns[s](image) for image in moved.reshape(-1, 3, 3)]).reshape(moved.shape)
            total += moved / group.order
        layer = conv(a, b, 3, plane)
        layer.free_weight.assign(kernel.reshape(b.dim, -1))
        if b.kind.is_orthogonal:
            np.testing.assert_allclose(layer.weight.detach().numpy(), total, atol=1e-12)
        # The law itself: the symmetrized kernel is left as it is.
        layer.free_weight.assign(total.reshape(b.dim, -1))
        np.testing.assert_allclose(layer.weight.detach().numpy(), total, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"stride": (2, 3), "padding": (1, 2), "dilation": (2, 1)}, {"padding": "same"}])
@pytest.mark.parametrize("bias", [True, False])
def test_over_the_trivial_group_it_is_that_of_torch(options: dict, bias: bool) -> None:
    layer = conv(3 * C1.trivial, 4 * C1.trivial, (3, 5), PLANES["trivial"], bias=bias, **options)
    torchs = nn.Conv2d(3, 4, (3, 5), bias=bias, dtype=torch.float64, **options)
    assert sum(p.numel() for p in layer.parameters()) == sum(p.numel() for p in torchs.parameters())
    torchs.weight.data.copy_(layer.weight)
    if torchs.bias is not None:
        torchs.bias.data.copy_(layer.bias)
    x = images(layer, 9, 8)
    torch.testing.assert_close(layer(x), torchs(x))


@pytest.mark.parametrize("kind", ["regular", "orthogonal"])
def test_a_stack_is_its_layers_one_by_one(kind: str) -> None:
    plane = PLANES["D4"]
    rep = kinds(plane)[kind]
    layers = [conv(rep, rep + plane, 3, plane, padding=1, stride=2) for _ in range(3)]
    for k, layer in enumerate(layers):
        layer.reset_parameters(torch.Generator().manual_seed(k))
    stack = conv(rep, rep + plane, 3, plane, padding=1, stride=2)
    for part in ("free_weight", "free_bias"):
        getattr(stack, part).theta = nn.Parameter(torch.stack([getattr(layer, part).theta.detach() for layer in layers]))
    for batch in ((3, 4), (3,), (3, 2, 2), (3, 2000), (3, 2, 1000)):  # many are convolved one layer after the other
        x = images(stack, 5, 5, *batch)
        torch.testing.assert_close(stack(x), torch.stack([layer(v) for layer, v in zip(layers, x, strict=True)]))
    norm = OnChannels(EquivariantLayerNorm(kinds(plane)["regular"], dtype=torch.float64))
    norm.module.free_scale.theta = nn.Parameter(torch.tensor([[1.0], [2.0], [3.0]], dtype=torch.float64))
    norm.module.free_bias.theta = nn.Parameter(torch.tensor([[0.0], [1.0], [2.0]], dtype=torch.float64))
    x = torch.randn(3, 4, 8, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = torch.stack([(k + 1) * F.layer_norm(x[k].movedim(1, -1), (8,)).movedim(-1, 1) + k for k in range(3)])
    torch.testing.assert_close(norm(x), expected)
    with pytest.raises(ShapeError, match=r"stack of 3 layers takes images \(3, batch"):
        stack(images(stack, 5, 5, 4, 2))


@pytest.mark.parametrize("kernel", [2, 3])
@EVERY_PLANE
def test_outputs_have_the_variance_of_the_inputs(name: str, kernel: int) -> None:
    plane = PLANES[name]
    for rep_in, rep_out in ((8 * plane.group.regular, 16 * plane.group.regular), (8 * plane, 8 * kinds(plane)["orthogonal"])):
        ratios = []
        for seed in range(4):
            generator = torch.Generator().manual_seed(seed)
            layer = EquivariantConv2d(rep_in, rep_out, kernel, plane, bias=False, generator=generator)
            x = torch.randn(16, rep_in.dim, 9, 9, generator=generator)
            ratios.append(float(layer(x).detach().var()))
        assert abs(np.mean(ratios) - 1) < 0.15


@pytest.mark.parametrize("name", ["trivial", "D4"])
def test_orthogonal_kernels(name: str) -> None:
    plane = PLANES[name]
    rep = plane.group.regular
    layer = orthogonal_(conv(2 * rep, 2 * rep, 3, plane), 1.5, torch.Generator().manual_seed(0))
    whole = layer.weight.detach().flatten(1)
    torch.testing.assert_close(whole @ whole.mT, 2.25 * torch.eye(len(whole), dtype=torch.float64))
    assert violation(layer, images(layer, 5, 5)) < 1e-12


def test_padding_that_keeps_the_size() -> None:
    layer = conv(C2.regular, C2.regular, (3, 5), PLANES["flip x"], padding="same", dilation=2)
    assert layer.padding == (2, 4)
    assert layer.output_size((6, 7)) == (6, 7)
    with pytest.raises(OptionError, match=r"pads both sides alike.*odd kernel"):
        conv(C2.regular, C2.regular, 4, PLANES["flip x"], padding="same")
    conv(C2.regular, C2.regular, 4, PLANES["flip x"], padding="same", dilation=2)  # covers 7 pixels
    with pytest.raises(OptionError, match=r"stride \(2, 2\) does not"):
        conv(C2.regular, C2.regular, 3, PLANES["flip x"], padding="same", stride=2)


@pytest.mark.parametrize(
    ("name", "options", "size", "message"),
    [
        ("flip x", {"stride": 2}, (8, 8), r"reverses the width.*widths that fit are 7 and 9; no padding fits 8"),
        (
            "flip y",
            {"stride": 3},
            (8, 8),
            r"reverses the height.*height of 8.*leaves 2.*6 and 9; padding 2 fits 8",
        ),
        ("D4", {"stride": 2}, (5, 7), r"exchanges rows and columns, so images are square; got 5 × 7"),
        ("C4", {}, (2, 2), r"covers 3 pixels, more than the height 2.*least height is 3"),
        ("C4", {"stride": 4}, (6, 6), r"leaves 3\. Near it, heights that fit are 3 and 7; no padding fits 6"),
    ],
)
def test_sizes_that_do_not_fit(name: str, options: dict, size: tuple[int, int], message: str) -> None:
    plane = PLANES[name]
    with pytest.raises(ShapeError, match=message):
        conv(plane, plane, 3, plane, size=size, **options)
    layer = conv(plane, plane, 3, plane, **options)
    with pytest.raises(ShapeError, match=message):
        layer(images(layer, *size))


def test_bad_input() -> None:
    d4, turn = D4.regular, PLANES["D4"]
    for options in ({"kernel_size": (3, 1)}, {"stride": (1, 2)}, {"padding": (0, 1)}, {"dilation": (2, 1)}):
        (option,) = options
        with pytest.raises(OptionError, match=f"exchanges rows and columns, so {option} must agree on both"):
            EquivariantConv2d(d4, d4, plane=turn, **({"kernel_size": 3} | options))
    for options in ({"kernel_size": 0}, {"stride": 0}, {"padding": -1}, {"dilation": True}, {"kernel_size": (3, 3, 3)}):
        (option,) = options
        with pytest.raises(OptionError, match=f"{option} is an integer of at least"):
            EquivariantConv2d(d4, d4, plane=turn, **({"kernel_size": 3} | options))
    with pytest.raises(OptionError, match='"same"; got'):
        conv(d4, d4, 3, turn, padding="valid")
    with pytest.raises(RepresentationError, match="signed permutations, of dimension 2"):
        conv(d4, d4, 3, d4)
    with pytest.raises(RepresentationError, match="two Representations"):
        conv(2, d4, 3, turn)  # pyright: ignore[reportArgumentType]
    with pytest.raises(GroupMismatchError):
        conv(C4.regular, d4, 3, turn)
    with pytest.raises(GroupMismatchError):
        conv(d4, d4, 3, PLANES["C4"])
    layer = conv(d4, d4, 3, turn)
    with pytest.raises(ShapeError, match=r"Expected images of shape \(\.\.\., 8, height, width\); got \(2, 4, 5, 5\)"):
        layer(torch.zeros(2, 4, 5, 5, dtype=torch.float64))
    with pytest.raises(ShapeError, match="got \\(8, 5\\)"):
        layer(torch.zeros(8, 5, dtype=torch.float64))
    for dtype in (torch.float32, torch.uint8):
        with pytest.raises(ShapeError, match=r"parameters are torch\.float64.*divide them by 255"):
            layer(torch.zeros(2, 8, 5, 5, dtype=dtype))


def test_batches_of_any_shape_and_none_at_all() -> None:
    layer = conv(C4.regular, C4.regular, 3, PLANES["C4"])
    x = images(layer, 5, 5, 2, 3, 4)
    y = layer(x)
    torch.testing.assert_close(layer(x[0]), y[0])
    torch.testing.assert_close(layer(x[0, 0]), y[0, 0])
    torch.testing.assert_close(layer(x[0, 0, 0]), y[0, 0, 0])
    assert layer(x[:0]).shape == (0, 3, 4, 4, 3, 3)


def test_sequences_of_image_layers_are_checked() -> None:
    rep, turn = D4.regular, PLANES["D4"]
    first = conv(rep, rep, 3, turn)
    with pytest.raises(RepresentationError, match=r"takes vectors, and those before it give images\. Put it into OnChannels"):
        EquivariantSequential(first, torch.relu, EquivariantLinear(rep, rep))
    with pytest.raises(RepresentationError, match=r"takes images, and those before it give vectors"):
        EquivariantSequential(EquivariantLinear(rep, rep), Residual(first))
    turned = Rep(D4, np.array([[0, -1], [1, 0]]) @ turn.matrices @ np.array([[0, 1], [-1, 0]]))
    with pytest.raises(RepresentationError, match=r"moves pixels by .*same plane"):
        EquivariantSequential(first, OnChannels(EquivariantLinear(rep, rep)), conv(rep, rep, 3, turned))
    with pytest.raises(RepresentationError, match=r"Conv2d.*Use EquivariantConv2d"):
        EquivariantSequential(first, nn.Conv2d(8, 8, 3))
    with pytest.raises(RepresentationError, match="acts on sequences or sets"):
        OnChannels(SetPool(rep))
    with pytest.raises(RepresentationError, match="needs no OnChannels"):
        OnChannels(first)
    with pytest.raises(RepresentationError, match="has none"):
        OnChannels(nn.Linear(8, 8))
    sequence = EquivariantSequential(first, torch.relu).append(OnChannels(GroupPool(rep)))
    assert (sequence.takes_images, sequence.gives_images, sequence.plane) == (True, True, turn)
