from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from symmdp.experiments._extras import extra
from symmdp.experiments._figure_style import FAINT, INK, clean, colour_of, save
from symmdp.experiments._results import MethodResult
from symmdp.experiments._run import Run
from symmdp.experiments._statistics import curve_quartiles, learning_curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_POINTS = 400


def draw_learning_curves(runs: Sequence[Run], path: Path) -> None:
    """Write `learning_curves_figure` to `path`, as PNG, and as PDF beside it.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    save(learning_curves_figure(runs), path)


def learning_curves_figure(runs: Sequence[Run]) -> Figure:
    """Return against environment steps: the median over seeds (thick), the quartiles (band) and every seed (thin).

    The solve threshold is dotted, and each method's median steps to solve are marked on it.

    Args:
        runs: of one environment; at least one.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with extra("The learning-curve figure"):
        from matplotlib.figure import Figure
        from matplotlib.ticker import FuncFormatter
    figure = Figure(figsize=(9, 5.4), layout="constrained")
    axes = figure.add_subplot()
    clean(axes)
    last = max((int(e.steps[-1]) for run in runs for e in run.episodes if len(e.steps)), default=1)
    end = max(last, *(run.total_steps for run in runs))
    grid = np.linspace(0, end, _POINTS)
    ends = []
    for position, run in enumerate(runs):
        colour = colour_of(run.method, position)
        front = 5 + len(runs) - position  # the first method lies on top
        curves = learning_curves(run.episodes, grid, run.window)
        low, median, high = curve_quartiles(curves)
        axes.plot(grid, curves.T, color=colour, linewidth=0.6, alpha=0.22, zorder=2)
        axes.fill_between(grid, low, high, color=colour, alpha=0.18, linewidth=0, zorder=3)
        axes.plot(grid, median, color=colour, linewidth=2.8, solid_capstyle="round", zorder=front, label=run.method)
        ends.append(float(median[-1]))
    axes.set_xlim(0, end)
    results = [MethodResult.of(run) for run in runs]
    _mark_solved(axes, runs, results, end)
    _name_unsolved(axes, runs, results, end, ends)
    axes.xaxis.set_major_formatter(FuncFormatter(_thousands))
    axes.set_xlabel("environment steps of each seed", fontsize=12, color=INK)
    axes.set_ylabel(f"return, mean of last {runs[0].window} episodes", fontsize=12, color=INK)
    axes.set_title(_title(runs, results), loc="left", fontsize=14, color=INK, pad=26, fontweight="bold")
    seeds = len(runs[0].seeds)
    axes.text(
        0,
        1.03,
        f"{seeds} seed{'s' if seeds > 1 else ''} each: median (thick), quartiles (band), seeds (thin); "
        f"{' and '.join(f'{run.parameters:,}' for run in runs)} parameters",
        transform=axes.transAxes,
        fontsize=10.5,
        color=FAINT,
        in_layout=False,
    )
    return figure


def _mark_solved(axes: Axes, runs: Sequence[Run], results: Sequence[MethodResult], end: int) -> None:
    """Dot the threshold, and name each method at its median steps to solve."""
    threshold = runs[0].threshold
    if threshold is None:
        return
    axes.axhline(threshold, color=FAINT, linewidth=1.2, linestyle=(0, (1, 2)), zorder=1)
    axes.annotate(f"solved: {threshold:g}", (0, threshold), (6, 4), textcoords="offset points", fontsize=11, color=FAINT)
    bottom, top = axes.get_ylim()
    axes.set_yticks([tick for tick in axes.get_yticks() if bottom <= tick <= top])
    top += 0.16 * (top - bottom)
    axes.set_ylim(bottom, top)
    medians = sorted((result.quartiles[1], i) for i, result in enumerate(results) if math.isfinite(result.quartiles[1]))
    for rank, (steps, i) in enumerate(medians):
        colour = colour_of(runs[i].method, i)
        axes.vlines(steps, bottom, top, color=colour, linewidth=1.4, linestyle=(0, (4, 3)), zorder=4)
        axes.plot(steps, threshold, "o", color=colour, markeredgecolor="white", markersize=9, zorder=9)
        # Of two near each other, the first is written to the left and the second to the right; or below, without room.
        left = steps > 0.82 * end or (rank == 0 and len(medians) > 1 and steps > 0.18 * end)
        crowded = rank > 0 and not left and medians[0][0] <= 0.18 * end and steps - medians[0][0] < 0.18 * end
        text, down = f"{runs[i].method}\n{steps:,.0f} steps", -80 if crowded else -2
        _write(axes, text, (steps, top), (-7 if left else 7, down), "right" if left else "left", "top", colour)


def _name_unsolved(axes: Axes, runs: Sequence[Run], results: Sequence[MethodResult], end: int, ends: Sequence[float]) -> None:
    """Name the methods without a median at the end of their lines, the uppermost above its line and the others below."""
    unsolved = [i for i, result in enumerate(results) if not math.isfinite(result.quartiles[1])]
    for rank, i in enumerate(sorted(unsolved, key=lambda i: -ends[i])):
        text = runs[i].method if runs[i].threshold is None else f"{runs[i].method}: unsolved"
        height = ends[i] if math.isfinite(ends[i]) else axes.get_ylim()[0]
        above = rank == 0 or not math.isfinite(ends[i])
        _write(
            axes,
            text,
            (end, height),
            (-6, 7 if above else -7),
            "right",
            "bottom" if above else "top",
            colour_of(runs[i].method, i),
        )


def _write(
    axes: Axes,
    text: str,
    point: tuple[float, float],
    offset: tuple[float, float],
    horizontal: str,
    vertical: str,
    colour: str,
) -> None:
    axes.annotate(
        text,
        point,
        offset,
        textcoords="offset points",
        ha=horizontal,
        va=vertical,
        color=colour,
        fontsize=12.5,
        linespacing=1.1,
        fontweight="bold",
        path_effects=_halo(),
        zorder=10,
    )


def _halo() -> list:
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=3.5, foreground="white")]


def _title(runs: Sequence[Run], results: Sequence[MethodResult]) -> str:
    environment, algorithm = runs[0].environment_id, runs[0].algorithm.upper()
    if len(results) < 2 or runs[0].threshold is None:
        return f"{environment}: return while {algorithm} trains"
    a, b = results[0].quartiles[1], results[1].quartiles[1]
    first, second = results[0].method, results[1].method
    if math.isfinite(a) and math.isfinite(b):
        return f"{environment}: {first} {algorithm} solves it in {a / b:.2f} × the {second} one's steps"
    if math.isfinite(a) or math.isfinite(b):
        return f"{environment}: only {first if math.isfinite(a) else second} {algorithm} solves it (median seed)"
    return f"{environment}: neither policy solves it (median seed)"


def _thousands(value: float, _: int) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"
