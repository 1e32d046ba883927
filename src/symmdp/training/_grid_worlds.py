from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from symmdp.catalogue.environments import GridWorldVector
from symmdp.training._streams import restore_states, states_of, stream


class StackedGridWorlds:
    """Grid World, vectorised, each seed's random numbers from a stream of its own instead of a common one.

    Args:
        seeds: of the run.
        environments: of each seed.
        max_episode_steps: after which an episode is truncated.
        options: of `GridWorldVector`.
    """

    def __init__(self, seeds: Sequence[int], environments: int, max_episode_steps: int, **options: Any):
        self.inner = GridWorldVector(len(seeds) * environments, max_episode_steps, **options)
        self.single_observation_space = self.inner.single_observation_space
        self.single_action_space = self.inner.single_action_space
        self._streams = [stream(seed, "environment") for seed in seeds]
        self._environments = environments

    def reset(self) -> NDArray[np.float32]:
        """First observations of all rows."""
        return self.inner.begin(self._draws())

    def step(self, actions: NDArray) -> tuple[NDArray[np.float32], NDArray, NDArray[np.bool_], NDArray[np.bool_]]:
        """Next observations, rewards, terminated and truncated flags of all rows."""
        return self.inner.advance(actions, self._draws())[:4]

    def _draws(self) -> NDArray[np.float64]:
        return np.concatenate([source.random(self._environments) for source in self._streams])

    @property
    def prey(self) -> NDArray[np.int64]:
        """The states of all rows."""
        if self.inner.prey is None:
            raise AssertionError("environments are reset before they step")
        return self.inner.prey

    def saved(self) -> dict[str, Any]:
        """Everything that the future depends on."""
        return {
            "prey": torch.tensor(self.prey),
            "steps": torch.tensor(self.inner.steps),
            "done": torch.tensor(self.inner.prev_done),
            "streams": states_of(self._streams),
        }

    def restore(self, saved: dict[str, Any]) -> NDArray[np.float32]:
        """Continue from what `saved` gave; returns the observations."""
        self.inner.prey = saved["prey"].numpy().copy()
        self.inner.steps, self.inner.prev_done = saved["steps"].numpy().copy(), saved["done"].numpy().copy()
        restore_states(self._streams, saved["streams"])
        return self.inner.law.images(self.prey)
