"""Reinforcement-learning policies that respect the symmetries of their MDP by construction."""

from symmdp import errors, groups
from symmdp.catalogue import symmetry_of
from symmdp.groups import Group
from symmdp.maps import EquivariantMaps
from symmdp.mdp import Symmetry, verify
from symmdp.representations import Representation

__version__ = "0.1.0"

__all__ = ["EquivariantMaps", "Group", "Representation", "Symmetry", "errors", "groups", "symmetry_of", "verify"]
