from __future__ import annotations

import importlib
from typing import Any

import gymnasium as gym

from symmdp.errors import SimulatorError
from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.explanation._explanation import Explanation
from symmdp.mdp.verification._open import simulator_or_table, with_environment


def explain(env: str | gym.Env, symmetry: Symmetry) -> Explanation:
    """Why a MuJoCo environment does not have a symmetry: the parameters of its model that differ from their images.

    Joints and actuators go where the symmetry takes the coordinates that observe and drive them, and bodies and geoms
    follow. Each parameter of a part is compared with that of its image: masses, springs, armatures, friction, limits,
    and places and directions at the reference pose under the isometry of space that fits the joints best.

    Args:
        env: an environment id or an environment.
        symmetry: that it does not have, or not quite.

    Raises:
        UnknownEnvironmentError: Gymnasium has no such environment.
        SimulatorError: it is no MuJoCo environment.
        SpaceMismatchError: the symmetry does not fit the spaces.
        MissingExtraError: MuJoCo is not installed.
    """
    return with_environment(env, lambda name, made: _explanation(simulator_or_table(made), name, symmetry))


def _explanation(simulator: Any, name: str, symmetry: Symmetry) -> Explanation:
    if not hasattr(simulator, "model"):
        raise SimulatorError(f"explain compares the parameters of MuJoCo models; {name} has none. Use symmdp.verify.")
    symmetry.check_spaces(simulator.observation_space, simulator.action_space)
    # Imported here because MuJoCo is an extra.
    explain_model = importlib.import_module("symmdp.mdp.explanation._mujoco_model").explain_model
    return Explanation(name, symmetry.name, *explain_model(simulator, symmetry))
