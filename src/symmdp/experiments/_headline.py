from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from symmdp.experiments._number import number
from symmdp.experiments._statistics import ratio_of_medians

if TYPE_CHECKING:
    from symmdp.experiments._results import MethodResult


def headline(results: Sequence[MethodResult]) -> str:
    """One sentence on the first method against the best of the others: the ratio of their median steps to solve.

    With evaluations it is about the steps at which the median over seeds of the evaluations reaches the threshold.
    Where the environment has no threshold, or a median seed does not reach it, the sentence says that instead.
    """
    if len(results) < 2:
        return ""
    first, second, baselines = results[0], best_of(results[1:]), len(results) - 1
    best = f", the best of {baselines} baselines" if baselines > 1 else ""
    if first.threshold is None:
        compared = f"{first.method} {number(first.final_return)}, {second.method} {number(second.final_return)}"
        return f"Final return: {compared} (interquartile means{best and '; the latter is' + best[1:]})."
    if first.evaluated and second.evaluated:
        return _of_evaluations(first, second, baselines, best)
    a, b = first.quartiles[1], second.quartiles[1]
    budget = f"{first.total_steps:,} steps"
    if math.isfinite(a) and math.isfinite(b):
        ratio, (low, high) = ratio_of_medians(first.steps_to_solve, second.steps_to_solve)
        steps = f"the steps of {second.method}{best}" if best else f"the {second.method} policy's steps"
        interval = f"(medians; 95 % interval {number(low, 2)} to {number(high, 2)})"
        return f"The {first.method} policy solves it in {ratio:.2f} × {steps} {interval}."
    if math.isfinite(a):
        others = f"that of no other method ({baselines} tried)" if best else f"the median {second.method} seed not"
        return f"The median {first.method} seed solves it in {a:,.0f} steps; {others} in {budget}."
    if math.isfinite(b):
        return f"The median {second.method} seed solves it in {b:,.0f} steps; the median {first.method} seed not in {budget}."
    return f"{'No' if best else 'Neither'} method's median seed solves it in {budget}."


def _of_evaluations(first: MethodResult, second: MethodResult, baselines: int, best: str) -> str:
    """The same where evaluations were made: of the steps at which the median over seeds reaches the threshold."""
    a, b, budget = first.median_steps, second.median_steps, f"{first.total_steps:,} steps"
    threshold = f"{first.threshold:g}"
    if math.isfinite(a) and math.isfinite(b):
        ratio = f"{a / b:.2f} × the {b:,.0f}" if b else f"against {b:,.0f}"
        return (
            f"The median evaluation of {first.method} reaches {threshold} in {a:,.0f} steps{_interval(first)}, {ratio}"
            f"{_interval(second)} of {second.method}{best}."
        )
    if math.isfinite(a):
        others = f"that of no other method ({baselines} tried)" if best else f"that of {second.method} not"
        return (
            f"The median evaluation of {first.method} reaches {threshold} in {a:,.0f} steps{_interval(first)}; "
            f"{others} in {budget}."
        )
    if math.isfinite(b):
        return (
            f"The median evaluation of {second.method} reaches {threshold} in {b:,.0f} steps{_interval(second)}; "
            f"that of {first.method} not in {budget}."
        )
    return f"{'No' if best else 'Neither'} method's median evaluation reaches {threshold} in {budget}."


def _interval(result: MethodResult) -> str:
    """The 95 % interval of the steps; nothing for a single seed."""
    low, high = (f"{bound:,.0f}" if math.isfinite(bound) else "never" for bound in result.median_steps_interval)
    return "" if len(result.seeds) < 2 else f" [95 %: {low} – {high}]"


def ratio_of_steps(first: MethodResult, second: MethodResult) -> str:
    """The ratio of the steps that two methods are held against each other by; `–` where one is infinite.

    With a 95 % interval where it is one of medians over seeds of the steps to solve.
    """
    a, b = first.median_steps, second.median_steps
    if not (math.isfinite(a) and math.isfinite(b) and b > 0):
        return "–"
    if first.evaluated and second.evaluated:
        return number(a / b, 2)
    ratio, (low, high) = ratio_of_medians(first.steps_to_solve, second.steps_to_solve)
    return f"{number(ratio, 2)} [{number(low, 2)} – {number(high, 2)}]"


def best_of(results: Sequence[MethodResult]) -> MethodResult:
    """The result with the fewest `median_steps`; where none solves the environment, the one with the highest final return."""
    return min(results, key=lambda result: (result.median_steps, -result.final_return))
