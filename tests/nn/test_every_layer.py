"""Every layer, over every group and every kind of representation, is equivariant through its whole life.

A layer family is one line of `FAMILIES`: how it is built from a representation, and for which representations it refuses.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from symmdp import Representation, groups
from symmdp.errors import ActivationError, RepresentationError
from symmdp.groups import Group
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
    whole_copy,
)
from symmdp.representations import Kind, irreps, pixel_action, plane

ALLOWED = {torch.float32: 1e-5, torch.float64: 1e-12}
DTYPES = pytest.mark.parametrize("dtype", list(ALLOWED), ids=["float32", "float64"])
Rep = Representation


def on_features(rep: Rep, g: int, x: Tensor) -> Tensor:
    """`x ↦ ρ(g) x` on the last axis."""
    return x @ torch.tensor(rep(g), dtype=x.dtype).T


@cache
def plane_of(group: Group) -> Rep:
    """How a group moves pixels: turns and mirrors for C4 and D4, flips of the axes by sign characters for the others."""
    if group in (groups.cyclic(4), groups.dihedral(4)):
        return plane(group)
    signs = [irrep.rep for irrep in irreps(group) if irrep.dim == 1]
    x, y = (2 * signs)[-2:]
    return x + y


def on_images(rep: Rep, g: int, x: Tensor) -> Tensor:
    """`f ↦ ρ(g) f(ρ_plane(g)⁻¹ ·)` on images; what has lost its pixels is moved as features."""
    if x.ndim < 4:
        return on_features(rep, g, x)
    pixels = torch.tensor(pixel_action(plane_of(rep.group), *x.shape[-2:])(g), dtype=x.dtype)
    moved = (x.flatten(-2) @ pixels.T).unflatten(-1, x.shape[-2:])
    return torch.einsum("ab,...bhw->...ahw", torch.tensor(rep(g), dtype=x.dtype), moved)


def never(rep: Rep) -> bool:
    return False


def not_permutation(rep: Rep) -> bool:
    return rep.kind is not Kind.PERMUTATION


def not_signed(rep: Rep) -> bool:
    return not rep.kind.is_signed_permutation


def not_orthogonal(rep: Rep) -> bool:
    return not rep.kind.is_orthogonal


class StateBesideInput(nn.Module):
    """A cell as a function of `(x, h)` in one vector, so that the hidden state is moved with the input."""

    def __init__(self, cell: EquivariantGRUCell):
        super().__init__()
        self.cell = cell
        self.rep_in, self.rep_out = cell.rep_in + cell.rep_hidden, cell.rep_out

    def forward(self, both: Tensor) -> Tensor:
        return self.cell(*both.split((self.cell.rep_in.dim, self.cell.rep_hidden.dim), dim=-1))


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


@dataclass(frozen=True)
class Family:
    """How a layer is built from a representation; when it must refuse; and what the group does to its tensors."""

    build: Callable[..., Any]  # (rep, generator=…, dtype=…) to a module with rep_in and rep_out
    refuses: Callable[[Rep], bool] = never
    error: type[Exception] = ActivationError
    before: tuple[int, ...] = (6,)  # the axes before the features
    after: tuple[int, ...] = ()  # the axes after the features: pixels, say
    act: Callable[[Rep, int, Tensor], Tensor] = field(default=on_features)

    def inputs(self, module: Any, dtype: torch.dtype, seed: int = 0) -> Tensor:
        shape = (*self.before, module.rep_in.dim, *self.after)
        return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).to(dtype)

    def add_to_a_coordinate(self, y: Tensor) -> Tensor:
        """The negative control's mistake: 1e-2 is added to the first coordinate of the features."""
        after = 0 if not self.after else y.ndim - len(self.before) - 1  # pixels may be pooled away
        return y + 1e-2 * torch.eye(y.shape[-1 - after])[0].to(y).reshape(-1, *[1] * after)


def gated(rep: Rep, **options: Any) -> nn.Module:
    gate = GatedActivation(rep)
    return EquivariantSequential(EquivariantLinear(rep, gate.rep_in, **options), gate)


def free(build: Callable[[Rep], nn.Module]) -> Callable[..., nn.Module]:
    """A module without parameters."""
    return lambda rep, **options: build(rep)


