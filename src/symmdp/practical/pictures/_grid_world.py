from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from symmdp.catalogue import grid_world_symmetry
from symmdp.catalogue.environments import GridWorld
from symmdp.catalogue.environments._grid_world_law import DIRECTIONS
from symmdp.errors import OptionError
from symmdp.groups import cyclic
from symmdp.practical.pictures._picture import BLUE, GREEN, INK, VERMILION, Picture, arrow, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def grid_world_turns(prey: int = 11, action: int = 1) -> Picture:
    """An observation of Grid World and its quarter turns, with an action and its images.

    Args:
        prey: the cell in which the prey is, numbered row by row from the top left, 0 to 48.
        action: 0 noop, 1 up, 2 right, 3 down, 4 left.

    Raises:
        OptionError: there is no such cell or action.
        MissingExtraError: matplotlib is not installed.
    """
    world, symmetry = GridWorld(), grid_world_symmetry(cyclic(4))
    if not 0 <= prey < world.size**2 or not 0 <= action < 5:
        raise OptionError(
            f"Grid World has the cells 0 … {world.size**2 - 1} and the actions 0 … 4; got {prey!r} and {action!r}."
        )
    observation = world.images()[prey]
    figure = new_figure(9.5, 3.0)
    for g, axes in enumerate(figure.subplots(1, 4)):
        image = symmetry.transform_observation(g, observation)[0]
        moved = int(symmetry.transform_action(g, action, discrete=True))
        _draw(axes, image, moved, world.cell)
        power = ("$s$", "$L_r s$", "$L_r^2 s$", "$L_r^3 s$")[g]
        axes.set_title(f"{power}\n{symmetry.element_name(g)}", fontsize=12, color=INK)
        axes.set_xlabel(symmetry.action_name(moved), fontsize=13, fontweight="bold", color=GREEN)
    return Picture(figure, "an observation of Grid World turned by quarters, with the move that turns with it")


def _draw(axes: Axes, image: np.ndarray, action: int, cell: int) -> None:
    side = len(image)
    size = side // cell
    middle = side / 2 - 0.5
    colours = np.ones((side, side, 3))
    near = np.abs(np.arange(side) - middle) < cell / 2
    colours[image > 0] = _rgb(VERMILION)
    colours[(image > 0) & near[:, None] & near[None, :]] = _rgb(BLUE)
    axes.imshow(colours)
    lines = np.arange(size + 1) * cell - 0.5
    axes.hlines(lines, -0.5, side - 0.5, color="#dddddd", linewidth=0.9)
    axes.vlines(lines, -0.5, side - 0.5, color="#dddddd", linewidth=0.9)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    x, y = DIRECTIONS[action]
    if action:
        start = middle + 1.3 * x, middle - 1.3 * y
        end = middle + 5.5 * x, middle - 5.5 * y
        style = arrow(GREEN, 4.5, 0.45)
        axes.annotate("", end, start, arrowprops=style, zorder=5)


def _rgb(colour: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(colour)
