"""Pong: the field mirrored up and down, and the paddle's two directions with it."""

from symmdp.catalogue.environments._atari_field import PONG_FIELD
from symmdp.catalogue.environments._pong import STACK
from symmdp.catalogue.environments._pong_games import ACTIONS
from symmdp.groups import cyclic
from symmdp.mdp import Symmetry
from symmdp.representations import Representation, flip, image

_MIRRORED = (0, 1, 3, 2, 5, 4)  # right moves the paddle up, and left moves it down


def pong_symmetry() -> Symmetry:
    """The symmetry of `symmdp/Pong-v0`: the field is mirrored up and down, and right and left change places.

    It is approximate: the paddles are drawn differently at their upper and lower ends, and the computer's paddle follows the
    ball by rules that are not quite alike for both directions.

    Source: van der Pol et al. 2020, section 6 (Pong).
    """
    group = cyclic(2)
    exchange = [[int(_MIRRORED[column] == row) for column in range(len(ACTIONS))] for row in range(len(ACTIONS))]
    return Symmetry(
        group,
        image(STACK * group.trivial, flip(group, "y"), *PONG_FIELD.shape),
        Representation.from_generators(group, [exchange], "right and left"),
        action_names=ACTIONS,
        element_names=("identity", "up–down mirror"),
        name="up–down mirror",
    )
