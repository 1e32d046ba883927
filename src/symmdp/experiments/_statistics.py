from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray
from scipy.stats import bootstrap, trim_mean

if TYPE_CHECKING:
    from symmdp.experiments._run import Episodes

_RESAMPLES = 9_999
_WORST = -1e100  # stands for minus infinity where a quantile is interpolated


def steps_to_solve(episodes: Episodes, threshold: float, window: int = 10) -> float:
    """Environment steps until the mean return of the last `window` finished episodes first reaches `threshold`.

    Infinite when it never does. Fewer than `window` episodes are no evidence, and a return that is not a number is a
    failure, so a window that holds one does not count.
    """
    if len(episodes.returns) < window:
        return math.inf
    means = sliding_window_view(episodes.returns, window).mean(axis=1)
    reached = np.flatnonzero(means >= threshold)
    return float(episodes.steps[reached[0] + window - 1]) if len(reached) else math.inf


def final_return(episodes: Episodes, window: int = 10) -> float:
    """The mean return of the last `window` finished episodes (of all, when there are fewer; NaN when there is none)."""
    return float(episodes.returns[-window:].mean()) if len(episodes.returns) else math.nan


def quantile(values: ArrayLike, q: float) -> float:
    """The least value that at least a share `q` of the values do not exceed (the inverted distribution function).

    It is one of the values, never a mean of two, so it is well-defined when some are infinite: the median of steps to
    solve is the step by which half of the seeds have solved, and infinite when fewer than half ever do.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    return float(ordered[max(math.ceil(q * len(ordered)) - 1, 0)])


def quartiles(values: ArrayLike) -> tuple[float, float, float]:
    """The `quantile` at 1/4, 1/2 and 3/4."""
    return quantile(values, 0.25), quantile(values, 0.5), quantile(values, 0.75)


def interquartile_mean(values: ArrayLike, seed: int = 0) -> tuple[float, tuple[float, float]]:
    """The mean of the middle half of the values, and its 95 % percentile-bootstrap interval over seeds.

    A value that is not a number (a diverged seed) counts as worse than every other, minus infinity, and is trimmed only
    as any worst value is; when more than a quarter are, so is the result. The interval is (NaN, NaN) for a single
    value, which says nothing about spread, and a point for equal ones.

    Args:
        values: one number for each seed, shape `(seeds,)`.
        seed: of the resampling.

    Source: Agarwal et al. 2021, *Deep RL at the edge of the statistical precipice*, section 4.3.
    """
    x = np.asarray(values, dtype=np.float64)
    x = np.where(np.isnan(x), _WORST, x)
    mean = _unmask(float(trim_mean(x, 0.25)))
    if len(x) < 2:
        return mean, (math.nan, math.nan)
    found = bootstrap(
        (x,),
        lambda sample, axis: trim_mean(sample, 0.25, axis=axis),
        n_resamples=_RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return mean, (_unmask(float(found.low)), _unmask(float(found.high)))


def ratio_of_medians(a: Sequence[float], b: Sequence[float], seed: int = 0) -> tuple[float, tuple[float, float]]:
    """`median(a) / median(b)` and its 95 % percentile-bootstrap interval, the two samples resampled independently.

    Infinite values (unsolved seeds) are resampled like others. A resample in which both medians are infinite tells
    nothing about the ratio and widens the interval on both sides; the ratio itself is then NaN.
    """
    rng = np.random.default_rng(seed)
    upper, lower = (_resampled_medians(np.asarray(x, dtype=np.float64), rng) for x in (a, b))
    unknown = np.isinf(upper) & np.isinf(lower)
    ratios = np.divide(upper, lower, where=~unknown, out=np.zeros_like(upper))
    low, high = quantile(np.where(unknown, 0.0, ratios), 0.025), quantile(np.where(unknown, math.inf, ratios), 0.975)
    of_a, of_b = quantile(a, 0.5), quantile(b, 0.5)
    return (math.nan if math.isinf(of_a) and math.isinf(of_b) else of_a / of_b), (low, high)


def median_with_interval(values: ArrayLike, seed: int = 0) -> tuple[float, tuple[float, float]]:
    """`quantile(values, 1/2)` and its 95 % percentile-bootstrap interval over seeds; infinite values count like others.

    The interval is (NaN, NaN) for a single value.
    """
    x = np.asarray(values, dtype=np.float64)
    if len(x) < 2:
        return quantile(x, 0.5), (math.nan, math.nan)
    medians = _resampled_medians(x, np.random.default_rng(seed))
    return quantile(x, 0.5), (quantile(medians, 0.025), quantile(medians, 0.975))


def probability_of_improvement(a: ArrayLike, b: ArrayLike, seed: int = 0) -> tuple[float, tuple[float, float]]:
    """`P(A > B) + P(A = B)/2` for one seed of each method, and its 95 % percentile-bootstrap interval.

    A value that is not a number (a diverged seed) is worse than every other, and equal to another such.

    Args:
        a: a number for each seed of one method, shape `(seeds_a,)`.
        b: likewise of the other, shape `(seeds_b,)`.
        seed: of the resampling; the two samples are resampled independently.

    Source: Agarwal et al. 2021, *Deep RL at the edge of the statistical precipice*, section 4.3.
    """
    x, y = (np.where(np.isnan(v), _WORST, v) for v in (np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)))
    wins = (np.sign(x[:, None] - y[None, :]) + 1) / 2
    found = float(wins.mean())
    if min(len(x), len(y)) < 2:
        return found, (math.nan, math.nan)
    rng = np.random.default_rng(seed)
    shares = [rng.multinomial(len(v), np.full(len(v), 1 / len(v)), size=_RESAMPLES) / len(v) for v in (x, y)]
    resampled = ((shares[0] @ wins) * shares[1]).sum(axis=1)
    low, high = np.quantile(resampled, [0.025, 0.975])
    return found, (float(low), float(high))


def learning_curves(episodes: Sequence[Episodes], grid: ArrayLike, window: int = 10) -> NDArray[np.float64]:
    """The return of every seed at the steps `grid`: the mean of its last `window` episodes finished by then.

    NaN before the first episode is finished.

    Args:
        episodes: of every seed.
        grid: environment steps, ascending, shape `(points,)`.
        window: episodes in the mean (all so far, when there are fewer).

    Returns:
        shape `(seeds, points)`.
    """
    grid = np.asarray(grid)
    curves = np.full((len(episodes), len(grid)), math.nan)
    for curve, of_seed in zip(curves, episodes, strict=True):
        if len(of_seed.returns):
            padded = np.concatenate([np.zeros(window - 1), of_seed.returns])
            counts = np.minimum(np.arange(len(of_seed.returns)) + 1, window)
            means = sliding_window_view(padded, window).sum(axis=1) / counts
            finished = np.searchsorted(of_seed.steps, grid, side="right")
            curve[finished > 0] = means[finished[finished > 0] - 1]
    return curves


def _resampled_medians(x: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    samples = np.sort(rng.choice(x, size=(_RESAMPLES, len(x))), axis=1)
    return samples[:, max(math.ceil(len(x) / 2) - 1, 0)]


def _unmask(value: float) -> float:
    return -math.inf if value < _WORST * 1e-6 else value
