from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symmdp.practical._answers import fail, function, matrices

_NAMES = ("x", "ẋ", "θ", "θ̇")


def cartpole_representations(get_states: object, get_actions: object) -> str:
    """The representations of CartPole's group, `L = (1, −1)` and `K = (1, swap)`, the identity first in both."""
    states = function(get_states, "get_cartpole_state_group_representations")()
    actions = function(get_actions, "get_cartpole_action_group_representations")()
    L = matrices(states, "your list of state matrices", 2, (4, 4))
    K = matrices(actions, "your list of action matrices", 2, (2, 2))
    for name, found, size in (("L", L, 4), ("K", K, 2)):
        _identity_first(name, found, size)
        square = found[1] @ found[1]
        if not np.allclose(square, np.eye(size)):
            fail(
                f"Your {name}_g is not the inverse of itself: {name}_g {name}_g should be the identity. A mirror undoes itself."
            )
    _reflection(L[1])
    _swap(K[1])
    return "Both lists start with the identity, and the second element undoes itself in both."


def _identity_first(name: str, found: NDArray[np.float64], size: int) -> None:
    one = np.eye(size)
    if np.allclose(found[0], one):
        return
    if np.allclose(found[1], one):
        fail(
            f"The identity is the second of your {name} matrices; put it first in both lists: equal places are equal elements."
        )
    fail(f"The identity is missing among your {name} matrices: every group has one, and leaving all alone is a symmetry too.")


def _reflection(L: NDArray[np.float64]) -> None:
    if np.allclose(L, -np.eye(4)):
        return
    if np.allclose(L, np.eye(4)):
        fail("Your second L_g is the identity again. The mirror image of a cart that is to the right is to the left.")
    if np.allclose(L, np.diag(np.diag(L))):
        kept = [_NAMES[i] for i in range(4) if L[i, i] > 0]
        fail(f"The sign of {', '.join(kept)} does not change under your L_g; in a mirror every coordinate's does.")
    fail("Your L_g mixes coordinates: x stays x and θ stays θ in a mirror, only their signs change, so L_g is diagonal.")


def _swap(K: NDArray[np.float64]) -> None:
    if np.allclose(K, [[0, 1], [1, 0]]):
        return
    if np.allclose(K, np.eye(2)):
        fail("Your second K_g is the identity: pushing left would stay pushing left in the mirror.")
    if (K < 0).any():
        fail("Your K_g has negative entries, so it makes negative probabilities. It should swap π(left|s) and π(right|s).")
    fail("Your K_g does not swap the two probabilities: K_g (p, 1 − p) should be (1 − p, p).")
