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

    Where the environment has no threshold, or a median seed does not reach it, the sentence says that instead.
    """
    if len(results) < 2:
        return ""
    first, second, baselines = results[0], best_of(results[1:]), len(results) - 1
    best = f", the best of {baselines} baselines" if baselines > 1 else ""
    if first.threshold is None:
        compared = f"{first.method} {number(first.final_return)}, {second.method} {number(second.final_return)}"
        return f"Final return: {compared} (interquartile means{best and '; the latter is' + best[1:]})."
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


def best_of(results: Sequence[MethodResult]) -> MethodResult:
    """The result whose median seed solves the environment first; where none does, the one with the highest final return."""
    return min(results, key=lambda result: (result.quartiles[1], -result.final_return))
