from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray

from symmdp.training._streams import restore_states, states_of, stream


class DrawsGiven(Protocol):
    """A vectorised environment whose random numbers, one for each environment in a step, can be given."""

    num_envs: int

    @property
    def single_observation_space(self) -> gym.Space:
        """Of one environment."""
        ...

    @property
    def single_action_space(self) -> gym.Space:
        """Of one environment."""
        ...

    def begin(self, draws: NDArray[np.float64]) -> NDArray[Any]:
        """New episodes; returns the observations."""
        ...

    def advance(
        self, actions: NDArray[np.int64], draws: NDArray[np.float64]
    ) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """One step, as `step` of Gymnasium's vectorised environments."""
        ...

    def state(self) -> dict[str, NDArray[Any]]:
        """All states."""
        ...

    def resume(self, state: dict[str, NDArray[Any]]) -> NDArray[Any]:
        """Go on from states; returns the observations."""
        ...


class DrawnEnvironments:
    """Environments that step together, each seed's random numbers from a stream of its own instead of a common one.

    Args:
        inner: the environments of all seeds, row `seed · environments + e`.
        seeds: of the run.
    """

    def __init__(self, inner: DrawsGiven, seeds: Sequence[int]):
        self.inner = inner
        self.single_observation_space, self.single_action_space = inner.single_observation_space, inner.single_action_space
        self._streams = [stream(seed, "environment") for seed in seeds]
        self._each = inner.num_envs // len(seeds)

    def reset(self) -> NDArray[Any]:
        """First observations of all rows."""
        return self.inner.begin(self._draws())

    def step(self, actions: NDArray) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]:
        """Next observations, rewards, terminated and truncated flags of all rows."""
        return self.inner.advance(actions, self._draws())[:4]

    def _draws(self) -> NDArray[np.float64]:
        return np.concatenate([source.random(self._each) for source in self._streams])

    def saved(self) -> dict[str, Any]:
        """Everything that the future depends on, as tensors and JSON strings."""
        states = {name: torch.tensor(value) for name, value in self.inner.state().items()}
        return {"states": states, "streams": states_of(self._streams)}

    def restore(self, saved: dict[str, Any]) -> NDArray[Any]:
        """Continue from what `saved` gave; returns the observations."""
        restore_states(self._streams, saved["streams"])
        return self.inner.resume({name: value.numpy().copy() for name, value in saved["states"].items()})
