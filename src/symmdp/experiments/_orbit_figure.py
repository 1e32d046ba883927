from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from symmdp.errors import SymmetryError
from symmdp.experiments._drawing import draw_states, example_observation
from symmdp.experiments._extras import extra
from symmdp.experiments._figure_style import FAINT, INK, save
from symmdp.mdp import Symmetry

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST = 8  # images


def draw_orbit(environment_id: str, symmetry: Symmetry, path: Path) -> None:
    """Write `orbit_figure` to `path`, as PNG, and as PDF beside it.

    Raises:
        SimulatorError: the states of the environment cannot be drawn.
        SymmetryError: the group is trivial, or is not listed.
        MissingExtraError: matplotlib or pygame is not installed.
    """
    save(orbit_figure(environment_id, symmetry), path)


def orbit_figure(environment_id: str, symmetry: Symmetry) -> Figure:
    """A state and its images `L_g s`, a picture for each of the first elements of the group.

    Args:
        environment_id: CartPole, Acrobot or Pendulum.
        symmetry: of observations of its size.

    Raises:
        SimulatorError: the states of the environment cannot be drawn.
        SymmetryError: the group is trivial, or acts on observations of another size.
        MissingExtraError: matplotlib or pygame is not installed.
    """
    state = example_observation(environment_id)
    if symmetry.observation.dim != len(state):
        raise SymmetryError(
            f"{symmetry.name} acts on {symmetry.observation.dim} coordinates; {environment_id} shows {len(state)}."
        )
    elements = list(symmetry.group.numbered)[:_MOST]
    if len(elements) == 1:
        raise SymmetryError("Under the trivial group every state is its own image; give a symmetry with a larger group.")
    images = np.stack([symmetry.transform_observation(g, state) for g in elements])
    pictures = draw_states(environment_id, images)
    with extra("The figure of a state and its images"):
        from matplotlib.figure import Figure
    columns = min(len(elements), 4)
    rows = -(-len(elements) // columns)
    height, width, _ = pictures[0].shape
    panel = 11 / columns
    figure = Figure(figsize=(11, 0.5 + rows * (panel * height / width + 0.55)), layout="constrained")
    figure.suptitle(
        f"{environment_id}: a state and its images under {symmetry.group.name}",
        fontsize=14,
        fontweight="bold",
        color=INK,
        x=0.01,
        ha="left",
    )
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, g, picture, image in zip(grid.flat, elements, pictures, images, strict=False):
        axes.set_axis_on()
        axes.imshow(picture, interpolation="antialiased")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.axvline((width - 1) / 2, color=FAINT, linewidth=0.9, linestyle=(0, (3, 4)))
        axes.spines[:].set_color("#cccccc")
        axes.set_title(symmetry.element_name(g), fontsize=12, color=INK)
        named = [f"{symmetry.observation_name(i)} {value:+.2f}" for i, value in enumerate(image)]
        lines = [", ".join(named[i : i + 4]) for i in range(0, len(named), 4)]
        axes.set_xlabel("\n".join(lines).replace("-", "−"), fontsize=10.5, color=FAINT)
    return figure
