from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

_TOLERANCE = 1e-9


class Kind(StrEnum):
    """What the matrices of a representation are: permutation ⊂ signed permutation ⊂ orthogonal ⊂ invertible.

    The kind decides which nonlinearities keep equivariance (`symmdp.nn`).
    """

    PERMUTATION = "permutation"
    SIGNED_PERMUTATION = "signed permutation"
    ORTHOGONAL = "orthogonal"
    INVERTIBLE = "invertible"

    @property
    def is_signed_permutation(self) -> bool:
        """Whether every matrix has one entry ±1 in each row and column (permutations included)."""
        return self in (Kind.PERMUTATION, Kind.SIGNED_PERMUTATION)

    @property
    def is_orthogonal(self) -> bool:
        """Whether `ρ(g)ᵀ ρ(g) = 1` for every `g` (signed permutations included)."""
        return self is not Kind.INVERTIBLE


def as_signed_permutations(matrices: NDArray) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """`(source, sign)`, each of shape `(n, d)`, with `(M x)[i] = sign[i] x[source[i]]`; `None` for other matrices."""
    rounded = np.rint(matrices)
    if np.abs(matrices - rounded).max(initial=0.0) > _TOLERANCE or np.abs(rounded).max(initial=0.0) > 1:
        return None
    if not ((np.abs(rounded).sum(axis=1) == 1).all() and (np.abs(rounded).sum(axis=2) == 1).all()):
        return None
    source = np.abs(rounded).argmax(axis=2)
    sign = np.take_along_axis(rounded, source[..., None], axis=2)[..., 0]
    return source.astype(np.int64), sign.astype(np.int64)


def are_orthogonal(matrices: NDArray) -> bool:
    """Whether `MᵀM = 1` for each matrix, to 1e-9."""
    products = matrices.swapaxes(1, 2) @ matrices
    return bool(np.abs(products - np.eye(matrices.shape[-1])).max(initial=0.0) <= _TOLERANCE)
