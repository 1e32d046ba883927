from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from symmdp.errors import RepresentationError
from symmdp.groups import Group
from symmdp.representations._canonical_basis import canonical_basis, units
from symmdp.representations._representation import Representation

_ATTEMPTS = 5
_TOLERANCE = 1e-9
_NICE = np.array([0.0, 0.5, 1.0])  # entries within 1e-12 of these are these
_CHUNK = 2**22  # entries gathered at a time


class IrrepType(StrEnum):
    """The real division algebra of the maps that commute with a real irreducible representation."""

    REAL = "real"
    COMPLEX = "complex"
    QUATERNIONIC = "quaternionic"


_TYPES = {1: IrrepType.REAL, 2: IrrepType.COMPLEX, 4: IrrepType.QUATERNIONIC}


@dataclass(frozen=True)
class Irrep:
    """A real irreducible representation in a canonical orthonormal basis.

    Attributes:
        rep: the representation, orthogonal, of dimension `d`.
        type: real, complex or quaternionic: the algebra of the maps that commute with it.
        endomorphisms: a basis of those maps, float64, shape `(c, d, d)` with `c` = 1, 2 or 4. The first is the identity,
            the others are antisymmetric with square -1, and for quaternions `I J = K`. They are `1 ⊗ E` with `1` of size
            `d/c` and `E` the matrices by which the units of the algebra multiply from the left: for complex ones
            `J = 1 ⊗ [[0, -1], [1, 0]]`.
    """

    rep: Representation
    type: IrrepType
    endomorphisms: NDArray[np.float64] = field(compare=False)

    @property
    def dim(self) -> int:
        """The dimension `d` over the reals."""
        return self.rep.dim

    @property
    def name(self) -> str:
        """How it prints."""
        return self.rep.name

    def __repr__(self) -> str:
        return f"Irrep({self.rep.group.name}, {self.name}, dim {self.dim}, {self.type})"


@lru_cache(maxsize=128)
def irreps(group: Group) -> tuple[Irrep, ...]:
    """The real irreducible representations of a group, each once: trivial first, then by dimension and character.

    They are the eigenspaces of a generic symmetric element of the commutant of the regular representation, which is right
    multiplication `(x a)(h) = Σ_k x(k) a(k⁻¹h)` with `a(g) = a(g⁻¹)`. The bases are canonical: the same in every process.

    Raises:
        RepresentationError: `Σ d²/c = |G|` does not hold for what was found (the message gives both sides).

    Source: Serre, *Linear Representations of Finite Groups*, sections 2.4 and 13.2; Dixon 1970, *Computing irreducible
    representations of groups*.
    """
    problem = ""
    for attempt in range(_ATTEMPTS):
        found, problem = _decompose_regular(group, np.random.default_rng(attempt))
        if not problem:
            return found
    raise RepresentationError(
        f"The irreducible representations of {group!r} could not be told apart in float64: {problem}. Try a smaller group."
    )


