"""Finite groups as immutable values; elements are the integers `0 … |G|-1`, and `0` is the identity."""

from symmdp.groups._closure import generated_by
from symmdp.groups._constructors import alternating, cyclic, dihedral, klein_four, quaternion, symmetric, trivial
from symmdp.groups._group import Group, Subgroup
from symmdp.groups._homomorphism import Homomorphism, homomorphism
from symmdp.groups._normal import normal_subgroups, quotient
from symmdp.groups._polyhedral import icosahedral, octahedral, tetrahedral
from symmdp.groups._products import direct_product, semidirect_product, wreath_product
from symmdp.groups._unlisted import UnlistedGroup, unlisted

__all__ = [
    "Group",
    "Homomorphism",
    "Subgroup",
    "UnlistedGroup",
    "alternating",
    "cyclic",
    "dihedral",
    "direct_product",
    "generated_by",
    "homomorphism",
    "icosahedral",
    "klein_four",
    "normal_subgroups",
    "octahedral",
    "quaternion",
    "quotient",
    "semidirect_product",
    "symmetric",
    "tetrahedral",
    "trivial",
    "unlisted",
    "wreath_product",
]
