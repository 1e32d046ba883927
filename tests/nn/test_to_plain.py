"""`to_plain` gives the same function in ordinary torch modules, for every layer, group and kind of representation.

A layer is one line of `LAYERS`: how it is built from a representation. Where a layer refuses a representation, it is built
on the regular one of the same group.
"""

import copy
import pickle
import pickletools
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import symmdp
from symmdp import Representation, groups
from symmdp.errors import ActivationError, PlainModuleError, ShapeError
from symmdp.nn import (
    CReLU,
    EquivariantAvgPool2d,
    EquivariantCNN,
    EquivariantConv2d,
    EquivariantFlatten,
    EquivariantGRU,
    EquivariantGRUCell,
    EquivariantLayerNorm,
    EquivariantLinear,
    EquivariantMaxPool2d,
    EquivariantMLP,
    EquivariantRMSNorm,
    EquivariantRunningNorm,
    EquivariantSequential,
    FourierActivation,
    FreeTensor,
    GatedActivation,
    GroupPool,
    NormActivation,
    OnChannels,
    Pointwise,
    Residual,
    ResidualPathwayLinear,
    SetAttention,
    SetPool,
    SpatialPool,
    to_plain,
)
from symmdp.nn._to_plain_conv import conv2d
from symmdp.policies import ActorCritic

Rep = Representation
ALLOWED = {torch.float32: 1e-5, torch.float64: 1e-12}
DTYPES = pytest.mark.parametrize("dtype", list(ALLOWED), ids=["float32", "float64"])
# Every kind of representation of each group in float64; in float32 their sum.
REPS_AND_DTYPES = pytest.mark.parametrize(
    ("rep", "dtype"),
    [
        pytest.param((group, rep), dtype, id=f"{group}-{rep}-{str(dtype).removeprefix('torch.')}")
        for group in ("C2", "C4", "D4", "Q8", "S3")
        for rep in ("regular", "natural", "sheared", "mixed")
        for dtype in (torch.float64, torch.float32)
        if dtype is torch.float64 or rep == "mixed"
    ],
    indirect=["rep"],
)


class StateBesideInput(nn.Module):
    """A module of the user's own around a cell: `(x, h)` in one vector."""

    def __init__(self, cell: EquivariantGRUCell):
        super().__init__()
        self.cell = cell
        self.rep_in, self.rep_out = cell.rep_in + cell.rep_hidden, cell.rep_out
        self.sizes = (cell.rep_in.dim, cell.rep_hidden.dim)

    def forward(self, both: Tensor) -> Tensor:
        x, h = both.split(self.sizes, dim=-1)
        return self.cell(x, h) + self.cell(x)


class Sequence(nn.Module):
    """The outputs of a recurrent network over a sequence in which an episode begins at step 2."""

    def __init__(self, network: EquivariantGRU):
        super().__init__()
        self.network = network
        self.rep_in, self.rep_out = network.rep_in, network.rep_out

    def forward(self, x: Tensor) -> Tensor:
        starts = torch.arange(x.shape[0], device=x.device).eq(2).reshape(-1, *[1] * (x.ndim - 2)).expand(x.shape[:-1])
        outputs, last = self.network(x, episode_starts=starts)
        return outputs + last


class Masked(nn.Module):
    """A layer over sets whose last token is absent."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer
        self.rep_in, self.rep_out = layer.rep_in, layer.rep_out

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x, torch.arange(x.shape[-2], device=x.device) < x.shape[-2] - 1)


class Network(nn.Module):
    """A user's network of equivariant, plain and shared parts, with an invariant tensor."""

    def __init__(self, rep: Rep, **options: Any):
        super().__init__()
        self.rep_in = self.rep_out = rep
        self.history = {"all": [rep]}
        regular = rep.group.regular
        self.layers = nn.ModuleList(
            [EquivariantLinear(rep, regular, **options), EquivariantLinear(regular, regular, **options)]
        )
        self.again = self.layers[1]
        self.heads = nn.ModuleDict({"out": EquivariantLinear(regular, rep, **options)})
        self.offset = FreeTensor.vector(rep, dtype=options["dtype"])
        self.activation = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = self.activation(layer(x))
        return self.heads["out"](self.activation(self.again(x))) + self.offset()


def gated(rep: Rep, **options: Any) -> nn.Module:
    gate = GatedActivation(rep)
    return EquivariantSequential(EquivariantLinear(rep, gate.rep_in, **options), gate)


def residual(rep: Rep, **options: Any) -> nn.Module:
    out = rep.group.regular
    block = EquivariantSequential(EquivariantLinear(rep, out, **options), torch.relu)
    return EquivariantSequential(
        Residual(EquivariantSequential(EquivariantLinear(rep, rep, **options))),
        Residual(block, EquivariantLinear(rep, out, **options)),
    )


