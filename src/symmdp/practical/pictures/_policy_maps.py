from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from symmdp.errors import ShapeError
from symmdp.practical.pictures._mirror_pair import Policy, probabilities_of
from symmdp.practical.pictures._picture import FAINT, INK, Picture, blue_to_vermilion, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ANGLE, _SPEED, _CELLS = 0.21, 2.0, 81


def policy_maps(policies: Mapping[str, Policy], *, columns: int = 2) -> Picture:
    """The probability of a push to the right over the pole's angle and angular velocity, for a cart at rest in the middle.

    Where `π(right|s) + π(right|−s) = 1`, half a turn of the map exchanges its colours. Each title says how far a policy is
    from that.

    Args:
        policies: by name; each takes observations `(states, 4)` to probabilities `(states, 2)`.
        columns: of maps.

    Raises:
        ShapeError: no policy is given, or one has other than two probabilities.
        MissingExtraError: matplotlib is not installed.
    """
    if not policies:
        raise ShapeError("Give at least one policy: policy_maps({'plain': policy}).")
    columns = min(columns, len(policies))
    figure = new_figure(9.5, 0.6 + 3.1 * -(-len(policies) // columns))
    from matplotlib.cm import ScalarMappable

    rows = -(-len(policies) // columns)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axes in grid.flat[len(policies) :]:
        axes.set_axis_off()
    for i, (axes, (name, policy)) in enumerate(zip(grid.flat, policies.items(), strict=False)):
        _draw(axes, name, policy)
        if i % columns == 0:
            axes.set_ylabel(r"$\dot\theta$ (rad/s)", fontsize=13, color=INK)
        if i + columns >= len(policies):
            axes.set_xlabel(r"$\theta$ (rad)", fontsize=13, color=INK)
    bar = figure.colorbar(ScalarMappable(cmap=blue_to_vermilion()), ax=list(grid.flat), aspect=30, pad=0.02)
    bar.set_label("probability of a push to the right", fontsize=12, color=INK)
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    bar.ax.tick_params(labelsize=11)
    return Picture(figure, f"action probabilities over θ and θ̇ of {', '.join(policies)}")


def _draw(axes: Axes, name: str, policy: Policy) -> None:
    angles, speeds = np.linspace(-_ANGLE, _ANGLE, _CELLS), np.linspace(-_SPEED, _SPEED, _CELLS)
    states = torch.zeros(_CELLS**2, 4)
    states[:, 2] = torch.as_tensor(np.tile(angles, _CELLS))
    states[:, 3] = torch.as_tensor(np.repeat(speeds, _CELLS))
    right = np.array(probabilities_of(policy, states.tolist()))[:, 1].reshape(_CELLS, _CELLS)
    extent = (-_ANGLE, _ANGLE, -_SPEED, _SPEED)
    axes.imshow(
        right, origin="lower", extent=extent, aspect="auto", cmap=blue_to_vermilion(), vmin=0, vmax=1, interpolation="bilinear"
    )
    if right.min() < 0.5 < right.max():
        axes.contour(angles, speeds, right, levels=[0.5], colors=INK, linewidths=2)
    axes.axhline(0, color=FAINT, linewidth=0.8)
    axes.axvline(0, color=FAINT, linewidth=0.8)
    asymmetry = float(np.abs(right + right[::-1, ::-1] - 1).max())
    size = "0" if asymmetry < 1e-5 else f"{asymmetry:.2g}"
    axes.set_title(f"{name}\nlargest $|\\pi(s) - K_g\\,\\pi(L_g s)|$: {size}", fontsize=12, color=INK)
    axes.set_xticks([-0.2, -0.1, 0, 0.1, 0.2])
    axes.tick_params(labelsize=11)
