from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from symmdp.policies import ActorCritic
from symmdp.training._evaluation_environments import EpisodeBatch, episode_batch
from symmdp.training._evaluation_policy import StackedActor, TabulatedActor
from symmdp.training._options import TrainingOptions
from symmdp.training._row import Row
from symmdp.training._stack import PolicyStack
from symmdp.training._streams import stream

_AHEAD = 32  # steps for which noise is drawn at once, after which rows that are done are dropped


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The episodes of one row in one evaluation.

    Attributes:
        row: its number.
        returns: undiscounted, shape `(episodes,)`.
        lengths: in steps, shape `(episodes,)`.
    """

    row: int
    returns: NDArray[np.float64]
    lengths: NDArray[np.int64]


class Evaluator:
    """Runs episodes with the policies of a stack as they are, beside their training, which is not touched.

    The episodes of a row depend on its policy, its seed and the step alone: the streams are made anew for each evaluation.
    Rows with the same seed begin in the same states and draw the same noise.

    Args:
        environment_id: a Gymnasium id.
        stack: the policies.
        options: of the run.
        rows: of the stack.
    """

    def __init__(self, environment_id: str, stack: PolicyStack, options: TrainingOptions, rows: Sequence[Row]):
        self._id, self._stack, self._options, self._rows = environment_id, stack, options, rows
        self._environments: EpisodeBatch | None = None

    def evaluate(self, step: int, rows: Sequence[int]) -> list[Evaluation]:
        """An evaluation of some rows: `evaluation_episodes` episodes each, all started together.

        Args:
            step: environment steps so far; evaluations at other steps use other streams.
            rows: their numbers.
        """
        if self._environments is None:
            self._environments = episode_batch(self._id, self._options.evaluation_episodes)
        size = self._environments.most_rows
        found = []
        for start in range(0, len(rows), size):
            found += self._evaluate(self._environments, step, np.array(rows[start : start + size]))
        return found

    def _evaluate(self, environments: EpisodeBatch, step: int, rows: NDArray[np.intp]) -> list[Evaluation]:
        streams = [stream(self._rows[row].seed, "evaluation", step) for row in rows]
        actor: StackedActor | TabulatedActor = StackedActor(self._stack.module)
        actor.keep(rows)
        if environments.table is not None:
            actor = TabulatedActor(actor, environments.table, len(rows))
        sample = _Sampling(self._stack.module, rows, self._options, environments.single_action_space)
        observation = environments.begin(streams)
        shape = len(rows), self._options.evaluation_episodes
        returns, lengths = np.zeros(shape), np.zeros(shape, np.int64)
        place, live = np.arange(len(rows)), np.ones(shape, bool)  # where the rows still at it belong, and their episodes
        total, length = np.zeros(shape), np.zeros(shape, np.int64)
        while len(place):
            sample.draw(streams)
            for t in range(_AHEAD):
                observation, rewards, ended = environments.step(sample(actor(observation), t))
                total += np.where(live, rewards, 0.0)
                length += live
                live &= ~ended
                if not live.any():
                    break
            going = live.any(axis=1)
            if not going.all():
                returns[place[~going]], lengths[place[~going]] = total[~going], length[~going]
                kept = np.flatnonzero(going)
                actor.keep(kept)
                sample.keep(kept)
                environments.keep(kept)
                streams = [streams[k] for k in kept]
                place, live, total, length = place[kept], live[kept], total[kept], length[kept]
                observation = observation[kept]
        return [Evaluation(int(row), returns[k], lengths[k]) for k, row in enumerate(rows)]


class _Sampling:
    """Turns logits or means into actions for the environment, `_AHEAD` steps with noise drawn together."""

    def __init__(self, policy: ActorCritic, rows: NDArray[np.intp], options: TrainingOptions, space: gym.Space):
        action = policy.symmetry.require_action_representation()
        self._shape = (_AHEAD, options.evaluation_episodes, action.dim)
        self._discrete, self._first = policy.discrete, policy.first_action
        self._deterministic = options.evaluation_deterministic
        self._deviation = None if policy.discrete else policy.standard_deviation().detach().numpy()[rows]
        self._bounds = (space.low, space.high) if isinstance(space, gym.spaces.Box) else None
        self._noise = np.zeros(0, np.float32)

    def draw(self, streams: list[np.random.Generator]) -> None:
        """Noise for the next `_AHEAD` steps, from the stream of each row."""
        if self._deterministic:
            return
        if self._discrete:
            uniform = np.stack([source.random(self._shape, dtype=np.float32) for source in streams], axis=1)
            self._noise = -np.log(-np.log(np.maximum(uniform, np.float32(2**-25))))  # Gumbel: the largest sum samples
        else:
            self._noise = np.stack([source.standard_normal(self._shape, dtype=np.float32) for source in streams], axis=1)

    def __call__(self, parameters: NDArray[np.float32], t: int) -> NDArray:
        """Actions `(rows, episodes, …)` for step `t` of those drawn for."""
        if self._discrete:
            scores = parameters if self._deterministic else parameters + self._noise[t]
            if scores.shape[-1] == 2:  # the same, without the slow search along a short axis
                return (scores[..., 1] > scores[..., 0]) + self._first
            return scores.argmax(-1) + self._first
        actions = parameters if self._deterministic else parameters + self._deviation * self._noise[t]
        return actions if self._bounds is None else np.clip(np.nan_to_num(actions), *self._bounds)

    def keep(self, rows: NDArray[np.intp]) -> None:
        """Go on with these rows only."""
        if self._deviation is not None:
            self._deviation = self._deviation[rows]