def sequential(rep: Rep, **options: Any) -> nn.Module:
    regular = rep.group.regular
    norm = EquivariantLayerNorm(regular, dtype=options["dtype"])
    last = EquivariantLinear(regular, rep, **options)
    return EquivariantSequential(EquivariantLinear(rep, regular, **options), norm, nn.PReLU(dtype=options["dtype"]), last)


def free(build: Callable[[Rep], nn.Module]) -> Callable[..., nn.Module]:
    """A module without parameters."""
    return lambda rep, generator, dtype: build(rep)


def undrawn(build: Callable[..., nn.Module], **fixed: Any) -> Callable[..., nn.Module]:
    """A module that draws nothing."""
    return lambda rep, generator, dtype: build(rep, dtype=dtype, **fixed)


def fourier(function: Callable[[Tensor], Tensor]) -> Callable[..., nn.Module]:
    return lambda rep, generator, dtype: FourierActivation(rep, function, dtype=dtype)


def running(clip: float | None) -> Callable[..., nn.Module]:
    """Statistics of data whose coordinates differ in mean and size."""

    def build(rep: Rep, generator: torch.Generator, dtype: torch.dtype) -> nn.Module:
        norm = EquivariantRunningNorm(rep, clip=clip)
        norm.update(torch.randn(40, rep.dim, generator=generator, dtype=torch.float64) * torch.linspace(0.5, 3, rep.dim) + 1)
        return norm

    return build


def mlp(**fixed: Any) -> Callable[..., nn.Module]:
    return lambda rep, **options: EquivariantMLP(rep, rep, (16, 16), **fixed, **options)


def conv(kernel: int, **fixed: Any) -> Callable[..., nn.Module]:
    return lambda rep, **o: EquivariantConv2d(rep, rep + rep.group.regular, kernel, 2 * rep.group.trivial, **fixed, **o)


def images(rep: Rep, **options: Any) -> nn.Module:
    """A sequence of image layers that ends in vectors."""
    out, plane = rep.group.regular, 2 * rep.group.trivial
    return EquivariantSequential(
        EquivariantConv2d(rep, out, 3, plane, padding="same", **options),
        OnChannels(EquivariantRMSNorm(out, dtype=options["dtype"])),
        torch.relu,
        EquivariantMaxPool2d(out, 3, plane, stride=1, padding=1),
        EquivariantAvgPool2d(out, 2, plane),
        EquivariantFlatten(out, plane, (2, 2)),
    )


def pooled(rep: Rep, **options: Any) -> nn.Module:
    out = rep.group.regular
    return EquivariantSequential(
        EquivariantConv2d(rep, 2 * out, 2, 2 * rep.group.trivial, **options), SpatialPool(2 * out, "max"), GroupPool(2 * out)
    )


def cnn(**fixed: Any) -> Callable[..., nn.Module]:
    options = {"channels": (8, 8), "kernel_size": (3, 2), "stride": (1, 1), "padding": (1, 0), "hidden": (8,)} | fixed
    return lambda rep, **o: EquivariantCNN(2 * rep.group.trivial, rep, rep, (4, 4), **options, **o)


