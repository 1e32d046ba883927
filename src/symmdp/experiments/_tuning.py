from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from symmdp.errors import OptionError, RunDirectoryError
from symmdp.experiments._curve_statistics import curve_quartiles
from symmdp.experiments._evaluations import Evaluations
from symmdp.experiments._run import Run, read_json
from symmdp.experiments._statistics import learning_curves
from symmdp.mdp import Symmetry
from symmdp.training import Progress, TrainingOptions, train, write_atomically

TUNING_SEEDS = (1000, 1001, 1002, 1003, 1004)
"""Seeds that results do not use: they count from 0."""
_POINTS = 200


@dataclass(frozen=True)
class Tuning:
    """A choice of the learning rate.

    Attributes:
        directory: of the run that trained the grid.
        finished: whether it is trained; otherwise it was interrupted, and can be resumed.
        rates: the grid, ascending.
        scores: of each rate: the mean over the run of the median return over seeds; minus infinity where the median
            seed diverged. Empty unless finished.
        chosen: the rate of the largest score; None unless finished.
        seeds: that it was tuned on.
        seconds: of training and evaluating the grid; NaN when not recorded. Choices that differ in it alone are equal.
    """

    directory: Path
    finished: bool
    rates: tuple[float, ...]
    scores: tuple[float, ...] = ()
    chosen: float | None = None
    seeds: tuple[int, ...] = TUNING_SEEDS
    seconds: float = field(default=math.nan, compare=False)

    @property
    def edge(self) -> Literal["lowest", "highest"] | None:
        """Whether the chosen rate is at an edge of the grid, beyond which a better one may lie."""
        if self.chosen is None or self.rates[0] < self.chosen < self.rates[-1]:
            return None
        return "lowest" if self.chosen == self.rates[0] else "highest"

    @property
    def remark(self) -> str:
        """What is doubtful about the choice, in a sentence; empty where nothing is."""
        if self.finished and self.chosen is None:
            return f"the median seed diverged with every rate of the grid, {', '.join(f'{rate:g}' for rate in self.rates)}."
        if self.edge is None:
            return ""
        beyond = "lower" if self.edge == "lowest" else "higher"
        return f"{self.chosen:g} is the {self.edge} rate of the grid; a {beyond} one may be better."


def tune(
    environment_id: str,
    symmetry: Symmetry,
    options: TrainingOptions,
    seeds: Sequence[int] = TUNING_SEEDS,
    rates: Sequence[float] = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    directory: Path | str = "tuning",
    *,
    policy: str = "equivariant",
    progress: Progress | None = None,
    resume: bool = False,
    checkpoint_every: float = 10.0,
    stop: Callable[[], bool] | None = None,
) -> Tuning:
    """Train all learning rates at once on seeds that the results do not use, and choose one.

    The score of a rate is the area under its learning curve, over the length of the run: the curve is the median over
    seeds of the evaluations, or where the options ask for none, of the mean return of the last episodes. `directory` is a
    run directory, to which `tuning.json` is added.

    Args:
        environment_id: a Gymnasium id.
        symmetry: of the environment.
        options: hyper-parameters but for the learning rate.
        seeds: to tune on.
        rates: the grid.
        directory: of the run; new, unless `resume`.
        policy: the method to tune.
        progress: is told how far the run is.
        resume: go on with the tuning in `directory`.
        checkpoint_every: seconds between checkpoints.
        stop: asked after each update whether to end.

    Raises:
        OptionError: a bad grid, or every rate diverged, or an option differs from that of the tuning to resume.
        RunDirectoryError: the directory exists (unless `resume`), or cannot be written.
        CheckpointError: the checkpoint cannot be written, is damaged or foreign.
        SpaceMismatchError: the environment's spaces do not fit the symmetry.
    """
    path, grid = Path(directory), tuple(sorted(float(rate) for rate in rates))
    summary = train(
        environment_id,
        symmetry,
        options,
        seeds,
        path,
        policy=policy,
        progress=progress,
        resume=resume,
        checkpoint_every=checkpoint_every,
        stop=stop,
        learning_rates=grid,
    )
    if not summary.finished:
        return Tuning(path, False, grid, seeds=tuple(seeds))
    tuning = score_tuning(path, grid, seeds, options)
    if tuning.chosen is None:
        raise OptionError(f"No learning rate can be chosen: {tuning.remark} Try lower ones.")
    return tuning


