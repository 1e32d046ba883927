from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symmdp.errors import GroupError
from symmdp.groups._group import Group
from symmdp.groups._homomorphism import broken_relation


def direct_product(a: Group, b: Group) -> Group:
    """The direct product `A × B`; the pair `(g, h)` is element `g·|B| + h`."""
    table = a.cayley_table[:, None, :, None] * b.order + b.cayley_table[None, :, None, :]
    order = a.order * b.order
    generators = [g * b.order for g in a.generators] + list(b.generators)
    return Group._of_valid(table.reshape(order, order), generators, f"{a.name} × {b.name}")


def semidirect_product(normal: Group, acting: Group, action: Mapping[int, ArrayLike]) -> Group:
    """The semidirect product `N ⋊ H`: `(n, h)(m, k) = (n · φ_h(m), h k)`; the pair `(n, h)` is element `n·|H| + h`.

    Args:
        normal: the group `N`, which becomes a normal subgroup.
        acting: the group `H`.
        action: for each generator `h` of `H` the automorphism `φ_h` of `N`, an array with `φ_h(n)` at position `n`.

    Raises:
        GroupError: a generator has no automorphism, an array is no automorphism of `N` (the message names a product that it
            does not keep), or the automorphisms break a relation of `H` (the message names it).
    """
    missing = [h for h in acting.generators if h not in action]
    if missing:
        raise GroupError(f"No automorphism of {normal.name} is given for generator {missing[0]} of {acting.name}.")
    automorphisms = {h: _automorphism(normal, h, np.asarray(action[h])) for h in acting.generators}
    images = [np.arange(normal.order)] * acting.order
    for h in sorted(acting, key=lambda h: len(acting.words[h])):
        for s in acting.words[h]:
            images[h] = images[h][automorphisms[s]]
    relation = broken_relation(acting, lambda h, s: np.array_equal(images[acting.multiply(h, s)], images[h][automorphisms[s]]))
    if relation:
        raise GroupError(f"The automorphisms must keep the relations of {acting.name}, but not: {relation}.")
    moved = np.stack(images)  # moved[h, m] = φ_h(m)
    first = normal.cayley_table[:, moved]  # n, h, m
    table = first[:, :, :, None] * acting.order + acting.cayley_table[None, :, None, :]
    order = normal.order * acting.order
    generators = [n * acting.order for n in normal.generators] + list(acting.generators)
    return Group._of_valid(table.reshape(order, order), generators, f"{normal.name} ⋊ {acting.name}")


def _automorphism(group: Group, h: int, array: NDArray) -> NDArray:
    if array.shape != (group.order,) or sorted(array.tolist()) != list(group):
        raise GroupError(
            f"The automorphism for generator {h} must list the images of the elements 0 … {group.order - 1} of {group.name}, "
            f"each once; got {array.tolist()}."
        )
    array = array.astype(np.int64)
    wrong = np.argwhere(array[group.cayley_table] != group.cayley_table[array[:, None], array])
    if len(wrong):
        n, m = map(int, wrong[0])
        raise GroupError(
            f"The array for generator {h} is no automorphism of {group.name}: it sends {n}·{m} = {group.multiply(n, m)} to "
            f"{array[group.multiply(n, m)]}, but the product of the images is {group.multiply(array[n], array[m])}."
        )
    return array