# How a layer is built, the axes before its features, and those after them.
LAYERS: dict[str, tuple[Callable[..., nn.Module], tuple[int, ...], *tuple[tuple[int, ...], ...]]] = {
    "Linear": (lambda rep, **o: EquivariantLinear(rep, rep + rep.group.regular, **o), (6,)),
    "Linear without bias": (lambda rep, **o: EquivariantLinear(rep, rep, bias=False, **o), (6,)),
    "Pointwise tanh": (free(lambda rep: Pointwise(rep, torch.tanh)), (6,)),
    "Pointwise sin": (free(lambda rep: Pointwise(rep, torch.sin)), (6,)),
    "Pointwise module": (free(lambda rep: Pointwise(rep, nn.Hardshrink())), (6,)),
    "CReLU": (free(CReLU), (6,)),
    "NormActivation": (free(NormActivation), (6,)),
    "NormActivation blocks": (free(lambda rep: NormActivation(rep, torch.sigmoid, blocks=True)), (6,)),
    "GatedActivation": (gated, (6,)),
    "Fourier": (fourier(F.gelu), (6,)),
    "LayerNorm": (undrawn(EquivariantLayerNorm), (6,)),
    "LayerNorm plain": (undrawn(EquivariantLayerNorm, affine=False, eps=1e-3), (6,)),
    "RMSNorm": (undrawn(EquivariantRMSNorm), (6,)),
    "RMSNorm plain": (undrawn(EquivariantRMSNorm, affine=False, eps=1e-3), (6,)),
    "RunningNorm": (running(0.8), (6,)),
    "RunningNorm unclipped": (running(None), (6,)),
    "Residual pathway": (lambda rep, **o: ResidualPathwayLinear(rep, rep + rep.group.regular, **o), (6,)),
    "MLP free path": (mlp(free_path=True), (6,)),
    "GRUCell": (lambda rep, **o: StateBesideInput(EquivariantGRUCell(rep + rep.group.regular, rep, **o)), (6,)),
    "GRUCell without bias": (lambda rep, **o: StateBesideInput(EquivariantGRUCell(rep, rep, False, **o)), (6,)),
    "GRU": (lambda rep, **o: Sequence(EquivariantGRU(rep, rep, **o)), (4, 3)),
    "SetAttention": (lambda rep, **o: SetAttention(rep, 2, **o), (3, 4)),
    "SetAttention masked": (lambda rep, **o: Masked(SetAttention(rep, 2, width=8, bias=False, **o)), (3, 4)),
    "SetPool mean": (free(lambda rep: Masked(SetPool(rep, "mean"))), (3, 4)),
    "SetPool sum": (free(lambda rep: SetPool(rep, "sum")), (3, 4)),
    "SetPool max": (free(lambda rep: Masked(SetPool(rep, "max"))), (3, 4)),
    "Residual": (residual, (6,)),
    "Sequential": (sequential, (6,)),
    "MLP": (mlp(), (6,)),
    "MLP layer": (mlp(norm="layer", residual=True, activation="gelu"), (6,)),
    "MLP gated": (mlp(norm="rms", activation="gated"), (6,)),
    "User's network": (Network, (6,)),
    "Conv2d": (conv(3), (6,), (4, 4)),
    "Conv2d strided": (conv(2, stride=2, padding=1, dilation=2, bias=False), (6,), (4, 5)),
    "AvgPool2d": (free(lambda rep: EquivariantAvgPool2d(rep, 3, 2 * rep.group.trivial, padding=1)), (6,), (5, 4)),
    "SpatialPool": (free(SpatialPool), (6,), (3, 4)),
    "GroupPool mean": (free(lambda rep: GroupPool(rep + 2 * rep.group.trivial, "mean")), (6,)),
    "Images": (images, (6,), (4, 4)),
    "Images pooled": (pooled, (6,), (3, 3)),
    "CNN": (cnn(), (6,), (4, 4)),
    "CNN pooled": (cnn(pool="mean", activation="gated"), (6,), (4, 4)),
}
NAMES = pytest.mark.parametrize("name", list(LAYERS))


def built(name: str, rep: Rep, dtype: torch.dtype) -> Any:
    """A layer whose every parameter differs from zero; on the regular representation where it refuses the given one."""
    generator = torch.Generator().manual_seed(0)
    try:
        module = LAYERS[name][0](rep, generator=generator, dtype=dtype)
    except ActivationError:
        module = LAYERS[name][0](rep.group.regular, generator=generator, dtype=dtype)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator, dtype=dtype))
    return module


def inputs(name: str, module: Any, dtype: torch.dtype, *more: int) -> Tensor:
    before, *after = LAYERS[name][1:]
    shape = (*more, *before, module.rep_in.dim, *(after[0] if after else ()))
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).to(dtype)


def difference(module: nn.Module, plain: nn.Module, x: Tensor) -> float:
    """The largest difference of two functions in relation to the largest value."""
    with torch.no_grad():
        expected, given = module(x), plain(x)
    assert given.dtype is expected.dtype
    assert given.shape == expected.shape
    assert given.device == expected.device
    return float((given - expected).abs().max() / expected.abs().max().clamp_min(1))


def classes_of(module: nn.Module) -> set[str]:
    """The files of the classes of symmdp that a pickle of the module names."""
    strings = {str(argument) for _, argument, _ in pickletools.genops(pickle.dumps(module)) if isinstance(argument, str)}
    return {s for s in strings if s.split(".")[0] == "symmdp"}


PLAIN_FILES = {f"symmdp.nn._plain{rest}" for rest in ("", "_images", "_gru", "_running_norm")}


@REPS_AND_DTYPES
@NAMES
def test_the_same_function_without_group(rep: Rep, name: str, dtype: torch.dtype) -> None:
    module = built(name, rep, dtype)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    state = torch.get_rng_state()
    plain = to_plain(module)
    assert torch.equal(torch.get_rng_state(), state), "something was drawn from the global generator"
    assert difference(module, plain, inputs(name, module, dtype)) <= ALLOWED[dtype]
    assert classes_of(plain) <= PLAIN_FILES
    kept = torch.float64 if name.startswith("RunningNorm") else dtype  # statistics lose no digits
    assert all(tensor.dtype is kept for tensor in plain.state_dict().values() if tensor.is_floating_point())
    assert not any(hasattr(part, "rep_in") or hasattr(part, "rep_out") for part in plain.modules())

    # It is a copy: what is done to it does not reach the module, which is as it was.
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.fill_(torch.nan)
    for key, value in module.state_dict().items():
        torch.testing.assert_close(value, before[key], rtol=0, atol=0)
    assert inputs(name, module, dtype).isfinite().all()
    assert module(inputs(name, module, dtype)).isfinite().all()