def score_tuning(directory: Path, grid: tuple[float, ...], seeds: Sequence[int], options: TrainingOptions) -> Tuning:
    """Score the rates of a run that has finished, choose one, and write `tuning.json`.

    Args:
        directory: of the run.
        grid: its learning rates, ascending.
        seeds: of the run.
        options: of the run.

    Raises:
        RunDirectoryError: the run cannot be read, or `tuning.json` not be written.
    """
    scores = tuple(_score(directory, rate, options) for rate in grid)
    best = max(scores)
    chosen = grid[scores.index(best)] if math.isfinite(best) else None
    tuning = Tuning(directory, True, grid, scores, chosen, tuple(int(seed) for seed in seeds), _seconds(directory))
    _write(tuning)
    return tuning


def load_tuning(directory: Path | str) -> Tuning:
    """Read the `tuning.json` that `tune` wrote.

    Raises:
        RunDirectoryError: there is none, or it cannot be read.
    """
    path = Path(directory)
    try:
        found = json.loads((path / "tuning.json").read_text(encoding="utf-8"))
        scores = tuple(-math.inf if score is None else float(score) for score in found["scores"])
        chosen = None if found["chosen"] is None else float(found["chosen"])
        rates, seeds = tuple(map(float, found["rates"])), tuple(map(int, found["seeds"]))
        return Tuning(path, True, rates, scores, chosen, seeds, _seconds(path))
    except FileNotFoundError:
        raise RunDirectoryError(f"{path} holds no finished tuning: there is no tuning.json in it.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunDirectoryError(f"{path / 'tuning.json'} cannot be read: {type(error).__name__}: {error}.") from None


def _seconds(directory: Path) -> float:
    if not (directory / "timing.json").exists():
        return math.nan
    timing = read_json(directory, "timing.json")
    return float(timing.get("seconds", math.nan)) + float(timing.get("evaluation_seconds", 0.0))


def _score(directory: Path, rate: float, options: TrainingOptions) -> float:
    if options.evaluation_every is not None:
        evaluations = Evaluations.load(directory).of(rate)
        return area_under_median(evaluations.returns, evaluations.steps)
    grid = np.linspace(0, options.total_steps, _POINTS)
    run = Run.load(directory, rate)
    curves = learning_curves(run.episodes, grid, run.window)
    for curve in curves:  # until the first episode has ended, what is known is its return
        known = np.flatnonzero(~np.isnan(curve))
        if len(known):
            curve[: known[0]] = curve[known[0]]
    return area_under_median(curves, grid)


def area_under_median(curves: NDArray[np.float64], steps: NDArray) -> float:
    """The area under the median over seeds, divided by the length of the run; minus infinity where there is no median.

    Args:
        curves: a curve for each seed, shape `(seeds, points)`; NaN (a seed that diverged) counts as worse than all others.
        steps: where, ascending, shape `(points,)`.
    """
    median = curve_quartiles(curves)[1]
    if np.isnan(median).any():
        return -math.inf
    if len(steps) < 2:
        return float(median.mean())
    return float(np.trapezoid(median, steps) / (steps[-1] - steps[0]))


def _write(tuning: Tuning) -> None:
    contents = {
        "rates": tuning.rates,
        "scores": [score if math.isfinite(score) else None for score in tuning.scores],
        "chosen": tuning.chosen,
        "seeds": tuning.seeds,
        "edge": tuning.edge,
    }
    try:
        write_atomically(tuning.directory / "tuning.json", json.dumps(contents, indent=2).encode() + b"\n")
    except OSError as error:
        raise RunDirectoryError(f"Cannot write to {tuning.directory}: {error.strerror or error}. --resume it.") from None
