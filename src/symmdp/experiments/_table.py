from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from symmdp.experiments._extras import extra
from symmdp.experiments._number import mean_digits, number, steps, steps_between
from symmdp.experiments._results import MethodResult

if TYPE_CHECKING:
    from rich.table import Table


def result_table(results: Sequence[MethodResult], title: str = "") -> Table:
    """A table of methods: parameters, steps to solve, final return, and what the training cost.

    Of methods that were evaluated while they trained, the steps are those at which the median over seeds of the evaluations
    reaches the threshold, and the heads of the columns say so; the area under the curve of evaluations, and the time that
    they took, are added.

    Raises:
        MissingExtraError: rich is not installed.
    """
    with extra("The result table"):
        from rich import box
        from rich.table import Table
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("method", no_wrap=True)
    diverged, evaluated = any(result.failures for result in results), all(result.evaluated for result in results)
    reached = f"median evaluation\nat {results[0].threshold:g} [95 % interval]" if results[0].threshold is not None else "steps"
    for column in (
        "parameters",
        reached if evaluated else "steps to solve\nmedian [quartiles]",
        "solved",
        *(["diverged"] if diverged else []),
        f"final {'evaluation' if evaluated else 'return'}\nIQM [95 % interval]",
        *(["area under curve\nIQM [95 % interval]"] if evaluated else []),
        "seconds of training\n+ evaluations" if evaluated else "seconds",
        "steps/s",
    ):
        table.add_column(column, justify="right")
    for result in results:
        table.add_row(*result_row(result, diverged, evaluated))
    return table


def result_row(result: MethodResult, diverged: bool, evaluated: bool) -> tuple[str, ...]:
    """The cells of one method, with one for the seeds that diverged where some method has any."""
    low, median, high = result.quartiles
    if evaluated:
        median, (low, high) = result.median_steps, result.median_steps_interval
    between = steps_between(low, high).replace("[", "\\[")
    has_threshold = result.threshold is not None
    seconds = f"{result.seconds:,.1f}" + (f" + {number(result.evaluation_seconds)}" if evaluated else "")
    return (
        result.method,
        f"{result.parameters:,}",
        f"{steps(median)} {between}".rstrip() if has_threshold else "–",
        f"{result.solved}/{len(result.seeds)}" if has_threshold else "–",
        *([f"{len(result.failures)}/{len(result.seeds)}"] if diverged else []),
        _mean(result.final_return, result.interval),
        *([_mean(result.area, result.area_interval)] if evaluated else []),
        seconds,
        number(result.rate, 0),
    )


def _mean(value: float, interval: tuple[float, float]) -> str:
    digits = mean_digits(value, interval)
    return f"{number(value, digits)} \\[{number(interval[0], digits)} – {number(interval[1], digits)}]"
