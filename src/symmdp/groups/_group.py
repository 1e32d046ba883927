from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symmdp.errors import GroupError

if TYPE_CHECKING:
    from symmdp.representations import Representation


class Group:
    """A finite group, given by its Cayley table.

    `cayley_table[g, h]` is the element `gh`. Elements are the integers `0 … order-1`, `0` is the identity. A group is an
    immutable value: two groups are equal when their tables are, so isomorphic groups whose elements are numbered
    differently are different values.

    Args:
        cayley_table: integers, shape `(order, order)`.
        generators: elements whose products give the whole group.
        name: how the group prints.

    Raises:
        GroupError: the table is not that of a group (the message names the axiom that fails and where), or the
            generators do not generate it.
    """

    def __init__(self, cayley_table: ArrayLike, generators: Iterable[int] | None = None, name: str | None = None):
        table = np.array(cayley_table)
        _check_axioms(table)
        self._adopt(table, tuple(range(1, len(table))) if generators is None else tuple(map(int, generators)), name)
        outside = [g for g in self.generators if not 0 <= g < self.order]
        if outside:
            raise GroupError(f"Generator {outside[0]} is no element: elements of this group are 0 … {self.order - 1}.")
        reached = self.closure_of(self.generators)
        if len(reached) < self.order:
            raise GroupError(
                f"The generators {self.generators} generate {len(reached)} of the {self.order} elements; "
                f"add element {next(g for g in range(self.order) if g not in reached)}, for example."
            )

    @classmethod
    def _of_valid(cls, table: NDArray[np.integer], generators: Iterable[int], name: str) -> Group:
        """A group whose axioms hold by construction; skips the O(n²·generators) checks."""
        group = cls.__new__(cls)
        group._adopt(table, tuple(map(int, generators)), name)
        return group

    def _adopt(self, table: NDArray[np.integer], generators: tuple[int, ...], name: str | None) -> None:
        table = np.ascontiguousarray(table, dtype=np.int32)
        table.flags.writeable = False
        # Written past __setattr__, which forbids changes.
        self.__dict__.update(cayley_table=table, generators=generators, name=name or f"Group of order {len(table)}")

    cayley_table: NDArray[np.int32]
    generators: tuple[int, ...]
    name: str

    def __setattr__(self, attribute: str, value: object) -> None:
        raise AttributeError(f"A Group is immutable; cannot set {attribute!r}.")

    @property
    def order(self) -> int:
        """The number of elements, `|G|`."""
        return len(self.cayley_table)

    @property
    def elements(self) -> range:
        """All elements, the identity `0` first."""
        return range(self.order)

    @property
    def is_listed(self) -> bool:
        """Whether the elements are listed, rather than known by generators alone (`groups.unlisted`)."""
        return True

    @property
    def numbered(self) -> range:
        """The elements that representations hold a matrix for: all of them, when the group is listed."""
        return self.elements

    def __iter__(self) -> Iterator[int]:
        return iter(self.elements)

    def __len__(self) -> int:
        return self.order

    def multiply(self, g: int, h: int) -> int:
        """The product `gh`.

        Raises:
            GroupError: `g` or `h` is no element.
        """
        return int(self.cayley_table[self.check_element(g), self.check_element(h)])

    def inverse(self, g: int) -> int:
        """The element `g⁻¹` with `g g⁻¹ = e`.

        Raises:
            GroupError: `g` is no element.
        """
        return int(self.inverses[self.check_element(g)])

    @cached_property
    def inverses(self) -> NDArray[np.intp]:
        """`inverses[g]` is `g⁻¹`; integers, shape `(order,)`."""
        inverses = np.argmax(self.cayley_table == 0, axis=1)
        inverses.flags.writeable = False
        return inverses

    @cached_property
    def conjugacy_classes(self) -> tuple[tuple[int, ...], ...]:
        """The classes `{h g h⁻¹ : h ∈ G}`, each sorted, ordered by their least element."""
        every = np.asarray(self.elements)
        seen: set[int] = set()
        classes = []
        for g in self:
            if g not in seen:
                conjugates = self.cayley_table[self.cayley_table[every, g], self.inverses]
                classes.append(tuple(sorted({int(c) for c in conjugates})))
                seen.update(classes[-1])
        return tuple(classes)

    @cached_property
    def is_abelian(self) -> bool:
        """Whether `gh = hg` for all elements."""
        return bool((self.cayley_table == self.cayley_table.T).all())

    def order_of(self, g: int) -> int:
        """The least `k ≥ 1` with `gᵏ = e`.

        Raises:
            GroupError: `g` is no element.
        """
        power, k = self.check_element(g), 1
        while power != 0:
            power, k = int(self.cayley_table[power, g]), k + 1
        return k

    @cached_property
    def words(self) -> tuple[tuple[int, ...], ...]:
        """For each element a shortest word of generators: `words[g] = (a, b, …)` means `g = a b …`; the identity's is `()`."""
        words: dict[int, tuple[int, ...]] = {0: ()}
        frontier = [0]
        while frontier:
            following = []
            for g in frontier:
                for s in self.generators:
                    product = int(self.cayley_table[g, s])
                    if product not in words:
                        words[product] = (*words[g], s)
                        following.append(product)
            frontier = following
        return tuple(words[g] for g in self)

    def closure_of(self, elements: Iterable[int]) -> frozenset[int]:
        """The elements of the subgroup that `elements` generate.

        Raises:
            GroupError: one of them is no element.
        """
        generators = [self.check_element(g) for g in elements]
        reached, frontier = {0}, [0]
        while frontier:
            frontier = [p for g in frontier for s in generators if (p := int(self.cayley_table[g, s])) not in reached]
            frontier = list(dict.fromkeys(frontier))
            reached.update(frontier)
        return frozenset(reached)

    def generators_of(self, elements: Iterable[int]) -> tuple[int, ...]:
        """Few of `elements` that generate the same subgroup: each is taken only if those before it do not give it.

        Raises:
            GroupError: one of them is no element.
        """
        chosen: list[int] = []
        reached = frozenset({0})
        for g in sorted(map(self.check_element, elements)):
            if g not in reached:
                chosen.append(g)
                reached = self.closure_of(chosen)
        return tuple(chosen)

    def subgroup(self, *elements: int) -> Subgroup:
        """The subgroup generated by `elements`, a group of its own with its embedding.

        Raises:
            GroupError: one of them is no element.
        """
        embedding = tuple(sorted(self.closure_of(elements)))
        position = np.full(self.order, -1)
        position[list(embedding)] = np.arange(len(embedding))
        table = position[self.cayley_table[np.ix_(embedding, embedding)]]
        generators = tuple(dict.fromkeys(int(position[g]) for g in elements))
        name = f"⟨{', '.join(map(str, elements))}⟩ ≤ {self.name}"
        return Subgroup(parent=self, group=Group._of_valid(table, generators, name), embedding=embedding)

    def check_element(self, g: int) -> int:
        """`g` itself when it is an element.

        Raises:
            GroupError: it is none.
        """
        if not isinstance(g, int | np.integer) or not 0 <= g < len(self.numbered):
            known = "its elements are" if self.is_listed else "it is not listed, and its identity and generators are"
            raise GroupError(f"{g!r} is no element of {self.name}: {known} the integers 0 … {len(self.numbered) - 1}.")
        return int(g)

    @property
    def trivial(self) -> Representation:
        """The trivial representation, `ρ(g) = 1` on one dimension."""
        from symmdp.representations import trivial

        return trivial(self)

    @property
    def regular(self) -> Representation:
        """The regular representation, `ρ(g) e_h = e_{gh}` on `|G|` dimensions: a permutation representation."""
        from symmdp.representations import regular

        return regular(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Group):
            return NotImplemented
        return self is other or np.array_equal(self.cayley_table, other.cayley_table)

    @cached_property
    def _hash(self) -> int:
        return hash(self.cayley_table.tobytes())

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[object, ...]:
        return Group._of_valid, (np.array(self.cayley_table), self.generators, self.name)

    def __repr__(self) -> str:
        return self.name if self.name.startswith("Group") else f"Group({self.name}, order {self.order})"


