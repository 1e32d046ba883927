"""Compare the distribution of initial states with its image."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.verification._dynamics import spread
from symmdp.mdp.verification._report import PartResult

_SIGNIFICANCE = 1e-3  # of all tests of one element together (Bonferroni)
_PAIRS = 64
_ROUNDING = 1e-2


def compare_initial_states(
    symmetry: Symmetry, g: int, resets: NDArray[np.float64], tolerance: float, generator: np.random.Generator
) -> PartResult:
    """Two-sample Kolmogorov–Smirnov tests: one half of the observations against the image of the other half.

    Along each coordinate, and along the sum or difference (at random) of two coordinates, each pair or 64 random ones: these
    see how coordinates depend on one another. A pair is named where neither of its coordinates is at fault alone. Two
    coordinates that determine one another have a sum or difference of rounding errors, which says nothing: it is left out
    where it and its image vary together by less than a hundredth of what the coordinates do.

    Args:
        symmetry: of the MDP.
        g: the element.
        resets: observations after independent resets, shape `(n, d)`.
        tolerance: values closer than this, in units of the spread, are the same; so that an atom stays one.
        generator: of the pairs and signs.
    """
    d, half = resets.shape[1], len(resets) // 2
    scale = spread(resets)
    pairs = _pairs(d, generator)
    signs = generator.choice([-1, 1], size=(len(pairs), 1))
    names = [symmetry.observation_name(k) for k in range(d)]
    names += [f"{names[a]} and {names[b]} together" for a, b in pairs]
    one, other = (
        np.concatenate([x, x[:, pairs[:, 0]] + signs.T * x[:, pairs[:, 1]]], axis=1)
        for x in (resets[:half] / scale, symmetry.transform_observation(g, resets[half:]) / scale)
    )
    distances, p_values = np.array([_kolmogorov_smirnov(one[:, k], other[:, k], tolerance) for k in range(len(names))]).T
    is_rounding = np.concatenate([one, other])[:, d:].std(axis=0) < _ROUNDING
    distances[d:][is_rounding], p_values[d:][is_rounding] = 0.0, 1.0
    rejected = p_values < _SIGNIFICANCE / len(names)
    rejected[d:] &= ~rejected[pairs].any(axis=1)
    candidates = np.flatnonzero(rejected) if rejected.any() else np.arange(d)
    candidates = candidates[np.argsort(-distances[candidates], kind="stable")]
    worst = int(candidates[0])
    return PartResult(
        part="initial states",
        element=g,
        element_name=symmetry.element_name(g),
        passed=not rejected.any(),
        checked=len(resets),
        violations=int(rejected.sum()),
        error=float(distances[worst]),
        coordinate=worst if worst < d and distances[worst] > 0 else None,
        coordinate_name=names[worst] if distances[worst] > 0 else None,
        faults=tuple(names[k] for k in candidates if rejected[k]),
        errors=tuple(map(float, distances[:d])),
        detail=f"the distributions of {names[worst]} after reset and of its image have the Kolmogorov–Smirnov distance "
        f"{distances[worst]:.2g} (p = {p_values[worst]:.1e})",
    )


def _pairs(d: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Up to 64 pairs of different coordinates."""
    if d <= _PAIRS:
        return generator.permutation(np.array(list(combinations(range(d), 2)), dtype=np.int64).reshape(-1, 2))[:_PAIRS]
    return np.stack([np.sort(generator.choice(d, size=2, replace=False)) for _ in range(_PAIRS)])


def _kolmogorov_smirnov(a: NDArray[np.float64], b: NDArray[np.float64], tolerance: float) -> tuple[float, float]:
    from scipy import stats  # half a second; only verification pays it

    pooled = np.concatenate([a, b])
    order = pooled.argsort()
    rank = np.empty(len(pooled))
    rank[order] = np.concatenate([[0], np.cumsum(np.diff(pooled[order]) > tolerance)])
    result: Any = stats.ks_2samp(rank[: len(a)], rank[len(a) :], method="asymp")
    return float(result.statistic), float(result.pvalue)
