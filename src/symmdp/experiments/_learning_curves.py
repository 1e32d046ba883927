from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from symmdp.experiments._curve_statistics import curve_quartiles
from symmdp.experiments._extras import extra
from symmdp.experiments._figure_style import FAINT, INK, clean, colour_of, save
from symmdp.experiments._headline import best_of
from symmdp.experiments._method_style import style_of
from symmdp.experiments._results import MethodResult
from symmdp.experiments._run import Run
from symmdp.experiments._run_curves import plot_steps, returns_at

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FEW = 3  # methods, of which every seed is drawn and the steps are written at the top
_LINE = 0.055  # height of a line of text, as a share of the axes


def draw_learning_curves(runs: Sequence[Run], path: Path) -> None:
    """Write `learning_curves_figure` to `path`, as PNG, and as PDF beside it.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    save(learning_curves_figure(runs), path)


def learning_curves_figure(runs: Sequence[Run]) -> Figure:
    """Return against environment steps: the median over seeds (thick), the quartiles (band) and every seed (thin).

    The solve threshold is dotted, and each method's median steps to solve are marked on it. Of many methods, seeds are left
    out, and the names stand at the ends of the lines.

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
    grid = plot_steps(runs)
    end, few = float(grid[-1]), len(runs) <= _FEW
    ends = []
    for position, run in enumerate(runs):
        colour = colour_of(run.method, position)
        front = 5 + len(runs) - position  # the first method lies on top
        curves = returns_at(run, grid)
        low, median, high = curve_quartiles(curves)
        if few:
            axes.plot(grid, curves.T, color=colour, linewidth=0.6, alpha=0.22, zorder=2)
        axes.fill_between(grid, low, high, color=colour, alpha=0.18 if few else 0.1, linewidth=0, zorder=3)
        (line,) = axes.plot(grid, median, color=colour, linewidth=2.8, zorder=front, label=run.method)
        dash = style_of(run.method, position).dash
        if dash and not few:
            line.set_dashes([length / 2.8 for length in dash])
        known = median[np.isfinite(median)]
        ends.append(float(known[-1]) if len(known) else math.nan)
    axes.set_xlim(0, end)
    results = [MethodResult.of(run) for run in runs]
    _mark_solved(axes, runs, results, end)
    if few:
        _name_unsolved(axes, runs, results, end, ends)
    else:
        _name_all(axes, runs, results, ends)
    axes.xaxis.set_major_formatter(FuncFormatter(_thousands))
    axes.set_xlabel("environment steps of each seed", fontsize=12, color=INK)
    axes.set_ylabel(measure(runs), fontsize=12, color=INK)
    axes.set_title(_title(runs, results), loc="left", fontsize=14, color=INK, pad=26, fontweight="bold")
    seeds = len(runs[0].seeds)
    axes.text(
        0,
        1.03,
        f"{seeds} seed{'s' if seeds > 1 else ''} each: median (thick), quartiles (band){', seeds (thin)' if few else ''}; "
        f"{_parameters(runs)} parameters",
        transform=axes.transAxes,
        fontsize=10.5,
        color=FAINT,
        in_layout=False,
    )
    return figure


def measure(runs: Sequence[Run]) -> str:
    """What the return is that is shown of these runs."""
    if all(run.evaluations is not None for run in runs):
        return "return in evaluation episodes"
    return f"return, mean of last {runs[0].window} episodes"


def _parameters(runs: Sequence[Run]) -> str:
    counts = [run.parameters for run in runs]
    return " and ".join(f"{n:,}" for n in counts) if len(runs) <= _FEW else f"{min(counts):,} to {max(counts):,}"


