"""An exact basis for any representations: one small null space for each pair of coordinate blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symmdp.errors import RepresentationError
from symmdp.representations import Representation, coordinate_blocks

RANK_TOLERANCE = 1e-9  # singular values below this share of the largest count as zero


def block_bases(
    rep_in: Representation, rep_out: Representation
) -> list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]]:
    """For each pair of blocks: its rows, columns, and orthonormal bases of `Hom_G` and of its complement.

    The bases have shapes `(r, rows, columns)` and `(rows·columns - r, rows, columns)`. A block's `Hom_G` is the null
    space of `W ↦ (ρ_out(s) W - W ρ_in(s))` over the generators `s`, found by a singular value decomposition with the
    relative rank tolerance 1e-9. Equal pairs of blocks are solved once.
    """
    generators = list(rep_in.group.generators)
    matrices_in = rep_in.matrices[generators].astype(np.float64)
    matrices_out = rep_out.matrices[generators].astype(np.float64)
    solved: dict[tuple[bytes, bytes], tuple[NDArray, NDArray]] = {}
    result = []
    blocks_in = [(c, matrices_in[:, c[:, None], c]) for c in coordinate_blocks(rep_in)]
    for rows in coordinate_blocks(rep_out):
        out = matrices_out[:, rows[:, None], rows]
        for columns, into in blocks_in:
            key = (out.tobytes(), into.tobytes())
            if key not in solved:
                solved[key] = _null_space(into, out)
            result.append((rows, columns, *solved[key]))
    return result


def _null_space(into: NDArray, out: NDArray) -> tuple[NDArray, NDArray]:
    rows, columns = out.shape[1], into.shape[1]
    n = rows * columns
    if len(into) == 0:  # the trivial group has no generators
        return np.eye(n).reshape(n, rows, columns), np.zeros((0, rows, columns))
    constraints = np.concatenate(
        [np.kron(b, np.eye(columns)) - np.kron(np.eye(rows), a.T) for a, b in zip(into, out, strict=True)]
    )
    # Only the triangular factor matters, so that the SVD is of n × n.
    _, values, rows_t = np.linalg.svd(np.linalg.qr(constraints, mode="r"), full_matrices=True)
    values = np.pad(values, (0, n - len(values)))
    rank = int((values > RANK_TOLERANCE * max(1.0, values[0])).sum())
    gap = (values[rank - 1] if rank else np.inf, values[rank] if rank < n else 0.0)
    if gap[1] > 1e-3 * gap[0]:
        raise RepresentationError(
            f"The rank of a {rows} × {columns} block is not clear (singular values {gap[0]:.1e} and {gap[1]:.1e} at the "
            "gap). Give the matrices in float64, to full precision."
        )
    return rows_t[rank:].reshape(-1, rows, columns), rows_t[:rank].reshape(-1, rows, columns)
