"""Torch modules that are equivariant by construction."""

from symmdp.nn._activation import CReLU, GatedActivation, NormActivation, Pointwise, allowed_activations
from symmdp.nn._fourier import FourierActivation
from symmdp.nn._free_tensor import FreeTensor
from symmdp.nn._gru import EquivariantGRU, EquivariantGRUCell
from symmdp.nn._initialization import orthogonal_
from symmdp.nn._joint_expansion import JointExpansion, whole_copy
from symmdp.nn._linear import EquivariantLinear, Mode
from symmdp.nn._mlp import EquivariantMLP, hidden_representation
from symmdp.nn._normalization import EquivariantLayerNorm, EquivariantRMSNorm
from symmdp.nn._residual import Residual
from symmdp.nn._sequential import EquivariantSequential
from symmdp.nn._set_attention import SetAttention, SetPool
from symmdp.nn._to_plain import to_plain

__all__ = [
    "CReLU",
    "EquivariantGRU",
    "EquivariantGRUCell",
    "EquivariantLayerNorm",
    "EquivariantLinear",
    "EquivariantMLP",
    "EquivariantRMSNorm",
    "EquivariantSequential",
    "FourierActivation",
    "FreeTensor",
    "GatedActivation",
    "JointExpansion",
    "Mode",
    "NormActivation",
    "Pointwise",
    "Residual",
    "SetAttention",
    "SetPool",
    "allowed_activations",
    "hidden_representation",
    "orthogonal_",
    "to_plain",
    "whole_copy",
]
