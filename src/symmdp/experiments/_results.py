from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symmdp.experiments._run import Run
from symmdp.experiments._statistics import final_return, interquartile_mean, quartiles, ratio_of_medians, steps_to_solve
from symmdp.training._run_directory import write_atomically


@dataclass(frozen=True)
class MethodResult:
    """The numbers of one method over seeds; every seed counts, a failed one as a failure.

    Attributes:
        method: "equivariant" or "plain".
        parameters: of one policy.
        seeds: one policy each.
        threshold: the mean return at which a seed is solved, or None.
        total_steps: environment steps that each seed had.
        steps_to_solve: of each seed; infinite where it did not solve the environment.
        final_returns: of each seed; NaN where there is none, or where the seed diverged.
        seconds: of training.
        rate: environment steps a second, over all seeds.
        quartiles: of the steps to solve.
        final_return: the interquartile mean of the final returns.
        interval: its 95 % bootstrap interval.
        failed: the number of seeds that diverged; each counts as not solved, and as the worst final return.
    """

    method: str
    parameters: int
    seeds: tuple[int, ...]
    threshold: float | None
    total_steps: int
    steps_to_solve: tuple[float, ...]
    final_returns: tuple[float, ...]
    seconds: float
    rate: float
    quartiles: tuple[float, float, float]
    final_return: float
    interval: tuple[float, float]
    failed: int = 0

    @classmethod
    def of(cls, run: Run) -> MethodResult:
        """The numbers of a run."""
        pairs = tuple(zip(run.seeds, run.episodes, strict=True))
        steps = tuple(
            math.inf if run.threshold is None or seed in run.failed else steps_to_solve(episodes, run.threshold, run.window)
            for seed, episodes in pairs
        )
        returns = tuple(math.nan if seed in run.failed else final_return(episodes, run.window) for seed, episodes in pairs)
        mean, interval = interquartile_mean(returns)
        return cls(
            method=run.method,
            parameters=run.parameters,
            seeds=run.seeds,
            threshold=run.threshold,
            total_steps=run.total_steps,
            steps_to_solve=steps,
            final_returns=returns,
            seconds=run.seconds,
            rate=run.rate,
            quartiles=quartiles(steps),
            final_return=mean,
            interval=interval,
            failed=len(run.failed),
        )

    @property
    def solved(self) -> int:
        """The number of seeds that solved the environment."""
        return sum(math.isfinite(steps) for steps in self.steps_to_solve)


def headline(results: Sequence[MethodResult]) -> str:
    """One sentence on the first method against the second: the ratio of their median steps to solve.

    Where the environment has no threshold, or a median seed does not reach it, the sentence says that instead.
    """
    if len(results) < 2:
        return ""
    first, second = results[0], results[1]
    if first.threshold is None:
        return (
            f"Final return: {first.method} {number(first.final_return)}, {second.method} {number(second.final_return)} "
            "(interquartile means)."
        )
    a, b = first.quartiles[1], second.quartiles[1]
    if math.isfinite(a) and math.isfinite(b):
        ratio, (low, high) = ratio_of_medians(first.steps_to_solve, second.steps_to_solve)
        return (
            f"The {first.method} policy solves it in {ratio:.2f} × the {second.method} policy's steps "
            f"(medians; 95 % interval {number(low, 2)} to {number(high, 2)})."
        )
    budget = f"{first.total_steps:,} steps"
    if math.isfinite(a):
        return f"The median {first.method} seed solves it in {a:,.0f} steps; the median {second.method} seed not in {budget}."
    if math.isfinite(b):
        return f"The median {second.method} seed solves it in {b:,.0f} steps; the median {first.method} seed not in {budget}."
    return f"Neither method's median seed solves it in {budget}."


def write_results(directory: Path, environment_id: str, results: Sequence[MethodResult]) -> None:
    """Write `results.json` (summaries) and `results.csv` (`method,seed,steps_to_solve,final_return`, a row a seed).

    Raises:
        OSError: they cannot be written.
    """
    contents = {
        "environment_id": environment_id,
        "headline": headline(results),
        "methods": [_summary(result) for result in results],
    }
    text = json.dumps(contents, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(directory / "results.json", text.encode() + b"\n")
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["method", "seed", "steps_to_solve", "final_return"])
    for result in results:
        for seed, steps, final in zip(result.seeds, result.steps_to_solve, result.final_returns, strict=True):
            rows.writerow([result.method, seed, int(steps) if math.isfinite(steps) else "unsolved", final])
    write_atomically(directory / "results.csv", table.getvalue().encode())


def number(value: float, digits: int = 1) -> str:
    """A number for people: `∞`, `failed` for minus infinity, `–` for NaN."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "failed"
    return f"{value:,.{digits}f}"


def _summary(result: MethodResult) -> dict[str, Any]:
    low, median, high = result.quartiles
    return {
        "method": result.method,
        "parameters": result.parameters,
        "seeds": len(result.seeds),
        "threshold": result.threshold,
        "total_steps": result.total_steps,
        "solved": result.solved,
        "failed": result.failed,
        "steps_to_solve": {"median": _steps(median), "quartiles": [_steps(low), _steps(high)]},
        "final_return": {
            "interquartile_mean": _finite(result.final_return),
            "interval_95": [_finite(bound) for bound in result.interval],
        },
        "seconds": result.seconds,
        "steps_per_second": _finite(result.rate),
    }


def _steps(value: float) -> int | str:
    return int(value) if math.isfinite(value) else "unsolved"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