@NAMES
def test_a_perturbed_weight_is_noticed(network_reps: tuple[Rep, Rep], name: str) -> None:
    """The negative control: 1e-2 in one weight fails the comparison above."""
    module = built(name, network_reps[0], torch.float64)
    plain, x = to_plain(module), inputs(name, module, torch.float64)
    assert difference(module, plain, x) <= 1e-12
    weights = list(plain.parameters())
    if not weights:
        assert not list(module.parameters())
        return
    with torch.no_grad():
        weights[-1].add_(1e-2)
    assert difference(module, plain, x) > 1e-5


@NAMES
@pytest.mark.parametrize("more", [(), (2, 5)], ids=["no batch", "two more axes"])
def test_any_batch_shape(form: Rep, name: str, more: tuple[int, ...]) -> None:
    module = built(name, form, torch.float64)
    plain, x = to_plain(module), inputs(name, module, torch.float64, *more)
    assert difference(module, plain, x) <= 1e-12
    assert difference(module, plain, x[0]) <= 1e-12


def forms() -> dict[str, Rep]:
    c4, c3 = groups.cyclic(4), groups.cyclic(3)
    turn = Rep.from_generators(c4, [[[0, -1], [1, 0]]])
    third = Rep.from_generators(c3, [[[-0.5, -(0.75**0.5)], [0.75**0.5, -0.5]]])
    skew = Rep.from_generators(c3, [[[0, -1], [1, -1]]])
    return {"permutation": c4.regular, "signed": turn + c4.regular, "orthogonal": 2 * third + c3.regular, "invertible": skew}


@pytest.fixture(params=list(forms()))
def form(request: pytest.FixtureRequest) -> Rep:
    return forms()[request.param]


MOST = pytest.mark.parametrize(
    "form",
    ["permutation", "orthogonal", *[pytest.param(kind, marks=pytest.mark.slow) for kind in ("signed", "invertible")]],
    indirect=True,
)
ORTHOGONAL = pytest.mark.parametrize("form", ["orthogonal"], indirect=True)


@pytest.mark.parametrize("training", [True, False])
@NAMES
def test_each_part_keeps_its_mode(name: str, training: bool) -> None:
    module = built(name, forms()["orthogonal"], torch.float32).train(training)
    assert {part.training for part in to_plain(module).modules()} == {training}


def test_parts_keep_different_modes_and_what_is_frozen_stays_so() -> None:
    regular = groups.cyclic(4).regular
    module = EquivariantMLP(regular, regular, (8,), dtype=torch.float64)
    module[0].requires_grad_(False).eval()
    plain = to_plain(module)
    assert [part.training for part in plain] == [False, True, True]
    assert [p.requires_grad for p in plain.parameters()] == [False, False, True, True]
    fixed = to_plain(FourierActivation(regular, torch.relu))
    assert not any(p.requires_grad for p in fixed.parameters())
    with torch.inference_mode():
        assert not any(p.is_inference() for p in to_plain(module).parameters())


def test_known_layers_become_modules_of_torch() -> None:
    d4 = groups.dihedral(4)
    regular, plane = d4.regular, Rep.from_generators(d4, [[[0, -1], [1, 0]], [[1, 0], [0, -1]]])
    expected = {
        EquivariantLinear(regular, plane): nn.Linear,
        EquivariantLayerNorm(regular): nn.LayerNorm,
        EquivariantLayerNorm(plane): nn.RMSNorm,
        EquivariantRMSNorm(plane): nn.RMSNorm,
        EquivariantMLP(regular, plane): nn.Sequential,
        Pointwise(regular, F.leaky_relu): nn.LeakyReLU,
        Pointwise(regular, nn.ELU(0.5)): nn.ELU,
    }
    for module, kind in expected.items():
        assert type(to_plain(module)) is kind
    mlp = to_plain(EquivariantMLP(regular, plane, (8, 8), activation="silu", norm="layer"))
    assert [type(part) for part in mlp] == [nn.Linear, nn.LayerNorm, nn.SiLU] * 2 + [nn.Linear]
    cell = to_plain(EquivariantGRUCell(plane, regular))
    assert isinstance(cell, nn.GRUCell)
    nn.GRUCell(2, 8).load_state_dict(cell.state_dict())


