from __future__ import annotations

from typing import TYPE_CHECKING

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from symmdp.mdp.simulators._simulator import Transition

if TYPE_CHECKING:
    from symmdp.catalogue.environments._grid_world import GridWorld


class GridWorldSimulator:
    """A Grid World made deterministic: it shows the next observation in expectation, `Σ_s' T(s' | s, a) · image(s')`.

    This loses nothing: reward and termination are functions of state and action, and the images of the states are linearly
    independent, so that two laws with the same expected image are the same. In rollouts the prey stands still, which it can
    always do; all states are sampled besides.

    The state is one number, the cell in which the prey is.
    """

    def __init__(self, env: GridWorld):
        self._env = env
        self._images = env.images().astype(np.float64).reshape(env.size**2, -1)

    @property
    def observation_space(self) -> gym.Space:
        return self._env.observation_space

    @property
    def action_space(self) -> gym.Space:
        return self._env.action_space

    def reset(self, seed: int) -> None:
        self._env.reset(seed=seed)

    def get_state(self) -> NDArray[np.float64]:
        return np.array([self._env.prey], dtype=np.float64)

    def set_state(self, state: NDArray[np.float64]) -> None:
        self._env.prey = int(state[0])

    def state_of(self, observation: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([((self._images - observation) ** 2).sum(axis=1).argmin()], dtype=np.float64)

    def observe(self) -> NDArray[np.float64]:
        return self._images[self._env.prey].copy()

    def step(self, action: int | NDArray[np.float64]) -> Transition:
        law = self._env.law
        following = law.following[self._env.prey, int(action)]
        _, reward, terminated, _, _ = self._env.step(int(action))
        self._env.prey = int(following[0])
        # One after the other: a product of matrices may round the pixels of one cell differently.
        expected = (law.probabilities[:, None] * self._images[following]).sum(axis=0)
        return expected, reward, terminated

    def sample_states(self, count: int, reached: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
        return generator.choice(self._env.law.starts, size=(count, 1)).astype(np.float64)
