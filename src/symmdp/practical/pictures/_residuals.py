from __future__ import annotations

from typing import TYPE_CHECKING

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from symmdp.catalogue import entry_of
from symmdp.errors import SpaceMismatchError
from symmdp.mdp import Symmetry, make_environment, simulator_of
from symmdp.practical.pictures._picture import FAINT, INK, VERMILION, Picture, halo, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROUNDING = 1e-12
_AXES = {"x": "position x", "v": "velocity v (a step)"}


def symmetry_residuals(
    environment_id: str, symmetry: Symmetry, *, cells: int = 61
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """How far one step is from `L_g s'` all over the space of a state of two coordinates, for the worst of the actions.

    Args:
        environment_id: of an environment whose observations are states of two bounded coordinates, with Discrete actions.
        symmetry: that it may have.
        cells: along each coordinate.

    Returns:
        both coordinates' values, each of shape `(cells,)`; the largest `|L_g s' − s''|`, in units of each coordinate's half
        range, shape `(cells, cells)` with the first coordinate along rows; and whether termination or reward differ.

    Raises:
        SpaceMismatchError: the spaces are others, or do not fit the symmetry.
    """
    env = make_environment(environment_id)
    box, actions = env.observation_space, env.action_space
    if not (isinstance(box, gym.spaces.Box) and box.shape == (2,) and isinstance(actions, gym.spaces.Discrete)):
        raise SpaceMismatchError(
            f"symmetry_residuals takes two observed coordinates and Discrete actions; {environment_id} has {box} and {actions}."
        )
    symmetry.check_spaces(box, actions)
    simulator, g = simulator_of(env), symmetry.group.generators[0]
    low, high = box.low.astype(np.float64), box.high.astype(np.float64)
    axes = [np.linspace(low[i], high[i], cells) for i in (0, 1)]
    size, flags = np.zeros((cells, cells)), np.zeros((cells, cells), dtype=bool)
    simulator.reset(0)
    for i, first in enumerate(axes[0]):
        for j, second in enumerate(axes[1]):
            state = np.array([first, second])
            mirrored = symmetry.transform_observation(g, state)
            for action in range(int(actions.n)):
                simulator.set_state(state)
                after, reward, ended = simulator.step(action)
                simulator.set_state(mirrored)
                image, image_reward, image_ended = simulator.step(int(symmetry.transform_action(g, action, discrete=True)))
                difference = np.abs(symmetry.transform_observation(g, after) - image) / (0.5 * (high - low))
                size[i, j] = max(size[i, j], float(difference.max()))
                flags[i, j] |= ended != image_ended or abs(reward - image_reward) > _ROUNDING
    env.close()
    return axes[0], axes[1], size, flags


def residual_map(environment_id: str = "MountainCar-v0", symmetry: Symmetry | None = None, *, cells: int = 61) -> Picture:
    """Where in the space of states a symmetry is broken: the residual of one step, and where the ends of episodes differ.

    Args:
        environment_id: as in `symmetry_residuals`.
        symmetry: that it may have; what the catalogue calls its candidate when not given.
        cells: along each coordinate.

    Raises:
        SpaceMismatchError: the spaces are others, or do not fit the symmetry.
        UnknownEnvironmentError: Gymnasium has no such environment; or, without a symmetry, the catalogue does not.
        MissingExtraError: matplotlib is not installed.
    """
    if symmetry is None:
        entry = entry_of(environment_id)
        symmetry = entry.symmetry or entry.candidate
        if symmetry is None:
            raise SpaceMismatchError(f"The catalogue knows no candidate of {environment_id}; give a symmetry.")
    first, second, size, flags = symmetry_residuals(environment_id, symmetry, cells=cells)
    figure = new_figure(9.5, 4.5)
    axes = figure.add_subplot()
    from matplotlib.colors import LogNorm

    inside = _image_inside(symmetry, first, second)
    shown = np.ma.masked_array(size.T, mask=(size.T < _ROUNDING) | ~inside.T)
    mesh = axes.pcolormesh(first, second, shown, cmap="cividis_r", norm=LogNorm(1e-3, 2), shading="nearest")
    marks: list[tuple[NDArray[np.bool_], str, str]] = [(~inside, "///", FAINT), (flags, "\\\\\\", VERMILION)]
    for mask, hatch, colour in marks:
        if mask.any():
            area = axes.contourf(first, second, mask.T.astype(float), levels=[0.5, 1.5], colors="none", hatches=[hatch])
            area.set_edgecolor(colour)
            area.set_linewidth(0)
            axes.contour(first, second, mask.T.astype(float), levels=[0.5], colors=colour, linewidths=2)
    if environment_id.startswith("MountainCar"):
        _name_the_causes(axes, first, second)
    axes.set_xlabel(_AXES.get(symmetry.observation_name(0), symmetry.observation_name(0)), fontsize=12, color=INK)
    axes.set_ylabel(_AXES.get(symmetry.observation_name(1), symmetry.observation_name(1)), fontsize=12, color=INK)
    kept = int((inside & (size < _ROUNDING)).sum())
    axes.set_title(
        f"{environment_id}: in {kept / inside.size:.0%} of the plane (white) a step keeps the mirror; "
        f"colour: it does not.\nGrey: the image is no state. Vermilion: the episode ends in one of both only.",
        fontsize=12,
        color=INK,
        loc="left",
    )
    axes.tick_params(labelsize=11)
    bar = figure.colorbar(mesh, ax=axes, pad=0.02)
    bar.set_label("residual, in half ranges", fontsize=12, color=INK)
    return Picture(figure, f"the residual of a mirror of {environment_id} over the plane of its states")


def _image_inside(symmetry: Symmetry, first: NDArray, second: NDArray) -> NDArray[np.bool_]:
    """Whether the image of a state lies within the bounds of states, shape `(cells, cells)`."""
    states = np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1)
    images = symmetry.transform_observation(symmetry.group.generators[0], states)
    low, high = np.array([first[0], second[0]]), np.array([first[-1], second[-1]])
    return np.all((images >= low - _ROUNDING) & (images <= high + _ROUNDING), axis=-1)


def _name_the_causes(axes: Axes, positions: NDArray, speeds: NDArray) -> None:
    valley = -np.pi / 6
    for x, name, side in (
        (positions[0], "wall", "left"),
        (0.5, "goal", "right"),
        (valley, "valley", "center"),
        (2 * valley - positions[0], "image of\nthe wall", "left"),
    ):
        axes.axvline(x, color=INK, linewidth=1.2, linestyle=(0, (3, 4)))
        axes.text(
            x, speeds[0], f" {name} ".replace("\n", " \n "), ha=side, va="bottom", fontsize=12, color=INK, path_effects=halo()
        )
