from __future__ import annotations

from typing import Any, Protocol

import gymnasium as gym
import numpy as np
from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv
from numpy.typing import NDArray

from symmdp.catalogue.environments import GridWorldVector
from symmdp.catalogue.environments._grid_world import reward_of
from symmdp.mdp import environment_spec, make_environment
from symmdp.training._environments import SeparateEnvironments, stacked_environments

_MOST_SEPARATE = 512  # environments that are held at once, where each is an object of its own

_LARGEST_TABLE = 500_000  # pixels in all observations of an environment that has few

Outcome = tuple[NDArray[Any], NDArray[np.float64], NDArray[np.bool_]]


class EpisodeBatch(Protocol):
    """One episode of each of several environments for each of several rows, all started together and none restarted.

    After an episode has ended, what its environment gives has no meaning.
    """

    single_observation_space: gym.Space
    single_action_space: gym.Space
    most_rows: int

    @property
    def table(self) -> NDArray[np.float32] | None:
        """All observations that there are, shape `(observations, …)`; its episodes then give numbers of rows of it instead."""
        ...

    def begin(self, streams: list[np.random.Generator]) -> NDArray[Any]:
        """Start anew, each row from its stream (at most `most_rows`): observations `(rows, episodes, …)`."""
        ...

    def step(self, actions: NDArray) -> Outcome:
        """Actions `(rows, episodes, …)` to observations, rewards `(rows, episodes)` and whether episodes end with them."""
        ...

    def keep(self, rows: NDArray[np.intp]) -> None:
        """Go on with these rows only."""
        ...


def episode_batch(environment_id: str, episodes: int) -> EpisodeBatch:
    """Environments for evaluations: all together where training has them together, others one by one.

    Raises:
        UnknownEnvironmentError: Gymnasium has no such environment.
        OptionError: it has no such option.
        MissingExtraError: it needs a package that is not installed.
    """
    spec, given = environment_spec(environment_id)
    usual = not given and not spec.kwargs
    if usual and str(spec.vector_entry_point).endswith(":CartPoleVectorEnv"):
        return _CartPoleEpisodes(episodes, spec.max_episode_steps or 500)
    if str(spec.vector_entry_point) == f"symmdp.catalogue.environments:{GridWorldVector.__name__}":
        inner = GridWorldVector(1, spec.max_episode_steps or 100, **(spec.kwargs | given))
        if inner.law.size**4 * inner.law.cell**2 <= _LARGEST_TABLE:
            return _GridWorldEpisodes(inner, episodes)
    if isinstance(stacked_environments(environment_id, [0], 1), SeparateEnvironments):
        return _SeparateEpisodes(environment_id, episodes)
    return _StackedEpisodes(environment_id, episodes)


class _CartPoleEpisodes:
    """Gymnasium's CartPole for many episodes at once: its constants and equations, without its restarts and checks.

    Source: Barto, Sutton and Anderson 1983; Florian 2007, equations 23 and 24.
    """

    most_rows = 10_000
    table: NDArray[np.float32] | None = None

    def __init__(self, episodes: int, max_episode_steps: int):
        self._constants = CartPoleVectorEnv(num_envs=1, max_episode_steps=max_episode_steps)
        self.single_observation_space = self._constants.single_observation_space
        self.single_action_space = self._constants.single_action_space
        self._episodes = episodes
        self._state = np.zeros((4, 0, episodes))
        self._steps = 0

    def begin(self, streams: list[np.random.Generator]) -> NDArray[np.float32]:
        low, high = self._constants.low, self._constants.high
        drawn = [source.uniform(low, high, size=(4, self._episodes)) for source in streams]
        self._state, self._steps = np.stack(drawn, axis=1), 0
        return self._observation()

    def step(self, actions: NDArray) -> Outcome:
        c, state = self._constants, self._state
        x, velocity, angle, rotation = state
        force = np.where(actions == 1, c.force_mag, -c.force_mag)
        sine, cosine = np.sin(angle), np.cos(angle)
        push = (force + c.polemass_length * rotation**2 * sine) / c.total_mass
        turn = (c.gravity * sine - cosine * push) / (c.length * (4.0 / 3.0 - c.masspole * cosine**2 / c.total_mass))
        x += c.tau * velocity
        velocity += c.tau * (push - c.polemass_length * turn * cosine / c.total_mass)
        angle += c.tau * rotation
        rotation += c.tau * turn
        self._steps += 1
        ended = (np.abs(x) > c.x_threshold) | (np.abs(angle) > c.theta_threshold_radians)
        if self._steps >= c.max_episode_steps:
            ended[:] = True
        return self._observation(), np.ones(ended.shape), ended

    def keep(self, rows: NDArray[np.intp]) -> None:
        self._state = self._state[:, rows]

    def _observation(self) -> NDArray[np.float32]:
        return self._state.transpose(1, 2, 0).astype(np.float32)


