from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from symmdp.errors import OptionError
from symmdp.maps import EquivariantMaps
from symmdp.mdp import Symmetry
from symmdp.nn import hidden_representation
from symmdp.policies._convolutions import Convolutions
from symmdp.representations import ImageRepresentation, Representation, coordinate_blocks

_SCALES = 512  # sizes between nothing and the equivariant network's, from which the plain one's is chosen


def parameter_count(
    symmetry: Symmetry, hidden: Sequence[int], *, discrete: bool, convolutions: Convolutions | None = None
) -> int:
    """The number of free parameters of an `ActorCritic`, from characters alone: no network is built.

    Args:
        symmetry: of the MDP.
        hidden: widths of the hidden layers.
        discrete: whether actions are discrete (Box actions add a log standard deviation).
        convolutions: before the hidden layers, where observations are images; `Convolutions()` when not given.

    Raises:
        SymmetryError: the action map depends on the state.
        ShapeError: images do not fit the convolutions.
    """
    action = symmetry.require_action_representation()
    value = symmetry.group.trivial
    hidden_reps = [hidden_representation(symmetry.group, width) for width in hidden]
    convolutions = convolutions or Convolutions()
    first, kernels = symmetry.observation, 0
    if isinstance(symmetry.observation, ImageRepresentation):
        maps, first = convolutions.maps(symmetry.observation)
        kernels = sum(_layer_count(*between) for between in maps)
    if isinstance(symmetry.observation, ImageRepresentation) and convolutions.shared and hidden:
        total = kernels + _mlp_count([first, *hidden_reps]) + sum(_layer_count(hidden_reps[-1], out) for out in (action, value))
    else:
        total = sum(kernels + _mlp_count([first, *hidden_reps, out]) for out in (action, value))
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


def matched_sizes(
    symmetry: Symmetry, hidden: Sequence[int], convolutions: Convolutions | None = None, *, discrete: bool
) -> tuple[tuple[int, ...], Convolutions]:
    """`matched_hidden` for policies of images: widths and channels are scaled alike.

    Args:
        symmetry: of the equivariant policy.
        hidden: the equivariant policy's widths.
        convolutions: the equivariant policy's; `Convolutions()` when not given.
        discrete: whether actions are discrete.

    Returns:
        the plain policy's widths and convolutions.

    Raises:
        SymmetryError: the action map depends on the state.
        OptionError: a width below 1.
        ShapeError: images do not fit the convolutions.
    """
    convolutions = convolutions or Convolutions()
    plain = symmetry.restrict_to_trivial()
    wanted = parameter_count(symmetry, hidden, discrete=discrete, convolutions=convolutions)
    order, count = symmetry.group.order, len(convolutions.channels)
    largest = [-(-width // order) * order for width in (*convolutions.channels, *hidden)]

    def scaled(step: int) -> tuple[tuple[int, ...], Convolutions]:
        sizes = tuple(max(1, round(width * step / _SCALES)) for width in largest)
        return sizes[count:], replace(convolutions, channels=sizes[:count])

    def missed(step: int) -> int:
        widths, narrower = scaled(step)
        return parameter_count(plain, widths, discrete=discrete, convolutions=narrower) - wanted

    # The count grows with the scale: halve the interval in which it passes what is wanted.
    low, high = 1, _SCALES
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if missed(middle) >= 0 else (middle, high)
    return scaled(min((low, high), key=lambda step: abs(missed(step))))


def _layer_count(before: Representation, after: Representation) -> int:
    return EquivariantMaps(before, after).dim + EquivariantMaps(before.group.trivial, after).dim


def _mlp_count(reps: Sequence[Representation]) -> int:
    return sum(_layer_count(before, after) for before, after in pairwise(reps))
