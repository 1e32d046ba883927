"""Draw docs/figures/reproduction.png from the raw results: the experiments of the paper, and two in MuJoCo."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from symmdp.experiments._curve_statistics import curve_quartiles
from symmdp.experiments._figure_style import FAINT, INK, clean, colour_of, save
from symmdp.experiments._method_style import style_of

RESULTS = Path(__file__).parent / "results"
FIGURE = Path(__file__).parents[1] / "docs" / "figures" / "reproduction.png"
WINDOW = 20  # episodes in a mean, where training episodes are shown
Curves = dict[str, dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]]]


def curves_of(name: str, environment: str | None = None, window: int = 1) -> Curves:
    """Of each method and seed the steps, and the mean of the last `window` returns."""
    found: dict[str, dict[int, list[tuple[float, float]]]] = {}
    for row in rows_of(name):
        if environment is None or row["environment"] == environment:
            found.setdefault(row["method"], {}).setdefault(int(row["seed"]), []).append(
                (float(row["step"]), float(row["return"]))
            )
    means = {}
    for method, seeds in found.items():
        means[method] = {}
        for seed, points in seeds.items():
            steps, returns = np.array(points).T
            kernel = np.lib.stride_tricks.sliding_window_view(returns, min(window, len(returns))).mean(axis=1)
            means[method][seed] = steps[len(steps) - len(kernel) :], kernel
    return means


def rows_of(name: str) -> Iterator[dict[str, str]]:
    with (RESULTS / f"{name}.csv").open(newline="") as file:
        yield from csv.DictReader(line for line in file if not line.startswith("#"))


def panel(axes: Axes, title: str, about: str, curves: Curves, threshold: float | None = None, seeds: bool = False) -> None:
    """The median of each method and its quartiles, or every seed, against environment steps."""
    clean(axes)
    end = min(steps[-1] for of in curves.values() for steps, _ in of.values())
    grid = np.linspace(0, end, 400)
    for position, (method, of) in enumerate(curves.items()):
        colour, dash = colour_of(method, position), style_of(method, position).dash
        front = 9 - position
        on_grid = np.array([np.interp(grid, steps, values, left=np.nan) for steps, values in of.values()])
        low, median, high = curve_quartiles(on_grid)
        if seeds:
            for values in on_grid:
                axes.plot(grid, values, color=colour, linewidth=1.0, alpha=0.55, zorder=front)
        else:
            axes.fill_between(grid, low, high, color=colour, alpha=0.14, linewidth=0, zorder=2)
        (line,) = axes.plot(grid, median, color=colour, linewidth=2.4, zorder=front + 1)
        if dash:
            line.set_dashes([length / 2.4 for length in dash])
        line.set_label(method)
    if threshold is not None:
        axes.axhline(threshold, color=FAINT, linewidth=0.9, linestyle=":", zorder=1)
    axes.set_xlim(0, end)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x / 1e6:g}M" if x >= 1e6 else f"{x / 1000:g}k" if x else "0"))
    axes.set_title(title, loc="left", fontsize=13, color=INK, fontweight="bold", pad=20)
    axes.text(0, 1.025, about, transform=axes.transAxes, fontsize=9.5, color=FAINT)
    axes.set_xlabel("environment steps of each seed", fontsize=10, color=INK)


def main() -> None:
    figure = Figure(figsize=(14, 8.2), layout="constrained")
    places = figure.subplots(2, 3)
    panel(
        places[0, 0],
        "CartPole-v1",
        "25 seeds: median and quartiles of evaluations",
        curves_of("sample_efficiency_cartpole"),
        500,
    )
    panel(
        places[0, 1],
        "Grid World",
        "20 seeds: median and quartiles of evaluations",
        curves_of("sample_efficiency_grid_world"),
        0.7,
    )
    pong = curves_of("pong", window=WINDOW)
    count = len(next(iter(pong.values())))
    panel(places[0, 2], "Pong", f"{count} seeds, each drawn; mean of {WINDOW} training episodes", pong, seeds=True)
    for place, task in zip(places[1], ("Swimmer-v5", "Walker2d-v5"), strict=False):
        found = curves_of("locomotion", task, WINDOW)
        count = len(next(iter(found.values())))
        panel(place, task, f"{count} seeds, each drawn; mean of {WINDOW} training episodes", found, seeds=True)
    places[0, 0].set_ylabel("return", fontsize=11, color=INK)
    places[1, 0].set_ylabel("return", fontsize=11, color=INK)
    places[0, 1].set_ylim(0, 0.85)
    last = places[1, 2]
    last.axis("off")
    handles, labels = places[0, 0].get_legend_handles_labels()
    last.legend(handles, labels, loc="upper left", frameon=False, fontsize=13, handlelength=3.2, labelspacing=1.0)
    last.text(
        0.03,
        0.42,
        "Thick: the median over seeds.\nEach method at its own learning rate (Pong: one for both).\nDotted: the threshold.",
        transform=last.transAxes,
        fontsize=10.5,
        color=FAINT,
        verticalalignment="top",
    )
    save(figure, FIGURE)
    FIGURE.with_suffix(".pdf").unlink()
    print(FIGURE)


if __name__ == "__main__":
    main()
