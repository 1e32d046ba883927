from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from symmdp.catalogue.environments._pong import Pong, spaces, waits
from symmdp.catalogue.environments._pong_games import Engine, games_of
from symmdp.errors import OptionError

Step = tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]


class PongVector(VectorEnv[NDArray[np.uint8], NDArray[np.int64], NDArray[Any]]):
    """Many games of Pong that step together, `symmdp/Pong-v0` of `gymnasium.make_vec`; each is as `Pong` says.

    Episodes restart by Gymnasium's next-step autoreset. Random numbers are drawn, or given, as those of `GridWorldVector`.
    The game is deterministic, so that a state is how its episode began and what was done since: `state` and `resume`.

    Args:
        num_envs: how many.
        max_episode_steps: after which an episode is truncated.
        engine: `"ale"` plays one game after the other, `"envpool"` several at once; both show the same. EnvPool where it is
            installed, when not given.
        render_mode: there is none.

    Attributes:
        steps: taken in the episode of each.
        prev_done: whether the last step ended the episode of each.

    Raises:
        OptionError: an option has a value that it cannot take.
        MissingExtraError: the engine is not installed.
    """

    metadata = {**Pong.metadata, "render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(
        self,
        num_envs: int = 1,
        max_episode_steps: int = 27_000,
        engine: Engine | None = None,
        render_mode: str | None = None,
    ):
        for name, value in (("num_envs", num_envs), ("max_episode_steps", max_episode_steps)):
            if not isinstance(value, int | np.integer) or value < 1:
                raise OptionError(f"{name} is an integer of at least 1; got {value!r}.")
        if render_mode is not None:
            raise OptionError(f"Games of Pong that step together are not drawn; got render_mode {render_mode!r}. Make one.")
        self._games = games_of(engine, num_envs)
        self.engine, self.num_envs, self.max_episode_steps = self._games.name, num_envs, max_episode_steps
        self.render_mode = None
        self.single_observation_space, self.single_action_space = spaces()
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._frames = np.zeros(self.observation_space.shape or (), dtype=np.uint8)
        self._waited: NDArray[np.int64] | None = None
        self._done = np.zeros((num_envs, 0), dtype=np.int8)  # the actions of each episode; grows
        self.steps = np.zeros(num_envs, dtype=np.int64)
        self.prev_done = np.zeros(num_envs, dtype=bool)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """New episodes of all games."""
        super().reset(seed=seed)
        return self.begin(self.np_random.random(self.num_envs)), {}

    def step(self, actions: NDArray[np.int64]) -> Step:
        """One step of all games; raises as `advance`."""
        return self.advance(actions, self.np_random.random(self.num_envs))

    def begin(self, draws: NDArray[np.float64]) -> NDArray[np.uint8]:
        """New episodes of all games, from one uniform number in [0, 1) for each; returns the observations."""
        self._waited = np.zeros(self.num_envs, dtype=np.int64)
        self._restart(np.arange(self.num_envs), waits(draws))
        return self._frames.copy()

    def advance(self, actions: NDArray[np.int64], draws: NDArray[np.float64]) -> Step:
        """One step of all games, from one uniform number in [0, 1) for each.

        Args:
            actions: 0 … 5, shape `(num_envs,)`.
            draws: shape `(num_envs,)`; how long a game waits that begins with this step.

        Raises:
            OptionError: actions of another shape, or none of 0 … 5.
            gymnasium.error.ResetNeeded: reset was never called.
        """
        actions = np.asarray(actions)
        if self._waited is None:
            raise gym.error.ResetNeeded("No episode runs before the first reset. Call envs.reset().")
        if actions.shape != (self.num_envs,) or actions.dtype.kind not in "iu" or actions.min() < 0 or actions.max() > 5:
            raise OptionError(f"Expected an integer action 0 … 5 for each of the {self.num_envs} games; got {actions!r}.")
        begins = self.prev_done
        goes_on = np.flatnonzero(~begins)
        reward, terminated = np.zeros(self.num_envs), np.zeros(self.num_envs, dtype=bool)
        self._restart(np.flatnonzero(begins), waits(draws[begins]))
        if len(goes_on):
            reward[goes_on], terminated[goes_on] = self._play(goes_on, actions[goes_on])
            self._note(goes_on, actions[goes_on])
        truncated = (self.steps >= self.max_episode_steps) & ~begins
        self.prev_done = terminated | truncated
        return self._frames.copy(), reward, terminated, truncated, {}

    def state(self) -> dict[str, NDArray[Any]]:
        """How the episode of each game began, and what was done since.

        Raises:
            gymnasium.error.ResetNeeded: reset was never called.
        """
        if self._waited is None:
            raise gym.error.ResetNeeded("There is no state before the first reset. Call envs.reset().")
        actions = self._done[:, : int(self.steps.max())].copy()
        return {"waited": self._waited.copy(), "actions": actions, "steps": self.steps.copy(), "done": self.prev_done.copy()}

    def resume(self, state: dict[str, NDArray[Any]]) -> NDArray[np.uint8]:
        """Play what `state` gave once more, and go on from there; returns the observations."""
        self._waited = np.zeros(self.num_envs, dtype=np.int64)
        self._restart(np.arange(self.num_envs), state["waited"])
        for step in range(int(state["steps"].max())):
            rows = np.flatnonzero(state["steps"] > step)
            self._play(rows, state["actions"][rows, step])
            self._note(rows, state["actions"][rows, step])
        self.prev_done = state["done"].copy()
        return self._frames.copy()

    def _restart(self, rows: NDArray[np.int64], waited: NDArray[np.int64]) -> None:
        if not len(rows) or self._waited is None:
            return
        self._frames[rows] = self._games.restart(rows)[:, None]
        self._waited[rows], self.steps[rows] = waited, 0
        for step in range(int(waited.max())):
            waiting = rows[waited > step]
            self._play(waiting, np.zeros(len(waiting), dtype=np.int64))

    def _play(self, rows: NDArray[np.int64], actions: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        seen, points, over = self._games.play(rows, actions)
        self._frames[rows, :-1] = self._frames[rows, 1:]
        self._frames[rows, -1] = seen
        return points, over

    def _note(self, rows: NDArray[np.int64], actions: NDArray[np.int64]) -> None:
        if self.steps[rows].max() >= self._done.shape[1]:
            more = np.zeros((self.num_envs, max(256, self._done.shape[1])), dtype=np.int8)
            self._done = np.concatenate([self._done, more], axis=1)
        self._done[rows, self.steps[rows]] = actions
        self.steps[rows] += 1
