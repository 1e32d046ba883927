from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from symmdp.mdp.verification._exceedances import exceedance_p_values
from symmdp.mdp.verification._sign_flips import random_signs

_MOST = 1_000_000  # products of two pairs with the same action
_NEIGHBOURS = (2, 16)


def kernel_sign_test(
    differences: NDArray[np.float64],
    state: NDArray[np.float64],
    label: NDArray[np.int64],
    generator: np.random.Generator,
    least: float = 0.0,
) -> float:
    """The p-value of paired differences being symmetric about zero, against any mean that changes with state and action.

    The statistic `Σ_{i≠j} K_ij ⟨d_i, d_j⟩` is large where differences point alike in states that are near and have the same
    action, `K_ij = [a_i = a_j] exp(−‖s_i − s_j‖² / 2h²)`, whichever way they point. There are three widths `h`: none (the
    very same state), and the median distances of the second and of the sixteenth neighbour. The largest statistic, each over
    its norm, is compared with the largest one under random signs.

    Args:
        differences: shape `(n, k)`; each column counts as much. Of pairs with more than a million products some are drawn.
        state: where the pairs are, shape `(n, p)`.
        label: discrete actions, shape `(n,)`.
        generator: of the signs.
        least: means below this share of the scatter are none, as of `sign_flip_test`.

    Source: Gretton et al. 2012 (kernel two-sample statistics), under random signs as of Fisher 1935, section 21.
    """
    rows = _drawn(label, generator)
    differences, ends = differences[rows], np.flatnonzero(np.diff(label[rows])) + 1
    if not differences.any():
        return 1.0
    size = np.sqrt((differences**2).mean(axis=0))
    scaled = np.split(differences / np.where(size > 0, size, 1), ends)
    moving = [np.flatnonzero(part.any(axis=1)) for part in scaled]  # what does not differ adds nothing, whatever its sign is
    scaled = [part[own] for part, own in zip(scaled, moving, strict=True)]
    products = [part @ part.T for part in scaled]
    lengths = [np.sqrt(np.diag(block)) for block in products]
    forms, observed = [], 0.0
    for kernel in _kernels(np.split(state[rows], ends)):
        weights = [block[np.ix_(own, own)] for block, own in zip(kernel, moving, strict=True)]
        form = [weight * block for weight, block in zip(weights, products, strict=True)]
        norm = np.sqrt(sum((block**2).sum() for block in form))
        if norm > 0:
            forms.append([(block / norm).astype(np.float32) for block in form])
            explained = sum(length @ weight @ length for length, weight in zip(lengths, weights, strict=True))
            observed = max(observed, float(sum(block.sum() for block in form) - least**2 * explained) / norm)
    if observed <= 0:
        return 1.0
    ends = np.cumsum([len(own) for own in moving])

    def largest(count: int) -> NDArray[np.float64]:
        signs = np.split(random_signs(generator, count, ends[-1]), ends[:-1], axis=1)
        return np.max([_quadratic(form, signs) for form in forms], axis=0)[:, None]

    return float(exceedance_p_values(np.array([observed]), largest)[0])


def _drawn(label: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    """Rows in the order of their labels: all of them, or as many as have no more than a million products."""
    n = len(label)
    products = (np.unique(label, return_counts=True)[1] ** 2).sum()
    rows = np.arange(n) if products <= _MOST else generator.permutation(n)[: int(n * np.sqrt(_MOST / products))]
    return rows[np.argsort(label[rows], kind="stable")]


def _quadratic(form: Sequence[NDArray[np.float32]], signs: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """`εᵀ A ε` of each row of signs, where `A` has blocks on its diagonal."""
    found = [((part @ block) * part).sum(axis=1, dtype=np.float64) for part, block in zip(signs, form, strict=True)]
    return np.sum(found, axis=0)


def _kernels(states: Sequence[NDArray[np.float64]]) -> Iterator[list[NDArray[np.float64]]]:
    """`K` of each width, with zeros on its diagonal: a block for the states of each action."""
    largest = max((state**2).sum(axis=1).max(initial=0.0) for state in states)
    squares = [_square_distances(state, 1e-9 * largest) for state in states]
    yield [(square == 0).astype(np.float64) for square in squares]
    for neighbour in _NEIGHBOURS:
        nearest = np.concatenate([np.partition(block, k := min(neighbour, len(block)) - 1, axis=1)[:, k] for block in squares])
        nearest = nearest[np.isfinite(nearest)]
        width = float(np.median(nearest)) if len(nearest) else 0.0
        if width > 0:
            yield [np.exp(-square / (2 * width)) for square in squares]


def _square_distances(state: NDArray[np.float64], rounding: float) -> NDArray[np.float64]:
    """Between any two, infinite on the diagonal."""
    size = (state**2).sum(axis=1)
    square = size[:, None] + size - 2 * state @ state.T
    square[square < rounding] = 0.0  # of what is the same
    np.fill_diagonal(square, np.inf)
    return square
