from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from symmdp.errors import SymmetryError
from symmdp.mdp._symmetry import Symmetry
from symmdp.representations import Representation


@dataclass(frozen=True, eq=False)
class Parts:
    """What of a symmetry a wrapper may change."""

    observation: Representation
    action: Any
    observation_center: NDArray[np.float64] | None
    action_center: NDArray[np.float64] | None
    observation_names: tuple[str, ...] | None
    action_names: tuple[str, ...] | None

    @classmethod
    def of(cls, symmetry: Symmetry) -> Parts:
        """Those of a symmetry."""
        return cls(
            symmetry.observation,
            symmetry.action,
            symmetry.observation_center,
            symmetry.action_center,
            symmetry.observation_names,
            symmetry.action_names,
        )

    def action_representation(self, layer: gym.Wrapper) -> Representation:
        """The representation of actions.

        Raises:
            SymmetryError: the action map depends on the state, which the wrapper shows otherwise.
        """
        if isinstance(self.action, Representation):
            return self.action
        raise SymmetryError(
            f"The action map depends on the state, and {type(layer).__name__} changes observations or actions; write the "
            "map of the wrapped environment yourself."
        )


def tiled(center: NDArray[np.float64] | None, dim: int, copies: int = 1) -> NDArray[np.float64]:
    """The centre, zero where there is none, that many times."""
    return np.tile(np.zeros(dim) if center is None else center, copies)


def aged(names: tuple[str, ...], count: int, newest: int = 0) -> tuple[str, ...]:
    """The names of `count` copies, the oldest first: `x (t−2)`, `x (t−1)`, `x`."""
    ages = ["" if age == 0 else f" (t−{age})" for age in reversed(range(newest, newest + count))]
    return tuple(f"{name}{age}" for age in ages for name in names)
