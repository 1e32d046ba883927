from __future__ import annotations

import numpy as np

from symmdp.practical._answers import array, fail, integer


def equivariant_bias(bias: object, number_for_signs: object) -> str:
    """A bias that CartPole's action swap leaves alone, and how many a change of signs does."""
    b = array(bias, "bias_for_actions", (2,))
    if np.allclose(b, 0):
        fail("bias_for_actions is 0, which is equivariant under every group; find one that is not zero.")
    if np.isclose(b[0], -b[1]):
        fail("bias_for_actions is a multiple of (1, −1): the swap turns it into minus itself. K b = b is needed.")
    if not np.isclose(b[0], b[1]):
        fail(f"The bias is not invariant: K b = {b[::-1]} but b = {b}.")
    signs = integer(number_for_signs, "number_of_biases_for_signs")
    if signs != 0:
        fail(f"number_of_biases_for_signs is {signs}; −b = b is needed for each entry of b.")
    return "A bias is an equivariant map from the trivial representation: a vector that every K_g leaves alone."
