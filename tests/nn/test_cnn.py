"""Networks of images: equivariant for every element, with and without a vector, and the plain CNN over the trivial group."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from symmdp import Representation, groups
from symmdp.errors import ActivationError, OptionError, ShapeError
from symmdp.nn import EquivariantCNN, FreeTensor, to_plain, whole_copy
from symmdp.representations import flip, pixel_action, plane

Rep = Representation
C1, C2, C4, D4 = groups.trivial(), groups.cyclic(2), groups.cyclic(4), groups.dihedral(4)
PLANES = {"flip x": flip(C2, "x"), "flip y": flip(C2, "y"), "C4": plane(C4), "D4": plane(D4)}
EVERY_PLANE = pytest.mark.parametrize("name", list(PLANES))
OPTIONS = {"channels": (8, 16), "kernel_size": (4, 3), "stride": (2, 1), "hidden": (16,), "dtype": torch.float64}
# A rotation in a basis in which it is no signed permutation.
SHEAR = np.array([[1.0, 1.0], [0.0, 1.0]])


def network(plane: Rep, rep_in: Rep, rep_out: Rep, size: tuple[int, int] = (8, 8), **options) -> EquivariantCNN:
    options = OPTIONS | {"generator": torch.Generator().manual_seed(0)} | options
    return EquivariantCNN(plane, rep_in, rep_out, size, **options)


def inputs(module: EquivariantCNN, *batch: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    shapes = [(module.rep_in.dim, *module.size)] + ([] if module.rep_vector is None else [(module.rep_vector.dim,)])
    return [torch.randn(*(batch or (3,)), *shape, dtype=torch.float64, generator=generator) for shape in shapes]


def violation(module: EquivariantCNN, call: nn.Module | None = None) -> float:
    call, (image, *vector), worst = call or module, inputs(module), 0.0

    def matrix(rep: Rep, g: int) -> Tensor:
        return torch.tensor(rep(g), dtype=torch.float64)

    with torch.no_grad():
        y = call(image, *vector)
        for g in module.rep_in.group:
            pixels = matrix(pixel_action(module.plane, *module.size), g)
            moved = (image.flatten(-2) @ pixels.T).unflatten(-1, module.size)
            moved = torch.einsum("ab,nbhw->nahw", matrix(module.rep_in, g), moved)
            vectors = [v @ matrix(module.rep_vector, g).T for v in vector if module.rep_vector is not None]
            worst = max(worst, float((call(moved, *vectors) - y @ matrix(module.rep_out, g).T).abs().max()))
    return worst


@EVERY_PLANE
@pytest.mark.parametrize("pool", [None, "mean", "max"])
@pytest.mark.parametrize("with_vector", [False, True])
def test_equivariant_for_every_element(name: str, pool, with_vector: bool) -> None:
    plane = PLANES[name]
    group = plane.group
    sheared = Rep(group, SHEAR @ plane.matrices @ np.linalg.inv(SHEAR))
    module = network(
        plane, 3 * group.trivial + plane, plane + group.regular, pool=pool, vector=sheared if with_vector else None
    )
    assert violation(module) < 1e-12
    for parameter in module.parameters():
        parameter.data.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64))
    assert violation(module) < 1e-12
    # The negative control: the same weights, no longer tied.
    untied = whole_copy(module)
    for free, tied in zip(untied.modules(), module.modules(), strict=True):
        if isinstance(free, FreeTensor) and isinstance(tied, FreeTensor):
            free.assign(tied().detach())
    assert violation(module, untied) < 1e-12
    first = next(part for part in untied.modules() if isinstance(part, FreeTensor))
    first.theta.data[0] += 1e-1
    assert violation(module, untied) > 1e-6


@pytest.mark.parametrize(
    "options",
    [
        {"activation": "gated", "channels": (PLANES["D4"] + D4.trivial, 8)},
        {"activation": "crelu", "channels": (PLANES["D4"], 8)},
    ],
    ids=["gated", "crelu"],
)
def test_channels_of_your_own(options: dict) -> None:
    module = network(PLANES["D4"], D4.trivial, PLANES["D4"], **options)
    assert violation(module) < 1e-12


def test_images_that_are_not_square_and_options_for_each_axis() -> None:
    options = {"kernel_size": ((2, 4), 3), "stride": ((2, 3), 1), "padding": ((0, 1), 1)}
    module = network(PLANES["flip x"], 2 * C2.trivial, C2.regular, (6, 11), **options)
    assert violation(module) < 1e-12


def test_over_the_trivial_group_it_is_the_plain_network() -> None:
    """The network of Mnih et al. 2015, layer by layer, with as many parameters."""
    module = EquivariantCNN(2 * C1.trivial, 4 * C1.trivial, 6 * C1.trivial, (84, 84))
    plain = nn.Sequential(
        *(nn.Conv2d(4, 32, 8, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 2), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.ReLU()),
        *(nn.Flatten(-3), nn.Linear(64 * 49, 512), nn.ReLU(), nn.Linear(512, 6)),
    )
    copied = to_plain(module)
    layers = [part for part in copied.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    own = [part for part in plain if isinstance(part, nn.Conv2d | nn.Linear)]
    for given, expected in zip(layers, own, strict=True):
        expected.load_state_dict(given.state_dict())
    x = torch.randn(2, 4, 84, 84, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(module(x), plain(x))
    assert sum(p.numel() for p in module.parameters()) == sum(p.numel() for p in plain.parameters())


def test_batches_and_stacks() -> None:
    modules = [
        network(PLANES["C4"], C4.trivial, C4.regular, vector=C4.trivial, generator=torch.Generator().manual_seed(k))
        for k in range(2)
    ]
    image, vector = inputs(modules[0], 2, 3)
    torch.testing.assert_close(modules[0](image[0, 0], vector[0, 0]), modules[0](image, vector)[0, 0])
    stack = network(PLANES["C4"], C4.trivial, C4.regular, vector=C4.trivial)
    for part, *parts in zip(*(m.modules() for m in (stack, *modules)), strict=True):
        if isinstance(part, FreeTensor):
            part.theta = nn.Parameter(torch.stack([p.theta.detach() for p in parts]))
    expected = torch.stack([m(i, v) for m, i, v in zip(modules, image, vector, strict=True)])
    torch.testing.assert_close(stack(image, vector), expected)


def test_compiled_and_exported_with_a_vector() -> None:
    module = network(PLANES["flip x"], C2.trivial, C2.regular, vector=C2.trivial).eval()
    arguments, larger = tuple(inputs(module, 3)), tuple(inputs(module, 5))
    expected = module(*larger)
    torch.compiler.reset()
    torch.testing.assert_close(torch.compile(module, fullgraph=True, backend="aot_eager")(*larger), expected)
    batch = torch.export.Dim("batch")
    for part in (module, to_plain(module)):
        program = torch.export.export(part, arguments, dynamic_shapes=({0: batch}, {0: batch})).module()
        torch.testing.assert_close(program(*larger), expected)
    torch.testing.assert_close(to_plain(module)(*larger), expected)


@pytest.mark.parametrize(
    ("name", "size", "options", "message"),
    [
        ("flip x", (8, 9), {}, r"8 × 9 pixels do not fit: convolution 0 gets 8 × 9.*heights 8 or 9 and widths 8 or 10 fit"),
        ("D4", (14, 14), {"stride": 2}, r"convolution 1 gets 6 × 6.*heights 12 or 16 and widths 12 or 16 fit"),
        ("D4", (4, 4), {}, r"convolution 1 gets 1 × 1. A window covers 3.*heights 8 and widths 8 fit"),
        ("D4", (8, 10), {}, r"images are square"),
    ],
)
def test_sizes_that_do_not_fit(name: str, size: tuple[int, int], options: dict, message: str) -> None:
    plane = PLANES[name]
    with pytest.raises(ShapeError, match=message):
        network(plane, plane.group.trivial, plane.group.regular, size, **options)


def test_bad_input() -> None:
    plane, rep = PLANES["C4"], C4.trivial
    for options in ({"kernel_size": (3, 3, 3)}, {"stride": (1,)}, {"padding": "same"}):
        with pytest.raises(OptionError, match=r"an entry for each of the 2 convolutions"):
            network(plane, rep, rep, **options)
    for channels in ((), 16):
        with pytest.raises(OptionError, match="at least one convolution"):
            network(plane, rep, rep, channels=channels)
    with pytest.raises(OptionError, match="at least one unit; got width 0"):
        network(plane, rep, rep, channels=(0, 8))
    with pytest.raises(ActivationError, match="not odd"):
        network(plane, rep, rep, channels=(plane, 8))
    with pytest.raises(ActivationError, match="maximum over pixels"):
        network(plane, rep, rep, channels=(8, plane), activation=torch.tanh, pool="max")
    module = network(plane, rep, rep)
    image = inputs(module)[0]
    with pytest.raises(ShapeError, match=r"Expected images of 8 × 8 pixels"):
        module(image[..., :6])
    with pytest.raises(ShapeError, match="no vector input; build it with vector="):
        module(image, image[:, 0, 0])
    module = network(plane, rep, rep, vector=plane)
    with pytest.raises(ShapeError, match=r"call it as network\(image, vector\)"):
        module(image)
    with pytest.raises(ShapeError, match=r"vectors of shape \(3, 2\), with the batch"):
        module(image, image[:2, 0, 0, :2])
