from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from symmdp.catalogue.environments._grid_world import GridWorld, check_render_mode, observation_space, rendered, reward_of
from symmdp.catalogue.environments._grid_world_law import law_of
from symmdp.errors import OptionError
from symmdp.mdp import Simulator

Step = tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]


class GridWorldVector(VectorEnv[NDArray[np.float32], NDArray[np.int64], NDArray[Any]]):
    """Many Grid Worlds that step together, `symmdp/GridWorld-v0` of `gymnasium.make_vec`; each is as `GridWorld` says.

    Episodes restart by Gymnasium's next-step autoreset: the step after the end of an episode ignores its action, earns
    nothing and returns the first observation of the next episode.

    A reset and a step draw one random number for each environment, in their order, whatever happens in it. `advance` takes
    them from the caller, so that environments can have random streams of their own.

    Args:
        num_envs: how many.
        max_episode_steps: after which an episode is truncated.
        size: as of `GridWorld`.
        cell: as of `GridWorld`.
        prey_moves: as of `GridWorld`.
        render_mode: as of `GridWorld`.

    Attributes:
        prey: the state of each, as of `GridWorld`, shape `(num_envs,)`.
        steps: taken in the episode of each.
        prev_done: whether the last step ended the episode of each.

    Raises:
        OptionError: an option has a value that it cannot take.
    """

    metadata = {**GridWorld.metadata, "autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(
        self,
        num_envs: int = 1,
        max_episode_steps: int = 100,
        size: int = 7,
        cell: int = 3,
        prey_moves: float = 0.15,
        render_mode: str | None = None,
    ):
        for name, value in (("num_envs", num_envs), ("max_episode_steps", max_episode_steps)):
            if not isinstance(value, int | np.integer) or value < 1:
                raise OptionError(f"{name} is an integer of at least 1; got {value!r}.")
        check_render_mode(render_mode, self.metadata["render_modes"])
        self.law = law_of(size, cell, prey_moves)
        self.num_envs, self.max_episode_steps, self.render_mode = num_envs, max_episode_steps, render_mode
        self.single_observation_space = observation_space(self.law)
        self.single_action_space = gym.spaces.Discrete(5)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.prey: NDArray[np.int64] | None = None
        self.steps = np.zeros(num_envs, dtype=np.int64)
        self.prev_done = np.zeros(num_envs, dtype=bool)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """New episodes of all environments."""
        super().reset(seed=seed)
        return self.begin(self.np_random.random(self.num_envs)), {}

    def step(self, actions: NDArray[np.int64]) -> Step:
        """One step of all environments; raises as `advance`."""
        return self.advance(actions, self.np_random.random(self.num_envs))

    def begin(self, draws: NDArray[np.float64]) -> NDArray[np.float32]:
        """New episodes of all environments, from one uniform number in [0, 1) for each; returns the observations."""
        self.prey = self.law.start(draws)
        self.steps[:], self.prev_done[:] = 0, False
        return self.law.images(self.prey)

    def advance(self, actions: NDArray[np.int64], draws: NDArray[np.float64]) -> Step:
        """One step of all environments, from one uniform number in [0, 1) for each.

        Args:
            actions: 0 … 4, shape `(num_envs,)`.
            draws: shape `(num_envs,)`; what the prey does, or where it starts where an episode begins.

        Raises:
            OptionError: actions of another shape, or none of 0 … 4.
            gymnasium.error.ResetNeeded: reset was never called.
        """
        actions = np.asarray(actions)
        if self.prey is None:
            raise gym.error.ResetNeeded("No episode runs before the first reset. Call envs.reset().")
        if actions.shape != (self.num_envs,) or actions.dtype.kind not in "iu" or actions.min() < 0 or actions.max() > 4:
            raise OptionError(
                f"Expected an integer action 0 … 4 for each of the {self.num_envs} environments; got {actions!r}."
            )
        begins = self.prev_done
        prey, caught = self.law.step(self.prey, actions, draws)
        prey[begins] = self.law.start(draws[begins])
        self.prey = prey
        self.steps = np.where(begins, 0, self.steps + 1)
        reward = np.where(begins, 0.0, np.where(caught, reward_of(True), reward_of(False)))
        terminated = caught & ~begins
        truncated = self.steps >= self.max_episode_steps
        self.prev_done = terminated | truncated
        return self.law.images(prey), reward, terminated, truncated, {}

    def state(self) -> dict[str, NDArray[Any]]:
        """Where the prey is in each, the steps taken, and which episodes ended with the last step.

        Raises:
            gymnasium.error.ResetNeeded: reset was never called.
        """
        if self.prey is None:
            raise gym.error.ResetNeeded("There is no state before the first reset. Call envs.reset().")
        return {"prey": self.prey.copy(), "steps": self.steps.copy(), "done": self.prev_done.copy()}

    def resume(self, state: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Go on from what `state` gave; returns the observations."""
        self.prey, self.steps, self.prev_done = (state[name].copy() for name in ("prey", "steps", "done"))
        return self.law.images(state["prey"])

    def render(self) -> tuple[Any, ...] | None:
        """A picture or a text of each environment, as `render_mode` says."""
        if self.prey is None:
            raise gym.error.ResetNeeded("There is nothing to draw before the first reset. Call envs.reset().")
        frames = tuple(rendered(self.law, int(prey), self.render_mode) for prey in self.prey)
        return None if self.render_mode is None else frames

    def symmdp_simulator(self) -> Simulator:
        """What `symmdp.verify` steps: one environment under the same law."""
        return GridWorld(self.law.size, self.law.cell, self.law.prey_moves).symmdp_simulator()
