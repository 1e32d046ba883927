from __future__ import annotations

from symmdp.practical._answers import boolean, by_name, fail

_RIGHT = {
    "relu, permutation": (True, "each entry is treated alike, so it does not matter where it stands"),
    "relu, signs": (False, "relu(−1) = 0, but −relu(1) = −1"),
    "tanh, signs": (True, "tanh is odd: tanh(−x) = −tanh(x)"),
    "abs, signs": (False, "|−1| = 1, but −|1| = −1. It is invariant: the sign is lost"),
    "tanh, rotation": (
        False,
        "a rotation mixes entries: turn (1, 0) by 45° and apply tanh, and you get another vector than the other way round",
    ),
    "softmax, permutation": (True, "the sum in the denominator has no order"),
    "crelu, signs": (
        True,
        "(relu(x), relu(−x)) turns into (relu(−x), relu(x)): a swap. The output has another representation, a permutation",
    ),
    "scale by norm, rotation": (True, "the norm is invariant under rotations, so x is scaled by a number that does not turn"),
}


def safe_nonlinearities(safe: object) -> str:
    """Which pairs of nonlinearity and representation keep equivariance."""
    found = by_name(safe, "safe", list(_RIGHT))
    for name, (right, why) in _RIGHT.items():
        if boolean(found[name], f"safe[{name!r}]") != right:
            fail(f"{name} is {'safe' if right else 'not safe'}: {why}.")
    return "Permutations allow any pointwise function, changes of sign only odd ones, rotations hardly any."