def norm(kind: Callable[..., nn.Module], **fixed: Any) -> Callable[..., nn.Module]:
    """A norm, which draws nothing."""
    return lambda rep, generator, dtype: kind(rep, dtype=dtype, **fixed)


def running(rep: Rep, generator: torch.Generator, dtype: torch.dtype, clip: float | None) -> nn.Module:
    """Statistics of data whose coordinates differ in mean and size, which the group must not notice."""
    norm = EquivariantRunningNorm(rep, torch.linspace(-1, 1, rep.dim).tolist() if rep.is_trivial else None, clip=clip)
    data = torch.randn(40, rep.dim, generator=generator, dtype=torch.float64)
    norm.update(data * torch.linspace(0.5, 3, rep.dim) + torch.linspace(-2, 3, rep.dim))
    return norm


def residual(rep: Rep, **options: Any) -> nn.Module:
    return Residual(
        EquivariantSequential(EquivariantLinear(rep, 2 * rep, **options), EquivariantLinear(2 * rep, rep, **options))
    )


def projected(rep: Rep, **options: Any) -> nn.Module:
    out = rep.group.regular
    return Residual(
        EquivariantSequential(EquivariantLinear(rep, out, **options), torch.relu), EquivariantLinear(rep, out, **options)
    )


def sequential(rep: Rep, **options: Any) -> nn.Module:
    regular = rep.group.regular
    norm = EquivariantLayerNorm(regular, dtype=options["dtype"])
    return EquivariantSequential(
        EquivariantLinear(rep, regular, **options), norm, nn.SiLU(), EquivariantLinear(regular, rep, **options)
    )


def mlp(**fixed: Any) -> Callable[..., nn.Module]:
    return lambda rep, **options: EquivariantMLP(rep, rep, (16, 16), **fixed, **options)


def conv(kernel: int, **fixed: Any) -> Callable[..., nn.Module]:
    return lambda rep, **o: EquivariantConv2d(rep, rep + rep.group.regular, kernel, plane_of(rep.group), **fixed, **o)


def images(rep: Rep, **options: Any) -> nn.Module:
    """A sequence of image layers that ends in vectors."""
    out, plane = rep.group.regular, plane_of(rep.group)
    return EquivariantSequential(
        EquivariantConv2d(rep, out, 3, plane, padding="same", **options),
        OnChannels(EquivariantRMSNorm(out, dtype=options["dtype"])),
        torch.relu,
        EquivariantAvgPool2d(out, 2, plane),
        EquivariantFlatten(out, plane, (2, 2)),
    )


def group_pool(rep: Rep, **options: Any) -> nn.Module:
    """Back to a representation that is not trivial: nothing that is done to an invariant could be noticed."""
    pool, plane = OnChannels(GroupPool(rep)), plane_of(rep.group)
    return EquivariantSequential(pool, EquivariantConv2d(pool.rep_out, rep.group.regular, 2, plane, **options))


def cnn(rep: Rep, **options: Any) -> nn.Module:
    return EquivariantCNN(plane_of(rep.group), rep, rep, (4, 4), (8, 8), (3, 2), (1, 1), (1, 0), hidden=(8,), **options)


