from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from symmdp.maps._tied import TiedParameters
from symmdp.representations import Irrep, Representation, isotypic


@dataclass(frozen=True, eq=False)
class LayoutPart:
    """The copies of one small representation `σ` in a representation: `copies · σ`, and their change of basis.

    Attributes:
        copies: how many coordinate blocks carry `σ`.
        analysis: `Q⁻¹`, shape `(n, n)`; its rows are isotypic coordinates, ordered by irreducible representation `i`, then
            by `e`, `c`, and `μ`: of copy `μ` the coordinate `e·C + c`, where the maps that commute are `1_e ⊗ E_c`.
        synthesis: `Q`, shape `(n, n)`.
        multiplicities: `μ_i`, one for each irreducible representation of the group.
    """

    copies: int
    analysis: NDArray[np.float64]
    synthesis: NDArray[np.float64]
    multiplicities: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class IsotypicLayout:
    """How isotypic coordinates are laid out: part by part, then copy by copy, then in the order of `LayoutPart`.

    Attributes:
        rep: the representation.
        irreps: the irreducible representations of its group.
        order: the coordinates of `rep` in the order of parts and copies, shape `(dim,)`.
        parts: the parts.
    """

    rep: Representation
    irreps: tuple[Irrep, ...]
    order: NDArray[np.intp]
    parts: tuple[LayoutPart, ...]

    @classmethod
    def of(cls, rep: Representation) -> IsotypicLayout:
        """The layout of a representation.

        Raises:
            GroupError: the group is not listed.
            RepresentationError: the matrices are too inaccurate to be decomposed.
        """
        decomposition = isotypic(rep)
        order, parts = [], []
        for k, part in enumerate(decomposition.parts):
            blocks = [block.indices for block in decomposition.blocks if block.part == k]
            columns = _columns(part.multiplicities, decomposition.irreps)
            analysis, synthesis = part.inverse[columns], part.change_of_basis[:, columns]
            parts.append(LayoutPart(len(blocks), analysis, synthesis, part.multiplicities))
            order += blocks
        return cls(rep, decomposition.irreps, np.concatenate(order), tuple(parts))

    @cached_property
    def multiplicities(self) -> tuple[int, ...]:
        """How often each irreducible representation occurs."""
        return tuple(sum(p.copies * p.multiplicities[i] for p in self.parts) for i in range(len(self.irreps)))

    def copies_of(self, i: int) -> NDArray[np.intp]:
        """Where the copies of `irreps[i]` are: coordinates, shape `(e, C, M_i)`, with copies ordered by part, `μ` and block."""
        dims, algebra = [irrep.dim for irrep in self.irreps], len(self.irreps[i].endomorphisms)
        found, start = [], 0
        for part in self.parts:
            n, m = len(part.analysis), part.multiplicities[i]
            before = sum(m * d for m, d in zip(part.multiplicities[:i], dims[:i], strict=True))
            within = before + np.arange(dims[i] * m).reshape(dims[i] // algebra, algebra, m, 1)
            blocks = start + n * np.arange(part.copies)
            found.append((within + blocks).reshape(dims[i] // algebra, algebra, m * part.copies))
            start += n * part.copies
        return np.concatenate(found, axis=-1)


@dataclass(frozen=True, eq=False)
class IsotypicMaps:
    """The equivariant maps in isotypic coordinates, `W = Q_out B Q_in⁻¹`, where `B` is a block for each irreducible.

    By Schur's lemma the block of `ρ_i` with `M_in` and `M_out` copies is `1_e ⊗ Σ_j θ_j ⊗ E_j`: one matrix `θ_j`, of shape
    `(M_out, M_in)`, for each of the `C` = 1, 2 or 4 units of the algebra of maps that commute with `ρ_i`. The free
    parameters are the `θ` of all irreducible representations in turn, each of shape `(C, M_out, M_in)`.

    Attributes:
        layout_in: the isotypic coordinates of the inputs.
        layout_out: those of the outputs.
        tied: `B`, shape `(out, in)`, as free parameters: each stands in `d_i` entries, up to sign.
    """

    layout_in: IsotypicLayout
    layout_out: IsotypicLayout
    tied: TiedParameters

    @classmethod
    def between(cls, rep_in: Representation, rep_out: Representation) -> IsotypicMaps:
        """The maps between two representations.

        Raises:
            GroupError: the group is not listed.
            RepresentationError: the matrices are too inaccurate to be decomposed.
        """
        layout_in, layout_out = IsotypicLayout.of(rep_in), IsotypicLayout.of(rep_out)
        shape = rep_out.dim, rep_in.dim
        index, sign = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        count = 0
        for i, irrep in enumerate(layout_in.irreps):
            rows, columns = layout_out.copies_of(i), layout_in.copies_of(i)  # (e, C, M)
            c, free = rows.shape[1], rows.shape[2] * columns.shape[2]
            theta = np.arange(free).reshape(rows.shape[2], columns.shape[2])
            unit, signs = algebra_units(irrep)
            for r in range(c):
                for s in range(c):
                    for e in range(rows.shape[0] if free else 0):
                        where = rows[e, r][:, None], columns[e, s]
                        index[where] = count + unit[r, s] * free + theta
                        sign[where] = signs[r, s]
            count += c * free
        return cls(layout_in, layout_out, TiedParameters(shape, index, sign, count))

    @property
    def shape(self) -> tuple[int, int]:
        """The shape `(out, in)` of a map."""
        return self.layout_out.rep.dim, self.layout_in.rep.dim

    @property
    def count(self) -> int:
        """The number of free parameters, `dim Hom_G`."""
        return self.tied.count

    def expand(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """`W`, with free parameters `theta`, shape `(..., count)` to `(..., out, in)`."""
        blocks = self.tied.expand(theta)
        left = along_last(self.layout_out, blocks.swapaxes(-1, -2), [p.synthesis for p in self.layout_out.parts])
        whole = along_last(self.layout_in, left.swapaxes(-1, -2), [p.analysis.T for p in self.layout_in.parts])
        result = np.empty_like(whole)
        result[..., self.layout_out.order[:, None], self.layout_in.order] = whole
        return result

    def project(self, W: NDArray[np.float64]) -> NDArray[np.float64]:
        """The free parameters of `S(W)`, the symmetrized map: `(..., out, in)` to `(..., count)`."""
        ordered = W[..., self.layout_out.order[:, None], self.layout_in.order]
        left = along_last(self.layout_out, ordered.swapaxes(-1, -2), [p.analysis for p in self.layout_out.parts])
        blocks = along_last(self.layout_in, left.swapaxes(-1, -2), [p.synthesis.T for p in self.layout_in.parts])
        return self.tied.project(blocks)


def along_last(layout: IsotypicLayout, x: NDArray, matrices: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Apply one matrix a part, shape `(n, n)`, to each copy along the last axis, which is in the order of the layout."""
    result, start = [], 0
    for part, matrix in zip(layout.parts, matrices, strict=True):
        end = start + part.copies * len(matrix)
        copies = x[..., start:end].reshape(*x.shape[:-1], part.copies, len(matrix))
        result.append((copies @ matrix.T).reshape(*x.shape[:-1], end - start))
        start = end
    return np.concatenate(result, axis=-1)


def _columns(multiplicities: tuple[int, ...], irreps: tuple[Irrep, ...]) -> NDArray[np.intp]:
    """From the order (irreducible, copy, coordinate) to (irreducible, e, c, copy)."""
    columns, start = [], 0
    for m, irrep in zip(multiplicities, irreps, strict=True):
        columns.append(start + np.arange(m * irrep.dim).reshape(m, irrep.dim).T.ravel())
        start += m * irrep.dim
    return np.concatenate(columns)


def algebra_units(irrep: Irrep) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each entry `(r, s)` of the algebra's matrices `E`, which unit has it, and its sign; shape `(C, C)`."""
    c = len(irrep.endomorphisms)
    units = np.rint(irrep.endomorphisms[:, :c, :c]).astype(np.int64)
    unit = np.abs(units).argmax(axis=0)
    return unit, np.take_along_axis(units, unit[None], axis=0)[0]
