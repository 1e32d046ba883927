from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy  # which loads its parts when they are first used
from numpy.typing import NDArray

from symmdp.errors import RepresentationError
from symmdp.representations._canonical_basis import independent_lines
from symmdp.representations._coordinate_blocks import coordinate_blocks
from symmdp.representations._irreducibles import Irrep, irreps
from symmdp.representations._representation import Representation

_TOLERANCE = 1e-6
_DEPENDENT = 1e-3  # a generic intertwiner that loses all but this share of its length is drawn again


@dataclass(frozen=True, eq=False)
class IsotypicPart:
    """The change of basis of a small representation that several coordinate blocks may share.

    Attributes:
        change_of_basis: `Q`, float64, shape `(n, n)`, with `Q⁻¹ ρ(g) Q = ⊕_i 1_{m_i} ⊗ ρ_i(g)`.
        inverse: `Q⁻¹`; `Qᵀ` when `ρ` is orthogonal.
        multiplicities: `m_i` for each irreducible representation of the group.
    """

    change_of_basis: NDArray[np.float64]
    inverse: NDArray[np.float64]
    multiplicities: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class IsotypicBlock:
    """A set of coordinates that the group maps into itself, and where its irreducible parts go.

    Attributes:
        indices: the block's coordinates, shape `(n,)`.
        columns: the isotypic coordinates of the columns of `parts[part].change_of_basis`, shape `(n,)`.
        part: which of the decomposition's distinct `parts` it is.
    """

    indices: NDArray[np.intp]
    columns: NDArray[np.intp]
    part: int


@dataclass(frozen=True, eq=False)
class IsotypicDecomposition:
    """A representation as a direct sum of irreducible ones: `Q⁻¹ ρ(g) Q = ⊕_i 1_{m_i} ⊗ ρ_i(g)` for every `g`.

    Isotypic coordinates are ordered by irreducible representation, then by copy: copy `k` of `irreps[i]` has the
    coordinates `offsets[i] + k d_i … offsets[i] + (k + 1) d_i - 1`. `Q` is sparse: `Q[b.indices, b.columns]` is the matrix of
    `parts[b.part]` for each block `b`, and all other entries are zero. It is orthogonal when `ρ` is.

    Attributes:
        rep: the representation `ρ`.
        irreps: all real irreducible representations of the group, `symmdp.representations.irreps`.
        multiplicities: `m_i`, one for each of them, 0 for those that do not occur.
        blocks: the coordinate blocks.
        parts: the distinct small changes of basis.
    """

    rep: Representation
    irreps: tuple[Irrep, ...]
    multiplicities: tuple[int, ...]
    blocks: tuple[IsotypicBlock, ...]
    parts: tuple[IsotypicPart, ...]

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """The first isotypic coordinate of each irreducible representation, and at the end the dimension."""
        sizes = [m * irrep.dim for m, irrep in zip(self.multiplicities, self.irreps, strict=True)]
        return tuple(int(n) for n in np.cumsum([0, *sizes]))

    @cached_property
    def change_of_basis(self) -> NDArray[np.float64]:
        """`Q`, float64, shape `(dim, dim)`: its columns are the isotypic basis in the coordinates of `ρ`."""
        matrix = np.zeros((self.rep.dim, self.rep.dim))
        for block in self.blocks:
            matrix[block.indices[:, None], block.columns] = self.parts[block.part].change_of_basis
        matrix.flags.writeable = False
        return matrix

    @cached_property
    def inverse(self) -> NDArray[np.float64]:
        """`Q⁻¹`, float64, shape `(dim, dim)`: from the coordinates of `ρ` to isotypic ones."""
        matrix = np.zeros((self.rep.dim, self.rep.dim))
        for block in self.blocks:
            matrix[block.columns[:, None], block.indices] = self.parts[block.part].inverse
        matrix.flags.writeable = False
        return matrix

    def __repr__(self) -> str:
        terms = [
            irrep.name if m == 1 else f"{m} * {irrep.name}"
            for m, irrep in zip(self.multiplicities, self.irreps, strict=True)
            if m
        ]
        return f"IsotypicDecomposition({self.rep!r} ≅ {' + '.join(terms)})"


