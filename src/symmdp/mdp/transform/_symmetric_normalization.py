from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

from symmdp.errors import OptionError, SymmetryError
from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.transform._symmetric_statistics import SymmetricStatistics


class _Normalizer:
    """What the two wrappers share: statistics, and whether they go on."""

    statistics: SymmetricStatistics
    training: bool

    def _set_up(self, space: gym.Space, symmetry: Symmetry, statistics: SymmetricStatistics | None, options: Any) -> gym.Space:
        if isinstance(space, gym.spaces.Discrete):
            raise SymmetryError("States that are numbered have no mean; normalise observations that are vectors or images.")
        if statistics is not None and statistics.symmetry != symmetry:
            raise OptionError(
                f"The statistics are of {statistics.symmetry!r}; expected {symmetry!r}. Make them of the same symmetry."
            )
        self.statistics = SymmetricStatistics(symmetry, **options) if statistics is None else statistics
        self.training = True
        dtype = space.dtype if space.dtype is not None and space.dtype.kind == "f" else np.float32
        return gym.spaces.Box(-np.inf, np.inf, symmetry.observation_shape, dtype)  # pyright: ignore[reportArgumentType]

    def state_dict(self) -> dict[str, Any]:
        """What the statistics have counted, in plain numbers and lists."""
        return self.statistics.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave; errors as of `SymmetricStatistics.load_state_dict`."""
        self.statistics.load_state_dict(state)


class SymmetricNormalization(gym.Wrapper, _Normalizer):
    """Normalised observations that keep the symmetry: `z = (x − m) / √(v + ε)` by `SymmetricStatistics`.

    In place of `gymnasium.wrappers.NormalizeObservation`, whose statistics per coordinate break it. The observations `z` are
    moved by the representation of `x`, about the origin; `symmdp.mdp.wrapped_symmetry` says so.

    Args:
        env: the environment.
        symmetry: of it, with the wrappers that it has.
        epsilon: `ε`.
        clip: the largest absolute value of a coordinate, as in `SymmetricStatistics`, or None.
        statistics: are used, and go on, in place of new ones: share those of training with an environment of evaluation.

    Attributes:
        training: whether statistics go on; set it to False to freeze them.

    Raises:
        SpaceMismatchError: the symmetry does not fit the spaces.
        SymmetryError: observations are the numbers of states.
        OptionError: `epsilon` or `clip` is not positive, or the statistics are of another symmetry.
    """

    def __init__(
        self,
        env: gym.Env,
        symmetry: Symmetry,
        *,
        epsilon: float = 1e-8,
        clip: float | None = 10.0,
        statistics: SymmetricStatistics | None = None,
    ):
        super().__init__(env)
        symmetry.check_spaces(env.observation_space, env.action_space)
        options = {"epsilon": epsilon, "clip": clip}
        self.observation_space = self._set_up(env.observation_space, symmetry, statistics, options)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """The first observation, normalised."""
        observation, info = self.env.reset(seed=seed, options=options)
        return self._seen(observation), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """A step, its observation normalised."""
        observation, *rest = self.env.step(action)
        return (self._seen(observation), *rest)  # pyright: ignore[reportReturnType]

    def _seen(self, observation: Any) -> Any:
        if self.training:
            self.statistics.update(observation)
        return self.statistics.normalize(observation)


class VectorSymmetricNormalization(VectorWrapper, _Normalizer):
    """`SymmetricNormalization` for a vectorised environment; arguments and errors are the same.

    A `final_obs` in the info (same-step autoreset) is counted and normalised as well.
    """

    def __init__(
        self,
        env: VectorEnv,
        symmetry: Symmetry,
        *,
        epsilon: float = 1e-8,
        clip: float | None = 10.0,
        statistics: SymmetricStatistics | None = None,
    ):
        super().__init__(env)
        symmetry.check_spaces(env.single_observation_space, env.single_action_space)
        options = {"epsilon": epsilon, "clip": clip}
        self.single_observation_space = self._set_up(env.single_observation_space, symmetry, statistics, options)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """The first observations, normalised."""
        observations, info = self.env.reset(seed=seed, options=options)
        if self.training:
            self.statistics.update(observations)
        return self.statistics.normalize(observations), info

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """A step, its observations normalised."""
        observations, *rest, info = self.env.step(actions)
        finals: Any = info.get("final_obs", ())
        if self.training:
            self.statistics.update(observations)
            for final in finals:
                if final is not None:
                    self.statistics.update(final)
        if "final_obs" in info:
            last = np.empty(len(finals), dtype=object)
            for i, final in enumerate(finals):
                last[i] = None if final is None else self.statistics.normalize(final)
            info = {**info, "final_obs": last}
        return (self.statistics.normalize(observations), *rest, info)  # pyright: ignore[reportReturnType]
