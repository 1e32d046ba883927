from __future__ import annotations

import numpy as np
import scipy  # loads its parts when they are first used
from numpy.typing import NDArray

from symmdp.errors import RepresentationError
from symmdp.maps._equivariant_maps import EquivariantMaps
from symmdp.maps._tied import TiedParameters, tie_vector
from symmdp.representations import Representation, coordinate_blocks


class SymmetrizedMoments:
    """The mean and the variances of data augmented by the whole group, from those of the data itself.

    Data with the mean `μ` and their images `{ρ(g) x}` under every `g` have together the mean `m = P μ` with
    `P = 1/|G| Σ_g ρ(g)`, and the covariance `1/|G| Σ_g ρ(g) M ρ(g)ᵀ`, where `M` is the second moment of the data about `m`.
    Under signed permutations the variance of a coordinate is hence the mean of `M_jj` over its orbit. A diagonal scale
    commutes with every `ρ(g)` exactly where it is constant on coordinate blocks (under signed permutations: orbits), so
    under other matrices a block has one variance, the mean of those that its coordinates have in the augmented data.

    The moments of the data are per coordinate and taken of `y = R x`, where `RᵀR = 1/|G| Σ_g ρ(g)ᵀ ρ(g)` (the identity, and
    `root` None, for orthogonal matrices). Signed permutations and orthogonal matrices need the generators alone.

    Args:
        rep: the representation `ρ`.

    Raises:
        RepresentationError: `rep` is not orthogonal, and its group is not listed.
    """

    label: NDArray[np.int64]
    """The block of each coordinate, shape `(dim,)`."""
    root: NDArray[np.float64] | None
    """`R`, shape `(dim, dim)`, or None for the identity."""
    tied: TiedParameters | None
    """The tied entries of `m`, under signed permutations; None under others."""
    projector: NDArray[np.float64] | None
    """`R P R⁻¹`, shape `(dim, dim)`, where entries of `m` are not tied."""

    def __init__(self, rep: Representation):
        self.rep = rep
        self.label = np.zeros(rep.dim, dtype=np.int64)
        for k, block in enumerate(coordinate_blocks(rep)):
            self.label[block] = k
        self.root = self.projector = None
        self.tied = tie_vector(rep) if rep.kind.is_signed_permutation else None
        if self.tied is None:
            if not rep.kind.is_orthogonal:
                self.root = _root(rep)
            self.projector = _projector(rep, self.root)

    def mean(self, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        """`R m`, from the mean `R μ` of the data, shape `(dim,)`."""
        if self.tied is not None:
            return self.tied.expand(self.tied.project(mean))
        assert self.projector is not None
        return self.projector @ mean

    def variance(self, mean: NDArray[np.float64], variance: NDArray[np.float64]) -> NDArray[np.float64]:
        """The variance of each coordinate (of each block, as said above), from mean and variances of `R x`, shape `(dim,)`."""
        second = variance + (mean - self.mean(mean)) ** 2
        return (np.bincount(self.label, weights=second) / np.bincount(self.label))[self.label]


def _root(rep: Representation) -> NDArray[np.float64]:
    if not rep.group.is_listed:
        raise RepresentationError(
            f"{rep!r} changes lengths, and moments of the augmented data then need every element, but its group is known by "
            "generators only. Choose coordinates in which the representation is orthogonal, or list the group with "
            "symmdp.groups.generated_by."
        )
    matrices = rep.matrices.astype(np.float64)
    lower = np.linalg.cholesky(np.tensordot(matrices, matrices, axes=((0, 1), (0, 1))) / len(matrices))
    return np.array(lower.T, dtype=np.float64)


def _projector(rep: Representation, root: NDArray[np.float64] | None) -> NDArray[np.float64]:
    if rep.group.is_listed:
        projector = rep.matrices.mean(axis=0)
    else:  # orthogonal: the fixed subspace by generators alone
        basis = np.asarray(EquivariantMaps(rep.group.trivial, rep).basis())[:, :, 0]
        projector = basis.T @ basis
    projector = np.where(np.abs(projector) < 1e-14, 0.0, projector)
    if root is None:
        return projector
    # R P R⁻¹ is symmetric, for R P R⁻¹ is an orthogonal projection.
    moved = scipy.linalg.solve_triangular(root, (root @ projector).T, lower=False, trans="T").T
    return (moved + moved.T) / 2
