from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from symmdp.practical._answers import array, choice, fail, function, integer
from symmdp.practical.checks.layers._cases import AGENTS, CARTPOLE, NOTHING, QUARTERS, THIRDS, Case

_CLOSE = 1e-4  # of float32 arithmetic, for entries of size one


def sampled_basis(get_equivariant_basis: object) -> str:
    """A basis of the equivariant weights by sampling, and its rank."""
    asked = function(get_equivariant_basis, "get_equivariant_basis")
    for case, dtype in ((CARTPOLE, torch.float32), (QUARTERS, torch.float64), (THIRDS, torch.float32), (AGENTS, torch.float64)):
        result = asked(*case.tensors(dtype), 200)
        if not isinstance(result, tuple | list) or len(result) != 2:
            fail("get_equivariant_basis should return two things, the basis and its rank.")
        rank = integer(result[1], "your rank")
        basis = array(result[0], "your basis")
        out, size = case.K.shape[1], case.L.shape[1]
        if basis.ndim != 3 or basis.shape[1:] != (out, size):
            fail(f"Under {case.name} your basis has the shape {basis.shape}; expected (rank, {out}, {size}).")
        if len(basis) != rank:
            fail(f"Under {case.name} your basis holds {len(basis)} matrices, but your rank is {rank}.")
        _compare(case, basis, rank)
    return f"The rank is the one that characters give, under each of the groups tried; for CartPole, {CARTPOLE.rank}."


def _compare(case: Case, basis: NDArray[np.float64], rank: int) -> None:
    said = f"Under {case.name} your rank is {rank}, expected from the characters: {case.rank}."
    if np.isclose(np.abs(basis).max(axis=(1, 2)), 0).any():
        fail(f"{said} A matrix of your basis is zero." if rank != case.rank else "A matrix of your basis is zero.")
    scaled = basis / np.linalg.norm(basis, axis=(1, 2), keepdims=True)
    off = [number for number, matrix in enumerate(scaled) if case.violation(matrix) > _CLOSE]
    if rank > case.rank:
        if rank == len(basis[0].ravel()) and len(off) == rank:
            fail(f"{said} That is all weights: symmetrize the samples before you look for their span.")
        if off and off[0] >= case.rank:
            fail(
                f"{said} The matrices from number {off[0]} on are rounding noise: your tolerance lets singular values of the "
                "size of rounding count. Compare them with the largest one, as in S > 1e-4 * S[0]."
            )
        fail(f"{said} Your matrices are not independent: some are combinations of the others.")
    if off:
        fail(f"Under {case.name}, matrix {off[0]} of your basis is not equivariant: K_g V = V L_g fails.")
    values = np.linalg.svd(scaled.reshape(rank, -1), compute_uv=False)
    if values[-1] < 1e-3 * values[0]:
        fail(f"Under {case.name} your matrices are not independent: some are combinations of the others.")
    if rank < case.rank:
        fail(f"{said} Your basis misses directions: too few samples, or a tolerance that throws true directions away.")


def rank_from_characters(answer: object) -> str:
    """`1/|G| Σ_g tr(K_g) tr(L_g⁻¹)`."""
    asked = function(answer, "rank_from_characters")
    for case in (QUARTERS, CARTPOLE, THIRDS, AGENTS, NOTHING):
        found = integer(asked(*case.tensors(torch.float64)), f"your rank under {case.name}")
        if found == case.rank:
            continue
        if found == case.rank * len(case.L):
            fail(f"Under {case.name} your rank is {found}, expected: {case.rank}. The factor 1/|G| is missing.")
        if found == case.L.shape[1] * case.K.shape[1]:
            fail(f"Under {case.name} your rank is {found}, the number of all weights: only the identity's term was counted.")
        fail(f"Under {case.name} your rank is {found}, expected: {case.rank}. Multiply the traces of K_g and L_g⁻¹ for each g.")
    return "So the rank was expected: it is known without sampling anything."


def weights_from_basis(basis: object, coefficients: object, weights: object) -> str:
    """`W = Σ_i c_i V_i`."""
    V = array(basis, "your basis")
    if V.ndim != 3:
        fail("The basis should be a stack of matrices, as get_equivariant_basis returns it.")
    c = array(coefficients, "your coefficients", (len(V),))
    W = array(weights, "your weights", V.shape[1:])
    if np.allclose(c, 0):
        fail("Your coefficients are all zero; choose others.")
    if len(c) > 1 and np.allclose(W, c[0] * V[0], atol=1e-5):
        fail("Your weights are the first term alone; add up all of them.")
    if not np.allclose(W, np.tensordot(c, V, 1), atol=1e-4):
        fail("Your weights are not the combination c_1 V_1 + … + c_r V_r of your basis.")
    violation = CARTPOLE.violation(W)
    if violation > 1e-4 * max(1.0, float(np.abs(W).max())):
        fail(f"Your weights are not equivariant: K W and W L differ by up to {violation:.2g}. Is your basis one of CartPole's?")
    return f"{len(c)} parameters, and whatever they are, the layer is equivariant: this is how equivariant layers are trained."


_RELATIONS = ("the second row is minus the first", "both rows are equal", "each row sums to zero", "both rows are zero")


def effect_of_symmetrizer(relation: object) -> str:
    """What all symmetrized weights of CartPole have in common."""
    found = choice(relation, "row_relation", _RELATIONS)
    if found == _RELATIONS[1]:
        fail(
            "Both rows are equal would mean W L = W: an invariant output. Under K W = W L the swap of rows is a change of sign."
        )
    if found != _RELATIONS[0]:
        fail(f"Print a symmetrized W: is it true that {found}?")
    return "π(left|s) then depends on w·s and π(right|s) on −w·s: one vector w describes the whole layer."