FAMILIES: dict[str, Family] = {
    "Linear": Family(lambda rep, **o: EquivariantLinear(rep, rep + rep.group.regular, **o)),
    "Linear isotypic": Family(lambda rep, **o: EquivariantLinear(2 * rep, rep + rep.group.regular, mode="isotypic", **o)),
    "Linear basis": Family(lambda rep, **o: EquivariantLinear(rep, rep + rep.group.regular, mode="basis", **o)),
    "FourierActivation": Family(lambda rep, dtype=None, **_: FourierActivation(rep, torch.relu, dtype=dtype)),
    "Pointwise tanh": Family(free(lambda rep: Pointwise(rep, torch.tanh)), not_signed),
    "Pointwise relu": Family(free(lambda rep: Pointwise(rep, torch.relu)), not_permutation),
    "CReLU": Family(free(CReLU), not_signed),
    "NormActivation": Family(free(NormActivation), not_orthogonal),
    "NormActivation blocks": Family(free(lambda rep: NormActivation(rep, torch.sigmoid, blocks=True)), not_orthogonal),
    "GatedActivation": Family(free(GatedActivation)),
    "Linear, GatedActivation": Family(gated),
    "LayerNorm": Family(norm(EquivariantLayerNorm), not_orthogonal),
    "LayerNorm plain": Family(norm(EquivariantLayerNorm, affine=False, eps=1e-3), not_orthogonal),
    "RMSNorm": Family(norm(EquivariantRMSNorm), not_orthogonal),
    "RunningNorm": Family(lambda rep, **o: running(rep, clip=0.8, **o)),
    "RunningNorm unclipped": Family(lambda rep, **o: running(rep, clip=None, **o)),
    "GRUCell": Family(lambda rep, **o: StateBesideInput(EquivariantGRUCell(rep + rep.group.regular, rep, **o)), not_orthogonal),
    "GRUCell regular": Family(lambda rep, **o: StateBesideInput(EquivariantGRUCell(rep, 2 * rep.group.regular, **o))),
    "GRU": Family(lambda rep, **o: Sequence(EquivariantGRU(rep, rep, **o)), not_orthogonal, before=(4, 3)),
    "SetAttention": Family(lambda rep, **o: SetAttention(rep, 2, **o), before=(3, 4)),
    "SetAttention masked": Family(lambda rep, **o: Masked(SetAttention(rep, 2, width=8, **o)), before=(3, 4)),
    "SetAttention to regular": Family(
        lambda rep, **o: SetAttention(rep, 1, rep.group.regular, rep_value=rep.group.regular, bias=False, **o), before=(4,)
    ),
    "SetAttention own queries": Family(
        lambda rep, **o: SetAttention(rep, 2, rep_query=rep, **o), not_orthogonal, RepresentationError, (3, 4)
    ),
    "SetPool mean": Family(free(lambda rep: Masked(SetPool(rep, "mean"))), before=(3, 4)),
    "SetPool sum": Family(free(lambda rep: SetPool(rep, "sum")), before=(3, 4)),
    "SetPool max": Family(free(lambda rep: Masked(SetPool(rep, "max"))), not_permutation, before=(3, 4)),
    "Residual": Family(residual),
    "Residual projected": Family(projected),
    "Sequential": Family(sequential),
    "MLP": Family(mlp()),
    "MLP layer": Family(mlp(norm="layer", residual=True, activation="relu")),
    "MLP rms": Family(mlp(norm="rms", activation="gated")),
    "MLP own gated": Family(lambda rep, **o: EquivariantMLP(rep, rep, (2 * rep,), activation="gated", **o)),
    "MLP own norm": Family(
        lambda rep, **o: EquivariantMLP(rep, rep, (2 * rep,), activation="norm", norm="rms", **o), not_orthogonal
    ),
    "Conv2d": Family(conv(3), after=(4, 4), act=on_images),
    "Conv2d gated": Family(
        lambda rep, **o: EquivariantSequential(
            EquivariantConv2d(rep, GatedActivation(rep).rep_in, 3, plane_of(rep.group), padding="same", **o),
            OnChannels(GatedActivation(rep)),
        ),
        after=(3, 3),
        act=on_images,
    ),
    "MaxPool2d": Family(
        free(lambda rep: EquivariantMaxPool2d(rep, 3, plane_of(rep.group), stride=2, padding=1)),
        not_permutation,
        after=(5, 5),
        act=on_images,
    ),
    "SpatialPool": Family(free(SpatialPool), after=(3, 3), act=on_images),
    "GroupPool": Family(group_pool, not_permutation, after=(3, 3), act=on_images),
    "Images": Family(images, after=(4, 4), act=on_images),
    "CNN": Family(cnn, after=(4, 4), act=on_images),
}
NAMES = pytest.mark.parametrize("name", list(FAMILIES))
# Equivariant only where their free paths are zero; what does not concern the group is the same for them.
APPROXIMATE: dict[str, Family] = {
    "ResidualPathwayLinear": Family(lambda rep, **o: ResidualPathwayLinear(rep, rep + rep.group.regular, **o)),
    "MLP free path": Family(mlp(free_path=True)),
}
ALL_FAMILIES = FAMILIES | APPROXIMATE
ALL_NAMES = pytest.mark.parametrize("name", list(ALL_FAMILIES))


