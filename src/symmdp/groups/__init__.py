"""Finite groups as immutable values; elements are the integers `0 … |G|-1`, and `0` is the identity."""

from symmdp.groups._closure import generated_by
from symmdp.groups._constructors import cyclic, dihedral, direct_product, quaternion, symmetric, trivial
from symmdp.groups._group import Group, Subgroup

__all__ = [
    "Group",
    "Subgroup",
    "cyclic",
    "dihedral",
    "direct_product",
    "generated_by",
    "quaternion",
    "symmetric",
    "trivial",
]
