"""Pair transitions with the images of others, from states and actions as near as the log has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 3
_FAR = 0.9  # a pair may be as far apart as this share of transitions is from its nearest neighbour in the log itself
_MOST = 32  # coordinates in which neighbours are sought


@dataclass(frozen=True)
class Sample:
    """`n` transitions as points: those logged, or images of them.

    Attributes:
        state: `s` and, of a continuous one, `a`, each coordinate in units of its spread, shape `(n, p)`.
        label: discrete actions, 0 for continuous ones, shape `(n,)`.
        outcome: `s' − s` in units of the spread of `s`, and the reward in units of its own, shape `(n, d + 1)`.
        terminated: 0 or 1, shape `(n,)`.
    """

    state: NDArray[np.float64]
    label: NDArray[np.int64]
    outcome: NDArray[np.float64]
    terminated: NDArray[np.float64]

    def rows(self, chosen: NDArray[np.int64]) -> Sample:
        """The transitions of these rows."""
        return Sample(self.state[chosen], self.label[chosen], self.outcome[chosen], self.terminated[chosen])


def matched(
    logged: Sample, images: Sample, others: Sample, generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of `logged` and of `images` that belong together; each row at most once.

    Two are a pair where their states are the same, or else where each is the nearest of the other, among those of the same
    discrete action that have no partner yet.
    Logged transitions and images thus play the same part: where their states have one distribution, either may stand for the
    other, and the mismatch that remains has no direction. Pairs farther apart than neighbours in the log are (`others` is
    the part of the log that the images were made of) are given up.
    """
    project = _projection(logged.state.shape[1], generator)
    here, there, beside = (sample.state @ project for sample in (logged, images, others))
    rows, partners = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for label in np.unique(logged.label):
        a, b, c = (np.flatnonzero(sample.label == label) for sample in (logged, images, others))
        if not (len(a) and len(b) and len(c)):
            continue
        far = np.quantile(_tree(beside[c]).query(here[a])[0], _FAR)
        one, other = _same(here[a], there[b])
        rows.append(a[one])
        partners.append(b[other])
        a, b = np.delete(a, one), np.delete(b, other)
        for _ in range(_ROUNDS):
            if not (len(a) and len(b)):
                break
            distance, nearest = _tree(there[b]).query(here[a])
            back = _tree(here[a]).query(there[b])[1]
            mutual = (back[nearest] == np.arange(len(a))) & (distance <= far)
            rows.append(a[mutual])
            partners.append(b[nearest[mutual]])
            a, b = a[~mutual], np.delete(b, nearest[mutual])
    return np.concatenate(rows), np.concatenate(partners)


def _same(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of `a` and of `b` that are equal, each used once: the first one of a value in `a` and the first one in `b`, …"""
    points = np.concatenate([a, b]) + 0.0  # so that no zero has a sign
    value = np.unique(points, axis=0, return_inverse=True)[1].reshape(-1)
    keys = []
    for part in (value[: len(a)], value[len(a) :]):
        order = np.argsort(part, kind="stable")
        rank = np.empty(len(part), np.int64)
        rank[order] = np.arange(len(part)) - np.searchsorted(part[order], part[order])
        keys.append(part.astype(np.int64) * len(points) + rank)
    _, one, other = np.intersect1d(*keys, assume_unique=True, return_indices=True)
    return one, other


def _projection(p: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """The identity; of many coordinates, random sums, which keep distances and what is the same.

    Source: Johnson and Lindenstrauss 1984.
    """
    return np.eye(p) if p <= _MOST else generator.normal(size=(p, _MOST)) / np.sqrt(_MOST)


def _tree(points: NDArray[np.float64]) -> Any:
    from scipy.spatial import KDTree  # only verification pays for its import

    return KDTree(points)
