"""Ground, as heights over a row of points, that agrees with what bodies above it feel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SLACK = 1e-9  # metres


def fit_ground(
    x: NDArray[np.float64],
    drawn: NDArray[np.float64],
    touched: NDArray[np.float64],
    above: NDArray[np.float64],
    free: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Heights that differ as little as possible from `drawn`, in the sum of squares.

    The ground passes through the points `touched` and below the points `above`; bodies beside these, and points beside the
    row, put no condition on it. The smallest change is one of a few conditions that bind, found one by one.

    Args:
        x: where the heights are, increasing, shape `(m,)`; the ground is straight in between.
        drawn: shape `(m,)`.
        touched: shape `(k, 2)`.
        above: shape `(n, 2)`.
        free: which heights may change, shape `(m,)`; all when not given.
    """
    free = np.ones(len(x), dtype=bool) if free is None else free
    rows, targets = _rows(x, touched[:, 0]), touched[:, 1]
    over, limits = _rows(x, above[:, 0]), above[:, 1]
    heights = drawn.copy()
    for step in range(len(above) + 1):
        if step or len(targets):
            heights = drawn.copy()
            heights[free] += np.linalg.lstsq(rows[:, free], targets - rows @ drawn, rcond=None)[0]
        excess = over @ heights - limits
        excess[~over[:, free].any(axis=1)] = 0
        worst = int(excess.argmax()) if len(excess) else 0
        if not len(excess) or excess[worst] <= _SLACK:
            break
        rows, targets = np.vstack([rows, over[worst]]), np.append(targets, limits[worst])
    return heights


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