def isotypic(rep: Representation) -> IsotypicDecomposition:
    """The isotypic decomposition of a representation: multiplicities and the change of basis.

    Each distinct coordinate block is decomposed once, so that many copies cost little more than one. The basis is
    canonical: the same in every process.

    Raises:
        RepresentationError: the matrices are too inaccurate for the multiplicities to be integers, or the group's
            irreducible representations cannot be told apart.

    Source: Serre, *Linear Representations of Finite Groups*, sections 2.6 and 2.7.
    """
    irreducibles = irreps(rep.group)
    number: dict[tuple, int] = {}
    parts: list[IsotypicPart] = []
    which: list[int] = []
    indices = coordinate_blocks(rep)
    position = np.empty(rep.dim, dtype=np.intp)
    for block in indices:
        position[block] = np.arange(len(block))
    for block in indices:
        key = _key(rep, block, position)
        if key not in number:
            number[key] = len(parts)
            parts.append(_decompose(rep, block, position, irreducibles))
        which.append(number[key])
    totals = [sum(parts[k].multiplicities[i] for k in which) for i in range(len(irreducibles))]
    dims = [irrep.dim for irrep in irreducibles]
    following = np.cumsum([0, *[m * d for m, d in zip(totals, dims, strict=True)]])[:-1]
    blocks = []
    for block, k in zip(indices, which, strict=True):
        columns = []
        for i, m in enumerate(parts[k].multiplicities):
            if m:
                columns.append(np.arange(following[i], following[i] + m * dims[i]))
                following[i] += m * dims[i]
        blocks.append(IsotypicBlock(block, np.concatenate(columns), k))
    return IsotypicDecomposition(rep, irreducibles, tuple(totals), tuple(blocks), tuple(parts))


def _key(rep: Representation, block: NDArray, position: NDArray) -> tuple:
    generators = np.array(rep.group.generators, dtype=np.intp)[:, None]
    if rep.source is not None and rep.sign is not None:
        return len(block), position[rep.source[generators, block]].tobytes(), rep.sign[generators, block].tobytes()
    return len(block), rep.matrices[generators[..., None], block[:, None], block].tobytes()


def _decompose(rep: Representation, block: NDArray, position: NDArray, irreducibles: tuple[Irrep, ...]) -> IsotypicPart:
    columns: list[NDArray] = []
    if rep.source is not None and rep.sign is not None:
        source, sign = position[rep.source[:, block]], rep.sign[:, block]
        character = np.where(source == np.arange(len(block)), sign, 0).sum(axis=1)
        multiplicities = _multiplicities(character, irreducibles, len(block))
        for irrep, m in zip(irreducibles, multiplicities, strict=True):
            if m:
                columns.append(_of_orbit(source, sign, irrep, m))
        change = np.concatenate(columns, axis=1)
        return _part(change, change.T.copy(), multiplicities)
    matrices = rep.matrices[:, block[:, None], block]
    multiplicities = _multiplicities(np.trace(matrices, axis1=1, axis2=2), irreducibles, len(block))
    # In the coordinates Lᵀx of the invariant inner product L Lᵀ = 1/|G| Σ ρ(g)ᵀ ρ(g) the matrices are orthogonal.
    lower = np.linalg.cholesky(np.tensordot(matrices, matrices, axes=((0, 1), (0, 1))) / len(matrices))
    if np.abs(lower - np.eye(len(block))).max() < 1e-13:
        lower = np.eye(len(block))
    back = scipy.linalg.solve_triangular(lower, np.eye(len(block)), lower=True).T
    orthogonal = lower.T @ matrices @ back
    rng = np.random.default_rng(0)
    for irrep, m in zip(irreducibles, multiplicities, strict=True):
        if m:
            columns.append(_intertwiners(orthogonal, irrep, m, rng))
    change = np.concatenate(columns, axis=1)
    return _part(back @ change, change.T @ lower.T, multiplicities)


