"""Pong and Breakout: the mirrors of their fields."""

from typing import Literal

from symmdp.catalogue._entry import CatalogueEntry
from symmdp.catalogue.environments._atari_field import BREAKOUT_FIELD, PONG_FIELD, AtariField
from symmdp.groups import cyclic
from symmdp.mdp import Symmetry
from symmdp.representations import Representation, flip, image

_PONG_ACTIONS = ("noop", "fire", "right (up)", "left (down)", "right and fire", "left and fire")
_BREAKOUT_ACTIONS = ("noop", "fire", "right", "left")


def pong_symmetry(frames: int = 4) -> Symmetry:
    """The up–down mirror of Pong on its last `frames` frames, as `field_of` crops and halves them: `(frames, 80, 80)`."""
    return _mirror(PONG_FIELD, "y", frames, _PONG_ACTIONS, (0, 1, 3, 2, 5, 4), "up–down mirror")


def breakout_symmetry(frames: int = 4) -> Symmetry:
    """The left–right mirror of Breakout on its last `frames` frames, as `field_of` crops and halves them."""
    return _mirror(BREAKOUT_FIELD, "x", frames, _BREAKOUT_ACTIONS, (0, 1, 3, 2), "left–right mirror")


def _mirror(
    field: AtariField, coordinate: Literal["x", "y"], frames: int, actions: tuple[str, ...], source: tuple[int, ...], name: str
) -> Symmetry:
    group = cyclic(2)
    height, width = field.shape
    permutation = [[int(j == source[i]) for j in range(len(source))] for i in range(len(source))]
    return Symmetry(
        group,
        image(frames * group.trivial, flip(group, coordinate), height, width),
        Representation.from_generators(group, [permutation], "mirror"),
        observation_names=[
            f"pixel ({i}, {j}) of frame {k}" for k in range(frames) for i in range(height) for j in range(width)
        ],
        action_names=actions,
        element_names=("identity", "mirror"),
        name=name,
    )


_ENGINE = "gymnasium 1.2.2, ale_py 0.12.1"
_PREPROCESSING = "the last 4 frames, each its field in grey, halved by symmdp.catalogue.environments.field_of"

ATARI = (
    CatalogueEntry(
        environment_id="ALE/Pong-v5",
        status="approximate",
        symmetry=pong_symmetry(),
        error=0.19,
        median_error=0.60,
        engine=_ENGINE,
        preprocessing=_PREPROCESSING,
        notes="the field is mirrored up and down, and right changes places with left. Nothing differs, statistically, in the "
        "positions of ball and paddles in 8,000 steps of random play, and episodes begin with an empty field; but the agent's "
        "paddle shows 6 rows at its upper end and 4 at its lower one, and rests 10 rows above the middle. The left–right "
        "mirror is none: it exchanges the players",
    ),
    CatalogueEntry(
        environment_id="symmdp/Pong-v0",
        status="approximate",
        symmetry=pong_symmetry(),
        error=0.15,
        median_error=0.77,
        breaks=("initial states",),
        engine=_ENGINE,
        notes="Pong as the paper prepares it: what is said of ALE/Pong-v5 holds here, without actions that repeat by chance; "
        "but most episodes begin after some steps without action, with the agent's paddle where it rests, above the middle",
    ),
    CatalogueEntry(
        environment_id="ALE/Breakout-v5",
        status="approximate",
        symmetry=breakout_symmetry(),
        error=0.056,
        median_error=0.53,
        breaks=("observation", "initial states"),
        engine=_ENGINE,
        preprocessing=_PREPROCESSING,
        notes="the field is mirrored left and right, and the actions with it. Walls and bricks mirror to the pixel; but the "
        "paddle starts right of the middle and shows 16 columns at its left end and 8 at its right one, and of 166 serves of "
        "random play 104 came from the left, on paths a pixel off those from the right, so that the next position of the ball "
        "differs in 15 of 16 tests of 8,000 steps",
    ),
)
