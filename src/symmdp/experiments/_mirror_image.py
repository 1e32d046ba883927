from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symmdp.errors import ShapeError, SymmetryError
from symmdp.experiments._asymmetry import action_parameters, asymmetry
from symmdp.experiments._drawing import draw_states, seen_coordinates
from symmdp.experiments._extras import extra
from symmdp.experiments._figure_style import FAINT, INK, clean, colour_of, save
from symmdp.mdp import Symmetry

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from symmdp.policies import ActorCritic

_ARROWS = {"left": "←", "right": "→", "up": "↑", "down": "↓"}


def draw_mirror_image(
    environment_id: str,
    symmetry: Symmetry,
    policies: Mapping[str, ActorCritic],
    observation: ArrayLike,
    path: Path,
    *,
    caption: str = "",
) -> None:
    """Write `mirror_image_figure` to `path`, as PNG, and as PDF beside it.

    Raises:
        ShapeError: the observation has the wrong size.
        SimulatorError: the states of the environment cannot be drawn.
        SymmetryError: the group is trivial.
        MissingExtraError: matplotlib or pygame is not installed.
    """
    save(mirror_image_figure(environment_id, symmetry, policies, observation, caption=caption), path)


def mirror_image_figure(
    environment_id: str,
    symmetry: Symmetry,
    policies: Mapping[str, ActorCritic],
    observation: ArrayLike,
    *,
    caption: str = "",
) -> Figure:
    """A state `s` beside its image `L_g s`, with what each policy does in both.

    Under an equivariant policy the action probabilities (or mean actions) of the image are those of the state, moved by
    `K_g`; ticks mark where they would have to be. `g` is the first generator of the group.

    Args:
        environment_id: CartPole, Acrobot or Pendulum.
        symmetry: of the environment.
        policies: a policy for each method.
        observation: the state to show, shape `(observation.dim,)`.
        caption: a line below the title: which state this is.

    Raises:
        ShapeError: the observation has the wrong size.
        SimulatorError: the states of the environment cannot be drawn.
        SymmetryError: the group is trivial.
        MissingExtraError: matplotlib or pygame is not installed.

    Source: van der Pol et al. 2020, figure 1.
    """
    pair = _pair(symmetry, observation)
    pictures = draw_states(environment_id, pair)
    with extra("The mirror-image figure"):
        from matplotlib.figure import Figure
    height, width, _ = pictures[0].shape
    panel = 4.6 * height / width
    figure = Figure(figsize=(10, 1.3 + panel + 1.6 * len(policies)), layout="constrained")
    figure.suptitle(_title(policies, symmetry, pair), fontsize=14, fontweight="bold", color=INK, x=0.01, ha="left")
    grid = figure.add_gridspec(1 + len(policies), 2, height_ratios=[panel, *[1.35] * len(policies)])
    for column, (picture, title) in enumerate(zip(pictures, ("a state", "its mirror image"), strict=True)):
        coordinates = f": {_coordinates(symmetry, pair[column])}" if pair.shape[1] <= 4 else ""
        _show_picture(figure.add_subplot(grid[0, column]), picture, title + coordinates)
    for row, (method, policy) in enumerate(policies.items(), start=1):
        values = action_parameters(policy, pair)
        expected = _expected(symmetry, values[0], policy.discrete)
        for column in (0, 1):
            axes = figure.add_subplot(grid[row, column])
            marks = expected if column else None
            _show_actions(axes, symmetry, values, column, marks, colour_of(method, row), policy.discrete)
            if column == 1:
                axes.set_title("tick: the left column, mirrored", loc="right", fontsize=10.5, color=FAINT)
            else:
                axes.set_title(f"{method} policy", loc="left", fontsize=13, fontweight="bold", color=colour_of(method, row))
    if caption:
        figure.supxlabel(caption, fontsize=10.5, color=FAINT, x=0.01, ha="left")
    return figure


def most_telling_observation(environment_id: str, symmetry: Symmetry, policy: ActorCritic, visited: NDArray) -> NDArray:
    """Of visited states that look different from their image, the one in which the policy breaks the symmetry most.

    Looks are compared in the coordinates that show in a picture, in units of their spread; the tenth of the states
    that differ most from their image is searched.

    Args:
        environment_id: CartPole, Acrobot or Pendulum.
        symmetry: of the environment.
        policy: any, usually the plain one.
        visited: observations, shape `(observations, observation.dim)`.

    Raises:
        SimulatorError: the states of the environment cannot be drawn.
        SymmetryError: the group is trivial.
    """
    g, seen = _generator(symmetry), list(seen_coordinates(environment_id))
    difference = (symmetry.transform_observation(g, visited) - visited)[:, seen] / (visited[:, seen].std(axis=0) + 1e-12)
    looks = np.abs(difference).mean(axis=1)
    score = np.where(looks >= np.quantile(looks, 0.9), asymmetry(policy, symmetry, visited, g), -1.0)
    return visited[int(np.argmax(score))]


