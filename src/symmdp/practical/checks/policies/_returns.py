"""The reward-to-go of an episode, and how soon seeds are solved."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symmdp.practical._answers import array, fail, first_match, function


def reward_to_go(rewards_to_go: object) -> str:
    """`G_t = Σ_{k≥t} γ^{k−t} r_k`."""
    asked = function(rewards_to_go, "reward_to_go")
    for rewards, discount in (([1.0, 2.0, 4.0], 0.5), ([1.0] * 5, 0.9), ([0.0, 0.0, 3.0, -1.0], 1.0)):
        found = array(asked(list(rewards), discount), "your reward-to-go", (len(rewards),))
        r = np.array(rewards)
        right = _to_go(r, discount)
        if np.allclose(found, right, atol=1e-5):
            continue
        powers = discount ** np.arange(len(r))
        mistakes: dict[str, Any] = {
            "it has past and future mixed up: it sums the rewards up to t, on which a_t has no influence": np.cumsum(r),
            "it has past and future mixed up: it sums the discounted rewards up to t": np.cumsum(powers * r),
            "it is not discounted: a reward k steps later counts γᵏ": _to_go(r, 1.0),
            "its order is reversed: the first entry belongs to the first step": right[::-1],
            "the reward r_t itself is missing: the sum begins with k = t": right - r,
            "it is the return of the whole episode at each step; rewards before t do not depend on a_t": np.full(
                len(r), right[0]
            ),
            "it is discounted from the start of the episode; count the steps from t, γ^(k − t)": powers * right,
            "only the next value is discounted once: G_t = r_t + γ G_(t+1) goes on to the end": r
            + discount * np.append(r[1:], 0),
        }
        said = first_match(found, mistakes)
        fail(
            f"Your reward-to-go of the rewards {rewards} with γ = {discount} is {found.round(3)}: "
            f"{said or 'start at the last step, with G_t = r_t + γ G_(t+1)'}."
        )
    return "G_t = r_t + γ G_(t+1), from the last step backwards."


def _to_go(rewards: NDArray, discount: float) -> NDArray[np.float64]:
    found, total = np.zeros(len(rewards)), 0.0
    for t in reversed(range(len(rewards))):
        total = rewards[t] + discount * total
        found[t] = total
    return found


def median_solved(episodes_to_solve: object) -> str:
    """The median over seeds of the first episode at which the mean of the last `window` returns reaches a threshold."""
    asked = function(episodes_to_solve, "episodes_to_solve")
    late, soon, never = [0.0, 10.0, 0.0, 0.0] + 4 * [10.0], [0.0] + 7 * [10.0], 8 * [0.0]
    tables = (
        ([late, soon, soon, never, never], 10.0, 3),  # each mistake leads to another number
        ([late, never, never], 10.0, 3),
        ([[0.0, 4.0, 20.0, 0.0, 20.0, 20.0]] + 2 * [[0.0, 0.0] + 4 * [10.0]], 10.0, 3),
    )
    for returns, threshold, window in tables:
        found = float(array_or_infinity(asked(np.array(returns), threshold, window)))
        seeds = np.array([_solved(np.array(seed), threshold, window) for seed in returns])
        right = float(np.median(seeds))
        if found == right or np.isclose(found, right):
            continue
        finite = seeds[np.isfinite(seeds)]
        early = np.array([_solved(np.array(seed), threshold, 1) for seed in returns])
        said = {
            right - 1: "it counts from 0; the first episode is episode 1",
            float(
                np.median(finite)
            ): "it leaves out the seeds that were never solved. They count as infinity, or failing would pay",
            float(np.mean(finite)): "it is the mean of the solved seeds; take the median of all, unsolved ones as infinity",
            float(np.mean(seeds)): "it is the mean over the seeds; a single unsolved seed makes it infinite. Take the median",
            float(
                np.median(early)
            ): "it takes a single episode at the threshold; the mean of the last window episodes must reach it",
        }.get(found, "for each seed take the first episode at which the mean of the last window returns is at the threshold")
        fail(
            f"For the returns {returns}, threshold {threshold:g} and window {window} you get {found:g}; "
            f"expected {right:g}: {said}."
        )
    return "A seed that is never solved counts as infinity, and a median can bear that."


def array_or_infinity(answer: object) -> float:
    """One number, which may be infinite.

    Raises:
        WrongAnswerError: it is none.
    """
    if isinstance(answer, int | float | np.number) and not np.isnan(answer):
        return float(answer)
    return float(array(answer, "your number of episodes", ()))


def _solved(returns: NDArray, threshold: float, window: int) -> float:
    for end in range(window, len(returns) + 1):
        if returns[end - window : end].mean() >= threshold:
            return float(end)
    return float("inf")
