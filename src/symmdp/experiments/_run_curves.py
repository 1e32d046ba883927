"""The learning curves of a run: from its evaluations where it made some, from its training episodes otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symmdp.experiments._run import Run
from symmdp.experiments._statistics import learning_curves

_FINE = 4_000


def returns_at(run: Run, grid: ArrayLike) -> NDArray[np.float64]:
    """The return of every seed at the steps `grid`, shape `(seeds, points)`.

    With evaluations it is linear between two of them, and NaN before the first; without, it is the mean of the last
    `run.window` training episodes, and NaN before the first. NaN from the step on at which a seed diverged, and after the
    last step of a run that is not finished.

    Args:
        run: of one method.
        grid: environment steps, ascending, shape `(points,)`.
    """
    grid = np.asarray(grid, dtype=np.float64)
    if run.evaluations is None:
        curves = learning_curves(run.episodes, grid, run.window)
    else:
        curves = np.full((len(run.seeds), len(grid)), math.nan)
        for curve, evaluations in zip(curves, run.evaluations, strict=True):
            if len(evaluations.steps):
                curve[:] = np.interp(grid, evaluations.steps, evaluations.returns, left=math.nan)
    for failure in run.failures:
        curves[run.seeds.index(failure.seed), grid >= failure.step] = math.nan
    if not run.finished:
        curves[:, grid > run.reached] = math.nan
    return curves


def own_steps(run: Run) -> NDArray[np.float64]:
    """The steps at which a curve of the run can change: of its evaluations or of its episodes' ends, ascending.

    Of more than a few thousand, evenly many are taken.
    """
    sources = run.episodes if run.evaluations is None else run.evaluations
    steps = np.unique(np.concatenate([np.zeros(0), *(source.steps.astype(np.float64) for source in sources)]))
    if len(steps) > _FINE:
        steps = steps[np.unique(np.linspace(0, len(steps) - 1, _FINE).round().astype(int))]
    return steps


def plot_steps(runs: Sequence[Run], points: int = 400) -> NDArray[np.float64]:
    """Steps at which the curves of all runs are drawn: from 0 to the last, the evaluations' own among them.

    Args:
        runs: of one environment.
        points: evenly spaced ones.
    """
    end = max([1.0, *(float(own[-1]) for run in runs if len(own := own_steps(run))), *(float(run.total_steps) for run in runs)])
    grid = np.linspace(0, end, points)
    evaluated = [own_steps(run) for run in runs if run.evaluations is not None]
    if len(evaluated) == len(runs):  # all lines are straight between evaluations
        own = np.unique(np.concatenate(evaluated))
        return own if 0 < len(own) <= points else grid
    return grid
