import pytest
import torch
from torch import nn
from torch.nn import functional as F

from symmdp import Representation, groups
from symmdp.errors import ActivationError
from symmdp.nn import CReLU, GatedActivation, NormActivation, Pointwise, allowed_activations
from symmdp.representations import Kind, coordinate_blocks
from symmdp.testing import assert_equivariant, equivariance_error

ODD = {
    "tanh": torch.tanh,
    "softsign": F.softsign,
    "sin": torch.sin,
    "hardtanh": nn.Hardtanh(),
    "cube": lambda x: x**3,
}
OTHERS = {
    "relu": torch.relu,
    "elu": F.elu,
    "silu": F.silu,
    "abs": torch.abs,
    "cos": torch.cos,
    "prelu": nn.PReLU(),
    "gelu": nn.GELU(),
    "sigmoid": torch.sigmoid,
}


@pytest.mark.parametrize("name", [*ODD, *OTHERS])
def test_what_is_allowed_is_equivariant_and_what_breaks_raises(rep: Representation, name: str) -> None:
    function = (ODD | OTHERS)[name]
    allowed = rep.kind is Kind.PERMUTATION or (name in ODD and rep.kind is Kind.SIGNED_PERMUTATION)
    if allowed:
        assert_equivariant(Pointwise(rep, function), rep, rep, dtype=torch.float32)
    else:
        with pytest.raises(ActivationError, match=r"Use (an odd function|(NormActivation, )?GatedActivation)"):
            Pointwise(rep, function)
        assert equivariance_error(function, rep, rep, dtype=torch.float32) > 1e-3


@pytest.mark.parametrize(
    "function",
    [lambda x: x.softmax(-1), lambda x: x - x.mean(), lambda x: x.cumsum(-1), lambda x: x[:1]],
    ids=["softmax", "centre", "cumsum", "first"],
)
def test_functions_that_are_not_pointwise_are_refused(function) -> None:
    with pytest.raises(ActivationError, match="not pointwise"):
        Pointwise(groups.cyclic(3).regular, function)


def test_a_random_function_is_refused() -> None:
    generator = torch.Generator().manual_seed(0)
    with pytest.raises(ActivationError, match="chance"):
        Pointwise(groups.cyclic(3).regular, lambda x: x * torch.rand(x.shape, generator=generator))


def test_relu_on_a_sign_representation_says_what_to_use() -> None:
    c2 = groups.cyclic(2)
    sign = Representation(c2, [[[1]], [[-1]]])
    with pytest.raises(ActivationError, match=r"relu is not odd.*tanh.*CReLU.*regular"):
        Pointwise(sign, torch.relu)


def test_crelu_lifts_to_a_permutation(rep: Representation) -> None:
    if not rep.kind.is_signed_permutation:
        with pytest.raises(ActivationError, match="NormActivation"):
            CReLU(rep)
        return
    layer = CReLU(rep)
    assert layer.rep_out.kind is Kind.PERMUTATION
    Representation(rep.group, layer.rep_out.matrices)  # a homomorphism
    assert_equivariant(layer, rep, layer.rep_out, dtype=torch.float64)


