import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symmdp.errors import GroupError
from symmdp.groups._closure import generated_by
from symmdp.groups._constructors import symmetric_generators
from symmdp.groups._group import Group
from symmdp.groups._homomorphism import broken_relation
from symmdp.groups._unlisted import UnlistedGroup, faithful_action

_LARGEST_LISTED = 2048


def direct_product(a: Group, b: Group) -> Group:
    """The direct product `A × B`; the pair `(g, h)` is element `g·|B| + h`.

    Generators are those of `A`, then those of `B`. When one of the groups is not listed, the product is not.
    """
    if not (a.is_listed and b.is_listed):
        return _unlisted_product(a, b)
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


def wreath_product(base: Group, n: int) -> Group:
    """The wreath product `H ≀ S_n = Hⁿ ⋊ S_n`: an element of `H` in each of `n` slots, and a permutation of the slots.

    Its generators are those of `H` in the first slot, then the swap of the first two slots and the cycle of all
    (those of `symmetric(n)`). It is listed up to order 2,048. `wreath_product(cyclic(2), n)` is the group of all signed
    permutations of `n` coordinates.

    Raises:
        GroupError: `n < 1`.
    """
    slots = symmetric_generators(n)
    order = None if not base.is_listed else base.order**n * math.factorial(n)
    action = faithful_action(base)
    if action.ndim == 3:
        raise GroupError(f"{base.name} is known by matrices only; a wreath product needs a group of permutations.")
    points = action.shape[1]
    within = np.tile(np.arange(n * points), (len(action), 1))
    within[:, :points] = action
    slots = slots[:, :, None] * points + np.arange(points)
    generators = np.concatenate([within, slots.reshape(len(slots), n * points)])
    name = f"{base.name} ≀ S{n}"
    if order is None or order > _LARGEST_LISTED:
        return UnlistedGroup(generators, name, order)
    listed = generated_by(*generators, max_order=order) if len(generators) else base
    return Group._of_valid(listed.cayley_table, listed.generators, name)


def _unlisted_product(a: Group, b: Group) -> UnlistedGroup:
    actions = [faithful_action(a), faithful_action(b)]
    order = None if any(isinstance(g, UnlistedGroup) and not g.has_order for g in (a, b)) else a.order * b.order
    name = f"{a.name} × {b.name}"
    if all(action.ndim == 2 for action in actions):
        n, m = actions[0].shape[1], actions[1].shape[1]
        left = np.concatenate([actions[0], np.tile(np.arange(n, n + m), (len(actions[0]), 1))], axis=1)
        right = np.concatenate([np.tile(np.arange(n), (len(actions[1]), 1)), actions[1] + n], axis=1)
        return UnlistedGroup(np.concatenate([left, right]), name, order)
    first, second = (np.eye(x.shape[1])[x].swapaxes(1, 2) if x.ndim == 2 else x for x in actions)
    n, m = first.shape[1], second.shape[1]
    blocks = np.tile(np.eye(n + m), (len(first) + len(second), 1, 1))
    blocks[: len(first), :n, :n], blocks[len(first) :, n:, n:] = first, second
    return UnlistedGroup(blocks, name, order)


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
