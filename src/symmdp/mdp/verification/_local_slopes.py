"""How outcomes change with the state near a place: a linear fit to neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symmdp.mdp.verification._matching import Sample

_MOST = 64  # coordinates; with more of them no neighbours are near
_ROOM = 4_000_000  # numbers in one piece of work
_RIDGE = 1e-6


def explained(
    pool: Sample, places: NDArray[np.float64], labels: NDArray[np.int64], mismatch: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What outcomes differ by between `place ± mismatch / 2`, `J δ`, by a linear fit around each place.

    Half-way between two states this leaves an error of third order in their distance, of the sign of the distance. There are
    none to fit where a discrete action has few transitions, or states have more than 64 coordinates: then 0.

    Args:
        pool: logged transitions and images alike, so that neither side is favoured.
        places: shape `(n, p)`.
        labels: discrete actions, shape `(n,)`.
        mismatch: `δ`, shape `(n, p)`.
    """
    from scipy.spatial import KDTree

    n, p = places.shape
    found = np.zeros((n, pool.outcome.shape[1]))
    neighbours = 3 * (p + 1) + 10
    if p > _MOST or not mismatch.any():
        return found
    for label in np.unique(labels):
        own, rows = np.flatnonzero(pool.label == label), np.flatnonzero(labels == label)
        if len(own) < 2 * neighbours:
            continue
        state, outcome, tree = pool.state[own], pool.outcome[own], KDTree(pool.state[own])
        piece = max(1, _ROOM // (neighbours * (p + outcome.shape[1])))
        for start in range(0, len(rows), piece):
            chosen = rows[start : start + piece]
            near = tree.query(places[chosen], k=neighbours)[1]
            found[chosen] = np.einsum("np,npk->nk", mismatch[chosen], _slopes(state[near], outcome[near]))
    return found


def _slopes(state: NDArray[np.float64], outcome: NDArray[np.float64]) -> NDArray[np.float64]:
    """Least squares of outcomes `(n, m, k)` over states `(n, m, p)`, with an intercept: shape `(n, p, k)`."""
    state = state - state.mean(axis=1, keepdims=True)
    outcome = outcome - outcome.mean(axis=1, keepdims=True)
    gram = np.einsum("nmp,nmq->npq", state, state)
    p = gram.shape[1]
    # A little ridge, for coordinates that do not vary here, or that depend on each other as cosine and sine do.
    ridge = _RIDGE * np.trace(gram, axis1=1, axis2=2)[:, None, None] / p + np.finfo(float).tiny
    return np.linalg.solve(gram + ridge * np.eye(p), np.einsum("nmp,nmk->npk", state, outcome))