def _decompose_regular(group: Group, rng: np.random.Generator) -> tuple[tuple[Irrep, ...], str]:
    n, table, inverses = group.order, group.cayley_table, group.inverses
    a = rng.standard_normal(n)
    a = (a + a[inverses]) / 2
    difference = table[inverses]  # difference[h, k] = h⁻¹k
    values, vectors = np.linalg.eigh(a[difference])
    cuts = np.flatnonzero(np.diff(values) > _TOLERANCE * np.abs(values).max()) + 1
    of_class = np.empty(n, dtype=np.intp)
    for k, members in enumerate(group.conjugacy_classes):
        of_class[list(members)] = k
    sizes = np.bincount(of_class)
    distinct: dict[bytes, tuple[NDArray, NDArray]] = {}
    for basis in np.split(vectors, cuts, axis=1):
        # The projector is P[h, k] = p(h⁻¹k), so χ(g) = |G| times the mean of p over the class of g.
        p = basis @ basis[0]
        character = n * (np.bincount(of_class, weights=p) / sizes)
        distinct.setdefault((np.round(character, 4) + 0).tobytes(), (character, basis))
    found, covered = [], 0.0
    representatives = [members[0] for members in group.conjugacy_classes]
    noise = rng.standard_normal((2, n, 1)), rng.standard_normal((2, 1, n))
    for character, basis in distinct.values():
        norm = float(sizes @ character**2) / n
        c = round(norm)
        if c not in _TYPES or abs(norm - c) > 1e-6 or basis.shape[1] % c:
            return (), f"a subspace of dimension {basis.shape[1]} has ⟨χ, χ⟩ = {norm:.6g}, which is none of 1, 2 and 4"
        covered += basis.shape[1] ** 2 / c
        found.append((character, c, basis))
    if round(covered) != n:
        return (), f"Σ d²/c = {covered:g} but |G| = {n}"
    found.sort(key=lambda item: _order(item[0], item[2].shape[1]))
    linear = sum(basis.shape[1] == 1 for _, _, basis in found)
    result = []
    for k, (_, c, basis) in enumerate(found):
        polished = _polish(basis, difference)
        matrices = _turns(polished) if c == 2 == basis.shape[1] else _matrices(polished, difference)
        compressed = [(polished.T @ x) @ (y @ polished) for x, y in zip(*noise, strict=True)]
        change = canonical_basis(matrices, c, polished, compressed, representatives)
        matrices = _snap(change.T @ matrices @ change)
        error = max((np.abs(matrices @ matrices[s] - matrices[table[:, s]]).max() for s in group.generators), default=0.0)
        if error > _TOLERANCE:
            return (), f"the matrices of a subspace of dimension {len(change)} break ρ(gh) = ρ(g) ρ(h) by {error:.1g}"
        name = "trivial" if k == 0 else "sign" if linear == 2 and k == 1 else f"ψ{k}"
        endomorphisms = np.stack([np.kron(np.eye(len(change) // c), unit) for unit in units(c)])
        endomorphisms.flags.writeable = False
        result.append(Irrep(Representation._of_matrices(group, matrices, name), _TYPES[c], endomorphisms))
    return tuple(result), ""


def _order(character: NDArray, dim: int) -> tuple:
    rounded = np.round(character, 4) + 0
    return not (rounded == 1).all(), dim, tuple(-rounded)


def _polish(basis: NDArray, difference: NDArray) -> NDArray:
    """The nearby invariant subspace: the range of the projector averaged over the group, whose eigenvalues are 1 and 0."""
    average = basis @ basis[0]
    average = (average + average[difference[:, 0]]) / 2
    projector = average[difference]
    for _ in range(2):
        basis, _ = np.linalg.qr(projector @ basis)
    return basis


def _matrices(basis: NDArray, difference: NDArray) -> NDArray:
    """`ρ(g)` on the subspace, `Bᵀ L_g B`, shape `(|G|, d, d)`, for the regular representation `(L_g x)(h) = x(g⁻¹h)`."""
    n, d = basis.shape
    step = max(1, _CHUNK // (n * d))
    parts = [np.tensordot(basis[difference[g : g + step]], basis, axes=(1, 0)).swapaxes(1, 2) for g in range(0, n, step)]
    matrices = np.concatenate(parts)
    matrices[0] = np.eye(d)
    return matrices


def _turns(basis: NDArray) -> NDArray:
    """`ρ(g)` on a plane that the group turns: by the angle from row `e` to row `g`, since `L_g` takes one to the other."""
    rows = basis / np.linalg.norm(basis, axis=1, keepdims=True)
    cosine, sine = rows @ rows[0], rows @ np.array([-rows[0, 1], rows[0, 0]])
    return np.stack([np.stack([cosine, -sine], axis=1), np.stack([sine, cosine], axis=1)], axis=1)


def _snap(matrices: NDArray) -> NDArray:
    for value in _NICE:
        near = np.abs(np.abs(matrices) - value) < 1e-12
        matrices = np.where(near, np.copysign(value, matrices), matrices)
    return matrices + 0.0
