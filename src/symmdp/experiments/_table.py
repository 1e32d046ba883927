from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from symmdp.experiments._extras import extra
from symmdp.experiments._number import number
from symmdp.experiments._results import MethodResult

if TYPE_CHECKING:
    from rich.table import Table


def result_table(results: Sequence[MethodResult], title: str = "") -> Table:
    """A table of methods: parameters, steps to solve, final return, and what the training cost.

    Raises:
        MissingExtraError: rich is not installed.
    """
    with extra("The result table"):
        from rich import box
        from rich.table import Table
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("method", no_wrap=True)
    diverged = any(result.failures for result in results)
    for column in (
        "parameters",
        "steps to solve\nmedian [quartiles]",
        "solved",
        *(["diverged"] if diverged else []),
        "final return\nIQM [95 % interval]",
        "seconds",
        "steps/s",
    ):
        table.add_column(column, justify="right")
    for result in results:
        table.add_row(*result_row(result, diverged))
    return table


def result_row(result: MethodResult, diverged: bool) -> tuple[str, ...]:
    """The cells of one method, with one for the seeds that diverged where some method has any."""
    low, median, high = (_steps(q) for q in result.quartiles)
    has_threshold = result.threshold is not None
    interval = [number(bound) for bound in result.interval]
    return (
        result.method,
        f"{result.parameters:,}",
        f"{median} \\[{low} – {high}]" if has_threshold else "–",
        f"{result.solved}/{len(result.seeds)}" if has_threshold else "–",
        *([f"{len(result.failures)}/{len(result.seeds)}"] if diverged else []),
        f"{number(result.final_return)} \\[{interval[0]} – {interval[1]}]",
        f"{result.seconds:,.1f}",
        number(result.rate, 0),
    )


def _steps(value: float) -> str:
    return f"{value:,.0f}" if math.isfinite(value) else "unsolved"
