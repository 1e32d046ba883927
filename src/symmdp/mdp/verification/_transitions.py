"""Transitions from sampled states, and from their images under one element of the group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from symmdp.errors import DivergenceError, SimulatorError, SymmetryError, VerificationError
from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.simulators._simulator import Simulator
from symmdp.mdp.verification._sampling import Action

_FEWEST = 10  # transitions that are worth a report
_REPEATED = 20  # transitions stepped twice, to see whether the simulator is deterministic


@dataclass(frozen=True)
class Transitions:
    """`n` transitions; rows that were not stepped hold NaN.

    Attributes:
        observation: `s`, shape `(n, d)`.
        following: `s'`, shape `(n, d)`.
        reward: shape `(n,)`.
        terminated: 0 or 1, shape `(n,)`.
    """

    observation: NDArray[np.float64]
    following: NDArray[np.float64]
    reward: NDArray[np.float64]
    terminated: NDArray[np.float64]

    def first(self, count: int) -> Transitions:
        """The first transitions."""
        return Transitions(*(array[:count] for array in (self.observation, self.following, self.reward, self.terminated)))


def transitions(
    simulator: Simulator, states: Sequence[NDArray[np.float64]], actions: Sequence[Action]
) -> tuple[Transitions, VerificationError | None]:
    """The transitions from given states; and if one fails, those before it, with the error.

    Raises:
        DivergenceError: an observation or reward is not finite, among the first ten.
        SimulatorError: likewise, observations have the wrong size, or the environment raises an exception; or the same state
            and action give different outcomes.
    """
    found, stopped = stepped_transitions(simulator, states, actions)
    _check_deterministic(simulator, states, actions, found)
    return found, stopped


def stepped_transitions(
    simulator: Simulator, states: Sequence[NDArray[np.float64]], actions: Sequence[Action]
) -> tuple[Transitions, VerificationError | None]:
    """Likewise, of a simulator that need not be deterministic."""
    found = _empty(len(states), int(np.prod(simulator.observation_space.shape or (0,))))
    stopped = None
    for i, (state, action) in enumerate(zip(states, actions, strict=True)):
        try:
            _fill(found, i, simulator, state, action)
            _check_finite(found, i, state, action)
        except VerificationError as error:
            if i < _FEWEST:
                raise
            found, stopped = found.first(i), error
            break
    return found, stopped


def _check_finite(found: Transitions, i: int, state: NDArray[np.float64], action: Action) -> None:
    row = np.concatenate([found.observation[i], found.following[i], [found.reward[i]]])
    if not np.isfinite(row).all():
        raise DivergenceError(
            f"From the state {state} with action {action}, the simulator gave the observation {found.following[i]} and the "
            f"reward {found.reward[i]}; both must be finite."
        )


def _check_deterministic(
    simulator: Simulator, states: Sequence[NDArray[np.float64]], actions: Sequence[Action], found: Transitions
) -> None:
    repeated = min(_REPEATED, len(found.reward))
    again = _empty(repeated, found.observation.shape[1])
    for i in reversed(range(repeated)):
        _fill(again, i, simulator, states[i], actions[i])
        same = np.array_equal(again.following[i], found.following[i]) and again.reward[i] == found.reward[i]
        if not same or again.terminated[i] != found.terminated[i]:
            raise SimulatorError(
                f"The simulator is not deterministic: from the state {states[i]}, action {actions[i]} led to "
                f"{found.following[i]} and then to {again.following[i]}. Turn its noise off, or pass simulator=, whose "
                "set_state sets everything that the next step depends on, random generators included."
            )


def image_transitions(
    simulator: Simulator,
    symmetry: Symmetry,
    g: int,
    originals: Transitions,
    actions: Sequence[Action],
    allowed: NDArray[np.float64],
) -> tuple[Transitions, NDArray[np.float64]]:
    """The transitions from `L_g s` with `K_g a`, and `L_g s` itself, shape `(n, d)`.

    Where the simulator, set to `L_g s`, does not show it to within `allowed`, it is no state, and is not stepped.
    """
    wanted = symmetry.transform_observation(g, originals.observation)
    found = _empty(*wanted.shape)
    for i, action in enumerate(actions[: len(wanted)]):
        state = simulator.state_of(wanted[i])
        simulator.set_state(state)
        found.observation[i] = simulator.observe()
        if (np.abs(found.observation[i] - wanted[i]) <= allowed).all():
            image = image_action(symmetry, g, action, originals.observation[i], simulator.action_space)
            _fill(found, i, simulator, state, image)
    return found, wanted


def image_action(symmetry: Symmetry, g: int, action: Action, observation: NDArray[np.float64], space: gym.Space) -> Action:
    """`K_g^s a` as the environment takes it.

    Raises:
        SymmetryError: a state-dependent action map gives something that is no action of the space.
    """
    if isinstance(space, gym.spaces.Discrete):
        start = int(space.start)
        image = np.asarray(symmetry.transform_action(g, int(action) - start, observation))
        if image.ndim == 0 and image.dtype.kind in "iu" and 0 <= image < space.n:
            return start + int(image)
    else:
        image = np.asarray(symmetry.transform_action(g, action, observation), dtype=np.float64)
        if image.shape == space.shape and np.isfinite(image).all():
            return image
    raise SymmetryError(
        f"The action map took {action} in the state observed as {observation} to {image!r}, which is no action of {space}. "
        "It gets an action index (from 0) or a float64 vector and must return one."
    )


def checked_observation(shown: object, size: int) -> NDArray[np.float64]:
    """What a simulator shows, as a vector of the size of its observation space.

    Raises:
        SimulatorError: it has another shape.
    """
    observation = np.asarray(shown, dtype=np.float64)
    if observation.shape != (size,):
        raise SimulatorError(
            f"The simulator showed an observation of shape {observation.shape}; expected a vector of shape {(size,)}, the "
            "size of its observation space."
        )
    return observation


def _fill(found: Transitions, i: int, simulator: Simulator, state: NDArray[np.float64], action: Action) -> None:
    size = found.observation.shape[1]
    simulator.set_state(state)
    observation = checked_observation(simulator.observe(), size)
    following, reward, terminated = simulator.step(action)
    found.observation[i], found.following[i] = observation, checked_observation(following, size)
    found.reward[i], found.terminated[i] = reward, terminated


def _empty(n: int, d: int) -> Transitions:
    return Transitions(np.full((n, d), np.nan), np.full((n, d), np.nan), np.full(n, np.nan), np.full(n, np.nan))
