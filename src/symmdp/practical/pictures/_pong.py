from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from symmdp.errors import MissingExtraError
from symmdp.practical.pictures._picture import GREEN, INK, SKY, Picture, arrow, halo, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FIELD = slice(34, 194)  # rows of the screen between the scores above and the border below
_FIELD_PAINT = np.array([144, 72, 17])
_HEIGHTS = (0.299, 0.587, 0.114)  # of red, green and blue in a grey


def pong_screens(count: int = 4, *, steps: int = 150, seed: int = 0) -> NDArray[np.uint8]:
    """The last screens of a short game of Pong, shape `(count, 210, 160, 3)`; the paddle moves up and down.

    Args:
        count: of screens, each two frames after the one before.
        steps: frames that are played before.
        seed: of the game.

    Raises:
        MissingExtraError: ale-py is not installed.
    """
    try:
        import ale_py
        import gymnasium as gym
    except ModuleNotFoundError:
        raise MissingExtraError("Pong needs ale-py, which is not installed. Try: pip install 'symmdp[atari]'") from None
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)  # no banner
    gym.register_envs(ale_py)
    env = gym.make("ALE/Pong-v5", frameskip=1, repeat_action_probability=0.0)
    screen, _ = env.reset(seed=seed)
    played = []
    for step in range(steps + 2 * count):
        played.append(screen)
        screen, *_ = env.step((2, 0, 3, 0)[step // 6 % 4])
    env.close()
    return np.stack(played[-2 * count :: 2])


def pong_field(screens: NDArray) -> NDArray[np.float32]:
    """The field of Pong's screens as a network takes it: grey, 80 × 80, 0 where there is only the field's paint.

    Args:
        screens: shape `(frames, 210, 160, 3)`.

    Returns:
        shape `(frames, 80, 80)`, values from −1 to 1.

    Source: van der Pol et al. 2020, appendix (Pong): the frames are cropped to the field and made smaller.
    """
    field = (screens[:, _FIELD].astype(np.float64) - _FIELD_PAINT) @ np.array(_HEIGHTS) / 255
    # A mean over 2 × 2 pixels: taking every second row would not commute with the flip.
    return field.reshape(len(field), 80, 2, 80, 2).mean(axis=(2, 4)).astype(np.float32)


def pong_flip(action: int = 2) -> Picture:
    """A screen of Pong and the same with its field upside down, with an action and its image.

    Args:
        action: 2 (RIGHT) moves the paddle up and 3 (LEFT) down.

    Raises:
        MissingExtraError: ale-py or matplotlib is not installed.
    """
    screen = pong_screens(1, steps=70)[0]
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
