import pytest
import torch
from torch import nn
from torch.nn import functional as F

from symmdp import Representation, groups
from symmdp.errors import ActivationError
from symmdp.nn import CReLU, NormActivation, Pointwise
from symmdp.representations import Kind
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
