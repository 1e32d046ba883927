"""What is said of many learning curves at once: quartiles, interquartile means, where the median reaches a threshold."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import trim_mean

_RESAMPLES = 2_000
_CHUNK = 250
_WORST = -1e100  # stands for minus infinity in a trimmed mean


def curve_quartiles(curves: NDArray[np.float64]) -> NDArray[np.float64]:
    """`quartiles` over seeds at each point, shape `(3, points)`; NaN where so many seeds have no number.

    A seed without a number counts as worse than every other.

    Args:
        curves: the return of each seed at each point, shape `(seeds, points)`.
    """
    ranked = np.sort(np.where(np.isnan(curves), -math.inf, curves), axis=0)
    n = len(ranked)
    rows = ranked[[max(math.ceil(q * n) - 1, 0) for q in (0.25, 0.5, 0.75)]]
    return np.where(np.isfinite(rows), rows, math.nan)


def curve_interquartile_means(curves: NDArray[np.float64], seed: int = 0) -> NDArray[np.float64]:
    """Lower bound, value and upper bound of `interquartile_mean` over seeds at each point, shape `(3, points)`.

    The bounds are those of the pointwise 95 % percentile bootstrap; whole curves are resampled. NaN where so many seeds have no
    number that the mean, or the bound, is minus infinity; the bounds are NaN for a single seed.

    Args:
        curves: the return of each seed at each point, shape `(seeds, points)`.
        seed: of the resampling.

    Source: Agarwal et al. 2021, *Deep RL at the edge of the statistical precipice*, section 4.3.
    """
    x = np.where(np.isnan(curves), _WORST, curves)
    mean = trim_mean(x, 0.25, axis=0)
    low = high = np.full_like(mean, math.nan)
    if len(x) > 1:
        drawn = np.random.default_rng(seed).integers(len(x), size=(_RESAMPLES, len(x)))
        chunks = [trim_mean(x[drawn[k : k + _CHUNK]], 0.25, axis=1) for k in range(0, _RESAMPLES, _CHUNK)]
        low, high = np.quantile(np.concatenate(chunks), [0.025, 0.975], axis=0)
    rows = np.stack([low, mean, high])
    return np.where(rows < _WORST * 1e-6, math.nan, rows)


def median_reaches(
    curves: NDArray[np.float64], grid: ArrayLike, threshold: float, seed: int = 0
) -> tuple[float, tuple[float, float]]:
    """The first step at which the median over seeds of the return reaches `threshold`, and its 95 % bootstrap interval.

    The median is that of `curve_quartiles`, so it reaches the threshold where more than half of the seeds are there at the same
    step. Infinite when it never does; a seed without a number is not there. Seeds are resampled with their whole curves; the
    interval is (NaN, NaN) for a single seed.

    Args:
        curves: the return of each seed at each point, shape `(seeds, points)`.
        grid: environment steps, ascending, shape `(points,)`.
        threshold: a return.
        seed: of the resampling.

    Source: van der Pol et al. 2020, whose figures show the median and the quartiles over seeds.
    """
    steps = np.append(np.asarray(grid, dtype=np.float64), math.inf)
    n = len(curves)
    there = (curves >= threshold).astype(np.float32)
    needed = n // 2 + 1
    found = float(steps[_first(there.sum(axis=0)[None] >= needed)[0]])
    if n < 2:
        return found, (math.nan, math.nan)
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=_RESAMPLES).astype(np.float32)
    firsts = [_first(counts[k : k + _CHUNK] @ there >= needed - 0.5) for k in range(0, _RESAMPLES, _CHUNK)]
    ordered = np.sort(steps[np.concatenate(firsts)])
    low, high = (float(ordered[max(math.ceil(q * _RESAMPLES) - 1, 0)]) for q in (0.025, 0.975))
    return found, (low, high)


def area_under_curve(steps: ArrayLike, returns: ArrayLike) -> float:
    """The area under a learning curve over its width: `∫ R(t) dt / (t_last − t_first)`, by trapezia, in units of the return.

    NaN where the curve has no point, or one that is not a number; the value itself where it has one point.
    """
    t, r = np.asarray(steps, dtype=np.float64), np.asarray(returns, dtype=np.float64)
    if len(t) == 0:
        return math.nan
    return float(np.trapezoid(r, t) / (t[-1] - t[0])) if t[-1] > t[0] else float(r[-1])


def _first(reached: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The first true column of each row; the number of columns where there is none."""
    return np.where(reached.any(axis=1), reached.argmax(axis=1), reached.shape[1])
