from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from symmdp.errors import OptionError
from symmdp.maps import EquivariantMaps
from symmdp.mdp import Symmetry
from symmdp.nn import hidden_representation
from symmdp.representations import Representation, coordinate_blocks


def parameter_count(symmetry: Symmetry, hidden: Sequence[int], *, discrete: bool) -> int:
    """The number of free parameters of an `ActorCritic`, from characters alone: no network is built.

    Args:
        symmetry: of the MDP.
        hidden: widths of the hidden layers.
        discrete: whether actions are discrete (Box actions add a log standard deviation).

    Raises:
        SymmetryError: the action map depends on the state.
    """
    action = symmetry.require_action_representation()
    hidden_reps = [hidden_representation(symmetry.group, width) for width in hidden]
    total = sum(_mlp_count([symmetry.observation, *hidden_reps, out]) for out in (action, symmetry.group.trivial))
    if discrete:
        return total
    if not action.kind.is_signed_permutation:
        return total + len(coordinate_blocks(action))
    return total + EquivariantMaps(symmetry.group.trivial, action.absolute).dim


def matched_hidden(symmetry: Symmetry, hidden: Sequence[int], *, discrete: bool) -> tuple[int, ...]:
    """The widths, in the proportions of `hidden`, whose *plain* actor-critic has nearest as many parameters.

    Args:
        symmetry: of the equivariant policy.
        hidden: the equivariant policy's widths.
        discrete: whether actions are discrete.

    Raises:
        SymmetryError: the action map depends on the state.
        OptionError: a width below 1.
    """
    if not hidden:
        return ()
    if min(hidden) < 1:
        raise OptionError(f"A hidden layer has at least one unit; got widths {tuple(hidden)}.")
    plain, wanted = symmetry.restrict_to_trivial(), parameter_count(symmetry, hidden, discrete=discrete)
    # A plain network of the equivariant one's (rounded-up) widths is the largest that can match.
    largest = [hidden_representation(symmetry.group, width).dim for width in hidden]
    widths = {tuple(max(1, round(width * step / largest[0])) for width in largest) for step in range(1, largest[0] + 1)}
    return min(sorted(widths), key=lambda w: abs(parameter_count(plain, w, discrete=discrete) - wanted))


def _mlp_count(reps: Sequence[Representation]) -> int:
    trivial = reps[0].group.trivial
    return sum(EquivariantMaps(before, after).dim + EquivariantMaps(trivial, after).dim for before, after in pairwise(reps))
