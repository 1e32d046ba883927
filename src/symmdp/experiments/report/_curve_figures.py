from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from symmdp.experiments._curve_statistics import curve_interquartile_means, curve_quartiles
from symmdp.experiments._learning_curves import measure, spread
from symmdp.experiments._run import Run
from symmdp.experiments._run_curves import plot_steps, returns_at
from symmdp.experiments.report._axes import Axes, reach
from symmdp.experiments.report._elements import element
from symmdp.experiments.report._key import dashes, key, method_class

_HEIGHT, _SMALL = 340.0, 130.0
_LABEL = 21.0  # pixels between the names at the ends of lines


@dataclass(frozen=True, eq=False)
class Curves:
    """The learning curves of all methods of an experiment, on one grid of steps.

    Attributes:
        runs: one for each method.
        grid: environment steps, shape `(points,)`.
        returns: for each method, shape `(seeds, points)`.
    """

    runs: tuple[Run, ...]
    grid: NDArray[np.float64]
    returns: tuple[NDArray[np.float64], ...]

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Curves:
        """Read off the runs."""
        grid = plot_steps(runs, 300)
        return cls(tuple(runs), grid, tuple(returns_at(run, grid) for run in runs))

    @property
    def end(self) -> float:
        """The last step, or 1 where nothing was trained yet."""
        return float(self.grid[-1]) or 1.0


def quartile_figure(curves: Curves) -> Element:
    """The median over seeds and the middle half of them, of all methods: the figure of van der Pol et al. 2020."""
    bands = [curve_quartiles(returns) for returns in curves.returns]
    return _curve_figure(
        curves,
        bands,
        "Median over seeds, and the band from the 25th to the 75th percentile",
        "median and quartiles of the return",
    )


def mean_figure(curves: Curves) -> Element:
    """The interquartile mean over seeds with its pointwise 95 % bootstrap interval, of all methods."""
    bands = [curve_interquartile_means(returns) for returns in curves.returns]
    return _curve_figure(
        curves, bands, "Interquartile mean over seeds, and its 95 % bootstrap interval", "interquartile means of the return"
    )


def seed_figure(curves: Curves) -> Element:
    """A panel for each method with the curve of every seed, the median of the others behind them in grey."""
    medians = [curve_quartiles(returns)[1] for returns in curves.returns]
    low, high = _returns(curves, *curves.returns)
    axes = Axes((0.0, curves.end), (low, high), _SMALL)
    panels = []
    for k, (run, returns) in enumerate(zip(curves.runs, curves.returns, strict=True)):
        thin = [axes.line(curves.grid, seed, class_="seed") for seed in returns]
        others = [axes.line(curves.grid, median, class_="other") for j, median in enumerate(medians) if j != k]
        drawing = axes.stretched(*others, *thin, axes.line(curves.grid, medians[k], class_="median"))
        failed = f", {len(run.failures)} of them diverged" if run.failures else ""
        text = f"{run.method}: the return of each of {len(run.seeds)} seeds{failed} and their median (thick)."
        chart = axes.chart(
            text, [*axes.ticks_y(most=3), *_threshold(axes, run), drawing, *axes.ticks_x(most=4)], class_=method_class(k)
        )
        panels.append(
            element("div", element("h4", key(run.method, k)), element("div", chart, class_="canvas small"), class_="panel")
        )
    return element(
        "figure",
        element(
            "figcaption",
            "Every seed (thin) and the median (thick) of each method; the other methods' medians in grey.",
        ),
        element("div", panels, class_="panels"),
    )


def _curve_figure(curves: Curves, bands: Sequence[NDArray[np.float64]], caption: str, what: str) -> Element:
    axes = Axes((0.0, curves.end), _returns(curves, *bands), _HEIGHT)
    areas, lines, ends = [], [], []
    for k in reversed(range(len(curves.runs))):  # the first method lies on top
        low, middle, high = bands[k]
        dash = dashes(curves.runs[k].method, k)
        areas.append(
            axes.band(curves.grid, low, np.where(np.isfinite(middle), high, math.nan), class_=f"band {method_class(k)}")
        )
        lines.append(axes.line(curves.grid, middle, class_=f"median {method_class(k)}", stroke_dasharray=dash))
        known = middle[np.isfinite(middle)]
        ends.append((float(axes.down(known[-1])) if len(known) else axes.height, k))
    ends.sort()
    places = spread([down / axes.height for down, _ in ends], _LABEL / axes.height)
    names = [
        element(
            "g",
            element("path", d=f"M3 {down:.1f}L24 {place * axes.height:.1f}H40", class_="leader"),
            element("text", curves.runs[k].method, x=46, y=place * axes.height, dy="0.32em", class_="end"),
            class_=method_class(k),
        )
        for (down, k), place in zip(ends, places, strict=True)
    ]
    text = f"Learning curves of {', '.join(run.method for run in curves.runs)}: {what} against environment steps."
    contents = [
        *axes.ticks_y(measure(curves.runs)),
        *_threshold(axes, curves.runs[0], True),
        axes.stretched(*areas, *lines),
        *axes.ticks_x("environment steps of each seed"),
    ]
    contents.append(element("svg", names, x="100%", y=0, overflow="visible", class_="ends"))
    legend = [element("li", key(run.method, k)) for k, run in enumerate(curves.runs)]
    return element(
        "figure",
        element("figcaption", f"{caption}."),
        element("ul", legend, class_="legend"),
        element("div", axes.chart(text, contents), class_="canvas labelled"),
    )


def _returns(curves: Curves, *shown: NDArray[np.float64]) -> tuple[float, float]:
    thresholds = [run.threshold for run in curves.runs if run.threshold is not None]
    return reach(*shown, np.array(thresholds, dtype=np.float64))


def _threshold(axes: Axes, run: Run, named: bool = False) -> list[Element]:
    if run.threshold is None:
        return []
    down = axes.down(run.threshold)
    found = [element("line", x1=0, x2="100%", y1=down, y2=down, class_="threshold")]
    if named:
        found.append(element("text", f"solved: {run.threshold:g}", x=6, y=down - 6, class_="tick halo"))
    return found