@pytest.mark.parametrize(
    "function",
    [
        *(torch.tanh, torch.relu, F.relu, F.elu, F.gelu, F.silu, F.mish, F.selu, F.celu, F.leaky_relu, F.softplus),
        *(F.softsign, F.hardtanh, F.hardswish, F.tanhshrink, F.logsigmoid, torch.sigmoid, torch.sin, Tensor.cos),
        *(partial(F.elu, alpha=0.3), nn.Softplus(beta=2)),
    ],
    ids=lambda f: getattr(f, "__name__", type(f).__name__),
)
def test_pointwise_functions(function: Callable[[Tensor], Tensor]) -> None:
    x = torch.linspace(-5, 5, 101, dtype=torch.float64).unsqueeze(-1)
    plain = to_plain(Pointwise(groups.trivial().trivial, function))
    torch.testing.assert_close(plain(x), function(x), rtol=0, atol=0)


def test_every_layer_of_the_public_names_is_known() -> None:
    layers = {value for value in vars(symmdp.nn).values() if isinstance(value, type) and issubclass(value, nn.Module)}
    tested = {type(part) for name in LAYERS for rep in forms().values() for part in built(name, rep, torch.float32).modules()}
    assert layers <= tested


def test_plain_modules_know_torch_alone() -> None:
    for file in (Path(symmdp.nn.__file__).parent).glob("_plain*.py"):
        lines = [line for line in file.read_text().splitlines() if line.startswith(("import ", "from "))]
        assert lines
        assert {line.split()[1].split(".")[0] for line in lines} <= {"__future__", "collections", "typing", "torch", "symmdp"}
        assert {line for line in lines if "symmdp" in line} <= {"from symmdp.nn._plain import Blocks"}


def test_names_and_sharing_are_kept() -> None:
    regular = groups.cyclic(2).regular
    plain = to_plain(Network(regular, dtype=torch.float32))
    assert isinstance(plain, Network)
    assert plain.again is plain.layers[1]
    assert not hasattr(plain, "history")
    assert set(dict(plain.named_parameters())) == {
        *(f"layers.{k}.{part}" for k in range(2) for part in ("weight", "bias")),
        *("heads.out.weight", "heads.out.bias", "offset.value"),
    }
    layer = EquivariantLinear(regular, regular)
    twice = to_plain(nn.Sequential(layer, nn.Tanh(), layer))
    assert twice[0] is twice[2]
    again = to_plain(twice)
    assert again[0] is again[2]
    assert again[0] is not twice[0]


class Tree(nn.Module):
    """Modules in a list that torch does not register, one of which knows the tree that it belongs to."""

    def __init__(self, rep: Rep):
        super().__init__()
        self.hidden = [EquivariantLinear(rep, rep), nn.Sequential(EquivariantLinear(rep, rep))]
        self.child = nn.Sequential(nn.Tanh())
        self.child.trees = [self]

    def forward(self, x: Tensor) -> Tensor:
        for part in (*self.hidden, self.child):
            x = part(x)
        return x


def test_modules_that_torch_does_not_see() -> None:
    module = Tree(groups.cyclic(4).regular)
    plain, x = to_plain(module), torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    assert [type(part) for part in (plain.hidden[0], plain.hidden[1][0])] == [nn.Linear, nn.Linear]
    assert plain.child.trees[0] is plain
    assert difference(module, plain, x) <= 1e-6
    assert not classes_of(plain)


@NAMES
def test_a_plain_module_is_its_own_plain_copy(name: str) -> None:
    module = built(name, forms()["orthogonal"], torch.float64)
    plain, x = to_plain(module), inputs(name, module, torch.float64)
    again = to_plain(plain)
    assert again is not plain
    assert difference(plain, again, x) == 0
    assert difference(plain, copy.deepcopy(plain), x) == 0


class OwnForward(EquivariantLinear):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


class OwnPlain(OwnForward):
    def to_plain(self) -> nn.Module:
        plain = nn.Linear(self.rep_in.dim, self.rep_out.dim)
        with torch.no_grad():
            plain.weight.copy_(2 * self.weight)
            plain.bias.zero_() if self.bias is None else plain.bias.copy_(2 * self.bias)
        return plain


class ReadsItsRepresentation(nn.Module):
    def __init__(self, rep: Rep):
        super().__init__()
        self.rep_in = self.rep_out = rep

    def forward(self, x: Tensor) -> Tensor:
        return x * self.rep_in.dim


class ReadsARepresentationOfAChild(nn.Module):
    def __init__(self, rep: Rep):
        super().__init__()
        self.layer = EquivariantLinear(rep, rep)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) * self.layer.rep_in.dim


