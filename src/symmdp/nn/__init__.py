"""Torch modules that are equivariant by construction."""

from symmdp.nn._activation import CReLU, NormActivation, Pointwise
from symmdp.nn._fourier import FourierActivation
from symmdp.nn._free_tensor import FreeTensor
from symmdp.nn._initialization import orthogonal_
from symmdp.nn._joint_expansion import JointExpansion, whole_copy
from symmdp.nn._linear import EquivariantLinear
from symmdp.nn._mlp import EquivariantMLP, hidden_representation

__all__ = [
    "CReLU",
    "EquivariantLinear",
    "EquivariantMLP",
    "FourierActivation",
    "FreeTensor",
    "JointExpansion",
    "NormActivation",
    "Pointwise",
    "hidden_representation",
    "orthogonal_",
    "whole_copy",
]
