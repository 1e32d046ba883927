from itertools import permutations

import numpy as np

from symmdp.errors import GroupError
from symmdp.groups._closure import generated_by
from symmdp.groups._group import Group


def trivial() -> Group:
    """The group of one element; a plain network is its network."""
    return Group._of_valid(np.zeros((1, 1), dtype=np.int32), (), "trivial")


def cyclic(n: int) -> Group:
    """The cyclic group `C_n = ⟨r | rⁿ⟩`; element `k` is `rᵏ`.

    Raises:
        GroupError: `n < 1`.
    """
    _at_least(n, 1, "cyclic(n)")
    k = np.arange(n)
    return Group._of_valid((k[:, None] + k) % n, (1,) if n > 1 else (), f"C{n}")


def dihedral(n: int) -> Group:
    """The dihedral group `D_n = ⟨r, s | rⁿ, s², (sr)²⟩` of order `2n`; element `k` is `rᵏ`, element `n + k` is `rᵏ s`.

    Raises:
        GroupError: `n < 1`.
    """
    _at_least(n, 1, "dihedral(n)")
    element = np.arange(2 * n)
    rotation, flip = element % n, element // n
    # rᵃ sⁱ · rᵇ sʲ = rᵃ⁺ᵇ sⁱ⁺ʲ when i = 0, and rᵃ⁻ᵇ sⁱ⁺ʲ when i = 1.
    turn = (rotation[:, None] + np.where(flip[:, None] == 1, -rotation, rotation)) % n
    table = turn + n * (flip[:, None] ^ flip)
    return Group._of_valid(table, (1, n) if n > 1 else (1,), f"D{n}")


def symmetric(n: int) -> Group:
    """The symmetric group `S_n` of all permutations of `n` letters; element `i` is the `i`-th in lexicographic order.

    Products compose as functions, `(gh)(x) = g(h(x))`. The table has `(n!)²` entries.

    Raises:
        GroupError: `n < 1` or `n > 7` (5,040 elements).
    """
    _at_least(n, 1, "symmetric(n)")
    if n > 7:
        raise GroupError(f"symmetric({n}) has {n}! elements, too many to list; n is at most 7.")
    letters = np.array(list(permutations(range(n))))
    weights = n ** np.arange(n)[::-1]
    codes = letters @ weights
    table = np.stack([np.searchsorted(codes, g[letters] @ weights) for g in letters])
    swap, cycle = np.arange(n), np.roll(np.arange(n), -1)
    swap[:2] = swap[:2][::-1]
    generators = dict.fromkeys(int(np.searchsorted(codes, p @ weights)) for p in (swap, cycle))
    return Group._of_valid(table, [g for g in generators if g != 0], f"S{n}")


def quaternion() -> Group:
    """The quaternion group `Q8 = {±1, ±i, ±j, ±k}` with `i² = j² = k² = ijk = -1`; its generators are `i` and `j`."""
    # Left multiplication on (1, i, j, k).
    i = [[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 0, -1], [0, 0, 1, 0]]
    j = [[0, 0, -1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, -1, 0, 0]]
    group = generated_by(i, j)
    return Group._of_valid(group.cayley_table, group.generators, "Q8")


def direct_product(a: Group, b: Group) -> Group:
    """The direct product `A × B`; the pair `(g, h)` is element `g·|B| + h`."""
    table = a.cayley_table[:, None, :, None] * b.order + b.cayley_table[None, :, None, :]
    order = a.order * b.order
    generators = [g * b.order for g in a.generators] + list(b.generators)
    return Group._of_valid(table.reshape(order, order), generators, f"{a.name} × {b.name}")


def _at_least(n: int, least: int, call: str) -> None:
    if not isinstance(n, int | np.integer) or n < least:
        raise GroupError(f"{call} needs an integer n ≥ {least}; got {n!r}.")