def _pair(symmetry: Symmetry, observation: ArrayLike) -> NDArray:
    state = np.asarray(observation, dtype=np.float64)
    if state.shape != (symmetry.observation.dim,):
        raise ShapeError(f"The observation has shape {state.shape}; expected ({symmetry.observation.dim},), one state.")
    return np.stack([state, symmetry.transform_observation(_generator(symmetry), state)])


def _generator(symmetry: Symmetry) -> int:
    if symmetry.group.order == 1:
        raise SymmetryError("Under the trivial group every state is its own image; give a symmetry with a larger group.")
    return symmetry.group.generators[0]


def _expected(symmetry: Symmetry, values: NDArray, discrete: bool) -> NDArray:
    g = _generator(symmetry)
    if discrete:
        return symmetry.require_action_representation()(g) @ values
    return symmetry.transform_action(g, values, discrete=False)


def _title(policies: Mapping[str, ActorCritic], symmetry: Symmetry, pair: NDArray) -> str:
    g = _generator(symmetry)
    broken = [name for name, policy in policies.items() if asymmetry(policy, symmetry, pair[:1], g)[0] > 1e-4]
    kept = [name for name in policies if name not in broken]
    if not broken or not kept:
        return f"{'No' if not kept else 'Each'} policy mirrors its actions with the state"
    return f"Mirror the state: the {kept[0]} policy mirrors its actions, the {broken[0]} one does not"


def _coordinates(symmetry: Symmetry, state: NDArray) -> str:
    shown = [f"{symmetry.observation_name(i)} {value:+.2f}" for i, value in enumerate(state)]
    return ", ".join(shown).replace("-", "−")


def _show_picture(axes: Axes, picture: NDArray, title: str) -> None:
    axes.imshow(picture, interpolation="antialiased")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.axvline((picture.shape[1] - 1) / 2, color=FAINT, linewidth=0.9, linestyle=(0, (3, 4)))
    axes.spines[:].set_color("#cccccc")
    axes.set_title(title, fontsize=11, color=INK)


def _show_actions(
    axes: Axes,
    symmetry: Symmetry,
    values: NDArray,
    column: int,
    expected: NDArray | None,
    colour: str,
    discrete: bool,
) -> None:
    """Bars for the actions in the state (column 0) or its image (1), and ticks where equivariance wants them."""
    clean(axes)
    shown = values[column]
    rows = np.arange(len(shown))
    axes.barh(rows, shown, height=0.62, color=colour, alpha=0.85)
    reach = 1.0 if discrete else 1.15 * max(float(np.abs(values).max()), 1e-3)
    axes.set_xlim(0 if discrete else -reach, reach)
    if not discrete:
        axes.axvline(0, color=FAINT, linewidth=0.9)
    for row, value in zip(rows, shown, strict=True):
        inside = abs(value) > 0.75 * reach
        outward = 1 if value >= 0 else -1
        axes.annotate(
            f"{value:.2f}".replace("-", "−"),
            (value, row),
            (-6 * outward if inside else 6 * outward, 0),
            textcoords="offset points",
            ha="right" if inside == (outward > 0) else "left",
            va="center",
            fontsize=12,
            fontweight="bold",
            color="white" if inside else INK,
        )
    if expected is not None:
        axes.vlines(expected, rows - 0.44, rows + 0.44, color=INK, linewidth=2.4, clip_on=False, zorder=5)
    axes.set_yticks(rows, [_action_label(symmetry.action_name(i)) for i in range(len(shown))], fontsize=12)
    axes.set_ylim(len(shown) - 0.45, -0.55)
    axes.set_xticks([0, 0.5, 1] if discrete else [-reach / 1.15, 0, reach / 1.15])
    axes.xaxis.set_major_formatter("{x:.2g}")
    axes.spines["left"].set_visible(discrete)
    axes.tick_params(axis="y", length=0)


def _action_label(name: str) -> str:
    arrow = next((arrow for word, arrow in _ARROWS.items() if word in name.lower().split()), "")
    return f"{arrow} {name}".strip()
