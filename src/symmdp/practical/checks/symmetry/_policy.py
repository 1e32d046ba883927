from __future__ import annotations

import numpy as np

from symmdp.practical._answers import array, fail


def policy_in_the_mirror(answer_mirrored: object, answer_origin: object) -> str:
    """What equivariance says about a policy with π(left|s) = 0.8."""
    mirrored = array(answer_mirrored, "policy_in_mirror_state", (2,))
    origin = array(answer_origin, "policy_at_origin", (2,))
    for name, found in (("policy_in_mirror_state", mirrored), ("policy_at_origin", origin)):
        if (found < 0).any() or not np.isclose(found.sum(), 1):
            fail(f"{name} is {found}; two probabilities are positive and sum to 1.")
    if np.allclose(mirrored, [0.8, 0.2]):
        fail("policy_in_mirror_state is that of s: that would be an invariant policy. An equivariant one swaps.")
    if not np.allclose(mirrored, [0.2, 0.8]):
        fail("policy_in_mirror_state should follow from K π(s) = π(L s) with π(s) = (0.8, 0.2).")
    if not np.allclose(origin, [0.5, 0.5]):
        fail("policy_at_origin: the origin is its own mirror image, so K π(0) = π(0). What does a swap leave alone?")
    return "At the fixed point an equivariant policy has no choice but to toss a coin."
