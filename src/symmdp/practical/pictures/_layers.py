from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from symmdp.errors import ShapeError
from symmdp.practical.pictures._picture import BLUE, FAINT, INK, PAPER, VERMILION, Picture, arrow, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SPACES = (("states", r"$\mathbb{R}^4$"), ("hidden", r"$\mathbb{R}^h$"), ("actions", r"$\mathbb{R}^2$"))


def commuting_squares(
    actions: Sequence[str] = ("$L_g$", "$P_g$", "$K_g$"),
    layers: Sequence[str] = ("$f_1$", "$f_2$"),
    spaces: Sequence[tuple[str, str]] = _SPACES,
) -> Picture:
    """A deep network as squares side by side: through the layers and then by the group, or the other way round, is the same.

    Args:
        actions: how the group acts before the first layer, between any two, and after the last.
        layers: one fewer.
        spaces: the name and the sign of each space on which the group acts.

    Raises:
        ShapeError: the numbers of layers, actions and spaces do not fit.
        MissingExtraError: matplotlib is not installed.
    """
    if len(actions) != len(layers) + 1 or len(spaces) != len(actions) or not layers:
        raise ShapeError(
            f"{len(layers)} layers have {len(layers) + 1} spaces and actions; got {len(spaces)} and {len(actions)}."
        )
    figure = new_figure(9.5, 3.4)
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_xlim(-0.45, len(layers) + 0.45)
    axes.set_ylim(-0.35, 1.5)
    for i, (action, (name, sign)) in enumerate(zip(actions, spaces, strict=True)):
        for y in (0, 1):
            axes.text(
                i,
                y,
                sign,
                ha="center",
                va="center",
                fontsize=18,
                color=INK,
                bbox={"boxstyle": "round,pad=0.35", "facecolor": PAPER, "edgecolor": "#cccccc"},
            )
        axes.text(i, 1.36, name, ha="center", fontsize=13, color=FAINT)
        _arrow(axes, (i, 0.8), (i, 0.2), VERMILION)
        axes.text(i + 0.04, 0.5, action, fontsize=17, color=VERMILION, va="center")
    for i, layer in enumerate(layers):
        for y in (0, 1):
            _arrow(axes, (i + 0.17, y), (i + 0.83, y), BLUE)
            axes.text(i + 0.5, y + 0.08, layer, fontsize=17, color=BLUE, ha="center")
        axes.text(i + 0.53, 0.5, "the same\non both ways", fontsize=12, color=FAINT, ha="center", va="center")
    return Picture(figure, "two layers with the action of the group before, between and after them: each square commutes")


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    style = arrow(colour, 2.4)
    axes.annotate("", end, start, arrowprops=style)