def _mark_solved(axes: Axes, runs: Sequence[Run], results: Sequence[MethodResult], end: float) -> None:
    """Dot the threshold, and name each method at its median steps to solve."""
    threshold = runs[0].threshold
    if threshold is None:
        return
    axes.axhline(threshold, color=FAINT, linewidth=1.2, linestyle=(0, (1, 2)), zorder=1)
    axes.annotate(f"solved: {threshold:g}", (0, threshold), (6, 4), textcoords="offset points", fontsize=11, color=FAINT)
    if len(runs) > _FEW:
        return
    bottom, top = axes.get_ylim()
    axes.set_yticks([tick for tick in axes.get_yticks() if bottom <= tick <= top])
    top += 0.16 * (top - bottom)
    axes.set_ylim(bottom, top)
    medians = sorted((result.median_steps, i) for i, result in enumerate(results) if math.isfinite(result.median_steps))
    for rank, (steps, i) in enumerate(medians):
        colour = colour_of(runs[i].method, i)
        axes.vlines(steps, bottom, top, color=colour, linewidth=1.4, linestyle=(0, (4, 3)), zorder=4)
        axes.plot(steps, threshold, "o", color=colour, markeredgecolor="white", markersize=9, zorder=9)
        # Of two near each other, the first is written to the left and the second to the right; or below, without room.
        left = steps > 0.82 * end or (rank == 0 and len(medians) > 1 and steps > 0.18 * end)
        crowded = rank > 0 and not left and medians[0][0] <= 0.18 * end and steps - medians[0][0] < 0.18 * end
        text, down = f"{runs[i].method}\n{steps:,.0f} steps", -80 if crowded else -2
        _write(axes, text, (steps, top), (-7 if left else 7, down), "right" if left else "left", "top", colour)


def _name_unsolved(axes: Axes, runs: Sequence[Run], results: Sequence[MethodResult], end: float, ends: Sequence[float]) -> None:
    """Name the methods without a median at the end of their lines, the uppermost above its line and the others below."""
    unsolved = [i for i, result in enumerate(results) if not math.isfinite(result.median_steps)]
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


def _name_all(axes: Axes, runs: Sequence[Run], results: Sequence[MethodResult], ends: Sequence[float]) -> None:
    """Name every method to the right of its line's end, with its median steps to solve, from top to bottom without overlap."""
    bottom, top = axes.get_ylim()
    order = sorted(range(len(runs)), key=lambda i: (-np.nan_to_num(ends[i], nan=bottom), results[i].median_steps))
    heights = [(float(np.nan_to_num(ends[i], nan=bottom)) - bottom) / (top - bottom) for i in order]
    for k, place in enumerate(spread([1 - height for height in heights], _LINE)):
        i = order[k]
        steps = results[i].median_steps
        solved = "" if runs[i].threshold is None else f"  {steps:,.0f}" if math.isfinite(steps) else "  unsolved"
        axes.annotate(
            f"{runs[i].method}{solved}",
            (1, heights[k]),
            (1.05, 1 - place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            va="center",
            color=INK,
            fontsize=11,
            arrowprops={
                "arrowstyle": "-",
                "color": colour_of(runs[i].method, i),
                "linewidth": 2,
                "relpos": (0, 0.5),
                "shrinkA": 2,
                "shrinkB": 0,
            },
        )


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Ascending places from 0 to 1, moved as little as it takes for neighbours to be `gap` apart; they stay in order."""
    found: list[float] = []
    for place in places:
        found.append(max(place, found[-1] + gap) if found else place)
    limit = max(1.0, gap * (len(found) - 1))
    for k in range(len(found) - 1, -1, -1):
        found[k] = min(found[k], limit)
        limit = found[k] - gap
    return found


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
    best = best_of(results[1:])
    a, b = results[0].median_steps, best.median_steps
    first, second = results[0].method, best.method
    whose_median = "median evaluation" if results[0].evaluated else "median seed"
    if math.isfinite(a) and b == 0:
        return f"{environment}: return while {algorithm} trains"
    if math.isfinite(a) and math.isfinite(b):
        whose = f"the {second} one's" if len(results) == 2 else "the best baseline's"
        return f"{environment}: {first} {algorithm} solves it in {a / b:.2f} × {whose} steps"
    if math.isfinite(a) or math.isfinite(b):
        return f"{environment}: only {first if math.isfinite(a) else second} {algorithm} solves it ({whose_median})"
    return f"{environment}: {'neither' if len(results) == 2 else 'no'} policy solves it ({whose_median})"


def _thousands(value: float, _: int) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"