def test_norm_activation(rep: Representation) -> None:
    if not rep.kind.is_orthogonal:
        with pytest.raises(ActivationError, match="orthogonal"):
            NormActivation(rep)
        return
    layer = NormActivation(rep)
    assert_equivariant(layer, rep, rep, dtype=torch.float64)
    x = torch.randn(4, rep.dim, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(layer(x).norm(dim=-1), x.norm(dim=-1).tanh())
    assert not layer(torch.zeros(rep.dim)).any()


def test_norm_activation_by_blocks(rep: Representation) -> None:
    if not rep.kind.is_orthogonal:
        with pytest.raises(ActivationError, match="orthogonal"):
            NormActivation(rep, blocks=True)
        return
    layer = NormActivation(rep, blocks=True)
    x = torch.randn(4, rep.dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    wanted = torch.zeros_like(x)
    for block in map(torch.from_numpy, coordinate_blocks(rep)):
        length = x[:, block].norm(dim=-1, keepdim=True)
        wanted[:, block] = length.tanh() / length * x[:, block]
    torch.testing.assert_close(layer(x), wanted)
    zeros = torch.zeros(rep.dim, requires_grad=True)
    layer(zeros).sum().backward()
    assert zeros.grad is not None
    torch.testing.assert_close(zeros.grad, torch.ones(rep.dim))  # tanh(r) / r goes to 1


def test_blocks_of_one_coordinate_have_the_pointwise_function() -> None:
    c2 = groups.cyclic(2)
    sign = Representation(c2, [[[1]], [[-1]]])
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(NormActivation(3 * sign, blocks=True)(x), x.tanh())


def test_lengths_are_taken_in_float32() -> None:
    rep = 1000 * groups.cyclic(2).regular
    x = torch.full((2000,), 100.0)
    for blocks in (True, False):
        y = NormActivation(rep, lambda r: 2 * r, blocks=blocks)(x.half())
        torch.testing.assert_close(y, 2 * x.half())


def test_gates_multiply_blocks(rep: Representation) -> None:
    """Every kind: an invariant number times a block commutes with every matrix."""
    layer = GatedActivation(rep)
    blocks = [torch.from_numpy(block) for block in coordinate_blocks(rep)]
    assert layer.rep_out == rep
    assert layer.rep_in == rep + len(blocks) * rep.group.trivial
    assert_equivariant(layer, layer.rep_in, rep, dtype=torch.float64)
    x = torch.randn(4, layer.rep_in.dim, generator=torch.Generator().manual_seed(0))
    y = layer(x)
    for k, block in enumerate(blocks):
        torch.testing.assert_close(y[:, block], x[:, block] * x[:, rep.dim + k, None].sigmoid())


def test_a_gate_for_each_coordinate_would_break_equivariance(rep: Representation) -> None:
    """The negative control of gates: coordinates that the group mixes must share one."""
    if max(len(block) for block in coordinate_blocks(rep)) == 1:
        return
    wrong = rep + rep.dim * rep.group.trivial

    def each(x: torch.Tensor) -> torch.Tensor:
        return x[..., : rep.dim] * x[..., rep.dim :].sigmoid()

    assert equivariance_error(each, wrong, rep, dtype=torch.float64) > 1e-3


def test_what_is_allowed_can_be_built_and_nothing_else(rep: Representation) -> None:
    builders = {
        "Pointwise": lambda: Pointwise(rep, torch.tanh),
        "CReLU": lambda: CReLU(rep),
        "NormActivation": lambda: NormActivation(rep),
        "GatedActivation": lambda: GatedActivation(rep),
    }
    allowed = allowed_activations(rep)
    for name, build in builders.items():
        if name in allowed:
            assert len(allowed[name]) > 20
            build()
        else:
            with pytest.raises(ActivationError):
                build()
    assert set(allowed) <= set(builders)
    assert ("any function" in allowed.get("Pointwise", "")) == (rep.kind is Kind.PERMUTATION)


@pytest.mark.parametrize("module", [nn.Dropout(0.001), nn.Sequential(nn.ReLU(), nn.Dropout(0.5)).eval(), nn.RReLU().eval()])
def test_chance_in_training_alone_is_refused(module: nn.Module) -> None:
    with pytest.raises(ActivationError, match="chance"):
        Pointwise(groups.cyclic(3).regular, module)
    assert isinstance(Pointwise(groups.cyclic(3).regular, nn.ReLU().eval()).function, nn.ReLU)


def test_probing_leaves_the_random_state_and_the_module_alone() -> None:
    before, module = torch.random.get_rng_state(), nn.RReLU().eval()
    with pytest.raises(ActivationError):
        Pointwise(groups.cyclic(3).regular, module)
    with pytest.raises(ActivationError):
        Pointwise(groups.cyclic(3).regular, lambda x: x * torch.rand(x.shape))
    assert torch.equal(before, torch.random.get_rng_state())
    assert not module.training
