"""Gymnasium's Box2D environments, and classes derived from them, as simulators."""

from __future__ import annotations

import gymnasium as gym
from gymnasium.envs.box2d.bipedal_walker import BipedalWalker
from gymnasium.envs.box2d.lunar_lander import LunarLander

from symmdp.errors import SimulatorError
from symmdp.mdp.simulators._box2d_lander import LunarLanderSimulator
from symmdp.mdp.simulators._box2d_walker import BipedalWalkerSimulator
from symmdp.mdp.simulators._simulator import REMEDY, Simulator


def simulator(env: gym.Env) -> Simulator:
    """The simulator of a Box2D environment.

    Raises:
        SimulatorError: there is none for its class.
    """
    if isinstance(env, LunarLander):
        return LunarLanderSimulator(env)
    if isinstance(env, BipedalWalker):
        return BipedalWalkerSimulator(env)
    raise SimulatorError(
        f"The state of {type(env).__name__} cannot be set: of Gymnasium's Box2D environments, verification knows "
        f"LunarLander, BipedalWalker and classes derived from them. For others, {REMEDY}"
    )
