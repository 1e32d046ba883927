from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symmdp.catalogue.environments import PONG_FIELD
from symmdp.mdp import make_environment
from symmdp.practical.pictures._picture import GREEN, INK, SKY, Picture, arrow, halo, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FIELD = slice(*PONG_FIELD.rows)


def pong_frames(steps: int = 40, *, seed: int = 0) -> NDArray[np.uint8]:
    """Four frames of a short game, as `symmdp/Pong-v0` shows them: shape `(4, 80, 80)`; the paddle moves up and down.

    Args:
        steps: that are played before.
        seed: of the game.

    Raises:
        MissingExtraError: ale-py is not installed.
    """
    return _played(steps, seed)[0]


def _played(steps: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The observation and the whole screen after some steps."""
    env = make_environment("symmdp/Pong-v0")
    observation, _ = env.reset(seed=seed)
    for step in range(steps):
        observation, *_ = env.step((2, 0, 3, 0)[step // 2 % 4])
    game: Any = env.unwrapped
    screen = game.screen()
    env.close()
    return observation, screen


def pong_flip(action: int = 2) -> Picture:
    """A screen of Pong and the same with its field upside down, with an action and its image.

    Args:
        action: 2 (RIGHT) moves the paddle up and 3 (LEFT) down.

    Raises:
        MissingExtraError: ale-py or matplotlib is not installed.
    """
    _, screen = _played(24, seed=0)
    flipped = screen.copy()
    flipped[_FIELD] = screen[_FIELD][::-1]
    figure = new_figure(9.5, 4.6)
    for axes, picture, shown, title in zip(
        figure.subplots(1, 2),
        (screen, flipped),
        (action, 5 - action),
        ("a screen $s$", "its field upside down, $L_g s$"),
        strict=True,
    ):
        axes.imshow(picture, interpolation="nearest", aspect=0.78)
        axes.axhline(_FIELD.start - 0.5, color=SKY, linewidth=1.5, linestyle=(0, (4, 3)))
        axes.axhline(_FIELD.stop - 0.5, color=SKY, linewidth=1.5, linestyle=(0, (4, 3)))
        _paddle_arrow(axes, picture, shown)
        axes.set_title(title, fontsize=13, color=INK)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
    figure.supxlabel(
        "between the dashed lines: the field, which is all that is flipped; the scores above it stay", fontsize=11, color=INK
    )
    return Picture(figure, "a screen of Pong and the same with its field upside down")


def _paddle_arrow(axes: Axes, picture: NDArray, action: int) -> None:
    rows = np.flatnonzero((picture[_FIELD, 140:144] == (92, 186, 92)).all(axis=2).any(axis=1)) + _FIELD.start
    middle, way = float(rows.mean()), -1 if action == 2 else 1
    style = arrow("white", 4.5, 0.5)
    axes.annotate("", (142, middle + way * 36), (142, middle + way * 9), arrowprops=style)
    name = "2 RIGHT: up" if action == 2 else "3 LEFT: down"
    axes.text(
        134, middle + way * 24, name, ha="right", va="center", fontsize=13, fontweight="bold", color=GREEN, path_effects=halo()
    )
