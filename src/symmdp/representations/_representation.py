from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symmdp.errors import GroupMismatchError, RepresentationError
from symmdp.groups import Group, Subgroup
from symmdp.representations._kind import Kind, are_orthogonal, as_signed_permutations
from symmdp.representations._validation import check_matrices, check_relations, matrices_of_generators


class Representation:
    """A real representation `g ↦ ρ(g)` of a finite group: invertible matrices with `ρ(gh) = ρ(g) ρ(h)`.

    An immutable value with an algebra: `a + b` is the direct sum, `n * a` the sum of `n` copies, `a * b` the tensor
    product. Signed permutations are recognised, and kept as integer arrays `source` and `sign`, so that a sum of many
    copies costs no memory worth speaking of.

    Args:
        group: the group `G`.
        matrices: `ρ(0), ρ(1), …`, shape `(|G|, d, d)`; integers or real numbers (computed in float64). For a group that is
            not listed: of the identity and of the generators.
        name: how the representation prints.

    Raises:
        RepresentationError: the shape is wrong, an entry is not finite, `ρ(e) ≠ 1`, or `ρ(gh) ≠ ρ(g) ρ(h)` beyond
            1e-8 relative to the entries (the message names the pair).
    """

    def __init__(self, group: Group, matrices: ArrayLike, name: str | None = None):
        if not isinstance(group, Group):
            raise RepresentationError(f"The first argument is a symmdp Group; got {type(group).__name__}.")
        checked = check_matrices(group, matrices)
        signed = as_signed_permutations(checked)
        if not group.is_listed:
            check_relations(group, checked if signed is None else signed)
        if signed is None:
            self._adopt(group, name, None, None, checked)
        else:
            self._adopt(group, name, *signed, None)

    @classmethod
    def from_generators(
        cls, group: Group, images: Mapping[int, ArrayLike] | Sequence[ArrayLike], name: str | None = None
    ) -> Representation:
        """The representation with given matrices on the generators; the others are their products.

        Args:
            group: the group `G`.
            images: a matrix for each of `group.generators`, in their order, or a mapping from generator to matrix. A
                permutation of the coordinates may be given as an integer array `p`, which sends `e_i` to `e_p[i]`.
            name: how the representation prints.

        Raises:
            RepresentationError: a generator has no matrix, or the matrices do not satisfy the group's relations.
        """
        arrays = matrices_of_generators(group, images)
        matrices = [np.eye(arrays[0].shape[0])] * len(group.numbered)
        if not group.is_listed:
            return cls(group, np.stack([matrices[0], *arrays]), name)
        of_generator = dict(zip(group.generators, arrays, strict=True))
        for g in sorted(group, key=lambda g: len(group.words[g])):
            if word := group.words[g]:
                prefix = 0
                for s in word[:-1]:
                    prefix = int(group.cayley_table[prefix, s])
                matrices[g] = matrices[prefix] @ of_generator[word[-1]]
        return cls(group, np.stack(matrices), name)

    @classmethod
    def _of_signed_permutations(cls, group: Group, source: NDArray, sign: NDArray, name: str) -> Representation:
        return cls.__new__(cls)._adopt(group, name, source, sign, None)

    @classmethod
    def _of_matrices(cls, group: Group, matrices: NDArray, name: str) -> Representation:
        signed = as_signed_permutations(matrices)
        if signed is not None:
            return cls._of_signed_permutations(group, *signed, name)
        return cls.__new__(cls)._adopt(group, name, None, None, matrices)

    def _adopt(
        self, group: Group, name: str | None, source: NDArray | None, sign: NDArray | None, dense: NDArray | None
    ) -> Representation:
        for array in (source, sign, dense):
            if array is not None:
                array.flags.writeable = False
        # Written past __setattr__, which forbids changes.
        self.__dict__.update(group=group, source=source, sign=sign, _dense=dense)
        self.__dict__["name"] = name or "ρ"
        return self

    group: Group
    name: str
    source: NDArray[np.int64] | None
    sign: NDArray[np.int64] | None
    _dense: NDArray[np.float64] | None

    def __setattr__(self, attribute: str, value: object) -> None:
        raise AttributeError(f"A Representation is immutable; cannot set {attribute!r}.")

    @property
    def dim(self) -> int:
        """The dimension `d` of the space that the group acts on."""
        array = self.source if self._dense is None else self._dense
        if array is None:
            raise AssertionError("a representation holds signed permutations or matrices")
        return array.shape[1]

    @cached_property
    def kind(self) -> Kind:
        """What the matrices are, derived from their entries."""
        if self.sign is not None:
            return Kind.PERMUTATION if (self.sign == 1).all() else Kind.SIGNED_PERMUTATION
        return Kind.ORTHOGONAL if are_orthogonal(self.matrices) else Kind.INVERTIBLE

    @cached_property
    def matrices(self) -> NDArray:
        """All matrices, shape `(|G|, d, d)`; int64 for signed permutations, float64 otherwise."""
        if self.source is None or self.sign is None:
            if self._dense is None:
                raise AssertionError("a representation holds signed permutations or matrices")
            return self._dense
        matrices = np.zeros((len(self.source), self.dim, self.dim), dtype=np.int64)
        np.put_along_axis(matrices, self.source[..., None], self.sign[..., None], axis=2)
        matrices.flags.writeable = False
        return matrices

    def __call__(self, g: int) -> NDArray:
        """The matrix `ρ(g)`, shape `(d, d)`.

        Raises:
            GroupError: `g` is no element.
        """
        g = self.group.check_element(g)
        if self.source is None or self.sign is None:
            return self.matrices[g]
        matrix = np.zeros((self.dim, self.dim), dtype=np.int64)
        matrix[np.arange(self.dim), self.source[g]] = self.sign[g]
        return matrix

    @cached_property
    def character(self) -> NDArray:
        """The character `χ(g) = tr ρ(g)`, shape `(|G|,)`.

        Raises:
            GroupError: the group is not listed.
        """
        every = np.asarray(self.group.elements)  # raises for a group that is not listed
        if self.source is None or self.sign is None:
            return np.trace(self.matrices[every], axis1=1, axis2=2)
        return np.where(self.source == np.arange(self.dim), self.sign, 0).sum(axis=1)

    @property
    def is_trivial(self) -> bool:
        """Whether every element acts as the identity."""
        return self.source is not None and self.kind is Kind.PERMUTATION and bool((self.source == self.source[0]).all())

    def __add__(self, other: Representation) -> Representation:
        """The direct sum `ρ ⊕ σ`: `other` acts on the coordinates after those of this one."""
        if not isinstance(other, Representation):
            return NotImplemented
        same_group(self, other, "added")
        name = f"{self.name} + {other.name}"
        if self.source is not None and self.sign is not None and other.source is not None and other.sign is not None:
            source = np.concatenate([self.source, other.source + self.dim], axis=1)
            return Representation._of_signed_permutations(self.group, source, np.concatenate([self.sign, other.sign], 1), name)
        matrices = np.zeros((len(self.group.numbered),) + (self.dim + other.dim,) * 2)
        matrices[:, : self.dim, : self.dim] = self.matrices
        matrices[:, self.dim :, self.dim :] = other.matrices
        return Representation._of_matrices(self.group, matrices, name)

    def __mul__(self, other: Representation | int) -> Representation:
        """The tensor product `ρ ⊗ σ` (Kronecker order); with an integer, that many copies."""
        if isinstance(other, int | np.integer):
            return other * self
        if not isinstance(other, Representation):
            return NotImplemented
        same_group(self, other, "multiplied")
        name = f"{_factor(self.name)} ⊗ {_factor(other.name)}"
        n, d = len(self.group.numbered), self.dim * other.dim
        if self.source is not None and self.sign is not None and other.source is not None and other.sign is not None:
            source = self.source[:, :, None] * other.dim + other.source[:, None, :]
            sign = self.sign[:, :, None] * other.sign[:, None, :]
            return Representation._of_signed_permutations(self.group, source.reshape(n, d), sign.reshape(n, d), name)
        matrices = np.einsum("gij,gkl->gikjl", self.matrices, other.matrices).reshape(n, d, d)
        return Representation._of_matrices(self.group, matrices.astype(np.float64), name)

    def __rmul__(self, copies: int) -> Representation:
        """The direct sum of `copies` copies.

        Raises:
            RepresentationError: `copies < 1`.
        """
        if not isinstance(copies, int | np.integer):
            return NotImplemented
        if copies < 1:
            raise RepresentationError(f"The number of copies must be at least 1; got {copies}.")
        name = self.name if copies == 1 else f"{copies} * {_factor(self.name)}"
        if self.source is not None and self.sign is not None:
            shift = np.repeat(np.arange(copies) * self.dim, self.dim)
            source = np.tile(self.source, (1, copies)) + shift
            return Representation._of_signed_permutations(self.group, source, np.tile(self.sign, (1, copies)), name)
        matrices = np.kron(np.eye(copies), self.matrices)
        return Representation._of_matrices(self.group, matrices, name)

    @property
    def dual(self) -> Representation:
        """The dual `ρ*(g) = ρ(g⁻¹)ᵀ`; an orthogonal representation is its own."""
        if self.kind.is_orthogonal:
            return self
        matrices = np.linalg.inv(self.matrices).swapaxes(1, 2).copy()
        return Representation._of_matrices(self.group, matrices, f"{_factor(self.name)}*")

    @property
    def absolute(self) -> Representation:
        """The entrywise absolute value `|ρ(g)|` of a signed permutation representation, a permutation representation.

        Scales (a log standard deviation, say) transform by it.

        Raises:
            RepresentationError: the matrices are no signed permutations; `|ρ|` is then no representation.
        """
        if self.source is None:
            raise RepresentationError(
                f"|ρ| is a representation only for signed permutations; {self!r} is {self.kind}. Use an invariant instead."
            )
        return Representation._of_signed_permutations(self.group, self.source, np.ones_like(self.source), f"|{self.name}|")

    def restrict(self, subgroup: Subgroup) -> Representation:
        """The restriction to a subgroup `H ≤ G`: `ρ(h)` for `h ∈ H` alone.

        Raises:
            RepresentationError: `subgroup` is no Subgroup.
            GroupMismatchError: it is one of another group.
        """
        if not isinstance(subgroup, Subgroup):
            raise RepresentationError(
                f"Restrict to a Subgroup, as group.subgroup(elements) gives it; got {type(subgroup).__name__}."
            )
        if subgroup.parent != self.group:
            raise GroupMismatchError(
                f"Cannot restrict a representation of {self.group.name} to a subgroup of {subgroup.parent.name}."
            )
        members, name = list(subgroup.embedding), f"{_factor(self.name)} restricted"
        if self.source is not None and self.sign is not None:
            return Representation._of_signed_permutations(subgroup.group, self.source[members], self.sign[members], name)
        return Representation._of_matrices(subgroup.group, self.matrices[members], name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Representation):
            return NotImplemented
        if self is other:
            return True
        if self.dim != other.dim or self.group != other.group:
            return False
        if self._dense is not None and other._dense is not None:
            return np.array_equal(self._dense, other._dense)
        if self.source is None or self.sign is None or other.source is None or other.sign is None:
            return False
        return np.array_equal(self.source, other.source) and np.array_equal(self.sign, other.sign)

    @cached_property
    def _hash(self) -> int:
        if self.source is not None and self.sign is not None:
            return hash((self.group, self.source.tobytes(), self.sign.tobytes()))
        return hash((self.group, self.dim, np.round(np.trace(self.matrices, axis1=1, axis2=2), 6).tobytes()))

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[object, ...]:
        if self.source is not None and self.sign is not None:
            return Representation._of_signed_permutations, (self.group, self.source.copy(), self.sign.copy(), self.name)
        return Representation._of_matrices, (self.group, np.array(self.matrices), self.name)

    def __repr__(self) -> str:
        return f"Representation({self.group.name}, {self.name}, dim {self.dim}, {self.kind})"


def same_group(a: Representation, b: Representation, verb: str) -> None:
    """Raise GroupMismatchError unless both are representations of one group."""
    if a.group != b.group:
        raise GroupMismatchError(
            f"Representations of two different groups cannot be {verb}: {a!r} and {b!r}. "
            "Build both over the same Group (isomorphic groups with differently numbered elements are different)."
        )


def _factor(name: str) -> str:
    return f"({name})" if " " in name else name
