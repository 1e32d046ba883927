"""Torch modules that are equivariant by construction."""

from symmdp.nn._activation import CReLU, GatedActivation, NormActivation, Pointwise, allowed_activations
from symmdp.nn._cnn import EquivariantCNN
from symmdp.nn._conv import EquivariantConv2d
from symmdp.nn._fourier import FourierActivation
from symmdp.nn._free_tensor import FreeTensor
from symmdp.nn._gru import EquivariantGRU, EquivariantGRUCell
from symmdp.nn._images import EquivariantFlatten, OnChannels
from symmdp.nn._initialization import orthogonal_
from symmdp.nn._joint_expansion import JointExpansion, whole_copy
from symmdp.nn._linear import EquivariantLinear, Mode
from symmdp.nn._mlp import EquivariantMLP, hidden_representation
from symmdp.nn._normalization import EquivariantLayerNorm, EquivariantRMSNorm
from symmdp.nn._other_maps import replace_maps_
from symmdp.nn._pooling import EquivariantAvgPool2d, EquivariantMaxPool2d, GroupPool, SpatialPool
from symmdp.nn._residual import Residual
from symmdp.nn._residual_pathway import ResidualPathwayLinear, parameter_groups
from symmdp.nn._running_norm import EquivariantRunningNorm
from symmdp.nn._sequential import EquivariantSequential
from symmdp.nn._set_attention import SetAttention, SetPool
from symmdp.nn._to_plain import to_plain

__all__ = [
    "CReLU",
    "EquivariantAvgPool2d",
    "EquivariantCNN",
    "EquivariantConv2d",
    "EquivariantFlatten",
    "EquivariantGRU",
    "EquivariantGRUCell",
    "EquivariantLayerNorm",
    "EquivariantLinear",
    "EquivariantMLP",
    "EquivariantMaxPool2d",
    "EquivariantRMSNorm",
    "EquivariantRunningNorm",
    "EquivariantSequential",
    "FourierActivation",
    "FreeTensor",
    "GatedActivation",
    "GroupPool",
    "JointExpansion",
    "Mode",
    "NormActivation",
    "OnChannels",
    "Pointwise",
    "Residual",
    "ResidualPathwayLinear",
    "SetAttention",
    "SetPool",
    "SpatialPool",
    "allowed_activations",
    "hidden_representation",
    "orthogonal_",
    "parameter_groups",
    "replace_maps_",
    "to_plain",
    "whole_copy",
]
