from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space
from numpy.typing import ArrayLike, NDArray

from symmdp.errors import OptionError, SpaceMismatchError


class ActionHistory(gym.Wrapper):
    """Observations with the last actions behind them, the oldest first: `(s_t, a_{t−k}, …, a_{t−1})`.

    With delays or hidden velocities such an observation is nearer to a state. Actions of a Box are vectors, as they were given
    to this wrapper; Discrete ones are one-hot. The symmetry acts by `L ⊕ k K`, which `symmdp.mdp.wrapped_symmetry` gives.

    Args:
        env: with a Box of vectors as observations.
        length: `k`, the number of actions.
        initial: stands for actions before the first one, a vector of an action's size; zeros when not given. It must be a
            fixed point of the symmetry: where actions have a centre, give that.

    Raises:
        OptionError: `length` is no integer of at least 1, or `initial` has another size or is not finite.
        SpaceMismatchError: observations are no Box of vectors, or actions neither Discrete nor a Box of vectors.
    """

    def __init__(self, env: gym.Env, length: int, *, initial: ArrayLike | None = None):
        super().__init__(env)
        self._history = _History(1, env.observation_space, env.action_space, length, initial)
        self.observation_space = self._history.space

    @property
    def length(self) -> int:
        """The number of actions."""
        return self._history.length

    @property
    def initial(self) -> NDArray[np.float64]:
        """What stands for actions before the first one."""
        return self._history.initial

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """The first observation, without a past."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._history.forget(np.array([True]))
        return self._history.behind(np.asarray(observation)[None])[0], info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """A step, and the action behind its observation."""
        observation, *rest = self.env.step(action)
        self._history.remember(np.asarray(action)[None])
        return (self._history.behind(np.asarray(observation)[None])[0], *rest)  # pyright: ignore[reportReturnType]


class VectorActionHistory(VectorWrapper):
    """`ActionHistory` for a vectorised environment; arguments and errors are the same.

    An environment that was reset has no past. A `final_obs` in the info (same-step autoreset) has the past of its episode.
    """

    def __init__(self, env: VectorEnv, length: int, *, initial: ArrayLike | None = None):
        super().__init__(env)
        self._history = _History(self.num_envs, env.single_observation_space, env.single_action_space, length, initial)
        self.single_observation_space = self._history.space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self._mode = env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
        self._done = np.zeros(self.num_envs, dtype=bool)

    @property
    def length(self) -> int:
        """The number of actions."""
        return self._history.length

    @property
    def initial(self) -> NDArray[np.float64]:
        """What stands for actions before the first one."""
        return self._history.initial

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """The first observations, without a past."""
        mask = np.ones(self.num_envs, dtype=bool) if not options else np.array(options.get("reset_mask", True))
        observations, info = self.env.reset(seed=seed, options=options)
        mask = np.broadcast_to(mask, self.num_envs)
        self._history.forget(mask)
        self._done = self._done & ~mask
        return self._history.behind(observations), info

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """A step, and the actions behind its observations."""
        observations, rewards, terminated, truncated, info = self.env.step(actions)
        self._history.remember(np.asarray(actions))
        if self._mode is AutoresetMode.NEXT_STEP:
            self._history.forget(self._done)  # their step was a reset
        self._done = np.logical_or(terminated, truncated)
        if self._mode is AutoresetMode.SAME_STEP:
            if "final_obs" in info:
                finals = np.empty(self.num_envs, dtype=object)
                for i, final in enumerate(info["final_obs"]):
                    finals[i] = None if final is None else self._history.behind(np.asarray(final)[None], [i])[0]
                info = {**info, "final_obs": finals}
            self._history.forget(self._done)
        return self._history.behind(observations), rewards, terminated, truncated, info


class _History:
    """The last actions of several environments, an array `(environments, k, size of an action)`."""

    def __init__(self, count: int, observations: gym.Space, actions: gym.Space, length: int, initial: ArrayLike | None):
        if not isinstance(length, int) or isinstance(length, bool) or length < 1:
            raise OptionError(f"The length of a history is an integer of at least 1; got {length!r}.")
        if not isinstance(observations, gym.spaces.Box) or len(observations.shape) != 1:
            raise SpaceMismatchError(
                f"Actions are put behind vectors; got the observation space {observations}. Flatten it "
                "(gymnasium.wrappers.FlattenObservation)."
            )
        discrete = isinstance(actions, gym.spaces.Discrete)
        if not discrete and not (isinstance(actions, gym.spaces.Box) and len(actions.shape) == 1):
            raise SpaceMismatchError(f"A history holds Discrete actions or vectors of a Box; got {actions}.")
        self._start = int(actions.start) if isinstance(actions, gym.spaces.Discrete) else None
        size = int(actions.n) if isinstance(actions, gym.spaces.Discrete) else actions.shape[0]  # pyright: ignore
        low, high = (np.zeros(size), np.ones(size)) if discrete else (actions.low, actions.high)  # pyright: ignore
        self.length, self.initial = length, _initial(initial, size)
        self.dtype = observations.dtype if observations.dtype.kind == "f" else np.dtype(np.float32)
        low, high = np.minimum(low, self.initial), np.maximum(high, self.initial)
        self.space = gym.spaces.Box(
            np.concatenate([observations.low, np.tile(low, length)]).astype(self.dtype),
            np.concatenate([observations.high, np.tile(high, length)]).astype(self.dtype),
            dtype=self.dtype.type,
        )
        self._actions = np.tile(self.initial.astype(self.dtype), (count, length, 1))

    def forget(self, which: NDArray[np.bool_]) -> None:
        self._actions[which] = self.initial

    def remember(self, actions: NDArray) -> None:
        self._actions = np.roll(self._actions, -1, axis=1)
        if self._start is None:
            self._actions[:, -1] = actions
        else:
            self._actions[:, -1] = np.arange(len(self.initial)) == (actions - self._start)[:, None]

    def behind(self, observations: NDArray, which: list[int] | slice = slice(None)) -> NDArray:
        past = self._actions[which]
        return np.concatenate([observations.astype(self.dtype), past.reshape(len(past), -1)], axis=1)


def _initial(initial: ArrayLike | None, size: int) -> NDArray[np.float64]:
    if initial is None:
        return np.zeros(size)
    array = np.array(initial, dtype=np.float64)
    if array.shape != (size,) or not np.isfinite(array).all():
        raise OptionError(f"initial is a finite vector of the {size} numbers of an action; got {initial!r}.")
    return array
