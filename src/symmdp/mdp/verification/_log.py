"""Transitions that were logged, wherever they came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from symmdp.errors import DivergenceError, ShapeError, SpaceMismatchError


@dataclass(frozen=True, eq=False, init=False, repr=False)
class LoggedTransitions:
    """`n` transitions `(s, a, s', r)` of one environment, in any order; what `verify` takes where no state can be set.

    Where an episode ends, `next_observation` is the last observation of that episode, and not the first of the next one. Arrays
    and tensors are copied and become read-only arrays.

    Args:
        observation: `s`, shape `(n, …)`; of a Discrete space, `(n,)`.
        action: `a`, as the environment takes it: indices `(n,)`, or vectors `(n, k)`.
        next_observation: `s'`, of the shape of `observation`.
        reward: `r`, shape `(n,)`.
        terminated: whether the episode ended in `s'`, other than by a time limit, shape `(n,)`.
        first: whether `s` is the first observation of an episode, shape `(n,)`; initial states are compared where it is given.
        observation_space: of the environment; with both spaces given, `verify` makes no environment.
        action_space: likewise.
        environment: the name of the environment, for which alone `verify` then takes the log when it is given an id.

    Raises:
        ShapeError: the arrays do not have as many rows, or shapes as above.
        DivergenceError: an observation, action or reward is not finite; the message names the row.
        SpaceMismatchError: a space is none.
    """

    observation: NDArray
    action: NDArray
    next_observation: NDArray
    reward: NDArray
    terminated: NDArray[np.bool_]
    first: NDArray[np.bool_] | None = None
    observation_space: gym.Space | None = None
    action_space: gym.Space | None = None
    environment: str | None = None

    def __init__(
        self,
        observation: ArrayLike | Tensor,
        action: ArrayLike | Tensor,
        next_observation: ArrayLike | Tensor,
        reward: ArrayLike | Tensor,
        terminated: ArrayLike | Tensor,
        first: ArrayLike | Tensor | None = None,
        observation_space: gym.Space | None = None,
        action_space: gym.Space | None = None,
        environment: str | None = None,
    ):
        for name, space in (("observation_space", observation_space), ("action_space", action_space)):
            if space is not None and not isinstance(space, gym.Space):
                raise SpaceMismatchError(f"{name} is a gymnasium.Space, or None; got {type(space).__name__}.")
        # Written past __setattr__, which forbids changes.
        self.__dict__.update(
            observation=_array("observation", observation),
            action=_array("action", action),
            next_observation=_array("next_observation", next_observation),
            reward=_array("reward", reward),
            terminated=_array("terminated", terminated),
            first=None if first is None else _array("first", first),
            observation_space=observation_space,
            action_space=action_space,
            environment=environment,
        )
        n = len(self.observation)
        if self.next_observation.shape != self.observation.shape:
            raise ShapeError(
                f"next_observation has shape {self.next_observation.shape} and observation {self.observation.shape}; expected "
                "the same, one row for each transition."
            )
        for name in ("action", "reward", "terminated", "first"):
            array = getattr(self, name)
            if array is not None and (len(array) != n or (name != "action" and array.ndim != 1)):
                expected = f"({n}, …)" if name == "action" else f"({n},)"
                raise ShapeError(f"{name} has shape {array.shape}; expected {expected}, one for each of {n} observations.")
        for name in ("observation", "action", "next_observation", "reward"):
            _check_finite(name, getattr(self, name))
        for name in ("terminated", "first"):
            if getattr(self, name) is not None:
                self.__dict__[name] = _flags(name, getattr(self, name))

    def __len__(self) -> int:
        return len(self.observation)

    def __repr__(self) -> str:
        episodes = "" if self.first is None else f", {int(self.first.sum())} of them first of an episode"
        return f"LoggedTransitions({len(self)} of observations {self.observation.shape[1:]}{episodes})"

    def check_spaces(self, observation_space: gym.Space, action_space: gym.Space) -> None:
        """Raise SpaceMismatchError unless every row has the shape of the spaces, and Discrete ones hold its number."""
        for name, space in (("observation", observation_space), ("action", action_space)):
            array = getattr(self, name)
            shape = space.shape or ()
            if array.shape[1:] != shape:
                raise SpaceMismatchError(
                    f"A logged {name} has shape {array.shape[1:]}, but the environment's {name} space is {space}. Log the "
                    f"transitions of this very environment, with its {name} options and wrappers."
                )
            if isinstance(space, gym.spaces.Discrete):
                rows = (array, self.next_observation) if name == "observation" else (array,)
                low, high = int(space.start), int(space.start + space.n) - 1
                for values in rows:
                    outside = np.flatnonzero((values < low) | (values > high) | (values != np.round(values)))
                    if len(outside):
                        raise SpaceMismatchError(
                            f"The logged {name} {values[outside[0]]} of transition {outside[0]} is none of {space}, which "
                            f"holds the whole numbers {low} … {high}."
                        )


def _array(name: str, given: ArrayLike | Tensor) -> NDArray:
    try:
        array = np.array(given.detach().cpu().numpy() if isinstance(given, Tensor) else given)
    except ValueError:
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "biuf" or array.ndim == 0:
        raise ShapeError(f"{name} is an array of numbers with a row for each transition; got {_short(given)}.")
    array.setflags(write=False)
    return array


def _check_finite(name: str, array: NDArray) -> None:
    if array.dtype.kind != "f":
        return
    bad = np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(axis=1)) if array.size else []
    if len(bad):
        raise DivergenceError(
            f"The {name} of transition {bad[0]} is not finite: {_short(array[bad[0]])} ({len(bad)} of {len(array)} rows are "
            "not). Leave such transitions out."
        )


def _flags(name: str, array: NDArray) -> NDArray[np.bool_]:
    if not np.isin(array, (0, 1)).all():
        raise ShapeError(f"{name} holds flags, true or false (1 or 0); got {_short(array[~np.isin(array, (0, 1))][0])}.")
    flags = array.astype(bool)
    flags.setflags(write=False)
    return flags


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 80 else f"{text[:77]}…"
