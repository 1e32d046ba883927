from collections import OrderedDict

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from symmdp import Representation, groups
from symmdp.errors import ActivationError, OptionError, RepresentationError
from symmdp.nn import EquivariantLinear, EquivariantSequential, NormActivation, Pointwise
from symmdp.testing import assert_equivariant, equivariance_error

C4, C3 = groups.cyclic(4), groups.cyclic(3)
TURN = Representation.from_generators(C4, [[[0, -1], [1, 0]]])
THIRD = Representation.from_generators(C3, [[[-0.5, -(0.75**0.5)], [0.75**0.5, -0.5]]])
FIRST, SECOND = EquivariantLinear(TURN, 2 * C4.regular), EquivariantLinear(2 * C4.regular, TURN)


def test_reads_like_the_plain_one_and_equals_it() -> None:
    network = EquivariantSequential(FIRST, torch.relu, nn.ELU(), SECOND)
    plain = nn.Sequential(FIRST, nn.ReLU(), nn.ELU(), SECOND)
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(network(x), plain(x))
    assert (network.rep_in, network.rep_out) == (TURN, TURN)
    assert [type(module) for module in network] == [EquivariantLinear, Pointwise, Pointwise, EquivariantLinear]
    assert_equivariant(network, TURN, TURN)
    assert list(network.state_dict()) == list(plain.state_dict())


def test_functions_take_the_representation_at_their_place() -> None:
    odd = EquivariantSequential(SECOND, torch.tanh, FIRST)
    assert odd[1].rep_in == TURN
    with pytest.raises(ActivationError, match=r"Module 1 \(ReLU\): ReLU is not odd.*CReLU"):
        EquivariantSequential(SECOND, nn.ReLU(), FIRST)
    with pytest.raises(ActivationError, match=r"Module 1 \(tanh\): No pointwise function is safe.*NormActivation"):
        EquivariantSequential(EquivariantLinear(C3.regular, THIRD), torch.tanh)


def test_a_junction_that_does_not_fit_is_named() -> None:
    with pytest.raises(RepresentationError, match=r"Modules 1 \(Pointwise\) and 2 \(EquivariantLinear\) do not fit: .*8.*2, "):
        EquivariantSequential(FIRST, torch.relu, FIRST)
    with pytest.raises(RepresentationError, match=r"Modules 0 .* and 1 .* do not fit"):
        EquivariantSequential(EquivariantLinear(C3.regular, C3.regular), FIRST)


@pytest.mark.parametrize(
    ("module", "instead"),
    [
        (nn.Linear(8, 8), "EquivariantLinear"),
        (nn.LayerNorm(8), "EquivariantLayerNorm"),
        (nn.RMSNorm(8), "EquivariantRMSNorm"),
        (nn.BatchNorm1d(8), "EquivariantLayerNorm"),
        (nn.GRU(8, 8), "EquivariantGRU"),
        (nn.GRUCell(8, 8), "EquivariantGRUCell"),
        (nn.MultiheadAttention(8, 1), "SetAttention"),
        (nn.Dropout(0.1), "no dropout"),
        (nn.Sequential(nn.ReLU()), "EquivariantSequential"),
        (nn.Conv1d(8, 8, 1), "rep_in and rep_out"),
        (nn.ReLU, "neither a module nor a function"),
        (3, "neither a module nor a function"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else str(value),
)
def test_torch_modules_are_refused_with_what_to_use(module, instead: str) -> None:
    with pytest.raises(RepresentationError, match=rf"Module 1 .*{instead}"):
        EquivariantSequential(FIRST, module, SECOND)


def test_functions_of_several_coordinates_are_refused() -> None:
    with pytest.raises(ActivationError, match=r"Module 1 \(Softmax\): Softmax is not pointwise"):
        EquivariantSequential(FIRST, nn.Softmax(-1))


def test_the_check_would_see_a_wrong_junction() -> None:
    """The negative control: what is refused above is indeed not equivariant."""
    assert equivariance_error(nn.Sequential(SECOND, nn.ReLU(), FIRST), 2 * C4.regular, 2 * C4.regular) > 1e-3
    assert equivariance_error(nn.Sequential(FIRST, nn.Softmax(-1), nn.Linear(8, 2)), TURN, TURN) > 1e-3


def test_names_slices_and_appending() -> None:
    network = EquivariantSequential(OrderedDict(first=FIRST, act=Pointwise(2 * C4.regular, F.silu), second=SECOND))
    assert [name for name, _ in network.named_children()] == ["first", "act", "second"]
    part = network[1:]
    assert isinstance(part, EquivariantSequential)
    assert (part.rep_in, part.rep_out) == (2 * C4.regular, TURN)
    assert part[0] is network[1]
    short = EquivariantSequential(FIRST).append(nn.SiLU()).append(SECOND)
    assert short.rep_out == TURN
    x = torch.ones(1, 2)
    assert torch.equal(short(x), network(x))
    with pytest.raises(RepresentationError, match=r"Modules 2 .* and 3 .* do not fit"):
        short.append(SECOND)
    assert len(short) == 3
    assert len(EquivariantSequential(FIRST).extend([nn.SiLU(), SECOND])) == 3
    with pytest.raises(RepresentationError, match=r"Modules 0 .* and 1 .* do not fit"):
        EquivariantSequential(FIRST).extend([FIRST])


def test_something_must_come_first() -> None:
    with pytest.raises(OptionError, match="at least one module"):
        EquivariantSequential()
    with pytest.raises(RepresentationError, match=r"comes first.*Pointwise\(rep, function\)"):
        EquivariantSequential(torch.relu, SECOND)
    assert EquivariantSequential(NormActivation(THIRD)).rep_out == THIRD
