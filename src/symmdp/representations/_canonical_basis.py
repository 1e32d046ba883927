"""A canonical basis of an irreducible representation: a vector that many elements fix, and its images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Shares of a squared length that no algebraic number of a small group comes near, so that rounding decides nothing.
_THRESHOLDS = (1 - 1e-9, 0.4437, 0.2131, 0.0719, 0.00913, 0.000713)
_ALIGNED = 1 - 1e-7
_FAR = 0.0371


def units(c: int) -> NDArray[np.float64]:
    """The matrices by which 1 (and i, or i, j, k) multiply real numbers (complex numbers, quaternions) from the left.

    Shape `(c, c, c)`, `c` = 1, 2 or 4.
    """
    one = np.eye(c)
    if c == 1:
        return one[None]
    if c == 2:
        return np.stack([one, np.array([[0.0, -1.0], [1.0, 0.0]])])
    i = np.array([[0.0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 0, -1], [0, 0, 1, 0]])
    j = np.array([[0.0, 0, -1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, -1, 0, 0]])
    return np.stack([one, i, j, i @ j])


def canonical_basis(
    matrices: NDArray, c: int, orbit: NDArray, noise: list[NDArray], representatives: list[int]
) -> NDArray[np.float64]:
    """An orthogonal `U`, shape `(d, d)`, in which the irreducible `Uᵀ ρ(g) U` and its commutant have a standard form.

    The commutant becomes `1 ⊗ E`, `E` the `units`. Monomial representations mostly become signed permutations. The result
    spans the same vectors in whatever orthonormal basis the arguments are given.

    Args:
        matrices: orthogonal, irreducible over the reals, shape `(|G|, d, d)`.
        c: the dimension of its commutant.
        orbit: vectors that span, shape `(·, d)`: images of a generic one.
        noise: two generic matrices, shape `(d, d)`, that break ties.
        representatives: an element of each conjugacy class.
    """
    frame = _commutant(matrices, c, noise)
    vector = _base_vector(matrices, c, orbit, representatives)
    images = matrices @ vector
    if c > 1:
        frame = _aligned(frame, vector, images)
    return independent_lines(images, frame, len(vector) // c)


def independent_lines(vectors: NDArray, frame: NDArray, count: int) -> NDArray[np.float64]:
    """An orthonormal basis, shape `(d, count·c)`, of what `vectors` span over the algebra with basis `frame`.

    Each line is `(v, I v, …)` for a `v` made orthogonal to those before it, from the first of `vectors` that is far from
    them (at best orthogonal already).
    """
    c, d = frame.shape[:2]
    basis = np.zeros((d, count * c))
    found, largest = 0, float((vectors**2).sum(axis=1).max(initial=1e-300))
    residuals = vectors.copy()
    for threshold in _THRESHOLDS:
        while found < count:
            far = np.flatnonzero((residuals**2).sum(axis=1) > threshold * largest)
            if len(far) == 0:
                break
            v = residuals[far[0]]
            done = basis[:, : found * c]
            v = v - done @ (done.T @ v)
            line = (frame @ (v / np.linalg.norm(v))).T
            basis[:, found * c : (found + 1) * c] = line
            residuals = residuals - (residuals @ line) @ line.T
            found += 1
    if found < count:
        raise AssertionError(f"{count} independent lines expected, {found} found")
    return basis


def _commutant(matrices: NDArray, c: int, noise: list[NDArray]) -> NDArray:
    """A basis `1, I, J, IJ` of the commutant, from generic matrices averaged over the group."""
    frame = [np.eye(matrices.shape[1])]
    for x in noise[: {1: 0, 2: 1, 4: 2}[c]]:
        average = (matrices @ x @ matrices.swapaxes(1, 2)).mean(axis=0)
        average = average - average.T
        for other in frame[1:]:
            average = average - other * ((average * other).sum() / len(x))
        frame.append(average / np.sqrt((average**2).sum() / len(x)))
    if c == 4:
        frame.append(frame[1] @ frame[2])
    return np.stack(frame)


def _base_vector(matrices: NDArray, c: int, orbit: NDArray, representatives: list[int]) -> NDArray:
    """A unit vector whose line (over the algebra) is kept by as many elements as the search over one or two finds."""
    if matrices.shape[1] == c:
        return orbit[0] / np.linalg.norm(orbit[0])
    lines, planes = [], []
    for m in matrices[representatives]:
        for sign in (1, -1):
            values, vectors = np.linalg.eigh(sign * (m + m.T) / 2)
            space = vectors[:, values > _ALIGNED]
            if space.shape[1] == c:
                lines.append(space)
            elif c < space.shape[1] < len(m):
                planes.append(space)
    if planes:
        space = min(planes, key=lambda s: s.shape[1])
        values, vectors = np.linalg.eigh(space.T @ (matrices + matrices.swapaxes(1, 2)) @ space / 2)
        for sign in (1, -1):
            fixed = values * sign > _ALIGNED
            for g in np.flatnonzero(fixed.sum(axis=1) == c):
                line = space @ vectors[g][:, fixed[g]]
                if all(np.linalg.svd(line.T @ other, compute_uv=False)[-1] < _ALIGNED for other in lines):
                    lines.append(line)
    kept = [_kept_by(matrices, line) for line in lines]
    if not kept or max(kept) == 1:
        return orbit[0] / np.linalg.norm(orbit[0])
    # Within the line any unit vector serves; that of a generic one's projection is the same in every basis.
    line = lines[int(np.argmax(kept))]
    shadows = orbit @ line
    lengths = np.linalg.norm(shadows, axis=1)
    v = line @ shadows[np.argmax(lengths > 0.37 * lengths.max())]
    return v / np.linalg.norm(v)


def _kept_by(matrices: NDArray, line: NDArray) -> int:
    image = line.T @ (matrices @ line[:, 0]).T
    return int(((image**2).sum(axis=0) > _ALIGNED).sum())


def _aligned(frame: NDArray, vector: NDArray, images: NDArray) -> NDArray:
    """The units `I` (and `J`) turned so that the first elements that move `vector` within its line move it along them."""
    imaginary = images @ (frame[1:] @ vector).T  # the imaginary coordinates of each image, shape (|G|, c - 1)
    far = np.flatnonzero(np.linalg.norm(imaginary, axis=1) > _FAR)
    if len(far) == 0:
        return frame
    first = imaginary[far[0]] / np.linalg.norm(imaginary[far[0]])
    rows = [first]
    if len(first) == 3:
        # The first image with a part across; failing that, the first of the axes.
        for other in np.concatenate([imaginary[far], np.eye(3)]):
            across = other - first * (first @ other)
            if np.linalg.norm(across) > _FAR:
                rows.append(across / np.linalg.norm(across))
                break
        rows.append(np.cross(rows[0], rows[1]))
    return np.concatenate([frame[:1], np.tensordot(np.stack(rows), frame[1:], axes=1)])
