from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from symmdp.experiments._curve_statistics import area_under_curve, median_reaches
from symmdp.experiments._headline import headline
from symmdp.experiments._run import Run
from symmdp.experiments._run_curves import own_steps, returns_at
from symmdp.experiments._statistics import (
    final_return,
    interquartile_mean,
    learning_curves,
    median_with_interval,
    probability_of_improvement,
    quartiles,
    steps_to_solve,
)
from symmdp.training import Failure
from symmdp.training._run_directory import write_atomically

_POINTS = 1_000
COLUMNS = (
    "method",
    "seed",
    "learning_rate",
    "steps_to_solve",
    "final_return",
    "area_under_curve",
    "diverged_at",
    "measured_by",
)


@dataclass(frozen=True)
class MethodResult:
    """The numbers of one method over seeds; every seed counts, a failed one as a failure.

    A seed that diverged never solves the environment, and its return and area are worse than every other.

    Attributes:
        method: such as "equivariant" or "plain".
        parameters: of one policy.
        seeds: one policy each.
        threshold: the mean return at which a seed is solved, or None.
        total_steps: environment steps that each seed had.
        learning_rate: of all seeds.
        evaluated: whether returns are those of evaluations, not of training episodes.
        failures: the seeds that diverged.
        steps_to_solve: of each seed; infinite where it did not solve the environment.
        final_returns: of each seed; NaN where there is none, or where the seed diverged.
        areas: of each seed, the area under its learning curve over its width; NaN likewise.
        seconds: of training.
        evaluation_seconds: of the evaluations, besides; NaN when not recorded.
        rate: environment steps a second, over all seeds.
        quartiles: of the steps to solve.
        steps_interval: the 95 % bootstrap interval of their median.
        median_reaches: the first step at which the median return over seeds is at the threshold; infinite when it never is.
        median_reaches_interval: its 95 % bootstrap interval.
        final_return: the interquartile mean of the final returns.
        interval: its 95 % bootstrap interval.
        area: the interquartile mean of the areas.
        area_interval: its 95 % bootstrap interval.
    """

    method: str
    parameters: int
    seeds: tuple[int, ...]
    threshold: float | None
    total_steps: int
    learning_rate: float
    evaluated: bool
    failures: tuple[Failure, ...]
    steps_to_solve: tuple[float, ...]
    final_returns: tuple[float, ...]
    areas: tuple[float, ...]
    seconds: float
    evaluation_seconds: float
    rate: float
    quartiles: tuple[float, float, float]
    steps_interval: tuple[float, float]
    median_reaches: float
    median_reaches_interval: tuple[float, float]
    final_return: float
    interval: tuple[float, float]
    area: float
    area_interval: tuple[float, float]

    @classmethod
    def of(cls, run: Run) -> MethodResult:
        """The numbers of a run."""
        diverged = run.failed
        steps, returns = [], []
        for k, seed in enumerate(run.seeds):
            solved, final = _of_seed(run, k)
            steps.append(math.inf if seed in diverged else solved)
            returns.append(math.nan if seed in diverged else final)
        areas = tuple(math.nan if seed in diverged else _area(run, k) for k, seed in enumerate(run.seeds))
        mean, interval = interquartile_mean(returns)
        area, area_interval = interquartile_mean(areas)
        reaches, reaches_interval = _median_reaches(run)
        return cls(
            method=run.method,
            parameters=run.parameters,
            seeds=run.seeds,
            threshold=run.threshold,
            total_steps=run.total_steps,
            learning_rate=run.learning_rate,
            evaluated=run.evaluations is not None,
            failures=run.failures,
            steps_to_solve=tuple(steps),
            final_returns=tuple(returns),
            areas=areas,
            seconds=run.seconds,
            evaluation_seconds=run.evaluation_seconds,
            rate=run.rate,
            quartiles=quartiles(steps),
            steps_interval=median_with_interval(steps)[1],
            median_reaches=reaches,
            median_reaches_interval=reaches_interval,
            final_return=mean,
            interval=interval,
            area=area,
            area_interval=area_interval,
        )

    @property
    def solved(self) -> int:
        """The number of seeds that solved the environment."""
        return sum(math.isfinite(steps) for steps in self.steps_to_solve)

    @property
    def measured_by(self) -> str:
        """Whose returns all numbers are of."""
        return "evaluations" if self.evaluated else "training episodes"

    @property
    def median_steps(self) -> float:
        """What methods are held against each other by: the step at which the median evaluation reaches the threshold.

        Where no evaluations were made, it is the median of the steps to solve.
        """
        return self.median_reaches if self.evaluated else self.quartiles[1]

    @property
    def median_steps_interval(self) -> tuple[float, float]:
        """Its 95 % bootstrap interval."""
        return self.median_reaches_interval if self.evaluated else self.steps_interval


