import copy

import pytest
import torch

from symmdp import Representation, groups
from symmdp.errors import ActivationError
from symmdp.groups import Group
from symmdp.nn import EquivariantLinear, FourierActivation
from symmdp.representations import irreps, plane, rotations
from symmdp.testing import assert_equivariant, equivariance_error


@pytest.mark.parametrize("function", [torch.relu, torch.tanh, torch.nn.functional.gelu], ids=["relu", "tanh", "gelu"])
def test_equivariant_for_every_kind(rep: Representation, function) -> None:
    layer = FourierActivation(rep, function)
    assert_equivariant(layer, rep, rep, dtype=torch.float32)
    assert_equivariant(copy.deepcopy(layer).double(), rep, rep, dtype=torch.float64, tolerance=1e-11)
    assert layer.rep_in is layer.rep_out is rep


def test_equivariant_on_irreducible_representations(group: Group) -> None:
    rep = irreps(group)[-1].rep + irreps(group)[0].rep
    layer = FourierActivation(rep, torch.relu, dtype=torch.float64)
    assert_equivariant(layer, rep, rep, dtype=torch.float64)
    if group.order > 1:  # the negative control: one sample changes its sign
        broken = copy.deepcopy(layer)
        broken.lift[0] *= -1
        assert equivariance_error(broken, rep, rep, dtype=torch.float64) > 1e-3


def test_the_identity_comes_back(rep: Representation) -> None:
    x = torch.randn(3, 5, rep.dim, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for copies in (None, 3 * rep.dim):
        layer = FourierActivation(rep, lambda y: y, copies, dtype=torch.float64)
        torch.testing.assert_close(layer(x), x, atol=1e-11, rtol=0)


@pytest.mark.parametrize("n", [1, 3])
def test_on_regular_representations_it_is_the_function(group: Group, n: int) -> None:
    rep = n * group.regular
    layer = FourierActivation(rep, torch.relu, dtype=torch.float64)
    assert layer.copies == n
    x = torch.randn(7, rep.dim, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(layer(x), x.relu(), atol=1e-12, rtol=0)


def test_samples_have_unit_variance() -> None:
    group = groups.dihedral(5)
    for rep in (group.trivial + 3 * plane(group), plane(group), 4 * plane(group) + 2 * plane(group, 2)):
        layer = FourierActivation(rep, torch.relu, dtype=torch.float64)
        torch.testing.assert_close(layer.lift.norm(dim=1), torch.ones(len(layer.lift), dtype=torch.float64))


def test_a_rotated_vector_in_space() -> None:
    group = groups.icosahedral()
    rep = 2 * rotations(group)
    layer = torch.nn.Sequential(EquivariantLinear(rep, rep), FourierActivation(rep, torch.relu)).double()
    assert_equivariant(layer, rep, rep, dtype=torch.float64)
    for parameter in layer.parameters():
        assert parameter.requires_grad
    layer(torch.ones(rep.dim, dtype=torch.float64)).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in layer.parameters())


def test_buffers_are_exact_after_casts_and_never_saved() -> None:
    group = groups.cyclic(5)
    layer = FourierActivation(plane(group), torch.relu)
    assert layer.state_dict() == {}
    exact = FourierActivation(plane(group), torch.relu, dtype=torch.float64)
    torch.testing.assert_close(layer.half().double().lift, exact.lift, atol=0, rtol=0)
    assert layer(torch.ones(2, dtype=torch.float64)).dtype == torch.float64


def test_what_breaks_raises() -> None:
    group = groups.cyclic(5)
    with pytest.raises(ActivationError, match="not pointwise"):
        FourierActivation(plane(group), lambda x: x.softmax(-1))
    with pytest.raises(ActivationError, match=r"3 times.*only 1 times.*3 copies.*got 2"):
        FourierActivation(3 * plane(group), torch.relu, copies=2)


def test_repr_reads_well() -> None:
    assert "relu, 2 coordinates on 1 × 5 samples" in repr(FourierActivation(plane(groups.cyclic(5)), torch.relu))
