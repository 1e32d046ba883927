from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from symmdp.practical._answers import array, fail, first_match, function
from symmdp.practical.checks.layers._cases import CARTPOLE, QUARTERS, QUARTERS_OF_ACTIONS, SKEW, THIRDS, Case


def symmetrizer(symmetrize: object) -> str:
    """`S(W) = 1/|G| Σ_g K_g⁻¹ W L_g`, for groups whose elements are their own inverses and for others."""
    asked = function(symmetrize, "symmetrize")
    for seed, case in enumerate((CARTPOLE, QUARTERS, QUARTERS_OF_ACTIONS, THIRDS, SKEW)):
        W = case.weights(seed)
        dtype = torch.float32 if case is CARTPOLE else torch.float64
        given = torch.tensor(W, dtype=dtype)
        found = array(asked(given, case.tensors(dtype)), "your symmetrized W", W.shape)
        if not np.allclose(given.numpy(), W, atol=1e-6):
            fail("symmetrize changes the W that it was given (as += does); start from torch.zeros_like(W).")
        if np.allclose(found, case.symmetrized(W), rtol=1e-5, atol=1e-6):
            continue
        fail(f"Under {case.name}: {_diagnosis(case, W, found)}")
    return "It is right under every group tried, also where K_g⁻¹ ≠ K_g."


def _diagnosis(case: Case, W: NDArray[np.float64], found: NDArray[np.float64]) -> str:
    pairs = list(zip(case.L, case.K, strict=True))
    inverse = np.linalg.inv
    right = case.symmetrized(W)
    last = inverse(pairs[-1][1]) @ W @ pairs[-1][0]
    no_inverse = np.mean([K @ W @ L for L, K in pairs], axis=0)
    mistakes = {
        "the factor 1/|G| is missing: you have the sum over the group, not the mean.": right * len(pairs),
        "W comes back as it was; sum K_g⁻¹ W L_g over the group.": W,
        "the inverse of K_g is missing. CartPole does not notice, since there each element is its own inverse; turns do.": (
            no_inverse
        ),
        "both the inverse of K_g and the factor 1/|G| are missing.": no_inverse * len(pairs),
        "K_g is transposed, not inverted. They agree for orthogonal matrices only; use torch.linalg.inv.": np.mean(
            [K.T @ W @ L for L, K in pairs], axis=0
        ),
        "only the last element of the group counts; add up all terms.": last,
        "only the last element of the group counts, divided by |G|; add up all terms.": last / len(pairs),
        "the identity's term is missing from the sum.": right - W / len(pairs),
        "you divide by 2, which is |G| for CartPole only; divide by the number of elements.": right * len(pairs) / 2,
        "only the outputs are moved: the factor L_g is missing.": np.mean([inverse(K) @ W for _, K in pairs], axis=0),
        "only the inputs are moved: the factor K_g⁻¹ is missing.": np.mean([W @ L for L, _ in pairs], axis=0),
    }
    said = first_match(found, mistakes)
    if said is not None:
        return said
    violation = case.violation(found)
    if violation < 1e-5:
        return "the result is equivariant, but it is not S(W): the projection leaves equivariant weights alone."
    return (
        f"the result is not equivariant: K_g W and W L_g differ by up to {violation:.2g}. The formula is 1/|G| Σ K_g⁻¹ W L_g."
    )
