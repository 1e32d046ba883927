"""Vectorised environments as simulators of one environment."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv
from gymnasium.vector import SyncVectorEnv, VectorEnv
from numpy.typing import NDArray

from symmdp.errors import SimulatorError
from symmdp.mdp.simulators._find import offered_simulator, simulator_of
from symmdp.mdp.simulators._simulator import REMEDY, Simulator, Transition


def simulator_of_vector(env: VectorEnv) -> Simulator:
    """The simulator behind the first environment of a vectorised one, or the one that it offers as `simulator_of` says.

    Raises:
        SimulatorError: the state cannot be set, or what is offered is no simulator.
    """
    inner: Any = env
    while isinstance(inner, gym.vector.VectorWrapper) and type(inner) is gym.wrappers.vector.RecordEpisodeStatistics:
        inner = inner.env
    if (own := offered_simulator(inner)) is not None:
        return own
    if isinstance(inner, SyncVectorEnv):
        return simulator_of(inner.envs[0])
    if isinstance(inner, CartPoleVectorEnv):
        return _CartPoleVector(inner)
    raise SimulatorError(
        f"The state of {type(inner).__name__} cannot be set: verification knows SyncVectorEnv and CartPoleVectorEnv among "
        f"vectorised environments. Verify a single environment, or {REMEDY}"
    )


class _CartPoleVector:
    """Gymnasium's own vectorised CartPole; every column of its state is the state that is set."""

    def __init__(self, env: Any):
        self._env = env

    @property
    def observation_space(self) -> gym.Space:
        return self._env.single_observation_space

    @property
    def action_space(self) -> gym.Space:
        return self._env.single_action_space

    def reset(self, seed: int) -> None:
        self._env.reset(seed=seed)

    def get_state(self) -> NDArray[np.float64]:
        return np.array(self._env.state[:, 0], dtype=np.float64)

    def set_state(self, state: NDArray[np.float64]) -> None:
        self._env.state = np.repeat(np.asarray(state, dtype=np.float64)[:, None], self._env.num_envs, axis=1)
        self._env.prev_done[:] = False
        self._env.steps[:] = 0

    def state_of(self, observation: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array(observation, dtype=np.float64)

    def observe(self) -> NDArray[np.float64]:
        return self.get_state()

    def step(self, action: int | NDArray[np.float64]) -> Transition:
        _, rewards, terminated, _, _ = self._env.step(np.full(self._env.num_envs, action, dtype=np.int64))
        return self.observe(), float(rewards[0]), bool(terminated[0])

    def sample_states(self, count: int, reached: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
        box = self._env.single_observation_space
        beyond = 3.0 * np.maximum(np.abs(reached).max(axis=0, initial=0.0), 1e-3)
        low = np.where(np.isfinite(box.low), box.low, -beyond)
        high = np.where(np.isfinite(box.high), box.high, beyond)
        return generator.uniform(low, high, size=(count, len(low)))
