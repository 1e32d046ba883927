"""A cart with its pole, drawn to scale on given axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from symmdp.practical.pictures._picture import FAINT, GREEN, INK, ORANGE, PURPLE, arrow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_REACH = 2.6
_END, _POLE, _HALF, _TOP = 2.4, 1.6, 0.36, 0.4  # metres; the pole is drawn half as long again, so that its angle shows
ACTIONS = ("push left", "push right")


def draw_cart_pole(axes: Axes, state: Sequence[float], action: int | None = None) -> None:
    """Draw one state, `(x, ẋ, θ, θ̇)`, its velocities as thin arrows, and the push of an action as a thick one."""
    x, speed, angle, turning = (float(value) for value in state)
    axes.set_aspect("equal")
    axes.set_xlim(-_REACH, _REACH)
    axes.set_ylim(-0.5, 2.3)
    axes.set_axis_off()
    axes.axvline(0, color=FAINT, linewidth=0.9, linestyle=(0, (3, 4)), zorder=0)
    axes.plot([-_END, _END], [0, 0], color=INK, linewidth=1.6, solid_capstyle="butt", zorder=1)
    axes.vlines([-_END, _END], -0.1, 0.1, color=INK, linewidth=1.6)
    _cart(axes, x)
    tip = x + _POLE * math.sin(angle), _TOP + _POLE * math.cos(angle)
    axes.plot([x, x], [_TOP, _TOP + 1.2 * _POLE], color=FAINT, linewidth=0.9, linestyle=(0, (1, 2)))
    axes.plot([x, tip[0]], [_TOP, tip[1]], color=ORANGE, linewidth=8, solid_capstyle="round", zorder=4)
    axes.plot(x, _TOP, "o", color=PURPLE, markersize=7, zorder=5)
    if abs(speed) > 1e-9:
        _arrow(axes, (x, -0.25), (0.9 * speed, 0), FAINT, 1.8, r"$\dot x$")
    if abs(turning) > 1e-9:
        along = math.cos(angle), -math.sin(angle)
        _arrow(axes, tip, (0.9 * turning * along[0], 0.9 * turning * along[1]), FAINT, 1.8, r"$\dot\theta$")
    if action is not None:
        _push(axes, x, action)


def _cart(axes: Axes, x: float) -> None:
    from matplotlib.patches import Circle, Rectangle

    axes.add_patch(Rectangle((x - _HALF, 0.1), 2 * _HALF, _TOP - 0.1, color=INK, linewidth=0, zorder=3))
    for side in (-0.18, 0.18):
        axes.add_patch(Circle((x + side, 0.08), 0.08, facecolor="white", edgecolor=INK, linewidth=1.6, zorder=4))


def _push(axes: Axes, x: float, action: int) -> None:
    """An arrow from the cart in the direction of the push; or towards it, from behind, where the track ends."""
    way = 1 if action == 1 else -1
    ahead = abs(x + way * (_HALF + 1.3)) < _REACH
    side = way if ahead else -way
    near, far = x + side * (_HALF + 0.06), x + side * (_HALF + 0.95)
    start, end = (near, far) if ahead else (far, near)
    style = arrow(GREEN, 5, 0.5)
    axes.annotate("", (end, 0.25), (start, 0.25), arrowprops=style, zorder=6)
    align = "left" if side > 0 else "right"
    text = axes.text(near, 0.52, ACTIONS[action], color=GREEN, fontsize=12, fontweight="bold", ha=align)
    text.set_in_layout(False)  # the pictures of two states are laid out alike


def _arrow(axes: Axes, start: tuple[float, float], way: tuple[float, float], colour: str, width: float, name: str) -> None:
    end = start[0] + way[0], start[1] + way[1]
    style = arrow(colour, width, 0.2)
    axes.annotate("", end, start, arrowprops=style, zorder=6)
    length = math.hypot(*way)
    x, y = end[0] + 0.16 * way[0] / length, end[1] + 0.16 * way[1] / length
    axes.text(x, y, name, color=INK, fontsize=12, ha="center", va="center").set_in_layout(False)