def built(family: Family, rep: Rep, dtype: torch.dtype, seed: int = 0) -> Any:
    """A layer whose every parameter differs from zero, biases and scales too."""
    generator = torch.Generator().manual_seed(seed)
    module = family.build(rep, generator=generator, dtype=dtype)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator, dtype=dtype))
    return module


def violation(family: Family, module: Any, dtype: torch.dtype, function: Callable[[Tensor], Tensor] | None = None) -> float:
    """The largest relative violation over every element, `‖f(ρ_in(g) x) - ρ_out(g) f(x)‖_∞ / max(1, ‖f(x)‖_∞)`."""
    function = function or module
    x = family.inputs(module, dtype)
    worst = 0.0
    with torch.no_grad():
        y = function(x)
        assert y.dtype is dtype
        assert y.isfinite().all()
        for g in module.rep_in.group:
            image = function(family.act(module.rep_in, g, x.double()).to(dtype)).double()
            assert image.isfinite().all()
            error = (image - family.act(module.rep_out, g, y.double())).abs().max() / y.double().abs().max().clamp_min(1)
            worst = max(worst, float(error))
    return worst


def step(family: Family, module: Any, dtype: torch.dtype) -> bool:
    """A step of Adam; whether there was anything to learn."""
    parameters = [p for p in module.parameters() if p.numel()]
    if not parameters:
        return False
    optimizer = torch.optim.Adam(parameters, lr=1e-2)
    y = module(family.inputs(module, dtype, seed=1))
    target = torch.randn(y.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64).to(dtype)
    before = [p.detach().clone() for p in parameters]
    (y - target).square().mean().backward()
    optimizer.step()
    assert any(not torch.equal(old, new) for old, new in zip(before, parameters, strict=True))
    return True


@NAMES
def test_equivariant_for_every_element_through_a_life(life: tuple[Rep, torch.dtype], name: str) -> None:
    (rep, dtype), family = life, FAMILIES[name]
    if family.refuses(rep):
        with pytest.raises(family.error, match=r"[Uu]se |[Mm]ap |Take |Leave "):
            family.build(rep, generator=torch.Generator().manual_seed(0), dtype=dtype)
        return
    module, allowed = built(family, rep, dtype), ALLOWED[dtype]
    assert not any(
        isinstance(m, nn.Linear | nn.Conv2d | nn.LayerNorm | nn.GRU | nn.GRUCell | nn.MultiheadAttention)
        for m in module.modules()
    )
    assert violation(family, module, dtype) <= allowed, "at the start"
    assert violation(family, module.eval(), dtype) <= allowed, "in eval mode"
    if step(family, module.train(), dtype):
        assert violation(family, module, dtype) <= allowed, "after a step"
        assert violation(family, module.eval(), dtype) <= allowed, "after a step, in eval mode"

    x = family.inputs(module, dtype)
    twin, other = copy.deepcopy(module), built(family, rep, dtype, seed=5).eval()
    assert violation(family, twin, dtype) <= allowed, "after deepcopy"
    with torch.no_grad():
        torch.testing.assert_close(twin(x), module(x), rtol=0, atol=0)
        for old, new in zip(twin.parameters(), other.parameters(), strict=True):
            old.lerp_(new, 0.5)
        averaged = twin(x)
    assert violation(family, twin, dtype) <= allowed, "after Polyak averaging into an eval-mode copy"
    # With gradients on, nothing that was kept is used: what was kept of the old weights must not have survived.
    torch.testing.assert_close(averaged, twin(x).detach(), rtol=0, atol=allowed)

    with torch.no_grad():
        other(x)
        other.load_state_dict(module.state_dict())
        torch.testing.assert_close(other(x), module(x), rtol=0, atol=0)
    assert violation(family, other, dtype) <= allowed, "after load_state_dict"
    assert violation(family, module.double(), torch.float64) <= ALLOWED[torch.float64], "after .double()"


