import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from symmdp.experiments import interquartile_mean, quartiles
from symmdp.experiments._curve_statistics import (
    area_under_curve,
    curve_interquartile_means,
    curve_quartiles,
    median_reaches,
)

VALUES = st.one_of(st.integers(0, 20).map(float), st.just(math.nan))
CURVES = st.tuples(st.integers(1, 9), st.integers(1, 6)).flatmap(lambda shape: arrays(np.float64, shape, elements=VALUES))


def worst_first(column: np.ndarray) -> list[float]:
    return [-math.inf if math.isnan(value) else float(value) for value in column]


@given(CURVES)
def test_quartiles_are_those_of_each_point(curves: np.ndarray) -> None:
    for column, found in zip(curves.T, curve_quartiles(curves).T, strict=True):
        expected = [math.nan if math.isinf(q) else q for q in quartiles(worst_first(column))]
        assert found.tolist() == pytest.approx(expected, nan_ok=True)


def test_quartiles_count_a_seed_without_a_number_as_the_worst() -> None:
    curves = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [math.nan, 4.0]])
    low, median, high = curve_quartiles(curves)
    assert math.isnan(low[0])
    assert (median[0], high[0]) == (1.0, 2.0)
    assert (low[1], median[1], high[1]) == (1.0, 2.0, 3.0)


def test_interquartile_means_are_those_of_each_point() -> None:
    curves = np.random.default_rng(0).normal(size=(12, 5))
    curves[3, 2:] = math.nan
    low, mean, high = curve_interquartile_means(curves)
    for k, column in enumerate(curves.T):
        expected, bounds = interquartile_mean(column)
        assert mean[k] == pytest.approx(expected)
        assert low[k] <= mean[k] <= high[k]
        assert [low[k], high[k]] == pytest.approx(bounds, abs=0.15)


def test_interquartile_mean_of_many_failed_seeds_is_no_number() -> None:
    low, mean, high = curve_interquartile_means(np.array([[1.0], [1.0], [math.nan], [math.nan]]))
    assert math.isnan(low[0])
    assert math.isnan(mean[0])
    assert high[0] == 1
    assert np.isnan(curve_interquartile_means(np.array([[1.0]]))[[0, 2]]).all()


def slow_median_reaches(curves: np.ndarray, grid: np.ndarray, threshold: float) -> float:
    for step, column in zip(grid, curves.T, strict=True):
        if quartiles(worst_first(column))[1] >= threshold:
            return float(step)
    return math.inf


@given(CURVES, st.integers(0, 20))
@settings(deadline=None, max_examples=40)  # each resamples many times
def test_the_median_reaches_the_threshold_where_a_loop_says(curves: np.ndarray, threshold: int) -> None:
    grid = 100 * np.arange(curves.shape[1])
    found, (low, high) = median_reaches(curves, grid, threshold)
    assert found == slow_median_reaches(curves, grid, threshold)
    if len(curves) > 1:
        assert low <= high
        assert {low, high} <= {*grid.tolist(), math.inf}
    else:
        assert math.isnan(low)


def test_interval_of_where_the_median_reaches_is_that_of_resampled_seeds() -> None:
    curves = np.array([[0.0] * k + [1.0] * (10 - k) for k in (1, 2, 2, 3, 4, 4, 5, 9)])
    grid = np.arange(10)
    rng = np.random.default_rng(1)
    drawn = [slow_median_reaches(curves[rng.integers(8, size=8)], grid, 1) for _ in range(500)]
    assert median_reaches(curves, grid, 1)[0] == 4
    assert median_reaches(curves, grid, 1)[1] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=1)
    assert median_reaches(curves[:1].repeat(5, axis=0), grid, 1) == (1, (1, 1))


def test_area_is_a_return() -> None:
    assert area_under_curve([0, 100, 300], [5.0, 5.0, 5.0]) == 5
    assert area_under_curve([0, 100], [0.0, 1.0]) == 0.5
    assert area_under_curve([10], [3.0]) == 3
    assert math.isnan(area_under_curve([], []))
    assert math.isnan(area_under_curve([0, 1], [1.0, math.nan]))
