"""Gymnasium's classic control environments, and classes derived from them, as simulators."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
from gymnasium.envs.classic_control.acrobot import AcrobotEnv
from gymnasium.envs.classic_control.cartpole import CartPoleEnv
from gymnasium.envs.classic_control.continuous_mountain_car import Continuous_MountainCarEnv
from gymnasium.envs.classic_control.mountain_car import MountainCarEnv
from gymnasium.envs.classic_control.pendulum import PendulumEnv
from numpy.typing import NDArray

from symmdp.errors import DivergenceError, SimulatorError
from symmdp.mdp.simulators._environment_simulator import EnvironmentSimulator
from symmdp.mdp.simulators._simulator import REMEDY, Transition

_ROUNDING = 1e-5  # what float32 observations may differ by from float64 ones, relative to their size
_BEYOND = 3.0  # an infinite bound is replaced by this multiple of the largest value that rollouts reached


class _ClassicControl(EnvironmentSimulator):
    """An environment that keeps its whole state in `.state`; this one shows it as its observation."""

    def reset(self, seed: int) -> None:
        observation, _ = self._env.reset(seed=seed)
        self._compare(observation)

    def get_state(self) -> NDArray[np.float64]:
        return np.array(self._env.state, dtype=np.float64)

    def set_state(self, state: NDArray[np.float64]) -> None:
        self._env.state = np.array(state, dtype=np.float64)

    def state_of(self, observation: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array(observation, dtype=np.float64)

    def observe(self) -> NDArray[np.float64]:
        return self.get_state()

    def step(self, action: int | NDArray[np.float64]) -> Transition:
        observation, reward, terminated, _, _ = self._env.step(action)
        return self._compare(observation), float(reward), bool(terminated)

    def _compare(self, shown: NDArray) -> NDArray[np.float64]:
        """The observation in float64, after checking that it is the one that the environment shows."""
        shown, exact = np.asarray(shown, dtype=np.float64), self.observe()
        name = type(self._env).__name__
        if not np.isfinite(shown).all():
            raise DivergenceError(f"{name} showed the observation {shown} in the state {self.get_state()}; it must be finite.")
        if shown.shape != exact.shape or (np.abs(shown - exact) > _ROUNDING * np.maximum(1, np.abs(exact))).any():
            raise SimulatorError(
                f"{name} showed the observation {shown}, but its state stands for {exact}: it is derived from a classic "
                f"control environment with other observations. For these, {REMEDY}"
            )
        return exact

    def sample_states(self, count: int, reached: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
        low, high = self._bounds()
        beyond = _BEYOND * np.maximum(np.abs(reached).max(axis=0, initial=0.0), 1e-3)
        low, high = np.where(np.isfinite(low), low, -beyond), np.where(np.isfinite(high), high, beyond)
        return generator.uniform(low, high, size=(count, len(low)))

    def _bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        box = self.observation_space
        if not isinstance(box, gym.spaces.Box):
            raise SimulatorError(f"{type(self._env).__name__} has the observation space {box}; expected a Box.")
        return box.low.astype(np.float64), box.high.astype(np.float64)


class _CartPole(_ClassicControl):
    def set_state(self, state: NDArray[np.float64]) -> None:
        super().set_state(state)
        self._env.steps_beyond_terminated = None


class _Pendulum(_ClassicControl):
    """State (θ, θ̇), observed as (cos θ, sin θ, θ̇)."""

    def state_of(self, observation: NDArray[np.float64]) -> NDArray[np.float64]:
        cos, sin, speed = observation
        return np.array([np.arctan2(sin, cos), speed])

    def observe(self) -> NDArray[np.float64]:
        angle, speed = self.get_state()
        return np.array([np.cos(angle), np.sin(angle), speed])

    def _bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        low, high = super()._bounds()
        return np.array([-np.pi, low[2]]), np.array([np.pi, high[2]])


class _Acrobot(_ClassicControl):
    """State (θ₁, θ₂, θ̇₁, θ̇₂), observed as (cos θ₁, sin θ₁, cos θ₂, sin θ₂, θ̇₁, θ̇₂)."""

    def state_of(self, observation: NDArray[np.float64]) -> NDArray[np.float64]:
        cos1, sin1, cos2, sin2, speed1, speed2 = observation
        return np.array([np.arctan2(sin1, cos1), np.arctan2(sin2, cos2), speed1, speed2])

    def observe(self) -> NDArray[np.float64]:
        one, two, speed1, speed2 = self.get_state()
        return np.array([np.cos(one), np.sin(one), np.cos(two), np.sin(two), speed1, speed2])

    def _bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        low, high = super()._bounds()
        return np.array([-np.pi, -np.pi, *low[4:]]), np.array([np.pi, np.pi, *high[4:]])


FAMILIES: tuple[tuple[type[gym.Env], type[_ClassicControl]], ...] = (
    (CartPoleEnv, _CartPole),
    (PendulumEnv, _Pendulum),
    (AcrobotEnv, _Acrobot),
    (MountainCarEnv, _ClassicControl),
    (Continuous_MountainCarEnv, _ClassicControl),
)
"""Which simulator an environment has, by its class."""
