import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symmdp.experiments import Episodes, final_return, interquartile_mean, learning_curves, quartiles, steps_to_solve
from symmdp.experiments._statistics import (
    median_with_interval,
    probability_of_improvement,
    quantile,
    ratio_of_medians,
)

RETURNS = st.lists(st.one_of(st.integers(0, 500).map(float), st.just(math.nan)), max_size=40)
STEPS_TO_SOLVE = st.lists(st.one_of(st.integers(1, 10**6).map(float), st.just(math.inf)), min_size=1, max_size=30)


def episodes_of(returns: list[float], lengths: list[int] | None = None) -> Episodes:
    lengths = lengths or [7] * len(returns)
    return Episodes(np.cumsum(lengths, dtype=np.int64), np.array(returns, dtype=np.float64))


def slow_steps_to_solve(episodes: Episodes, threshold: float, window: int) -> float:
    for i in range(len(episodes.returns)):
        last = [float(r) for r in episodes.returns[: i + 1]][-window:]
        if len(last) == window and sum(last) / window >= threshold:
            return float(episodes.steps[i])
    return math.inf


@given(RETURNS, st.integers(0, 500), st.integers(1, 12))
def test_steps_to_solve_agrees_with_a_loop(returns: list[float], threshold: int, window: int) -> None:
    episodes = episodes_of(returns)
    assert steps_to_solve(episodes, threshold, window) == slow_steps_to_solve(episodes, threshold, window)


def test_fewer_episodes_than_the_window_solve_nothing() -> None:
    assert steps_to_solve(episodes_of([500.0] * 9), 475, 10) == math.inf
    assert steps_to_solve(episodes_of([500.0] * 10), 475, 10) == 70


def test_final_return_is_the_mean_of_the_last_window() -> None:
    assert final_return(episodes_of([0.0] * 5 + [10.0] * 10), 10) == 10
    assert final_return(episodes_of([1.0, 3.0]), 10) == 2
    assert math.isnan(final_return(episodes_of([]), 10))
    assert math.isnan(final_return(episodes_of([5.0] * 9 + [math.nan]), 10))


@given(STEPS_TO_SOLVE, st.sampled_from([0.25, 0.5, 0.75]))
def test_quantile_is_the_least_value_that_enough_values_do_not_exceed(values: list[float], q: float) -> None:
    reference = min(v for v in values if sum(w <= v for w in values) >= q * len(values))
    assert quantile(values, q) == reference


def test_unsolved_seeds_count_in_the_median() -> None:
    assert quartiles([1.0, 2.0, math.inf, math.inf]) == (1.0, 2.0, math.inf)
    assert quartiles([1.0, math.inf, math.inf]) == (1.0, math.inf, math.inf)


@given(st.lists(st.integers(-1000, 1000).map(float), min_size=1, max_size=25))
@settings(deadline=None, max_examples=40)  # each resamples many times
def test_interquartile_mean_agrees_with_sorting_and_lies_in_its_interval(values: list[float]) -> None:
    cut = len(values) // 4
    kept = sorted(values)[cut : len(values) - cut]
    mean, (low, high) = interquartile_mean(values)
    assert mean == pytest.approx(sum(kept) / len(kept), abs=1e-9)
    if len(values) > 1:
        assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9
    else:
        assert math.isnan(low)
        assert math.isnan(high)


def test_interval_of_equal_values_is_a_point() -> None:
    assert interquartile_mean([500.0] * 20) == (500.0, (500.0, 500.0))


def test_interval_is_reproducible_and_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    intervals = [interquartile_mean(rng.normal(size=20))[1] for _ in range(100)]
    assert interquartile_mean([1.0, 2.0, 5.0]) == interquartile_mean([1.0, 2.0, 5.0])
    assert 83 <= sum(low <= 0 <= high for low, high in intervals) <= 100


def test_a_diverged_seed_is_the_worst_and_never_dropped() -> None:
    healthy = [10.0] * 7
    mean, (low, _) = interquartile_mean([*healthy, math.nan])
    assert mean == 10
    assert low == -math.inf
    assert interquartile_mean([10.0, 10.0, math.nan, math.nan])[0] == -math.inf


def test_ratio_of_medians() -> None:
    ratio, (low, high) = ratio_of_medians([1.0] * 9, [2.0] * 9)
    assert (ratio, low, high) == (0.5, 0.5, 0.5)
    ratio, (low, high) = ratio_of_medians([1.0, 1.0, 2.0, 2.0, 3.0], [4.0, 4.0, 4.0, math.inf, math.inf])
    assert ratio == 0.5
    assert low == 0.0
    assert 0.25 <= high <= 0.75
    ratio, (low, high) = ratio_of_medians([math.inf] * 3, [math.inf] * 3)
    assert math.isnan(ratio)
    assert (low, high) == (0.0, math.inf)


@given(RETURNS, st.integers(1, 12), st.data())
def test_learning_curve_agrees_with_a_loop(returns: list[float], window: int, data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(1, 9), min_size=len(returns), max_size=len(returns)))
    episodes = episodes_of(returns, lengths)
    grid = np.arange(0, 400, 3)
    (curve,) = learning_curves([episodes], grid, window)
    for step, value in zip(grid, curve, strict=True):
        finished = [r for s, r in zip(episodes.steps, returns, strict=True) if s <= step][-window:]
        expected = sum(finished) / len(finished) if finished else math.nan
        assert value == pytest.approx(expected, nan_ok=True)


SEEDS = st.lists(st.one_of(st.integers(-9, 9).map(float), st.just(math.nan)), min_size=1, max_size=12)


@given(SEEDS, SEEDS)
@settings(deadline=None, max_examples=40)  # each resamples many times
def test_probability_of_improvement_counts_pairs(a: list[float], b: list[float]) -> None:
    x, y = ([-math.inf if math.isnan(v) else v for v in values] for values in (a, b))
    expected = sum((u > v) + (u == v) / 2 for u in x for v in y) / (len(x) * len(y))
    found, (low, high) = probability_of_improvement(a, b)
    assert found == pytest.approx(expected)
    assert found + probability_of_improvement(b, a)[0] == pytest.approx(1)
    if min(len(a), len(b)) > 1:
        assert 0 <= low <= high <= 1
    else:
        assert math.isnan(low)


@given(STEPS_TO_SOLVE)
@settings(deadline=None, max_examples=40)  # each resamples many times
def test_interval_of_the_median_holds_values_of_seeds(values: list[float]) -> None:
    median, (low, high) = median_with_interval(values)
    assert median == quantile(values, 0.5)
    if len(values) > 1:
        assert low <= median <= high
        assert {low, high} <= set(values)