def test_unknown_modules_are_refused() -> None:
    regular = groups.cyclic(2).regular
    with pytest.raises(PlainModuleError, match=r"OwnForward derives from EquivariantLinear.*its own forward,.*to_plain\(\)"):
        to_plain(nn.Sequential(OwnForward(regular, regular)))
    with pytest.raises(PlainModuleError, match=r"does not know CoordinateBlocks.*to_plain\(\).*EquivariantLinear"):
        to_plain(nn.ModuleList([GatedActivation(regular).blocks]))
    with pytest.raises(PlainModuleError, match=r"ReadsItsRepresentation\.forward reads rep_in, .*Keep the numbers"):
        to_plain(ReadsItsRepresentation(regular))
    with pytest.raises(PlainModuleError, match=r"ReadsARepresentationOfAChild\.forward reads rep_in, "):
        to_plain(ReadsARepresentationOfAChild(regular))
    with pytest.raises(PlainModuleError, match=r"takes a torch\.nn\.Module; got <"):
        to_plain(torch.tanh)  # pyright: ignore[reportArgumentType]
    hooked = EquivariantLinear(regular, regular)
    hooked.register_forward_hook(lambda *_: None)
    with pytest.raises(PlainModuleError, match=r"hooks, which its plain copy would not call. Remove them"):
        to_plain(hooked)
    stack = EquivariantLinear(regular, regular)
    for part in stack.modules():
        if isinstance(part, FreeTensor):
            part.theta = nn.Parameter(part.theta.detach().expand(3, -1).clone())
    with pytest.raises(ShapeError, match=r"a stack of 3 layers.*Copy the parameters of one"):
        to_plain(stack)


def test_a_module_may_say_itself_what_is_plain() -> None:
    regular = groups.cyclic(4).regular
    module = EquivariantSequential(OwnPlain(regular, regular, dtype=torch.float32), torch.relu)
    plain, x = to_plain(module), torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    assert type(plain[0]) is nn.Linear
    assert difference(module, plain, x) <= 1e-6


@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution(bias: bool) -> None:
    """What has a kernel and a bias becomes `nn.Conv2d`; here a convolution of torch plays the equivariant one."""
    given = nn.Conv2d(3, 4, (3, 2), stride=2, padding=(1, 2), dilation=(2, 1), bias=bias, dtype=torch.float64)
    plain, x = conv2d(given, to_plain), torch.randn(2, 3, 9, 8, dtype=torch.float64)
    assert plain.weight is not given.weight
    assert difference(given, plain, x) <= 1e-12
    with torch.no_grad():
        plain.weight[0, 0, 0, 0] += 1e-2
    assert difference(given, plain, x) > 1e-5


def policy(env: str, **options: Any) -> tuple[ActorCritic, gym.Space]:
    with gym.make(env) as made:
        spaces = made.observation_space, made.action_space
    return ActorCritic(symmdp.symmetry_of(env), *spaces, (16,), dtype=torch.float64, **options), spaces[0]


