"""Cart–poles that look like CartPole, of which some lack its symmetry."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.envs.classic_control.cartpole import CartPoleEnv
from numpy.typing import NDArray

from symmdp.errors import OptionError

FAULTS = ("nothing", "a push is weaker", "a wall on one side", "the reward takes sides", "it starts leaning")
"""What can be wrong with one."""
CART_POLES = {"amber": FAULTS[1], "birch": FAULTS[3], "cedar": FAULTS[0], "dune": FAULTS[4], "elm": FAULTS[2]}
"""What is wrong with each."""

_WEAKER, _WALL, _TAX, _LEAN = 0.97, 2.0, 0.1, 0.02


def faulty_cart_pole(name: str) -> CartPoleEnv:
    """A cart–pole with, or without, a fault that breaks the mirror.

    Args:
        name: `amber`, `birch`, `cedar`, `dune` or `elm`.

    Raises:
        OptionError: there is none of this name.
    """
    if name not in CART_POLES:
        raise OptionError(f"The cart–poles are {', '.join(CART_POLES)}; got {name!r}.")
    return _CartPole(CART_POLES[name])


class _CartPole(CartPoleEnv):
    def __init__(self, fault: str):
        super().__init__()
        self._fault, self._full = fault, self.force_mag

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[NDArray, dict[str, Any]]:
        observation, info = super().reset(seed=seed, options=options)
        if self._fault != "it starts leaning":
            return observation, info
        self.state = np.array(self.state) + np.array([0, 0, _LEAN, 0])
        return self.state.astype(np.float32), info

    def step(self, action: Any) -> Any:
        if self._fault == "a push is weaker":
            self.force_mag = self._full * (_WEAKER if action == 0 else 1.0)
        observation, reward, terminated, truncated, info = super().step(action)
        position = float(np.array(self.state)[0])
        if self._fault == "a wall on one side":
            terminated = terminated or position > _WALL
        if self._fault == "the reward takes sides":
            reward -= _TAX * max(position, 0.0)
        return observation, float(reward), bool(terminated), truncated, info
