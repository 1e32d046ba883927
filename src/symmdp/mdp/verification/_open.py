"""The environment that verification is asked about, with its simulator."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import gymnasium as gym
from gymnasium.vector import VectorEnv

from symmdp.errors import SimulatorError
from symmdp.mdp._environments import make_environment, name_of_environment
from symmdp.mdp.simulators._find import simulator_of, told
from symmdp.mdp.simulators._simulator import Simulator
from symmdp.mdp.simulators._vector import simulator_of_vector
from symmdp.mdp.verification._table import TabularEnvironment, tabular_environment

T = TypeVar("T")


def with_environment(env: str | gym.Env | VectorEnv, work: Callable[[str, Any], T]) -> T:
    """What `work` finds, given the name of an environment and the environment; one made here, by its id, is closed.

    Raises:
        SimulatorError: it is none; or its `close()` raises an exception, and then the attribute `report` holds what was found.
    """
    if not isinstance(env, str):
        return work(name_of(env), env)
    made = make_environment(env)
    try:
        found = work(env, made)
    except BaseException:
        with suppress(Exception):  # the first exception says more
            made.close()
        raise
    try:
        made.close()
    except Exception as error:
        stopped = SimulatorError(
            f"{env} raised {told(error)}, in close(), after everything else. What was found is in the attribute report of this "
            "error."
        )
        stopped.report = found
        raise stopped from error
    return found


def name_of(env: str | gym.Env | VectorEnv) -> str:
    """The name of an environment, or the one that it is given by.

    Raises:
        SimulatorError: it is none.
    """
    if isinstance(env, gym.Env | VectorEnv):
        return name_of_environment(env)
    if not isinstance(env, str):
        raise SimulatorError(f"Expected an environment id, a gymnasium.Env or a VectorEnv; got {type(env).__name__}.")
    return env


def simulator_or_table(env: gym.Env | VectorEnv) -> Simulator | TabularEnvironment:
    """What an environment, single or vectorised, is stepped or read by.

    Raises:
        SimulatorError: its state cannot be set.
    """
    table = tabular_environment(env)
    return table or (simulator_of_vector(env) if isinstance(env, VectorEnv) else simulator_of(env))


def spaces_of(env: gym.Env | VectorEnv) -> tuple[gym.Space, gym.Space]:
    """Of observations and of actions of a single environment."""
    if isinstance(env, VectorEnv):
        return env.single_observation_space, env.single_action_space
    return env.observation_space, env.action_space
