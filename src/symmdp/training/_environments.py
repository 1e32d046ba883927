from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

import gymnasium as gym
import numpy as np
import torch
from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv
from numpy.typing import NDArray

from symmdp.catalogue.environments import GridWorldVector, PongVector
from symmdp.mdp import environment_spec, make_environment
from symmdp.training._drawn_environments import DrawnEnvironments
from symmdp.training._snapshot import restore_snapshot, snapshot
from symmdp.training._streams import restore_states, states_of, stream

Step = tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]


class StackedEnvironments(Protocol):
    """The environments of all seeds, stepping together; row `seed · environments + e` is environment `e` of a seed.

    Episodes restart by Gymnasium's next-step autoreset: the step after the end of an episode ignores its action and
    returns the first observation of the next one. Each seed draws from its own random streams.
    """

    single_observation_space: gym.Space
    single_action_space: gym.Space

    def reset(self) -> NDArray[Any]:
        """First observations, shape `(rows, …)`: bytes where the space is one of bytes, else float32."""
        ...

    def step(self, actions: NDArray) -> Step:
        """Next observations, rewards, terminated and truncated flags of all rows."""
        ...

    def saved(self) -> dict[str, Any]:
        """Everything that the future depends on, as tensors and JSON strings."""
        ...

    def restore(self, saved: dict[str, Any]) -> NDArray[Any]:
        """Continue from what `saved` gave; returns the observations."""
        ...


def stacked_environments(environment_id: str, seeds: Sequence[int], environments: int) -> StackedEnvironments:
    """The environments of all seeds: Gymnasium's own vectorised one where it can be seeded by row, else one by one.

    Raises:
        UnknownEnvironmentError: Gymnasium has no such environment.
        OptionError: it has no such option.
        MissingExtraError: it needs a package that is not installed.
    """
    spec, given = environment_spec(environment_id)
    usual = not given and not spec.kwargs.get("sutton_barto_reward")
    if usual and str(spec.vector_entry_point).endswith(":CartPoleVectorEnv"):
        return _CartPoles(seeds, environments, spec.max_episode_steps or 500)
    for kind in (GridWorldVector, PongVector):
        if str(spec.vector_entry_point) == f"symmdp.catalogue.environments:{kind.__name__}":
            inner = kind(len(seeds) * environments, spec.max_episode_steps or 100, **(spec.kwargs | given))
            return DrawnEnvironments(inner, seeds)
    return SeparateEnvironments(environment_id, seeds, environments)


class _CartPoles:
    """Gymnasium's vectorised CartPole, each seed's initial states from a stream of its own instead of a common one."""

    def __init__(self, seeds: Sequence[int], environments: int, max_episode_steps: int):
        self.inner = CartPoleVectorEnv(num_envs=len(seeds) * environments, max_episode_steps=max_episode_steps)
        self.inner.reset(seed=0)
        self.single_observation_space = self.inner.single_observation_space
        self.single_action_space = self.inner.single_action_space
        self._streams = [stream(seed, "environment") for seed in seeds]
        self._rows = np.arange(self.inner.num_envs).reshape(len(seeds), environments)

    def reset(self) -> NDArray[np.float32]:
        self._draw(np.ones(self.inner.num_envs, dtype=bool))
        return self._observation()

    def step(self, actions: NDArray) -> Step:
        restarting = self.inner.prev_done.copy()
        _, reward, terminated, truncated, _ = self.inner.step(actions)
        if restarting.any():
            self._draw(restarting)
        return self._observation(), reward, terminated, truncated

    @property
    def states(self) -> NDArray[np.float64]:
        """The states of all rows, shape `(4, rows)`."""
        if self.inner.state is None:
            raise AssertionError("the environment was reset when it was made")
        return self.inner.state

    def _draw(self, rows: NDArray[np.bool_]) -> None:
        for own, source in zip(self._rows, self._streams, strict=True):
            chosen = own[rows[own]]
            if len(chosen):
                self.states[:, chosen] = source.uniform(self.inner.low, self.inner.high, size=(4, len(chosen)))

    def _observation(self) -> NDArray[np.float32]:
        return self.states.T.astype(np.float32)

    def saved(self) -> dict[str, Any]:
        return {
            "state": torch.tensor(self.states),
            "steps": torch.tensor(self.inner.steps),
            "done": torch.tensor(self.inner.prev_done),
            "streams": states_of(self._streams),
        }

    def restore(self, saved: dict[str, Any]) -> NDArray[np.float32]:
        self.states[:] = saved["state"].numpy()
        self.inner.steps, self.inner.prev_done = saved["steps"].numpy().copy(), saved["done"].numpy().copy()
        restore_states(self._streams, saved["streams"])
        return self._observation()


class SeparateEnvironments:
    """Environments of any kind, stepped one by one."""

    def __init__(self, environment_id: str, seeds: Sequence[int], environments: int):
        self._environments = [make_environment(environment_id) for _ in range(len(seeds) * environments)]
        self._seeds = [int(word) for seed in seeds for word in stream(seed, "environment").integers(2**31, size=environments)]
        first = self._environments[0]
        self.single_observation_space, self.single_action_space = first.observation_space, first.action_space
        self._done = np.zeros(len(self._environments), dtype=bool)
        # Bytes stay bytes: images as floats would need four times the memory.
        kind = np.uint8 if first.observation_space.dtype == np.uint8 else np.float32
        self._observation = np.zeros((len(self._environments), *(first.observation_space.shape or ())), kind)

    def reset(self) -> NDArray[Any]:
        for i, environment in enumerate(self._environments):
            self._observation[i], _ = environment.reset(seed=self._seeds[i])
        self._done[:] = False
        return self._observation.copy()

    def step(self, actions: NDArray) -> Step:
        n = len(self._environments)
        reward, terminated, truncated = np.zeros(n, np.float32), np.zeros(n, bool), np.zeros(n, bool)
        for i, environment in enumerate(self._environments):
            if self._done[i]:
                self._observation[i], _ = environment.reset()
            else:
                self._observation[i], reward[i], terminated[i], truncated[i], _ = environment.step(actions[i])
        self._done = terminated | truncated
        return self._observation.copy(), reward, terminated, truncated

    def saved(self) -> dict[str, Any]:
        return {
            "environments": json.dumps([snapshot(environment) for environment in self._environments]),
            "observation": torch.tensor(self._observation),
            "done": torch.tensor(self._done),
        }

    def restore(self, saved: dict[str, Any]) -> NDArray[Any]:
        self.reset()
        for environment, state in zip(self._environments, json.loads(saved["environments"]), strict=True):
            restore_snapshot(environment, state)
        self._observation, self._done = saved["observation"].numpy().copy(), saved["done"].numpy().copy()
        return self._observation.copy()
