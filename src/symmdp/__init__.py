"""Reinforcement-learning policies that respect the symmetries of their MDP by construction."""

from symmdp import errors, groups
from symmdp.groups import Group
from symmdp.maps import EquivariantMaps
from symmdp.representations import Representation

__all__ = ["EquivariantMaps", "Group", "Representation", "errors", "groups"]