def _part(change: NDArray, inverse: NDArray, multiplicities: tuple[int, ...]) -> IsotypicPart:
    change.flags.writeable = inverse.flags.writeable = False
    return IsotypicPart(change, inverse, multiplicities)


def _multiplicities(character: NDArray, irreducibles: tuple[Irrep, ...], dim: int) -> tuple[int, ...]:
    """`m_i = ⟨χ_i, χ⟩ / c_i`."""
    result = []
    for irrep in irreducibles:
        m = float(irrep.rep.character @ character) / (len(character) * len(irrep.endomorphisms))
        if abs(m - round(m)) > _TOLERANCE * max(1.0, abs(m)):
            raise RepresentationError(
                f"{irrep!r} would occur {m:.8g} times, which is no integer. The matrices are not accurate enough; give them "
                "in float64, to full precision."
            )
        result.append(round(m))
    total = sum(m * irrep.dim for m, irrep in zip(result, irreducibles, strict=True))
    if total != dim:
        raise RepresentationError(
            f"The irreducible parts have dimension {total} in all, but the representation has {dim}. The matrices are not "
            "accurate enough; give them in float64, to full precision."
        )
    return tuple(result)


def _of_orbit(source: NDArray, sign: NDArray, irrep: Irrep, count: int) -> NDArray:
    """Orthonormal copies of `irrep` in a signed permutation of one orbit, shape `(n, count·d)`.

    For a vector `u` that the stabilizer of coordinate 0 keeps (with its signs), `T e_{g0} = ±√(d/n) ρ(g) u` commutes with the
    group, and `TᵀT = 1` by Schur's orthogonality.
    """
    n, d, c = source.shape[1], irrep.dim, len(irrep.endomorphisms)
    images = irrep.rep.matrices.astype(np.float64)
    # ρ_b(g) e_j = s e_x with source[g, x] = j and sign[g, x] = s.
    element, coordinate = np.nonzero(source == 0)
    signs = sign[element, coordinate]
    stabilizer = coordinate == 0
    kept = np.tensordot(signs[stabilizer], images[element[stabilizer]], axes=1) / stabilizer.sum()
    lines = independent_lines(kept.T, irrep.endomorphisms, count)[:, ::c]  # u_1, …, u_m, orthogonal over the algebra
    _, first = np.unique(coordinate, return_index=True)  # for each coordinate an element that takes 0 there
    moved = signs[first, None, None] * (images[element[first]] @ lines) * np.sqrt(d / n)
    return moved.swapaxes(1, 2).reshape(n, count * d)


def _intertwiners(matrices: NDArray, irrep: Irrep, count: int, rng: np.random.Generator) -> NDArray:
    """Orthonormal copies of `irrep` in orthogonal matrices, shape `(n, count·d)`: symmetrized generic maps, deflated."""
    n, d = matrices.shape[1], irrep.dim
    images = irrep.rep.matrices.astype(np.float64)
    found = np.zeros((n, 0))
    while found.shape[1] < count * d:
        drawn = _symmetrize(rng.standard_normal((n, d)), matrices, images)
        rest = drawn - found @ (found.T @ drawn)
        if (rest**2).sum() < _DEPENDENT * (drawn**2).sum():
            continue
        for _ in range(2):  # polish
            rest = _symmetrize(rest / np.sqrt((rest**2).sum() / d), matrices, images)
            rest = rest - found @ (found.T @ rest)
        found = np.concatenate([found, rest / np.sqrt((rest**2).sum() / d)], axis=1)
    return found


def _symmetrize(x: NDArray, matrices: NDArray, images: NDArray) -> NDArray:
    """`1/|G| Σ_g ρ(g) x ρ_i(g)⁻¹` for orthogonal `ρ_i`."""
    return np.tensordot(matrices @ x, images, axes=((0, 2), (0, 2))) / len(images)
