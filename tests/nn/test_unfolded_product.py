"""Tied layers with few rows of input, against the product with the whole weight."""

import copy
import pickle

import pytest
import torch
from torch.nn import functional as F

from symmdp import groups
from symmdp.groups import Group
from symmdp.nn import EquivariantLinear
from symmdp.representations import Representation

GROUPS = [groups.cyclic(2), groups.cyclic(4), groups.dihedral(4), groups.quaternion(), groups.symmetric(3)]


def hidden(group: Group, kind: str) -> Representation:
    """Of dimension 160 or a little more; maps from "mixed" have entries that must vanish."""
    sign = Representation(group, [[[s]] for s in _sign(group)])
    one = {"regular": group.regular, "signed": group.regular * sign, "mixed": group.regular * sign + sign + group.trivial}[kind]
    return -(-160 // one.dim) * one


def _sign(group: Group) -> list[int]:
    """A homomorphism to ±1 that is not trivial, found by trying."""
    for kernel in range(1, 2**group.order - 1):
        values = [-1 if kernel >> g & 1 else 1 for g in group]
        if values[0] == 1 and all(values[g] * values[h] == values[group.multiply(g, h)] for g in group for h in group):
            return values
    raise AssertionError


def layer_between(rep_in: Representation, rep_out: Representation, bias: bool) -> EquivariantLinear:
    generator = torch.Generator().manual_seed(0)
    return EquivariantLinear(rep_in, rep_out, bias, mode="tied", generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
@pytest.mark.parametrize("rows", [0, 1, 3, 40])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind_in", ["regular", "signed", "mixed"])
@pytest.mark.parametrize("kind_out", ["regular", "signed", "mixed"])
def test_it_is_the_product_with_the_whole_weight(group: Group, rows: int, bias: bool, kind_in: str, kind_out: str) -> None:
    layer = layer_between(hidden(group, kind_in), hidden(group, kind_out), bias)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(rows, layer.rep_in.dim, dtype=torch.float64, generator=generator, requires_grad=True)
    outer = torch.randn(rows, layer.rep_out.dim, dtype=torch.float64, generator=generator)
    unfolds = kind_in != "mixed" and (kind_out == "regular" or (kind_out == "signed" and not bias))
    assert (layer.unfolded is not None) == unfolds
    if layer.unfolded is not None:
        assert layer.unfolded.most_rows == layer.rep_in.dim // (2 * group.order)
    y, wanted = layer(x), F.linear(x, layer.weight, layer.bias)
    torch.testing.assert_close(y, wanted)
    variables = [x, *layer.parameters()]
    found = torch.autograd.grad(y, variables, outer)
    for one, other in zip(found, torch.autograd.grad(wanted, variables, outer), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("rows", [2, 200])
def test_second_derivatives_and_single_inputs(rows: int) -> None:
    c4 = groups.cyclic(4)
    layer = layer_between(40 * c4.regular, 40 * c4.regular, True)
    x = torch.randn(rows, 160, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)

    def second(y: torch.Tensor) -> tuple[torch.Tensor, ...]:
        (first,) = torch.autograd.grad(y.sin().sum(), x, create_graph=True)
        return torch.autograd.grad(first.square().sum(), [x, *layer.parameters()])

    for one, other in zip(second(layer(x)), second(F.linear(x, layer.weight, layer.bias)), strict=True):
        torch.testing.assert_close(one, other)
    for variable in (x, *layer.parameters()):  # only one gradient is asked for
        (one,) = torch.autograd.grad(layer(x).sin().sum(), variable)
        (other,) = torch.autograd.grad(F.linear(x, layer.weight, layer.bias).sin().sum(), variable)
        torch.testing.assert_close(one, other)


def test_batches_of_any_shape() -> None:
    c4 = groups.cyclic(4)
    layer = layer_between(40 * c4.regular, 40 * c4.regular, True)
    x = torch.randn(2, 3, 4, 160, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    wanted = F.linear(x, layer.weight, layer.bias)
    torch.testing.assert_close(layer(x), wanted)
    torch.testing.assert_close(layer(x[0, 0, 0]), wanted[0, 0, 0])
    torch.testing.assert_close(layer(x.mT.contiguous().mT), wanted)


def test_copies_compute_the_same_and_share_nothing_that_changes() -> None:
    c4 = groups.cyclic(4)
    layer = layer_between(40 * c4.regular, 40 * c4.regular, True)
    x = torch.randn(2, 160, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    wanted = layer(x)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        torch.testing.assert_close(twin(x), wanted)
        twin.float()
        torch.testing.assert_close(twin(x.float()), wanted.float())
        torch.testing.assert_close(layer(x), wanted)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")  # torch's own call
def test_forward_mode_sees_plain_operations() -> None:
    c2 = groups.cyclic(2)
    layer = layer_between(4 * c2.regular, 4 * c2.regular, True)
    x = torch.randn(3, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.autograd.forward_ad.dual_level():
        y = layer(torch.autograd.forward_ad.make_dual(x, torch.ones_like(x)))
        tangent = torch.autograd.forward_ad.unpack_dual(y).tangent
    torch.testing.assert_close(tangent, F.linear(torch.ones_like(x), layer.weight))
