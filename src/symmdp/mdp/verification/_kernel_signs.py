from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_FLIPS = 4999
_CHUNK = 500
_MOST = 1000  # pairs, of which there are as many squared
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
        differences: shape `(n, k)`; each column counts as much. Of more than 1,000 pairs some are drawn.
        state: where the pairs are, shape `(n, p)`.
        label: discrete actions, shape `(n,)`.
        generator: of the signs.
        least: means below this share of the scatter are none, as of `sign_flip_test`.

    Source: Gretton et al. 2012 (kernel two-sample statistics), under random signs as of Fisher 1935, section 21.
    """
    if len(differences) > _MOST:
        chosen = generator.permutation(len(differences))[:_MOST]
        differences, state, label = differences[chosen], state[chosen], label[chosen]
    if not differences.any():
        return 1.0
    size = np.sqrt((differences**2).mean(axis=0))
    scaled = differences / np.where(size > 0, size, 1)
    products = scaled @ scaled.T
    length = np.sqrt(np.diag(products))
    matrices, observed = [], 0.0
    for kernel in _kernels(state, label):
        matrix = products * kernel
        norm = np.linalg.norm(matrix)
        if norm > 0:
            matrices.append((matrix / norm).astype(np.float32))
            observed = max(observed, float(matrix.sum() - least**2 * (length @ kernel @ length)) / norm)
    if observed <= 0:
        return 1.0
    as_large = 0
    for start in range(0, _FLIPS, _CHUNK):
        count = min(_CHUNK, _FLIPS - start)
        signs = generator.integers(2, size=(count, len(products)), dtype=np.int8).astype(np.float32) * 2 - 1
        found = [((signs @ matrix) * signs).sum(axis=1, dtype=np.float64) for matrix in matrices]
        as_large += int((np.max(found, axis=0) >= observed * (1 - 1e-5)).sum())
    return (1 + as_large) / (1 + _FLIPS)


def _kernels(state: NDArray[np.float64], label: NDArray[np.int64]) -> Iterator[NDArray[np.float64]]:
    """`K` of each width, with zeros on its diagonal."""
    square = (state**2).sum(axis=1)
    distance = np.maximum(square[:, None] + square - 2 * state @ state.T, 0.0)
    distance[distance < 1e-9 * square.max()] = 0.0  # rounding of what is the same
    distance[label[:, None] != label] = np.inf
    np.fill_diagonal(distance, np.inf)
    yield (distance == 0).astype(np.float64)
    for neighbour in _NEIGHBOURS:
        nearest = np.partition(distance, min(neighbour, len(distance)) - 1, axis=1)[:, min(neighbour, len(distance)) - 1]
        nearest = nearest[np.isfinite(nearest)]
        width = float(np.median(nearest)) if len(nearest) else 0.0
        if width > 0:
            yield np.exp(-distance / (2 * width))