@NAMES
def test_a_wrong_output_fails_the_check(network_reps: tuple[Rep, Rep], name: str) -> None:
    """The first negative control: one coordinate is moved by 1e-2."""
    family = FAMILIES[name]
    module = built(family, network_reps[0].group.regular, torch.float64)
    assert violation(family, module, torch.float64) <= 1e-12
    assert violation(family, module, torch.float64, lambda x: family.add_to_a_coordinate(module(x))) > 1e-4


@NAMES
def test_wrong_parameters_fail_the_check(network_reps: tuple[Rep, Rep], name: str) -> None:
    """The second negative control: the same weights, no longer tied, moved by about 1e-2 each."""
    family = FAMILIES[name]
    module = built(family, network_reps[0].group.regular, torch.float64)
    untied, generator = whole_copy(module), torch.Generator().manual_seed(0)
    pairs = [
        (a, b)
        for a, b in zip(untied.modules(), module.modules(), strict=True)
        if isinstance(a, FreeTensor) and isinstance(b, FreeTensor)
    ]
    if not pairs:
        assert not list(module.parameters())
        return
    for whole, tied in pairs:
        whole.assign(tied().detach())
    assert violation(family, untied, torch.float64) <= 1e-12
    for whole, _ in pairs:
        with torch.no_grad():
            whole.theta.add_(1e-2 * torch.randn(whole.theta.shape, generator=generator, dtype=torch.float64))
    assert violation(family, untied, torch.float64) > 1e-5


def paths(module: nn.Module) -> list[FreeTensor]:
    """The free tensors of the free paths."""
    layers = [layer for layer in module.modules() if isinstance(layer, ResidualPathwayLinear)]
    return [tensor for layer in layers for tensor in (layer.path_weight, layer.path_bias) if tensor is not None]


@pytest.mark.parametrize("name", list(APPROXIMATE))
def test_free_paths_alone_break_equivariance(life: tuple[Rep, torch.dtype], name: str) -> None:
    (rep, dtype), family = life, APPROXIMATE[name]
    fresh = family.build(rep, generator=torch.Generator().manual_seed(0), dtype=dtype)
    assert all(not tensor.theta.any() for tensor in paths(fresh))
    assert violation(family, fresh, dtype) <= ALLOWED[dtype], "at the start"
    module = built(family, rep, dtype)
    if not rep.is_trivial or (name == "ResidualPathwayLinear" and rep.group.order > 1):
        assert violation(family, module, dtype) > 1e-3, "negative control: free paths that are not zero"
    with torch.no_grad():
        for tensor in paths(module):
            tensor.theta.zero_()
    assert violation(family, module, dtype) <= ALLOWED[dtype], "all other parameters are moved, the free paths zero"
    assert violation(family, module.eval(), dtype) <= ALLOWED[dtype]


def forms() -> dict[str, Rep]:
    """Signed permutations, orthogonal and invertible matrices, for what costs too much over every representation."""
    c4, c3 = groups.cyclic(4), groups.cyclic(3)
    turn = Rep.from_generators(c4, [[[0, -1], [1, 0]]])
    third = Rep.from_generators(c3, [[[-0.5, -(0.75**0.5)], [0.75**0.5, -0.5]]])
    skew = Rep.from_generators(c3, [[[0, -1], [1, -1]]])
    return {"permutation": c4.regular, "signed": turn + c4.regular, "orthogonal": 2 * third + c3.regular, "invertible": skew}


@pytest.fixture(params=list(forms()))
def form(request: pytest.FixtureRequest, name: str) -> Rep:
    rep = forms()[request.param]
    if ALL_FAMILIES[name].refuses(rep):
        rep = rep.group.regular
    return rep


# Orthogonal matrices take the longest way through a layer; the other kinds are slow.
ONE_FORM = pytest.mark.parametrize(
    "form",
    ["orthogonal", *[pytest.param(kind, marks=pytest.mark.slow) for kind in ("permutation", "signed", "invertible")]],
    indirect=True,
)


@ONE_FORM
@pytest.mark.parametrize(
    "name", [name if place % 4 == 0 else pytest.param(name, marks=pytest.mark.slow) for place, name in enumerate(ALL_FAMILIES)]
)
def test_torch_compile_takes_the_full_graph(form: Rep, name: str) -> None:
    family = ALL_FAMILIES[name]
    module = built(family, form, torch.float64)
    x = family.inputs(module, torch.float64)
    torch.compiler.reset()
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x), module(x))
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), module(x))