@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1", "Acrobot-v1"])
@pytest.mark.parametrize("inside", [False, True], ids=["itself", "inside another module"])
def test_actor_critic(env: str, inside: bool) -> None:
    module, space = policy(env, generator=torch.Generator().manual_seed(0), log_std=-0.5)
    plain: Any = to_plain(nn.ModuleDict({"policy": module}))["policy"] if inside else module.to_plain()
    x = torch.randn(7, *space.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for given, expected in zip(plain(x), module(x), strict=True):
        torch.testing.assert_close(given, expected, rtol=0, atol=1e-12)
    if module.discrete:
        assert plain.log_std is None
        assert torch.equal(plain(x)[0].argmax(-1) + plain.first_action, module.act(x, deterministic=True))
    else:
        torch.testing.assert_close(plain.log_std.exp(), module.standard_deviation(), rtol=0, atol=0)
    assert classes_of(plain) == {"symmdp.policies._plain_actor_critic"}
    program = torch.export.export(plain, (x,), dynamic_shapes=({0: torch.export.Dim("batch")},)).module()
    for given, expected in zip(program(x[:3]), module(x[:3]), strict=True):
        torch.testing.assert_close(given, expected, rtol=0, atol=1e-12)
    with torch.no_grad():
        plain.actor[0].weight.add_(1e-2)
    assert not torch.allclose(plain(x)[0], module(x)[0], rtol=0, atol=1e-12)


def test_actor_critic_keeps_its_centres() -> None:
    """Centres that differ from zero, and a space of actions that starts at 3."""
    c2 = groups.cyclic(2)
    flip, swap = Rep.from_generators(c2, [[[-1.0]]]), c2.regular
    for action_space, action in ((gym.spaces.Discrete(2, start=3), swap), (gym.spaces.Box(1.0, 3.0, (1,)), flip)):
        box = isinstance(action_space, gym.spaces.Box)
        symmetry = symmdp.Symmetry(c2, flip, action, observation_center=[0.5], action_center=[2.0] if box else None)
        module = ActorCritic(symmetry, gym.spaces.Box(-1.0, 2.0, (1,)), action_space, (8,), dtype=torch.float64)
        plain, x = module.to_plain(), torch.linspace(-1, 2, 9, dtype=torch.float64).unsqueeze(-1)
        for given, expected in zip(plain(x), module(x), strict=True):
            torch.testing.assert_close(given, expected, rtol=0, atol=1e-12)
        assert plain.first_action == module.first_action
        assert (plain.action_center is not None) == box


def dynamic_axes(name: str) -> dict[int, Any]:
    """The axes whose sizes an exported program leaves open: the batch, and the tokens of a set; a sequence is unrolled."""
    sets = {1: torch.export.Dim("tokens", min=2)} if "Set" in name else {}
    return {1 if name == "GRU" else 0: torch.export.Dim("batch")} | sets


def enlarged(name: str, x: Tensor) -> Tensor:
    """Inputs of other sizes on those axes."""
    for axis in dynamic_axes(name):
        x = torch.cat([x, x.flip(axis)], dim=axis)
    return x


def exported(name: str, module: nn.Module, x: Tensor) -> torch.export.ExportedProgram:
    return torch.export.export(module, (x,), dynamic_shapes=(dynamic_axes(name),))


@MOST
@NAMES
def test_torch_export_for_any_batch(form: Rep, name: str) -> None:
    module = built(name, form, torch.float64).eval()
    x = inputs(name, module, torch.float64)
    program = exported(name, to_plain(module), x).module()
    assert difference(module, program, x) <= 1e-12
    assert difference(module, program, enlarged(name, x)) <= 1e-12


# The exporter uses what torch deprecates, and says that a name serves two axes.
ONNX_WARNINGS = [
    pytest.mark.filterwarnings(f"ignore:{start}")
    for start in (".*LeafSpec:FutureWarning", "_check_is_size:FutureWarning", "# The axis name:UserWarning")
]


class InOnnxruntime(nn.Module):
    """A module as onnxruntime runs what `torch.onnx.export` made of it, with any sizes on some axes."""

    def __init__(self, module: nn.Module, x: Tensor, axes: dict[int, Any], file: Path):
        super().__init__()
        import onnxruntime  # here: of all tests only these need it, and it takes a second

        program = torch.onnx.export(module.eval(), (x,), dynamo=True, dynamic_shapes=(axes,), verbose=False)
        assert program is not None
        program.save(str(file))
        self.session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])

    def forward(self, x: Tensor) -> Tensor:
        return self.outputs(x)[0]

    def outputs(self, x: Tensor) -> list[Tensor]:
        return [torch.from_numpy(y) for y in self.session.run(None, {self.session.get_inputs()[0].name: x.numpy()})]


def warned(function: Any) -> Any:
    for mark in ONNX_WARNINGS:
        function = mark(function)
    return function


# The others, and each without to_plain, are slow.
QUICK_ONNX = {("GRU", True), ("SetAttention masked", True), ("MLP layer", True), ("MLP gated", True), ("MLP gated", False)}
QUICK_ONNX |= {("Images", True), ("CNN", True), ("CNN pooled", False)}


@warned
@ORTHOGONAL
@pytest.mark.parametrize(
    ("name", "plain"),
    [
        pytest.param(name, plain, marks=[] if (name, plain) in QUICK_ONNX else pytest.mark.slow)
        for name in LAYERS
        for plain in (True, False)
    ],
)
def test_onnx_for_any_batch(form: Rep, name: str, plain: bool, tmp_path: Path) -> None:
    module = built(name, form, torch.float32).eval()
    x = inputs(name, module, torch.float32)
    onnx = InOnnxruntime(to_plain(module) if plain else module, x, dynamic_axes(name), tmp_path / "module.onnx")
    assert difference(module, onnx, x) <= 1e-5
    assert difference(module, onnx, enlarged(name, x)) <= 1e-5


@warned
@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1"])
def test_onnx_of_a_policy(env: str, tmp_path: Path) -> None:
    module, space = policy(env, generator=torch.Generator().manual_seed(0))
    x = torch.randn(4, *space.shape, generator=torch.Generator().manual_seed(0))
    module = module.float()
    onnx = InOnnxruntime(module.to_plain(), x, {0: torch.export.Dim("batch")}, tmp_path / "policy.onnx")
    for observations in (x, torch.cat([x, 2 * x])):
        for given, expected in zip(onnx.outputs(observations), module(observations), strict=True):
            torch.testing.assert_close(given, expected, rtol=1e-5, atol=1e-5)
    # The negative control.
    with torch.no_grad():
        next(module.actor.parameters()).add_(1e-1)
    assert not torch.allclose(onnx.outputs(x)[0], module(x)[0], rtol=1e-5, atol=1e-5)


