from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from symmdp.errors import ShapeError
from symmdp.experiments import Run, learning_curves_figure
from symmdp.experiments._figure_style import clean, colour_of
from symmdp.practical.pictures._picture import FAINT, INK, Picture, halo, new_figure
from symmdp.practical.pictures._weights import as_array


def learning_curves(returns: Mapping[str, ArrayLike], *, window: int = 20) -> Picture:
    """The returns of your own training loop, episode by episode: a thin line for each seed and a thick one for the median.

    Args:
        returns: of each method, shape `(seeds, episodes)`.
        window: episodes that each point is the mean of.

    Raises:
        ShapeError: a method's returns are no matrix with at least one seed and one episode, or not finite.
        MissingExtraError: matplotlib is not installed.
    """
    if not returns:
        raise ShapeError("Give the returns of at least one method: learning_curves({'plain': returns}).")
    tables = {name: as_array(values) for name, values in returns.items()}
    for name, table in tables.items():
        if table.ndim != 2 or not table.size or not np.isfinite(table).all():
            raise ShapeError(f"The returns of {name} are numbers of shape (seeds, episodes); got the shape {table.shape}.")
    figure = new_figure(9.5, 4.4)
    axes = figure.add_subplot()
    clean(axes)
    names = []
    for position, (name, table) in enumerate(tables.items()):
        colour = colour_of(name, position)
        smooth = np.array([_running_mean(seed, window) for seed in table])
        episodes = np.arange(1, smooth.shape[1] + 1)
        for seed in smooth:
            axes.plot(episodes, seed, color=colour, linewidth=1, alpha=0.35)
        middle = np.median(smooth, axis=0)
        axes.plot(episodes, middle, color=colour, linewidth=3, solid_capstyle="round")
        names.append((float(middle[-1]), name, colour))
    longest = max(table.shape[1] for table in tables.values())
    apart = 0.07 * (axes.get_ylim()[1] - axes.get_ylim()[0])
    height = -np.inf
    for value, name, colour in sorted(names):
        height = max(value, height + apart)
        axes.text(1.01 * longest, height, name, color=colour, fontsize=13, fontweight="bold", va="center", path_effects=halo())
    axes.set_xlim(1, longest)
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    axes.set_xlabel("episode", fontsize=12, color=INK)
    axes.set_ylabel(f"return, mean of {window} episodes", fontsize=12, color=INK)
    seeds = ", ".join(f"{name} {len(table)}" for name, table in tables.items())
    axes.set_title(f"median (thick) and single seeds (thin); seeds: {seeds}", fontsize=11, color=FAINT, loc="left")
    return Picture(figure, f"learning curves of {', '.join(tables)}")


def compared_runs(directory: Path | str) -> Picture:
    """The learning curves of a comparison, from the run directories that `symmdp compare` or `symmdp.training.train` wrote.

    Args:
        directory: holds the run directories `equivariant` and `plain`.

    Raises:
        RunDirectoryError: it does not.
        MissingExtraError: matplotlib is not installed.
    """
    runs = [Run.load(Path(directory) / method) for method in ("equivariant", "plain")]
    return Picture(learning_curves_figure(runs), f"learning curves of {' and '.join(run.method for run in runs)} policies")


def _running_mean(values: np.ndarray, window: int) -> np.ndarray:
    """The mean of the last `window` values, of as many as there are at the start."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return (total[ends] - total[starts]) / (ends - starts)
