import pytest
import torch
from torch import nn

from symmdp import Representation, groups
from symmdp.errors import RepresentationError
from symmdp.nn import EquivariantLinear, Residual
from symmdp.testing import assert_equivariant, equivariance_error

C4 = groups.cyclic(4)
TURN = Representation.from_generators(C4, [[[0, -1], [1, 0]]])
X = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))


def linear(rep_in: Representation, rep_out: Representation, seed: int = 0) -> EquivariantLinear:
    return EquivariantLinear(rep_in, rep_out, generator=torch.Generator().manual_seed(seed))


def test_the_input_is_added() -> None:
    layer = linear(TURN, TURN)
    block = Residual(layer)
    assert block.rep_in == block.rep_out == TURN
    torch.testing.assert_close(block(X), X + layer(X))
    assert_equivariant(block, TURN, TURN)


def test_a_projection_joins_different_representations() -> None:
    layer, projection = linear(TURN, C4.regular), linear(TURN, C4.regular, seed=1)
    block = Residual(layer, projection)
    torch.testing.assert_close(block(X), projection(X) + layer(X))
    assert_equivariant(block, TURN, C4.regular)


def test_a_projection_that_is_not_equivariant_fails_the_check() -> None:
    """The negative control."""
    block = Residual(linear(TURN, TURN))
    block.projection = nn.Linear(2, 2)
    assert equivariance_error(block, TURN, TURN) > 1e-3


def test_what_does_not_fit_is_refused(rep: Representation) -> None:
    other = rep + rep.group.trivial
    with pytest.raises(RepresentationError, match=r"transform alike.*projection=EquivariantLinear"):
        Residual(linear(rep, other))
    with pytest.raises(RepresentationError, match="projection must map"):
        Residual(linear(rep, other), linear(rep, rep))
    with pytest.raises(RepresentationError, match=r"Linear has none.*EquivariantSequential"):
        Residual(nn.Linear(2, 2))