@ORTHOGONAL
@NAMES
def test_torch_compile_takes_the_full_graph(form: Rep, name: str) -> None:
    module = built(name, form, torch.float64)
    torch.compiler.reset()
    compiled = torch.compile(to_plain(module), fullgraph=True, backend="aot_eager")
    assert difference(module, compiled, inputs(name, module, torch.float64)) <= 1e-12


# The inductor itself uses what torch deprecates.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@ORTHOGONAL
@pytest.mark.parametrize("name", ["GRU", "GRUCell", "SetAttention masked", "MLP layer", "MLP gated", "LayerNorm"])
def test_compiled_to_machine_code(form: Rep, name: str) -> None:
    module = built(name, form, torch.float64)
    torch.compiler.reset()
    compiled = torch.compile(to_plain(module), fullgraph=True)
    assert difference(module, compiled, inputs(name, module, torch.float64)) <= 1e-12


# torch.nn.RMSNorm says once that its fused kernel takes weights of the input's type alone; autocast leaves them as they are.
@pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight:UserWarning")
@NAMES
def test_autocast_to_bfloat16(form: Rep, name: str) -> None:
    module = built(name, form, torch.float32)
    plain, x = to_plain(module), inputs(name, module, torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        expected, given = module(x), plain(x)
    torch.testing.assert_close(given.float(), expected.float(), rtol=0.05, atol=0.05)
    torch.testing.assert_close(given.float(), module(x), rtol=0.1, atol=0.1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@ORTHOGONAL
@NAMES
@DTYPES
def test_on_cuda(form: Rep, name: str, dtype: torch.dtype) -> None:
    module = built(name, form, dtype)
    x = inputs(name, module, dtype).cuda()
    plain = to_plain(module.cuda())
    assert {tensor.device.type for tensor in [*plain.parameters(), *plain.buffers()]} <= {"cuda"}
    assert difference(module, plain, x) <= 10 * ALLOWED[dtype]


# Run where symmdp cannot be imported: a pickle, an exported program and the inputs and outputs beside them.
ELSEWHERE = """
import sys
from pathlib import Path
import torch

class Blocked:
    def find_spec(self, name, *_):
        if name.split(".")[0] == "symmdp":
            raise ImportError("symmdp is blocked")

sys.meta_path.insert(0, Blocked())
folder = Path(sys.argv[1])
for case in sorted(folder.glob("*.values")):
    x, y = torch.load(case)
    found = 0
    if (pickled := case.with_suffix(".module")).exists():
        module = torch.load(pickled, weights_only=False)
        torch.testing.assert_close(module(x), y, rtol=0, atol=1e-6)
        found += 1
    program = torch.export.load(case.with_suffix(".pt2")).module()
    torch.testing.assert_close(program(x), y, rtol=0, atol=1e-6)
    print(case.stem, found)
assert not [name for name in sys.modules if name.split(".")[0] == "symmdp"]
"""


def test_plain_modules_work_where_symmdp_is_not(tmp_path: Path) -> None:
    """Pickles of torch's modules, and exported programs of all, in a process in which symmdp cannot be imported."""
    pickles = {"MLP": True, "MLP layer": False, "Fourier": True, "GRU": False, "SetAttention masked": False}
    rep = forms()["permutation"]
    for name, of_torch_alone in pickles.items():
        module = built(name, rep, torch.float32).eval()
        plain, x = to_plain(module), inputs(name, module, torch.float32)
        assert of_torch_alone == (not classes_of(plain))
        if of_torch_alone:
            torch.save(plain, tmp_path / f"{name}.module")
        if isinstance(plain, Sequence | Masked):
            assert classes_of(plain) <= PLAIN_FILES
        torch.export.save(exported(name, plain, x), tmp_path / f"{name}.pt2")
        torch.save((x, module(x).detach()), tmp_path / f"{name}.values")
    # The negative control: an equivariant module cannot be loaded there.
    refused = tmp_path / "refused"
    refused.mkdir()
    torch.save(built("MLP", rep, torch.float32), refused / "MLP.module")
    torch.save((x, x), refused / "MLP.values")

    def elsewhere(folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", ELSEWHERE, str(folder)], capture_output=True, text=True, check=False)

    done = elsewhere(tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == sorted(f"{name} {int(found)}" for name, found in pickles.items())
    failed = elsewhere(refused)
    assert failed.returncode != 0
    assert "symmdp is blocked" in failed.stderr
