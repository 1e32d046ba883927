from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar, cast

import numpy as np
import scipy  # loads its parts when they are first used
import torch
from numpy.typing import NDArray

from symmdp.errors import GroupError, OptionError, RepresentationError, ShapeError
from symmdp.maps._blocks import RANK_TOLERANCE, block_bases
from symmdp.maps._tied import TiedParameters, tie_maps
from symmdp.representations import Representation
from symmdp.representations._representation import same_group

Array = TypeVar("Array", np.ndarray, torch.Tensor)


@dataclass(frozen=True)
class EquivariantMaps:
    """The space of equivariant maps, `Hom_G(ρ_in, ρ_out) = {W : ρ_out(g) W = W ρ_in(g) for all g}`.

    All bases are orthonormal under the Frobenius inner product, and float64.

    Args:
        rep_in: the representation on the inputs, of dimension `in`.
        rep_out: the representation on the outputs, of dimension `out`.

    Raises:
        RepresentationError: one is no Representation.
        GroupMismatchError: they are representations of two different groups.
    """

    rep_in: Representation
    rep_out: Representation

    def __post_init__(self) -> None:
        for rep in (self.rep_in, self.rep_out):
            if not isinstance(rep, Representation):
                raise RepresentationError(f"A map goes between two Representations; got {type(rep).__name__}.")
        same_group(self.rep_in, self.rep_out, "joined by a map")

    @cached_property
    def dim(self) -> int:
        """The dimension, from characters: `⟨χ_in, χ_out⟩ = 1/|G| Σ_g χ_in(g⁻¹) χ_out(g)`.

        For a group that is not listed, the number of elements of the exact basis.
        """
        group = self.rep_in.group
        if not group.is_listed:
            return len(self._bases[0]) if self.tied is None else self.tied.count
        inner = float(self.rep_in.character[group.inverses] @ self.rep_out.character) / group.order
        if abs(inner - round(inner)) > 1e-6:
            raise RepresentationError(f"The inner product of the characters is {inner}, not an integer.")
        return round(inner)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape `(out, in)` of a map."""
        return self.rep_out.dim, self.rep_in.dim

    def symmetrize(self, W: Array) -> Array:
        """The Reynolds operator `S(W) = 1/|G| Σ_g ρ_out(g)⁻¹ W ρ_in(g)`, the projection onto the equivariant maps.

        Args:
            W: NumPy array or torch tensor of shape `(..., out, in)`; the result has its type, dtype and device.
                Gradients flow through.

        Raises:
            ShapeError: the last two axes are not `(out, in)`, or the entries are not floating point.
            GroupError: the group is not listed, and a representation is not orthogonal.

        Source: van der Pol et al. 2020, equation 11 (with the inverse, which their code leaves out).
        """
        if tuple(W.shape[-2:]) != self.shape:
            raise ShapeError(f"Expected weights of shape (..., {self.shape[0]}, {self.shape[1]}); got {tuple(W.shape)}.")
        if isinstance(W, torch.Tensor):
            if not W.is_floating_point():
                raise ShapeError(f"Expected floating-point weights; got {W.dtype}. Convert with W.double().")
        elif not np.issubdtype(W.dtype, np.floating):
            raise ShapeError(f"Expected floating-point weights; got {W.dtype}. Convert with W.astype(float).")
        if self.tied is not None:
            return self._orbit_means(W, self.tied)
        if not self.rep_in.group.is_listed:
            return self._projection(W)
        group = self.rep_in.group
        if isinstance(W, torch.Tensor):
            total = torch.zeros_like(W)
            for g, inverse in enumerate(group.inverses):
                left, right = (torch.as_tensor(m).to(W) for m in (self._inverse_out(inverse), np.array(self.rep_in(g))))
                total = total + left @ W @ right
            return total / group.order
        total = np.zeros(W.shape)
        for g, inverse in enumerate(group.inverses):
            total += self._inverse_out(inverse) @ W.astype(np.float64) @ self.rep_in(g)
        return (total / group.order).astype(W.dtype)

    def _orbit_means(self, W: Array, tied: TiedParameters) -> Array:
        """`S(W)` under signed permutations: the signed mean of each orbit of entries."""
        if not isinstance(W, torch.Tensor):
            return tied.expand(tied.project(W.astype(np.float64))).astype(W.dtype)
        if tied.count == 0:
            return W * 0
        position, signs = (torch.as_tensor(array, device=W.device) for array in tied.members)
        sums = (W.flatten(-2)[..., position] * signs.to(W.dtype)).sum(-2)
        theta = sums / torch.as_tensor(tied.sizes, device=W.device).to(W.dtype)
        index, sign = (torch.as_tensor(array, device=W.device) for array in (tied.index, tied.sign))
        return theta[..., index] * sign.to(W.dtype)

    def _projection(self, W: Array) -> Array:
        """`S(W)` without a list of elements: the orthogonal projection, where the representations are orthogonal."""
        if not (self.rep_in.kind.is_orthogonal and self.rep_out.kind.is_orthogonal):
            raise GroupError(
                f"The symmetrizer averages over every element of {self.rep_in.group.name}, which is not listed, unless both "
                "representations are orthogonal. Change to coordinates in which they are."
            )
        basis = _as(self._bases[0], W)
        if isinstance(W, torch.Tensor):
            return torch.einsum("kij,...ij,kab->...ab", basis, W, basis)
        return np.einsum("kij,...ij,kab->...ab", basis, W, basis)

    def _inverse_out(self, inverse: int) -> NDArray:
        return np.array(self.rep_out(int(inverse)))  # ρ(g)⁻¹ = ρ(g⁻¹)

    @cached_property
    def tied(self) -> TiedParameters | None:
        """How the group ties the entries of `W`; `None` unless both representations are signed permutations."""
        if self.rep_in.kind.is_signed_permutation and self.rep_out.kind.is_signed_permutation:
            return tie_maps(self.rep_in, self.rep_out)
        return None

    @cached_property
    def _bases(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        equivariant, complement = self._tied_bases(self.tied) if self.tied is not None else self._block_bases()
        if self.rep_in.group.is_listed and len(equivariant) != self.dim:
            raise RepresentationError(
                f"The basis has {len(equivariant)} elements but the characters give {self.dim}. The matrices are not "
                "accurate enough to tell the rank; give them in float64, to full precision."
            )
        for basis in (equivariant, complement):
            basis.flags.writeable = False
        return equivariant, complement

    def _tied_bases(self, tied: TiedParameters) -> tuple[NDArray, NDArray]:
        n = int(np.prod(self.shape))
        equivariant = np.zeros((tied.count, n))
        entries = np.arange(n).reshape(self.shape)[tied.sign != 0]
        orbit, sign = tied.index[tied.sign != 0], tied.sign[tied.sign != 0]
        equivariant[orbit, entries] = sign / np.sqrt(tied.sizes[orbit])
        complement, row = np.zeros((n - tied.count, n)), 0
        forced = np.flatnonzero(tied.sign.ravel() == 0)
        complement[np.arange(len(forced)), forced] = 1
        row = len(forced)
        position, signs = tied.members
        for k, size in enumerate(tied.sizes):
            # Helmert's rows are orthonormal and orthogonal to the constant vector.
            contrasts = scipy.linalg.helmert(size) * signs[:size, k] if size > 1 else 0
            complement[row : row + size - 1, position[:size, k]] = contrasts
            row += size - 1
        return equivariant.reshape(-1, *self.shape), complement.reshape(-1, *self.shape)

    def _block_bases(self) -> tuple[NDArray, NDArray]:
        blocks = block_bases(self.rep_in, self.rep_out)
        bases = []
        for which in (2, 3):
            full = np.zeros((sum(len(block[which]) for block in blocks), *self.shape))
            start = 0
            for block in blocks:
                rows, columns, part = block[0], block[1], block[which]
                full[start : start + len(part), rows[:, None], columns] = part
                start += len(part)
            bases.append(full)
        return bases[0], bases[1]

    def basis(self, like: Array | None = None) -> NDArray[np.float64] | Array:
        """An orthonormal basis of the equivariant maps, shape `(dim, out, in)`, by an exact method.

        Signed permutations: one element for each orbit of entries. Otherwise: the null space of the generators'
        constraints, block by block, checked against the character dimension.

        Args:
            like: an array or tensor whose type, dtype and device the result takes; NumPy float64 by default.

        Raises:
            RepresentationError: the matrices are too inaccurate to tell the rank.
        """
        return _as(self._bases[0], like)

    def nullspace_basis(self, like: Array | None = None) -> NDArray[np.float64] | Array:
        """An orthonormal basis of the orthogonal complement of the equivariant maps, shape `(out·in - dim, out, in)`.

        For orthogonal representations it is the null space of the symmetrizer, `S(W) = 0`. The paper's *nullspace*
        baseline has its weights there.

        Raises:
            RepresentationError: the matrices are too inaccurate to tell the rank.
        """
        return _as(self._bases[1], like)

    def sampled_basis(
        self, samples: int, rng: np.random.Generator | torch.Generator, *, tolerance: float = RANK_TOLERANCE
    ) -> NDArray[np.float64] | torch.Tensor:
        """An orthonormal basis by the paper's procedure: sample weights, symmetrize, thin SVD, keep the relative rank.

        Args:
            samples: the number of sampled weights; the rank found is at most this.
            rng: a NumPy generator gives a NumPy array, a torch generator a float64 tensor.
            tolerance: singular values above this share of the largest count.

        Returns:
            Shape `(rank, out, in)`; `rank == dim` almost surely when `samples ≥ dim`.

        Raises:
            OptionError: `samples < 1`.

        Source: van der Pol et al. 2020, section 4.2 and algorithm 1.
        """
        drawn = self._gaussian(samples, rng)
        symmetrized = self.symmetrize(drawn).reshape(samples, -1)
        _, values, rows = np.linalg.svd(symmetrized, full_matrices=False)
        rank = int((values > tolerance * values[0]).sum()) if self.dim else 0
        return _in_kind(rows[:rank].reshape(-1, *self.shape), rng)

    def random_basis(
        self, rng: np.random.Generator | torch.Generator, count: int | None = None
    ) -> NDArray[np.float64] | torch.Tensor:
        """An orthonormal basis of a random subspace of all maps, shape `(count, out, in)`: the paper's *random* baseline.

        Args:
            rng: a NumPy generator gives a NumPy array, a torch generator a float64 tensor.
            count: the dimension of the subspace; that of the equivariant maps by default.

        Raises:
            OptionError: `count` is not between 0 and `out·in`.
        """
        count = self.dim if count is None else count
        n = int(np.prod(self.shape))
        if not 0 <= count <= n:
            raise OptionError(f"A subspace of the {n}-dimensional space of maps has dimension 0 … {n}; got {count}.")
        if count == 0:
            return _in_kind(np.zeros((0, *self.shape)), rng)
        q, _ = np.linalg.qr(self._gaussian(count, rng).reshape(count, n).T)
        return _in_kind(q.T.reshape(-1, *self.shape), rng)

    def _gaussian(self, samples: int, rng: np.random.Generator | torch.Generator) -> NDArray[np.float64]:
        if samples < 1:
            raise OptionError(f"At least one sample is needed; got {samples}.")
        if isinstance(rng, torch.Generator):
            return torch.randn(samples, *self.shape, generator=rng, dtype=torch.float64, device=rng.device).cpu().numpy()
        return rng.standard_normal((samples, *self.shape))

    def __repr__(self) -> str:
        return f"EquivariantMaps({self.rep_in!r} → {self.rep_out!r}, dim {self.dim} of {self.shape[0] * self.shape[1]})"


def _as(basis: NDArray[np.float64], like: Array | None) -> NDArray[np.float64] | Array:
    if like is None:
        return basis
    if isinstance(like, torch.Tensor):
        return cast(Array, torch.tensor(basis, dtype=like.dtype, device=like.device))
    return cast(Array, basis.astype(like.dtype))


def _in_kind(array: NDArray[np.float64], rng: np.random.Generator | torch.Generator) -> NDArray | torch.Tensor:
    return torch.as_tensor(np.ascontiguousarray(array), device=rng.device) if isinstance(rng, torch.Generator) else array
