"""Ground, as heights over a row of points, that agrees with what bodies above it feel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_NONE = 1e-9  # metres: no more than rounding
_LEVER = 0.05  # what the ground near a point moves by, at the least, for one metre of change in its heights


def fit_ground(
    x: NDArray[np.float64],
    drawn: NDArray[np.float64],
    touched: NDArray[np.float64],
    above: NDArray[np.float64],
    free: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """The heights nearest to `drawn`, in the sum of squares, of ground through the points `touched` and below those `above`.

    Points beside the row put no condition on it, and neither do those above that the points touched leave little choice
    about: the ground would have to move by twenty times as much as they are missed by. Where no ground meets all
    conditions, it goes through the points touched alone.

    Args:
        x: where the heights are, increasing, shape `(m,)`; the ground is straight in between.
        drawn: shape `(m,)`.
        touched: shape `(k, 2)`.
        above: shape `(n, 2)`.
        free: which heights may change, shape `(m,)`; all when not given.

    Source: Lawson and Hanson 1974, chapter 23 (least distance programming).
    """
    free = np.ones(len(x), dtype=bool) if free is None else free
    heights = drawn.copy()
    through, under = _rows(x, touched[:, 0]), _rows(x, above[:, 0])
    room = above[:, 1] - under @ drawn
    under = under[:, free]
    change, kernel = np.zeros(under.shape[1]), np.eye(under.shape[1])
    if len(touched):
        _, sizes, axes = np.linalg.svd(through[:, free])
        change = np.linalg.lstsq(through[:, free], touched[:, 1] - through @ drawn, rcond=_LEVER)[0]
        kernel = axes[int((sizes > _LEVER * sizes[0]).sum()) :].T
    short, under = under @ change - room, under @ kernel
    binds = np.linalg.norm(under, axis=1) > _LEVER
    if (short[binds] > _NONE).any():
        change = change + kernel @ _least_distance(-under[binds], short[binds])
    heights[free] += change
    return heights


def _least_distance(rows: NDArray[np.float64], least: NDArray[np.float64]) -> NDArray[np.float64]:
    """The shortest vector with `rows @ vector >= least`; zero where there is none."""
    from scipy.optimize import nnls  # only verification pays for its import

    matrix, target = np.vstack([rows.T, least]), np.zeros(rows.shape[1] + 1)
    target[-1] = 1
    try:
        solution, distance = nnls(matrix, target)
    except RuntimeError:  # too many iterations
        return target[:-1]
    residual = matrix @ solution - target
    return -residual[:-1] / residual[-1] if distance > _NONE else target[:-1]


def crossings(corners: NDArray[np.float64], following: NDArray[np.int64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where edges, each from a corner to the one that follows it, cross the vertical lines at `x`; shape `(n, 2)`."""
    start, end = corners[:, 0], corners[following, 0]
    low, high = np.minimum(start, end), np.maximum(start, end)
    edge, line = np.nonzero((low[:, None] < x) & (x < high[:, None]))
    share = (x[line] - start[edge]) / (end[edge] - start[edge])
    y = corners[edge, 1] + share * (corners[following[edge], 1] - corners[edge, 1])
    return np.stack([x[line], y], axis=1)


def _rows(x: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix that takes heights to those of the ground at `at`; zero beside the ground."""
    rows = np.zeros((len(at), len(x)))
    inside = np.flatnonzero((at >= x[0]) & (at <= x[-1]))
    left = np.clip(np.searchsorted(x, at[inside], side="right") - 1, 0, len(x) - 2)
    share = (at[inside] - x[left]) / (x[left + 1] - x[left])
    rows[inside, left], rows[inside, left + 1] = 1 - share, share
    return rows