class _GridWorldEpisodes:
    """Many episodes of Grid World at once, which has no more observations than the prey has places."""

    most_rows = 10_000

    def __init__(self, inner: GridWorldVector, episodes: int):
        self._law, self._most_steps, self._episodes = inner.law, inner.max_episode_steps, episodes
        self.single_observation_space = inner.single_observation_space
        self.single_action_space = inner.single_action_space
        self.table: NDArray[np.float32] | None = self._law.images(np.arange(self._law.size**2))
        self._streams: list[np.random.Generator] = []
        self._prey = np.zeros((0, episodes), np.int64)
        self._steps = 0

    def begin(self, streams: list[np.random.Generator]) -> NDArray[np.int64]:
        # The prey's own, so that it does not matter how much action noise is drawn at once.
        self._streams, self._steps = [np.random.default_rng(source.integers(2**63)) for source in streams], 0
        self._prey = self._law.start(self._draws().ravel()).reshape(-1, self._episodes)
        return self._prey

    def step(self, actions: NDArray) -> Outcome:
        prey, ended = self._law.step(self._prey.ravel(), actions.ravel(), self._draws().ravel())
        self._prey, ended = prey.reshape(self._prey.shape), ended.reshape(self._prey.shape)
        rewards = np.where(ended, reward_of(True), reward_of(False))
        self._steps += 1
        return self._prey, rewards, ended | (self._steps >= self._most_steps)

    def keep(self, rows: NDArray[np.intp]) -> None:
        self._streams, self._prey = [self._streams[row] for row in rows], self._prey[rows]

    def _draws(self) -> NDArray[np.float64]:
        return np.stack([source.random(self._episodes) for source in self._streams])


class _StackedEpisodes:
    """The environments that training steps together, made anew for each evaluation; rows that are done step on unseen."""

    most_rows = 10_000
    table = None

    def __init__(self, environment_id: str, episodes: int):
        self._id, self._episodes = environment_id, episodes
        self._environments = stacked_environments(environment_id, [0], episodes)
        self.single_observation_space = self._environments.single_observation_space
        self.single_action_space = self._environments.single_action_space
        self._rows = np.arange(1)
        self._actions = np.zeros(0)

    def begin(self, streams: list[np.random.Generator]) -> NDArray[Any]:
        seeds = [int(source.integers(2**62)) for source in streams]
        self._environments = stacked_environments(self._id, seeds, self._episodes)
        self._rows, self._actions = np.arange(len(seeds)), np.zeros(0)
        return self._split(self._environments.reset())

    def step(self, actions: NDArray) -> Outcome:
        if len(self._actions) == 0:
            self._actions = actions.copy()
        self._actions[self._rows] = actions
        outcome = self._environments.step(self._actions.reshape(-1, *actions.shape[2:]))
        observation, rewards, terminated, truncated = (self._split(array) for array in outcome)
        return observation, rewards.astype(np.float64), terminated | truncated

    def keep(self, rows: NDArray[np.intp]) -> None:
        self._rows = self._rows[rows]

    def _split(self, array: NDArray[Any]) -> NDArray[Any]:
        return array.reshape(-1, self._episodes, *array.shape[1:])[self._rows]


class _SeparateEpisodes:
    """Environments of any kind, stepped one by one while their episodes last."""

    table: NDArray[np.float32] | None = None

    def __init__(self, environment_id: str, episodes: int):
        self._id, self._episodes = environment_id, episodes
        self.most_rows = max(1, _MOST_SEPARATE // episodes)
        self._pool = [make_environment(environment_id)]
        self.single_observation_space = self._pool[0].observation_space
        self.single_action_space = self._pool[0].action_space
        self._places: NDArray[np.intp] = np.zeros((0, episodes), np.intp)  # of the rows' environments in the pool
        self._ended = np.zeros((0, episodes), bool)

    def begin(self, streams: list[np.random.Generator]) -> NDArray[Any]:
        count = len(streams) * self._episodes
        self._pool += [make_environment(self._id) for _ in range(count - len(self._pool))]
        seeds = np.concatenate([source.integers(2**31, size=self._episodes) for source in streams])
        first = [environment.reset(seed=int(seed))[0] for environment, seed in zip(self._pool, seeds, strict=False)]
        shape = (len(streams), self._episodes)
        kind = np.uint8 if self.single_observation_space.dtype == np.uint8 else np.float32
        self._observation: NDArray[Any] = np.array(first, dtype=kind).reshape(*shape, *np.shape(first[0]))
        self._places, self._ended = np.arange(count).reshape(shape), np.zeros(shape, bool)
        return self._observation.copy()

    def step(self, actions: NDArray) -> Outcome:
        rewards = np.zeros(self._ended.shape)
        for place in np.argwhere(~self._ended):
            at = tuple(place)
            environment = self._pool[self._places[at]]
            self._observation[at], reward, terminated, truncated, _ = environment.step(actions[at])
            rewards[at], self._ended[at] = float(reward), terminated or truncated
        return self._observation.copy(), rewards, self._ended.copy()

    def keep(self, rows: NDArray[np.intp]) -> None:
        self._places, self._ended, self._observation = self._places[rows], self._ended[rows], self._observation[rows]
