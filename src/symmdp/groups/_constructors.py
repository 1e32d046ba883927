import math
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from symmdp.errors import GroupError
from symmdp.groups._closure import generated_by
from symmdp.groups._group import Group
from symmdp.groups._unlisted import UnlistedGroup

_LISTED_LETTERS = 7  # symmetric groups on more letters are not listed


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

    Products compose as functions, `(gh)(x) = g(h(x))`. Generators are the swap of the first two letters and the cycle of
    all. Beyond `n = 7` (5,040 elements) the group is not listed but known by these generators alone.

    Raises:
        GroupError: `n < 1`.
    """
    generators = symmetric_generators(n)
    if n > _LISTED_LETTERS:
        return UnlistedGroup(generators, f"S{n}", math.factorial(n))
    return _permutation_group(np.array(list(permutations(range(n)))), list(generators), f"S{n}")


def symmetric_generators(n: int) -> NDArray[np.int64]:
    """The generators of `symmetric(n)` as permutations: swap and cycle, one of them for `n = 2`, none for `n = 1`.

    Raises:
        GroupError: `n < 1`.
    """
    _at_least(n, 1, "The symmetric group on n letters")
    swap, cycle = np.arange(n), np.roll(np.arange(n), -1)
    swap[:2] = swap[:2][::-1]
    return np.stack([swap, cycle])[: min(n - 1, 2)]


def alternating(n: int) -> Group:
    """The alternating group `A_n` of the even permutations of `n` letters, in lexicographic order, composed as functions.

    Generators are the cycles `(0 1 k)`. Beyond `n = 7` (2,520 elements) the group is known by these generators alone.

    Raises:
        GroupError: `n < 1`.
    """
    _at_least(n, 1, "alternating(n)")
    cycles = np.tile(np.arange(n), (max(n - 2, 0), 1))
    for k, cycle in enumerate(cycles, start=2):
        cycle[[0, 1, k]] = [1, k, 0]
    if n > _LISTED_LETTERS:
        return UnlistedGroup(cycles, f"A{n}", math.factorial(n) // 2)
    return _permutation_group(np.array([p for p in permutations(range(n)) if _is_even(p)]), list(cycles), f"A{n}")


def klein_four() -> Group:
    """Klein's four-group `K4 = C2 × C2`: the identity and three commuting involutions; element 3 is the product of 1 and 2."""
    element = np.arange(4)
    return Group._of_valid(element[:, None] ^ element, (1, 2), "K4")


def quaternion() -> Group:
    """The quaternion group `Q8 = {±1, ±i, ±j, ±k}` with `i² = j² = k² = ijk = -1`; its generators are `i` and `j`."""
    # Left multiplication on (1, i, j, k).
    i = [[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 0, -1], [0, 0, 1, 0]]
    j = [[0, 0, -1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, -1, 0, 0]]
    group = generated_by(i, j)
    return Group._of_valid(group.cayley_table, group.generators, "Q8")


def _permutation_group(letters: NDArray, generators: list[NDArray], name: str) -> Group:
    """The group of the permutations `letters`, shape `(order, n)`, which are closed under products and sorted."""
    weights = letters.shape[1] ** np.arange(letters.shape[1])[::-1]
    codes = letters @ weights
    table = np.stack([np.searchsorted(codes, g[letters] @ weights) for g in letters])
    numbers = dict.fromkeys(int(np.searchsorted(codes, p @ weights)) for p in generators)
    return Group._of_valid(table, [g for g in numbers if g != 0], name)


def _is_even(permutation: tuple[int, ...]) -> bool:
    inversions = sum(a > b for i, a in enumerate(permutation) for b in permutation[i + 1 :])
    return inversions % 2 == 0


def _at_least(n: int, least: int, call: str) -> None:
    if not isinstance(n, int | np.integer) or isinstance(n, bool) or n < least:
        raise GroupError(f"{call} needs an integer n ≥ {least}; got {n!r}.")
