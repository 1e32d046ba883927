"""Pong's flip, as a symmetry of four frames and six actions."""

from __future__ import annotations

import numpy as np

from symmdp.errors import SymmdpError
from symmdp.mdp import Symmetry
from symmdp.practical._answers import by_name, choice, fail
from symmdp.representations import Representation

_SHAPE = (4, 80, 80)
_ACTIONS = ("NOOP", "FIRE", "RIGHT", "LEFT", "RIGHTFIRE", "LEFTFIRE")
_AFTER = (0, 1, 3, 2, 5, 4)


def pong_symmetry(symmetry: object) -> str:
    """The up–down flip of four frames, with up and down exchanged."""
    if not isinstance(symmetry, Symmetry):
        fail(f"pong_symmetry should be a symmdp.Symmetry; it is a {type(symmetry).__name__}.")
    if symmetry.group.order != 2:
        fail(f"The group has {symmetry.group.order} elements; the flip and the identity are two: groups.cyclic(2).")
    if symmetry.observation_shape != _SHAPE:
        fail(f"Observations have the shape {symmetry.observation_shape}; expected {_SHAPE}: frames, height, width.")
    if not isinstance(symmetry.action, Representation) or symmetry.action.dim != 6:
        fail("The action representation should be a Representation of 6 dimensions, one for each action of Pong.")
    frames = np.random.default_rng(0).normal(size=_SHAPE)
    _frames(frames, symmetry.transform_observation(1, frames))
    matrix = np.asarray(symmetry.action(1), dtype=np.float64)
    expected = np.eye(6)[list(_AFTER)].T
    if np.allclose(matrix, np.eye(6)):
        fail("Your flip leaves all actions alone; upside down, RIGHT (up) becomes LEFT (down).")
    for a in range(6):
        if np.allclose(matrix[:, a], expected[:, a]):
            continue
        if _AFTER[a] == a:
            fail(f"Your flip moves {_ACTIONS[a]}, which looks the same upside down.")
        fail(f"Your flip does not take {_ACTIONS[a]} ({a}) to {_ACTIONS[_AFTER[a]]} ({_AFTER[a]}).")
    try:
        symmetry.require_action_representation()
    except SymmdpError as error:
        fail(f"The symmetry cannot be used: {error}")
    return "The field turns upside down, and up and down change places."


def _frames(frames: np.ndarray, found: np.ndarray) -> None:
    if np.allclose(found, frames[:, ::-1]):
        return
    said = {
        "it leaves the frames alone; flip the rows, flip(c2, 'y')": frames,
        "it mirrors left and right, which exchanges the players. Pong is played up and down: flip(c2, 'y')": frames[:, :, ::-1],
        "it turns the frames by half a turn; only rows change places": frames[:, ::-1, ::-1],
        "it reverses the order of the frames, which is time; channels stay: 4 * c2.trivial": frames[::-1],
        "it reverses the order of the frames besides, which is time; channels stay: 4 * c2.trivial": frames[::-1, ::-1],
        "it changes signs: light would become dark; channels stay: 4 * c2.trivial": -frames[:, ::-1],
    }
    for words, image in said.items():
        if np.allclose(found, image):
            fail(f"Your flip does not do the right thing to the frames: {words}.")
    fail("Your flip does not turn the frames upside down: row i should come from row 79 − i, in each of the four frames.")


_BREAKS = {
    "the scores above the field": (
        "only if they are seen",
        "they stay above the field when the field is flipped, unless they are cut off",
    ),
    "the paddle at the ends of its range": ("a little", "the paddle shows 6 rows at one end and 4 at the other"),
    "a left-right mirror": ("it is no symmetry", "it exchanges the players, and with them who wins the point"),
}
_OPTIONS = ("only if they are seen", "a little", "it is no symmetry", "not at all")


def pong_breaks(breaks: object) -> str:
    """What breaks the symmetry of Pong, and how much."""
    found = by_name(breaks, "breaks", list(_BREAKS))
    for name, (right, why) in _BREAKS.items():
        if choice(found[name], f"breaks[{name!r}]", _OPTIONS) != right:
            fail(f"{name}: {why}; so {right!r}.")
    return "A symmetry of the game is not always one of the picture."
