"""Log what an environment does under random actions."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from symmdp.errors import DivergenceError, OptionError, SimulatorError, SpaceMismatchError
from symmdp.mdp.simulators._find import told
from symmdp.mdp.verification._log import LoggedTransitions
from symmdp.mdp.verification._open import with_environment
from symmdp.mdp.verification._sampling import Action, sample_actions


def record_transitions(env: str | gym.Env, steps: int = 20_000, *, seed: int = 0) -> LoggedTransitions:
    """Play an environment at random and log every transition, for `verify(env, symmetry, transitions=…)`.

    Actions are uniform over the action space (normal where it has no bounds), drawn anew in each step: the same policy in a
    state and in its image. Where an episode ends, the next one begins.

    Args:
        env: an environment id (with options, if need be), or an environment with its wrappers, which is stepped and left open.
        steps: how many transitions.
        seed: of actions and of the first reset; an environment goes on from there with its own random generator, since some
            take long to be seeded.

    Raises:
        UnknownEnvironmentError: Gymnasium has no such environment.
        SpaceMismatchError: observations are neither a Box nor Discrete, or actions are not.
        SimulatorError: the environment raised an exception, or is none; the message names the step. The attribute `report`
            holds the transitions before it, or `None`. Or it raised one when it was closed, and `report` holds all.
        DivergenceError: an observation or reward is not finite; likewise.
        OptionError: fewer than one step, or a negative seed.
        MissingExtraError: the environment needs a package that is not installed.
    """
    for name, value, least in (("steps", steps, 1), ("seed", seed, 0)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise OptionError(f"{name} must be an integer of at least {least}; got {value!r}.")
    if not isinstance(env, str | gym.Env):
        raise SimulatorError(
            f"Expected an environment id or a gymnasium.Env; got {type(env).__name__}. Of a vectorised environment, give a "
            "single one."
        )
    given = env if isinstance(env, str) else None
    return with_environment(env, lambda name, made: _play(made, name, given, int(steps), np.random.default_rng(seed)))


def _play(env: gym.Env, name: str, given: str | None, steps: int, generator: np.random.Generator) -> LoggedTransitions:
    for what, space in (("observation", env.observation_space), ("action", env.action_space)):
        if not isinstance(space, gym.spaces.Box | gym.spaces.Discrete):
            raise SpaceMismatchError(
                f"The {what} space of {name} is a {type(space).__name__}; transitions are logged of Box and Discrete "
                "spaces. Flatten it (gymnasium.wrappers.FlattenObservation), or choose one of its parts."
            )
    rows: list[tuple[Any, Action, Any, float, bool, bool]] = []
    observation, done, what, seed = None, True, "", int(generator.integers(2**31))
    try:
        for step, drawn in enumerate(sample_actions(env.action_space, steps, generator)):
            first = done
            if first:
                what = f"in reset, before step {step}"
                observation, _ = env.reset() if rows else env.reset(seed=seed)
                _check_finite(name, what, observation)
            action = _sent(env.action_space, drawn)
            what = f"in step {step}, with action {action}"
            following, reward, terminated, truncated, _ = env.step(action)
            _check_finite(name, what, following, reward)
            rows.append((np.array(observation), action, np.array(following), float(reward), bool(terminated), first))
            observation, done = following, terminated or truncated
    except DivergenceError as error:
        error.report = _log(env, given, rows)
        raise
    except Exception as error:
        stopped = SimulatorError(
            f"{name} raised {told(error)}, {what}. The {len(rows)} transitions before it are in the attribute "
            "report of this error."
        )
        stopped.report = _log(env, given, rows)
        raise stopped from error
    log = _log(env, given, rows)
    if log is None:
        raise AssertionError("at least one step was taken")
    return log


def _sent(space: gym.Space, action: Action) -> Any:
    return np.asarray(action, dtype=space.dtype) if isinstance(space, gym.spaces.Box) else action


def _check_finite(name: str, what: str, observation: Any, reward: Any = 0.0) -> None:
    if not (np.isfinite(np.asarray(observation)).all() and np.isfinite(reward)):
        raise DivergenceError(
            f"{name} gave the observation {np.asarray(observation)} and the reward {reward} {what}; both must be finite."
        )


def _log(env: gym.Env, given: str | None, rows: list[tuple[Any, Action, Any, float, bool, bool]]) -> LoggedTransitions | None:
    if not rows:
        return None
    observation, action, following, reward, terminated, first = map(np.array, zip(*rows, strict=True))
    spaces = env.observation_space, env.action_space
    return LoggedTransitions(observation, action, following, reward, terminated, first, *spaces, environment=given)
