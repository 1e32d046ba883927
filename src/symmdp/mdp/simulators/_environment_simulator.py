from __future__ import annotations

from typing import Any

import gymnasium as gym


class EnvironmentSimulator:
    """What the simulators have in common that step one environment of Gymnasium.

    Args:
        env: the environment.
    """

    library = ""
    """Besides Gymnasium, with its version."""

    def __init__(self, env: Any):
        self._env = env

    @property
    def observation_space(self) -> gym.Space:
        return self._env.observation_space

    @property
    def action_space(self) -> gym.Space:
        return self._env.action_space

    @property
    def engine(self) -> str:
        """The versions of the simulator."""
        return ", ".join(filter(None, (f"gymnasium {gym.__version__}", self.library)))

    def reset(self, seed: int) -> None:
        self._env.reset(seed=seed)