@ONE_FORM
@ALL_NAMES
def test_torch_export_for_any_batch(form: Rep, name: str) -> None:
    """The exported program takes batches of another size (for a single set: another number of tokens)."""
    family = ALL_FAMILIES[name]
    module = built(family, form, torch.float64).eval()
    x, axis = family.inputs(module, torch.float64), 1 if name == "GRU" else 0  # a sequence is unrolled
    larger = torch.cat([x, x.flip(0)], dim=axis)
    with torch.no_grad():
        exported = torch.export.export(module, (x,), dynamic_shapes=({axis: torch.export.Dim("batch")},)).module()
        torch.testing.assert_close(exported(x), module(x))
        torch.testing.assert_close(exported(larger), module(larger))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@ALL_NAMES
@DTYPES
def test_on_cuda(form: Rep, name: str, dtype: torch.dtype) -> None:
    family = ALL_FAMILIES[name]
    module = built(family, form, dtype)
    x = family.inputs(module, dtype)
    expected = module(x)
    torch.testing.assert_close(module.cuda()(x.cuda()).cpu(), expected, rtol=10 * ALLOWED[dtype], atol=10 * ALLOWED[dtype])
    if name in FAMILIES:
        assert violation(family, module, dtype, lambda x: module(x.cuda()).cpu()) <= ALLOWED[dtype]


@ALL_NAMES
def test_autocast_to_bfloat16(form: Rep, name: str) -> None:
    family = ALL_FAMILIES[name]
    module = built(family, form, torch.float32)
    x = family.inputs(module, torch.float32).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = module(x)
        y.float().square().mean().backward()
    torch.testing.assert_close(y.float(), module(x), rtol=0.1, atol=0.1)
    for parameter in module.parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all()


@ALL_NAMES
def test_any_batch_shape(form: Rep, name: str) -> None:
    """The layer acts on each element of a batch alone (sets and sequences: on each set or sequence)."""
    family = ALL_FAMILIES[name]
    module = built(family, form, torch.float64)
    x = family.inputs(module, torch.float64)
    with torch.no_grad():
        y = module(x)
        if name == "GRU":  # time comes first
            torch.testing.assert_close(module(x.unflatten(1, (1, 3))).squeeze(1), y)
        else:
            torch.testing.assert_close(module(x.unsqueeze(0).unsqueeze(0)), y.unsqueeze(0).unsqueeze(0))
            for place in range(len(x)) if len(family.before) > 1 or "Set" not in name else ():
                torch.testing.assert_close(module(x[place]), y[place])


# torch has no batching rule for its flash attention on CPUs, and loops over the stack: right, and slower.
@pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")
@ALL_NAMES
def test_a_stack_of_layers_under_vmap(form: Rep, name: str) -> None:
    """Many seeds at once: `torch.func.stack_module_state`, `functional_call` and `vmap`."""
    family = ALL_FAMILIES[name]
    modules = [built(family, form, torch.float64, seed) for seed in range(3)]
    parameters, buffers = torch.func.stack_module_state(modules)
    if not parameters:
        return
    x = torch.stack([family.inputs(modules[0], torch.float64, seed) for seed in range(3)])
    call = torch.vmap(lambda p, b, v: torch.func.functional_call(modules[0], (p, b), (v,)))
    expected = torch.stack([module(v) for module, v in zip(modules, x, strict=True)])
    torch.testing.assert_close(call(parameters, buffers, x), expected)
    with torch.no_grad():
        torch.testing.assert_close(call(parameters, buffers, x), expected)


# The inductor itself uses what torch deprecates.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("form", ["permutation", "orthogonal"], indirect=True)
@pytest.mark.parametrize("name", ["GRU", "SetAttention masked", "MLP layer", "MLP rms", "SetPool max", "LayerNorm"])
def test_compiled_to_machine_code(form: Rep, name: str) -> None:
    family = ALL_FAMILIES[name]
    module = built(family, form, torch.float64)
    x = family.inputs(module, torch.float64)
    torch.compiler.reset()
    torch.testing.assert_close(torch.compile(module, fullgraph=True)(x), module(x))
