import math

import numpy as np
from numpy.typing import NDArray

from symmdp.errors import RepresentationError
from symmdp.representations._representation import Representation


def exterior_square(rep: Representation) -> Representation:
    """The exterior square `Λ²ρ` on antisymmetric tensors, dimension `d (d - 1) / 2`; `χ = (χ(g)² - χ(g²)) / 2`.

    In the orthonormal basis `(e_i ⊗ e_j - e_j ⊗ e_i) / √2`, `i < j` in lexicographic order: signed permutations give signed
    permutations, orthogonal matrices orthogonal ones. For rotations of space it is the axial vectors.

    Raises:
        RepresentationError: the dimension is 1, so that nothing is antisymmetric.
    """
    if rep.dim == 1:
        raise RepresentationError(f"The exterior square of {rep!r} has dimension 0; the dimension must be at least 2.")
    first, second = np.triu_indices(rep.dim, 1)
    name = f"Λ²({rep.name})"
    if rep.source is not None and rep.sign is not None:
        source, sign, order = _of_pairs(rep.source, rep.sign, first, second)
        return Representation._of_signed_permutations(rep.group, source, sign * order, name)
    straight, crossed = _minors(rep.matrices, first, second)
    return Representation._of_matrices(rep.group, straight - crossed, name)


def symmetric_square(rep: Representation) -> Representation:
    """The symmetric square `S²ρ` on symmetric tensors, dimension `d (d + 1) / 2`; `χ = (χ(g)² + χ(g²)) / 2`.

    In the orthonormal basis `e_i ⊗ e_i`, `(e_i ⊗ e_j + e_j ⊗ e_i) / √2`, `i ≤ j` in lexicographic order: signed permutations
    give signed permutations, orthogonal matrices orthogonal ones.
    """
    first, second = np.triu_indices(rep.dim)
    name = f"S²({rep.name})"
    if rep.source is not None and rep.sign is not None:
        source, sign, _ = _of_pairs(rep.source, rep.sign, first, second)
        return Representation._of_signed_permutations(rep.group, source, sign, name)
    straight, crossed = _minors(rep.matrices, first, second)
    length = np.where(first == second, 1 / math.sqrt(2), 1.0)
    return Representation._of_matrices(rep.group, (straight + crossed) * length[:, None] * length, name)


def _of_pairs(source: NDArray, sign: NDArray, first: NDArray, second: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """For each pair the pair that it comes from, the product of the signs, and -1 where the two change places."""
    number = np.zeros((source.shape[1],) * 2, dtype=np.int64)
    number[first, second] = number[second, first] = np.arange(len(first))
    a, b = source[:, first], source[:, second]
    return number[a, b], sign[:, first] * sign[:, second], np.where(a > b, -1, 1)


def _minors(matrices: NDArray, first: NDArray, second: NDArray) -> tuple[NDArray, NDArray]:
    """`M_ik M_jl` and `M_il M_jk` for rows `(i, j)` and columns `(k, l)`."""
    upper, lower = matrices[:, first], matrices[:, second]
    return upper[:, :, first] * lower[:, :, second], upper[:, :, second] * lower[:, :, first]
