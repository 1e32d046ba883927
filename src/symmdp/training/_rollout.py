from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symmdp.training._advantages import generalized_advantages
from symmdp.training._environments import StackedEnvironments
from symmdp.training._losses import Batch, log_probability
from symmdp.training._options import TrainingOptions
from symmdp.training._reward_scale import RewardScale
from symmdp.training._stack import PolicyStack
from symmdp.training._streams import restore_states, states_of, stream


@dataclass(frozen=True)
class Episode:
    """A finished episode: the seed's position in the run, its environment steps so far, length and undiscounted return."""

    row: int
    step: int
    length: int
    total: float


class Sampler:
    """Lets the policies of a stack act in their environments, and turns what happens into batches.

    Args:
        environments: of all seeds, row `seed · environments + e`.
        stack: their policies, one a seed.
        options: of the run.
        seeds: of the run; each draws its action noise from a stream of its own.
    """

    def __init__(self, environments: StackedEnvironments, stack: PolicyStack, options: TrainingOptions, seeds: Sequence[int]):
        self._environments, self._stack, self._options = environments, stack, options
        self._streams = [stream(seed, "action") for seed in seeds]
        self._seeds = len(seeds)
        self._rows = len(seeds) * options.environments
        space = environments.single_action_space
        self._action_shape = space.shape or ()
        self._bounds = (space.low, space.high) if isinstance(space, gym.spaces.Box) else None
        self._scale = RewardScale(len(seeds), options.environments, options.discount) if options.normalize_rewards else None
        self._observation = environments.reset()
        self._resetting = np.zeros(self._rows, dtype=bool)  # whether the next step only restarts the episode
        self._returns = np.zeros(self._rows, dtype=np.float64)
        self._lengths = np.zeros(self._rows, dtype=np.int64)
        self.steps = 0
        self.transitions = 0

    @torch.no_grad()
    def rollout(self) -> tuple[Batch, list[Episode]]:
        """`rollout_steps` steps of every environment: a batch of shape `(seeds, transitions, …)`, and finished episodes."""
        options, policy, rows = self._options, self._stack.module, self._rows
        steps, width = options.rollout_steps, options.environments
        noise = self._noise(steps)
        shape = self._observation.shape[1:]
        # By seed from the start, so that the batch is a view: images are too large to be copied.
        observations = np.empty((self._seeds, steps, width, *shape), self._observation.dtype)
        actions = np.empty((steps, rows, *self._action_shape), np.float32)
        rewards, values = np.empty((steps, rows), np.float32), np.empty((steps + 1, rows), np.float32)
        terminated, done = np.empty((steps, rows), bool), np.empty((steps, rows), bool)
        weight = np.empty((steps, rows), np.float32)
        parameters: list[Tensor] = []
        episodes: list[Episode] = []
        for t in range(steps):
            observations[:, t] = self._observation.reshape(self._seeds, width, *shape)
            output, value = policy(torch.from_numpy(self._observation).view(self._seeds, width, *shape))
            values[t] = value.view(rows).numpy()
            if policy.discrete:
                action = (output + noise[t]).argmax(-1).view(rows).numpy()  # the Gumbel trick samples the softmax
                sent = action + policy.first_action
            else:
                action = (output + policy.standard_deviation() * noise[t]).view(rows, -1).numpy()
                sent = action if self._bounds is None else np.clip(np.nan_to_num(action), *self._bounds)
            parameters.append(output)
            actions[t] = action
            weight[t] = ~self._resetting
            self._observation, rewards[t], terminated[t], truncated = self._environments.step(sent)
            done[t] = terminated[t] | truncated
            self.steps += width
            self._returns += rewards[t]
            self._lengths += ~self._resetting
            self._resetting = done[t].copy()
            for row in np.flatnonzero(done[t]):
                total, length = float(self._returns[row]), int(self._lengths[row])
                episodes.append(Episode(int(row) // width, self.steps, length, total))
                self._returns[row], self._lengths[row] = 0.0, 0
        values[steps] = policy.value(torch.from_numpy(self._observation).view(self._seeds, width, *shape)).view(rows).numpy()
        self.transitions += int(weight.sum())
        if self._scale is not None:
            rewards = self._scale(rewards, done)
        gae_lambda = 1.0 if options.algorithm == "reinforce" else options.gae_lambda
        with np.errstate(over="ignore", invalid="ignore"):  # in a row that fails; its loss will say so
            advantages = generalized_advantages(rewards, values, terminated, done, options.discount, gae_lambda)
            targets = advantages + values[:-1]
        action, outputs = self._by_seed(actions), torch.stack(parameters, 1).flatten(1, 2)
        return (
            Batch(
                observation=torch.from_numpy(observations).flatten(1, 2),
                action=action,
                log_probability=log_probability(policy, outputs, action)[0],
                advantage=self._by_seed(advantages),
                target=self._by_seed(targets),
                weight=self._by_seed(weight),
            ),
            episodes,
        )

    def _noise(self, steps: int) -> Tensor:
        shape = (steps, self._options.environments)
        if self._stack.module.discrete:
            count = self._stack.module.symmetry.require_action_representation().dim
            drawn = [source.gumbel(size=(*shape, count)) for source in self._streams]
        else:
            drawn = [source.standard_normal((*shape, *self._action_shape)) for source in self._streams]
        return torch.from_numpy(np.stack(drawn, axis=1).astype(np.float32))

    def _by_seed(self, array: NDArray[np.float32]) -> Tensor:
        """`(steps, seeds · environments, …)` to `(seeds, steps · environments, …)`."""
        split = array.reshape(len(array), self._seeds, self._options.environments, *array.shape[2:])
        return torch.from_numpy(np.ascontiguousarray(split.swapaxes(0, 1)).reshape(self._seeds, -1, *array.shape[2:]))

    def saved(self) -> dict[str, Any]:
        """Everything that the future depends on besides the policies, as tensors and JSON strings."""
        return {
            "environments": self._environments.saved(),
            "streams": states_of(self._streams),
            "resetting": torch.tensor(self._resetting),
            "returns": torch.tensor(self._returns),
            "lengths": torch.tensor(self._lengths),
            "reward_scale": None if self._scale is None else self._scale.saved(),
            "steps": self.steps,
            "transitions": self.transitions,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Continue from what `saved` gave."""
        self._observation = self._environments.restore(saved["environments"])
        restore_states(self._streams, saved["streams"])
        self._resetting = saved["resetting"].numpy().copy()
        self._returns, self._lengths = saved["returns"].numpy().copy(), saved["lengths"].numpy().copy()
        if self._scale is not None:
            self._scale.restore(saved["reward_scale"])
        self.steps, self.transitions = saved["steps"], saved["transitions"]
