"""The simulator behind an environment, by the family that the environment belongs to."""

from __future__ import annotations

import importlib
from typing import Any

import gymnasium as gym
from gymnasium import wrappers

from symmdp.errors import SimulatorError, SymmdpError
from symmdp.mdp.simulators._classic_control import FAMILIES
from symmdp.mdp.simulators._simulator import REMEDY, SIMULATOR_ATTRIBUTES, Simulator

# Wrappers that leave observations, actions, rewards and termination as they are.
TRANSPARENT = (
    wrappers.TimeLimit,
    wrappers.OrderEnforcing,
    wrappers.PassiveEnvChecker,
    wrappers.RecordEpisodeStatistics,
    wrappers.RecordVideo,
    wrappers.Autoreset,
)

# Families whose package is an extra, or loads one: the module is imported when an environment of the package is met.
_LATE_FAMILIES = {
    "gymnasium.envs.mujoco.": "symmdp.mdp.simulators._mujoco",
    "gymnasium.envs.box2d.": "symmdp.mdp.simulators._box2d",
}


def simulator_of(env: gym.Env) -> Simulator:
    """The simulator behind an environment, time limits left out: the one that it offers, or that of a family that is known.

    An environment of any kind offers its own by a method `symmdp_simulator()`, without arguments, that returns an object with
    the methods of `symmdp.mdp.Simulator`.

    Raises:
        SimulatorError: the state cannot be set, a wrapper changes what the agent sees, or what is offered is no simulator.
    """
    inner = env
    while isinstance(inner, gym.Wrapper):
        if type(inner) not in TRANSPARENT:
            raise SimulatorError(
                f"The wrapper {type(inner).__name__} may change observations, actions or rewards, and verification "
                "sets the state beneath it. Verify env.unwrapped, and take the wrapped environment's symmetry from "
                f"symmdp.mdp.wrapped_symmetry. Or {REMEDY}"
            )
        inner = inner.env
    if (own := offered_simulator(inner)) is not None:
        return own
    for base, family in FAMILIES:
        if isinstance(inner, base):
            return family(inner)
    for package, module in _LATE_FAMILIES.items():
        if any(base.__module__.startswith(package) for base in type(inner).__mro__):
            return importlib.import_module(module).simulator(inner)
    known = ", ".join([*(base.__name__ for base, _ in FAMILIES), "Gymnasium's MuJoCo and Box2D environments"])
    raise SimulatorError(
        f"The state of {type(inner).__name__} cannot be set: verification knows {known} and classes derived from them. "
        f"For others, give the environment a method symmdp_simulator(), or {REMEDY}"
    )


def offered_simulator(env: Any) -> Simulator | None:
    """What the method `symmdp_simulator()` of an environment, single or vectorised, returns; None where it has none.

    Raises:
        SimulatorError: it is no method without arguments, raises an exception, or returns no simulator.
    """
    if not hasattr(type(env), "symmdp_simulator"):  # an instance that wraps another would forward the name
        return None
    method = f"symmdp_simulator() of {type(env).__name__}"
    try:
        simulator = env.symmdp_simulator()
    except SymmdpError:
        raise
    except Exception as error:
        raise SimulatorError(f"{method} raised {told(error)}. Expected a method without arguments.") from error
    return check_simulator(simulator, f"{method} returned")


def check_simulator(simulator: Any, what: str) -> Simulator:
    """The simulator, unless it lacks a method.

    Raises:
        SimulatorError: it does.
    """
    missing = [name for name in sorted(SIMULATOR_ATTRIBUTES) if not hasattr(simulator, name)]
    if missing:
        raise SimulatorError(
            f"{what} a {type(simulator).__name__}, which lacks {', '.join(missing)}; expected an object with the methods of "
            "symmdp.mdp.Simulator."
        )
    return simulator


def told(error: Exception) -> str:
    """What an exception of an environment says, in one line and without the full stop."""
    return f"{type(error).__name__}: {' '.join(str(error).split()).rstrip('.')}"
