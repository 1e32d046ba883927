"""Equivariant linear maps between representations: their dimension, bases, the symmetrizer, tied parameters, and moments."""

from symmdp.maps._equivariant_maps import EquivariantMaps
from symmdp.maps._isotypic_maps import IsotypicLayout, IsotypicMaps, algebra_units
from symmdp.maps._shared_basis import SharedBasis
from symmdp.maps._symmetrized_moments import SymmetrizedMoments
from symmdp.maps._tied import TiedParameters, tie, tie_maps, tie_vector

__all__ = [
    "EquivariantMaps",
    "IsotypicLayout",
    "IsotypicMaps",
    "SharedBasis",
    "SymmetrizedMoments",
    "TiedParameters",
    "algebra_units",
    "tie",
    "tie_maps",
    "tie_vector",
]