@dataclass(frozen=True)
class Subgroup:
    """A subgroup `H ≤ G`: a group of its own, and where its elements lie in `G`.

    Attributes:
        parent: the group `G`.
        group: `H`, its elements numbered from 0.
        embedding: `embedding[h]` is the element of `G` that `h` is.
    """

    parent: Group
    group: Group
    embedding: tuple[int, ...]

    @property
    def index(self) -> int:
        """`[G : H] = |G| / |H|`."""
        return self.parent.order // self.group.order

    @cached_property
    def left_cosets(self) -> tuple[tuple[int, ...], ...]:
        """The cosets `gH`, each sorted, ordered by their least element; `H` itself is the first."""
        members = self.parent.cayley_table[:, list(self.embedding)]
        return tuple(sorted({tuple(sorted(map(int, row))) for row in members}))

    @cached_property
    def is_normal(self) -> bool:
        """Whether `g h g⁻¹ ∈ H` for every `g ∈ G` and `h ∈ H`."""
        inside, table = set(self.embedding), self.parent.cayley_table
        return all(int(table[table[s, h], self.parent.inverse(s)]) in inside for s in self.parent.generators for h in inside)


def _check_axioms(table: NDArray) -> None:
    if table.ndim != 2 or table.shape[0] != table.shape[1] or table.shape[0] == 0:
        raise GroupError(f"A Cayley table is a square array of products; got an array of shape {table.shape}.")
    if not np.issubdtype(table.dtype, np.integer):
        raise GroupError(f"A Cayley table holds integers (elements); got dtype {table.dtype}.")
    n = len(table)
    if table.min() < 0 or table.max() >= n:
        raise GroupError(f"A Cayley table of order {n} holds the elements 0 … {n - 1}; got {table.min()} … {table.max()}.")
    every = np.arange(n)
    for g in every:
        if table[0, g] != g or table[g, 0] != g:
            raise GroupError(f"Element 0 must be the identity, but 0·{g} = {table[0, g]} and {g}·0 = {table[g, 0]}.")
    for g in every:
        if not (np.sort(table[g]) == every).all() or not (np.sort(table[:, g]) == every).all():
            raise GroupError(f"Every row and column must hold each element once; that of element {g} does not.")
    for k in every:
        wrong = np.argwhere(table[table, k] != table[:, table[:, k]])
        if len(wrong):
            g, h = wrong[0]
            raise GroupError(f"Multiplication must be associative, but ({g}·{h})·{k} ≠ {g}·({h}·{k}).")
