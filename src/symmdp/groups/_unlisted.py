from __future__ import annotations

import math
from functools import reduce
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symmdp.errors import GroupError
from symmdp.groups._closure import checked_generators
from symmdp.groups._group import Group

if TYPE_CHECKING:
    from symmdp.representations import Representation

_LARGEST_ORDER = 1000  # of a single element of a matrix group


class UnlistedGroup(Group):
    """A group too large to list, known by generators alone.

    Its elements have no numbers, but for the identity, `0`, and the generators, `1 … k`; representations are given on
    these. Tied parameters, equivariance checks and invariants need no more. Whatever must enumerate the elements
    (`cayley_table`, `elements`, the regular representation, …) raises GroupError.

    Args:
        action: the generators as permutations, shape `(k, n)`, or as matrices, shape `(k, n, n)`, acting faithfully.
        name: how the group prints.
        order: the number of elements, where it is known.
    """

    def __init__(self, action: NDArray, name: str | None = None, order: int | None = None):
        action = np.array(action)
        action.flags.writeable = False
        generators = tuple(range(1, len(action) + 1))
        # Written past __setattr__, which forbids changes.
        self.__dict__.update(
            action=action, generators=generators, name=name or f"Group of {len(action)} generators", _order=order
        )

    action: NDArray
    _order: int | None

    @property
    def is_listed(self) -> bool:
        """False: the elements are not listed."""
        return False

    @property
    def numbered(self) -> range:
        """The identity and the generators, which representations are given on."""
        return range(len(self.generators) + 1)

    @property
    def has_order(self) -> bool:
        """Whether the number of elements is known."""
        return self._order is not None

    @property
    def order(self) -> int:
        """The number of elements `|G|`.

        Raises:
            GroupError: it is not known.
        """
        if self._order is None:
            raise GroupError(
                f"The order of {self.name} is not known: it is given by generators and not listed. If it is small, list it "
                "with groups.generated_by; if you know it, pass order= to groups.unlisted."
            )
        return self._order

    @property
    def natural(self) -> Representation:
        """The representation by which the group was given: its generators' matrices, or permutations of coordinates."""
        from symmdp.representations import Representation

        return Representation.from_generators(self, list(self.action), "natural")

    @property
    def cayley_table(self) -> NDArray[np.int32]:  # type: ignore[override]
        """Raises GroupError: the elements are not listed."""
        self._must_enumerate("The Cayley table")

    @property
    def elements(self) -> range:
        """Raises GroupError: the elements are not listed."""
        self._must_enumerate("A list of elements")

    def __len__(self) -> int:
        return self.order

    @property
    def inverses(self) -> NDArray[np.intp]:  # type: ignore[override]
        """Raises GroupError: the elements are not listed."""
        self._must_enumerate("A list of inverses")

    def _must_enumerate(self, what: str) -> NoReturn:
        size = "too many elements to list" if self._order is None else f"{self._order:,} elements, too many to list"
        raise GroupError(
            f"{what} needs every element, but {self.name} is known by its generators only ({size}). Use what needs "
            "generators alone (tied parameters, equivariance checks, invariants), or a smaller group."
        )

    def relations(self, count: int = 64, longest: int = 12, seed: int = 0) -> list[tuple[tuple[int, ...], int]]:
        """Relations `word^m = e` that hold in the group: pairs of a word of generators and its order `m`.

        All words of at most two letters and `count` seeded random ones. They show that given matrices are no
        representation; satisfying them is strong evidence, not a proof.
        """
        rng = np.random.default_rng(seed)
        words = [(s,) for s in self.generators]
        words += [(s, t) for s in self.generators for t in self.generators]
        lengths = rng.integers(3, longest + 1, count)
        words += [tuple(int(s) for s in rng.integers(1, len(self.generators) + 1, n)) for n in lengths]
        return [(word, self._order_of_word(word)) for word in words]

    def _order_of_word(self, word: tuple[int, ...]) -> int:
        if self.action.ndim == 2:
            product = np.arange(self.action.shape[1])
            for s in word:
                product = product[self.action[s - 1]]
            return math.lcm(*_cycle_lengths(product))
        product = reduce(np.matmul, [self.action[s - 1].astype(np.float64) for s in word])
        power, m = product, 1
        while np.abs(power - np.eye(len(power))).max() > 1e-6:
            power, m = power @ product, m + 1
            if m > _LARGEST_ORDER:
                raise GroupError(
                    f"The product of generators {word} has no power up to {_LARGEST_ORDER} that is the identity, so the group "
                    "seems to be infinite. Check the matrices: every element of a finite group has finite order."
                )
        return m

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Group):
            return NotImplemented
        return self is other or (isinstance(other, UnlistedGroup) and np.array_equal(self.action, other.action))

    def __hash__(self) -> int:
        return hash(self.action.tobytes())

    def __reduce__(self) -> tuple[object, ...]:
        return UnlistedGroup, (np.array(self.action), self.name, self._order)

    def __repr__(self) -> str:
        order = "" if self._order is None else f"order {self._order:,}, "
        return f"Group({self.name}, {order}{len(self.generators)} generators, not listed)"


def unlisted(*generators: ArrayLike, name: str | None = None, order: int | None = None) -> UnlistedGroup:
    """The group that matrices, or permutations, generate, without listing its elements: for groups too large to list.

    Args:
        generators: permutations, integer arrays `p` of shape `(n,)` that stand for `x ↦ p[x]`; or invertible matrices,
            shape `(n, n)`. They must act faithfully: they *are* the group.
        name: how the group prints.
        order: the number of elements, where you know it.

    Raises:
        GroupError: as `generated_by` does for bad generators; a matrix of infinite order.
    """
    group = UnlistedGroup(np.stack(checked_generators(generators, "unlisted")), name, order)
    group.relations(count=8)  # shows generators of infinite order
    return group


def faithful_action(group: Group) -> NDArray:
    """Permutations or matrices for the generators that tell all elements apart: those given, or the regular action."""
    if isinstance(group, UnlistedGroup):
        return group.action
    return group.cayley_table[list(group.generators)].astype(np.int64).reshape(len(group.generators), group.order)


def _cycle_lengths(permutation: NDArray) -> set[int]:
    lengths, seen = set(), np.zeros(len(permutation), dtype=bool)
    for start in range(len(permutation)):
        x, length = start, 0
        while not seen[x]:
            seen[x], x, length = True, int(permutation[x]), length + 1
        if length:
            lengths.add(length)
    return lengths
