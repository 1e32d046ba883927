"""The environment that verification is asked about, with its simulator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gymnasium as gym
from gymnasium.vector import VectorEnv

from symmdp.errors import SimulatorError
from symmdp.mdp._environments import make_environment, name_of_environment
from symmdp.mdp.simulators._find import check_simulator, simulator_of
from symmdp.mdp.simulators._simulator import Simulator
from symmdp.mdp.simulators._vector import simulator_of_vector
from symmdp.mdp.verification._log import LoggedTransitions
from symmdp.mdp.verification._table import TabularEnvironment, tabular_environment


@contextmanager
def opened(env: str | gym.Env | VectorEnv, simulator: Simulator | None) -> Iterator[tuple[str, Simulator | TabularEnvironment]]:
    """An environment by its id, or one that exists, with its name and its simulator (or table); one made here is closed."""
    if simulator is not None:
        check_simulator(simulator, "simulator= is")
    if isinstance(env, str):
        if simulator is not None:
            yield env, simulator
            return
        made = make_environment(env)
        try:
            yield env, tabular_environment(made) or simulator_of(made)
        finally:
            made.close()
    elif isinstance(env, gym.Env):
        name = name_of_environment(env)
        yield name, (tabular_environment(env) or simulator_of(env)) if simulator is None else simulator
    elif isinstance(env, VectorEnv):
        name = name_of_environment(env)
        yield name, (tabular_environment(env) or simulator_of_vector(env)) if simulator is None else simulator
    else:
        raise SimulatorError(f"Expected an environment id, a gymnasium.Env or a VectorEnv; got {type(env).__name__}.")


@contextmanager
def spaces_of(env: str | gym.Env | VectorEnv, log: LoggedTransitions) -> Iterator[tuple[str, gym.Space, gym.Space]]:
    """The name and the spaces of the environment of a log; an id is made only where the log does not hold the spaces."""
    if isinstance(env, str):
        if log.observation_space is not None and log.action_space is not None:
            yield env, log.observation_space, log.action_space
            return
        made = make_environment(env)
        try:
            yield env, made.observation_space, made.action_space
        finally:
            made.close()
    elif isinstance(env, gym.Env):
        yield name_of_environment(env), env.observation_space, env.action_space
    elif isinstance(env, VectorEnv):
        yield name_of_environment(env), env.single_observation_space, env.single_action_space
    else:
        raise SimulatorError(f"Expected an environment id, a gymnasium.Env or a VectorEnv; got {type(env).__name__}.")