def _of_seed(run: Run, k: int) -> tuple[float, float]:
    """Steps to solve and final return: by the first evaluation at the threshold and the last; by windows of episodes else."""
    if run.evaluations is None:
        episodes = run.episodes[k]
        solved = math.inf if run.threshold is None else steps_to_solve(episodes, run.threshold, run.window)
        return solved, final_return(episodes, run.window)
    steps, returns = run.evaluations[k].steps, run.evaluations[k].returns
    reached = [] if run.threshold is None else np.flatnonzero(returns >= run.threshold)
    return float(steps[reached[0]]) if len(reached) else math.inf, float(returns[-1]) if len(returns) else math.nan


def _median_reaches(run: Run) -> tuple[float, tuple[float, float]]:
    grid = own_steps(run)
    if run.threshold is None or not len(grid):
        return math.inf, (math.inf, math.inf)
    curves = returns_at(run, grid)
    if run.evaluations is None:  # fewer episodes than the window are no evidence
        for curve, episodes in zip(curves, run.episodes, strict=True):
            enough = episodes.steps[run.window - 1] if len(episodes.steps) >= run.window else math.inf
            curve[grid < enough] = math.nan
    for failure in run.failures:
        curves[run.seeds.index(failure.seed)] = math.nan
    return median_reaches(curves, grid, run.threshold)


def _area(run: Run, k: int) -> float:
    if run.evaluations is not None:
        return area_under_curve(run.evaluations[k].steps, run.evaluations[k].returns)
    end = run.total_steps if run.finished else run.reached
    grid = np.linspace(0, end, _POINTS)
    (curve,) = learning_curves([run.episodes[k]], grid, run.window)
    known = np.flatnonzero(~np.isnan(curve))
    if len(known):
        curve[: known[0]] = curve[known[0]]  # before its first episode has ended, a seed is what it then shows to be
    return area_under_curve(grid, curve)


def improvements(results: Sequence[MethodResult]) -> dict[str, dict[str, tuple[float, tuple[float, float]]]]:
    """How probably a seed of the first method is better than one of each other: `probability_of_improvement`, with interval.

    Returns:
        by the other method, then by what is compared: "final_return" and "area_under_curve".
    """
    return {
        other.method: {
            "final_return": probability_of_improvement(results[0].final_returns, other.final_returns),
            "area_under_curve": probability_of_improvement(results[0].areas, other.areas),
        }
        for other in results[1:]
    }


def write_results(directory: Path, environment_id: str, results: Sequence[MethodResult]) -> None:
    """Write `results.json` (summaries) and `results.csv` (`results_csv`).

    Raises:
        OSError: they cannot be written.
    """
    contents = {
        "environment_id": environment_id,
        "headline": headline(results),
        "methods": [_summary(result) for result in results],
        "probability_of_improvement": {
            other: {
                name: {"probability": p, "interval_95": [_finite(x) for x in interval]} for name, (p, interval) in of.items()
            }
            for other, of in improvements(results).items()
        },
    }
    text = json.dumps(contents, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(directory / "results.json", text.encode() + b"\n")
    write_atomically(directory / "results.csv", results_csv(results).encode())


def results_csv(results: Sequence[MethodResult]) -> str:
    """A table of the columns `COLUMNS`, a row for each method and seed."""
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(COLUMNS)
    for result in results:
        diverged = {failure.seed: failure.step for failure in result.failures}
        numbers = zip(result.seeds, result.steps_to_solve, result.final_returns, result.areas, strict=True)
        for seed, steps, final, area in numbers:
            own = [_steps(steps), final, area, diverged.get(seed, ""), result.measured_by]
            rows.writerow([result.method, seed, result.learning_rate, *own])
    return table.getvalue()


def _summary(result: MethodResult) -> dict[str, Any]:
    low, median, high = result.quartiles
    return {
        "method": result.method,
        "parameters": result.parameters,
        "learning_rate": _finite(result.learning_rate),
        "measured_by": result.measured_by,
        "seeds": len(result.seeds),
        "threshold": result.threshold,
        "total_steps": result.total_steps,
        "solved": result.solved,
        "diverged": [asdict(failure) for failure in result.failures],
        "steps_to_solve": {
            "median": _steps(median),
            "quartiles": [_steps(low), _steps(high)],
            "interval_95": [_steps(bound) for bound in result.steps_interval],
        },
        "median_reaches_threshold": {
            "step": _steps(result.median_reaches),
            "interval_95": [_steps(bound) for bound in result.median_reaches_interval],
        },
        "final_return": {
            "interquartile_mean": _finite(result.final_return),
            "interval_95": [_finite(bound) for bound in result.interval],
        },
        "area_under_curve": {
            "interquartile_mean": _finite(result.area),
            "interval_95": [_finite(bound) for bound in result.area_interval],
        },
        "seconds": _finite(result.seconds),
        "evaluation_seconds": _finite(result.evaluation_seconds),
        "steps_per_second": _finite(result.rate),
    }


def _steps(value: float) -> int | str | None:
    return None if math.isnan(value) else int(value) if math.isfinite(value) else "unsolved"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
