"""The environment that verification is asked about, with its simulator."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import gymnasium as gym
from gymnasium.vector import VectorEnv

from symmdp.errors import MissingExtraError, SimulatorError, UnknownEnvironmentError
from symmdp.mdp.simulators._find import simulator_of
from symmdp.mdp.simulators._simulator import Simulator
from symmdp.mdp.simulators._vector import simulator_of_vector

_EXTRAS = {"mujoco": "mujoco", "box2d": "box2d", "ale_py": "atari", "atari": "atari"}  # part of an entry point: extra


@contextmanager
def opened(env: str | gym.Env | VectorEnv, simulator: Simulator | None) -> Iterator[tuple[str, Simulator]]:
    """An environment by its id, or one that exists, with its name and its simulator; one that is made here is closed."""
    if isinstance(env, str):
        if simulator is not None:
            yield env, simulator
            return
        made = _make(env)
        try:
            yield env, simulator_of(made)
        finally:
            made.close()
    elif isinstance(env, gym.Env):
        name = env.spec.id if env.spec is not None else type(env.unwrapped).__name__
        yield name, simulator_of(env) if simulator is None else simulator
    elif isinstance(env, VectorEnv):
        name = env.spec.id if env.spec is not None else type(env.unwrapped).__name__
        yield name, simulator_of_vector(env) if simulator is None else simulator
    else:
        raise SimulatorError(f"Expected an environment id, a gymnasium.Env or a VectorEnv; got {type(env).__name__}.")


def _make(environment_id: str) -> gym.Env:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a newer version of the environment exists; the user asked for this one
            return gym.make(environment_id)
    except gym.error.DependencyNotInstalled as error:
        raise MissingExtraError(
            f"{environment_id} needs a package that is not installed ({error}). {_hint(environment_id)}"
        ) from None
    except (gym.error.UnregisteredEnv, gym.error.Error, ModuleNotFoundError) as error:
        if isinstance(error, ModuleNotFoundError) and environment_id in gym.registry:
            raise MissingExtraError(
                f"{environment_id} needs {error.name}, which is not installed. {_hint(environment_id)}"
            ) from None
        near = difflib.get_close_matches(environment_id, gym.registry, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else " gymnasium.pprint_registry() lists those there are."
        raise UnknownEnvironmentError(
            f"Gymnasium has no environment {environment_id!r} ({str(error).rstrip('.')}).{hint}"
        ) from None


def _hint(environment_id: str) -> str:
    """Which extra brings the package that an environment needs."""
    spec = gym.registry.get(environment_id)
    where = str(spec.entry_point) if spec is not None else ""
    extra = next((extra for part, extra in _EXTRAS.items() if part in where), None)
    return f"Try: pip install 'symmdp[{extra}]'" if extra else "Install it, and try again."
