from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symmdp.errors import RepresentationError
from symmdp.groups import Group, UnlistedGroup

_TOLERANCE = 1e-8


def matrices_of_generators(group: Group, images: Mapping[int, ArrayLike] | Sequence[ArrayLike]) -> list[NDArray]:
    """A square matrix for each of the group's generators, in their order; permutations become matrices.

    Raises:
        RepresentationError: one is missing, or they are not square and of one size.
    """
    if not isinstance(images, Mapping):
        if len(images) != len(group.generators):
            raise RepresentationError(
                f"{group.name} has {len(group.generators)} generators {group.generators}; got {len(images)} matrices."
            )
        images = dict(zip(group.generators, images, strict=True))
    missing = [s for s in group.generators if s not in images]
    if missing:
        raise RepresentationError(f"No matrix is given for generator {missing[0]} of {group.name}.")
    arrays = [_matrix_of(np.asarray(images[s])) for s in group.generators]
    shapes = {a.shape for a in arrays}
    if not arrays or len(shapes) > 1 or any(len(s) != 2 or s[0] != s[1] for s in shapes):
        raise RepresentationError(f"The generators need square matrices of one size; got shapes {sorted(shapes)}.")
    return arrays


def _matrix_of(array: NDArray) -> NDArray:
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        return array
    if not np.array_equal(np.sort(array), np.arange(len(array))):
        raise RepresentationError(f"A permutation holds each of 0 … {len(array) - 1} once; got {array}.")
    matrix = np.zeros((len(array), len(array)), dtype=np.int64)
    matrix[array, np.arange(len(array))] = 1
    return matrix


def check_relations(group: Group, matrices: NDArray[np.float64] | tuple[NDArray[np.int64], NDArray[np.int64]]) -> None:
    """Check matrices on the generators of a group that is not listed against relations that hold in it.

    Args:
        group: the group.
        matrices: of identity and generators, shape `(1 + k, d, d)`; signed permutations as `(source, sign)`.

    Raises:
        RepresentationError: one is not satisfied; the message names it.
    """
    if not isinstance(group, UnlistedGroup):
        return
    for word, m in group.relations():
        if isinstance(matrices, tuple):
            source, sign = _signed_power(*_signed_product(word, *matrices), m)
            satisfied = (source == np.arange(len(source))).all() and (sign == 1).all()
        else:
            product = matrices[0]
            for s in word:
                product = product @ matrices[s]
            power = np.linalg.matrix_power(product, m)
            satisfied = np.abs(power - matrices[0]).max() <= 1e-6 * max(1.0, float(np.abs(product).max()))
        if not satisfied:
            spelled = "·".join(map(str, word))
            raise RepresentationError(
                f"Not a homomorphism: {group.name} has the relation ({spelled})^{m} = e, which the matrices of generators "
                f"{sorted(set(word))} do not satisfy. Check these matrices."
            )


def _signed_product(word: tuple[int, ...], source: NDArray, sign: NDArray) -> tuple[NDArray, NDArray]:
    product = source[0], sign[0]
    for s in word:
        product = source[s][product[0]], product[1] * sign[s][product[0]]
    return product


def _signed_power(source: NDArray, sign: NDArray, m: int) -> tuple[NDArray, NDArray]:
    power = np.arange(len(source)), np.ones_like(sign)
    while m:
        if m % 2:
            power = source[power[0]], power[1] * sign[power[0]]
        sign, source, m = sign * sign[source], source[source], m // 2
    return power


def check_matrices(group: Group, matrices: ArrayLike) -> NDArray[np.float64]:
    count = len(group.numbered)
    try:
        given = np.asarray(matrices)
        if np.iscomplexobj(given):
            raise TypeError("complex numbers: give the real matrices, of twice the size")
        array = np.array(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise RepresentationError(f"The matrices must be real numbers of one shape ({error}).") from None
    if array.ndim != 3 or array.shape[1] != array.shape[2]:
        raise RepresentationError(
            f"Expected {count} square matrices, shape ({count}, d, d); got an array of shape {array.shape}."
        )
    if len(array) != count:
        which = "elements" if group.is_listed else "numbered elements (identity and generators; it is not listed)"
        raise RepresentationError(
            f"{group.name} has {count} {which}, so {count} matrices are expected; got {len(array)}. "
            "To give them for the generators only, use Representation.from_generators."
        )
    if array.shape[1] == 0:
        raise RepresentationError("A representation acts on at least one dimension; got matrices of size 0.")
    if not np.isfinite(array).all():
        g = int(np.argwhere(~np.isfinite(array))[0, 0])
        raise RepresentationError(f"The matrix of element {g} has entries that are not finite.")
    scale = max(1.0, float(np.abs(array).max()) ** 2)
    if np.abs(array[0] - np.eye(array.shape[1])).max() > _TOLERANCE * scale:
        raise RepresentationError("The matrix of element 0, the identity of the group, must be the identity matrix.")
    for g in group.numbered:
        if np.linalg.matrix_rank(array[g]) < array.shape[1]:
            raise RepresentationError(f"The matrix of element {g} is not invertible.")
    if not group.is_listed:
        return array
    # ρ(gs) = ρ(g) ρ(s) for generators s gives all products, by induction on the word of the second factor.
    for s in group.generators:
        error = np.abs(array @ array[s] - array[group.cayley_table[:, s]]).max(axis=(1, 2))
        if error.max() > _TOLERANCE * scale:
            g = int(np.argmax(error > _TOLERANCE * scale))
            raise RepresentationError(
                f"Not a homomorphism: ρ({g}) ρ({s}) differs from ρ({g}·{s}) = ρ({group.multiply(g, s)}) "
                f"by {error[g]:.2g}. Check the matrices of these elements and their order."
            )
    return array
