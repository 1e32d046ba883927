from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symmdp.errors import GroupError
from symmdp.groups._group import Group

_DIGITS = 6  # decimals that tell the entries of two elements of a matrix group apart
_LARGEST = 2**31  # entries beyond this would overflow products; no finite group in use comes near


def generated_by(*matrices: ArrayLike, max_order: int = 2048) -> Group:
    """The group that invertible matrices, or permutations, generate.

    A permutation is a one-dimensional array `p` of the integers `0 … n-1` and stands for `x ↦ p[x]`. Integer matrices
    are multiplied exactly; floating-point ones in float64, and two products are the same element when they agree to
    six decimals. Element `i` of `group.generators` is the `i`-th argument.

    Args:
        matrices: square, of one size, shape `(n, n)`; or permutations, shape `(n,)`.
        max_order: the order beyond which the search stops.

    Raises:
        GroupError: no argument, arguments of different shape, entries that are not finite, a matrix that is not
            invertible, an array that is no permutation, or more than `max_order` elements.
    """
    generators = checked_generators(matrices, "generated_by")
    if generators[0].ndim == 1:
        return _close(np.arange(len(generators[0])), generators, lambda g, h: g[h], True, max_order)
    exact = all(np.issubdtype(g.dtype, np.integer) for g in generators)
    if not exact:
        generators = [g.astype(np.float64) for g in generators]
    identity = np.eye(len(generators[0]), dtype=generators[0].dtype)
    return _close(identity, generators, np.matmul, exact, max_order)


def checked_generators(matrices: Sequence[ArrayLike], call: str) -> list[NDArray]:
    """Permutations or invertible matrices, all of one shape.

    Raises:
        GroupError: they are not.
    """
    if not matrices:
        raise GroupError(f"{call} needs at least one matrix or permutation; for the trivial group use trivial().")
    arrays = [np.asarray(m) for m in matrices]
    shapes = {a.shape for a in arrays}
    if len(shapes) > 1:
        raise GroupError(f"All generators must have one shape; got {', '.join(map(str, sorted(shapes)))}.")
    check = _checked_permutation if arrays[0].ndim == 1 else _checked_matrix
    return [check(i, a) for i, a in enumerate(arrays)]


def _close(
    identity: NDArray,
    generators: list[NDArray],
    product: Callable[[NDArray, NDArray], NDArray],
    exact: bool,
    max_order: int,
) -> Group:
    elements, number = [identity], {_key(identity): 0}
    words: list[tuple[int, int]] = [(0, 0)]  # element = words[element][0] · generators[words[element][1]]
    times_generator: list[list[int]] = []
    for g, element in enumerate(elements):  # grows while it is walked: breadth first
        row = []
        for s, generator in enumerate(generators):
            found = product(element, generator)
            if np.abs(found).max() > _LARGEST:
                raise GroupError(
                    "The generators give products whose entries grow without bound, so the group is infinite. "
                    "Check the matrices: every generator of a finite group has finite order."
                )
            index = number.get(_key(found))
            if index is None and not exact:  # a rounding boundary may lie between two copies of one element
                near = np.flatnonzero(np.abs(np.stack(elements) - found).max(axis=(1, 2)) < 10.0**-_DIGITS)
                index = int(near[0]) if len(near) else None
            if index is None:
                index = number[_key(found)] = len(elements)
                elements.append(found)
                words.append((g, s))
                if len(elements) > max_order:
                    raise GroupError(
                        f"The generators give more than {max_order} elements (the group may be infinite, as that of "
                        "a rotation by an irrational angle is). Check the matrices, raise max_order, or use groups.unlisted."
                    )
            row.append(index)
        times_generator.append(row)
    right = np.array(times_generator, dtype=np.int32).reshape(len(elements), len(generators))
    table = np.empty((len(elements),) * 2, dtype=np.int32)
    table[:, 0] = np.arange(len(elements))
    for g in range(1, len(elements)):
        prefix, s = words[g]
        table[:, g] = right[table[:, prefix], s]
    return Group._of_valid(table, right[0], f"Group of order {len(elements)}")


def _key(element: NDArray) -> bytes:
    return (np.round(element, _DIGITS) + 0).tobytes()  # + 0 turns -0.0 into 0.0


def _checked_permutation(i: int, array: NDArray) -> NDArray:
    if not np.issubdtype(array.dtype, np.integer) or not np.array_equal(np.sort(array), np.arange(len(array))):
        raise GroupError(f"Generator {i} is no permutation: expected each of 0 … {len(array) - 1} once, got {array}.")
    return array.astype(np.int64)


def _checked_matrix(i: int, array: NDArray) -> NDArray:
    if array.ndim != 2 or array.shape[0] != array.shape[1]:
        raise GroupError(f"Generator {i} must be a square matrix or a permutation; got shape {array.shape}.")
    if not (np.issubdtype(array.dtype, np.integer) or np.issubdtype(array.dtype, np.floating)):
        raise GroupError(f"Generator {i} must hold integers or real numbers; got dtype {array.dtype}.")
    if not np.isfinite(array).all():
        raise GroupError(f"Generator {i} has entries that are not finite.")
    if abs(np.linalg.det(array)) < 1e-9:
        raise GroupError(f"Generator {i} is not invertible (determinant {np.linalg.det(array):.1e}).")
    return array
