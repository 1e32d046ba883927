from __future__ import annotations

import math

import torch

from symmdp.errors import ShapeError
from symmdp.maps import SharedBasis
from symmdp.nn._conv import EquivariantConv2d
from symmdp.nn._free_tensor import FreeTensor
from symmdp.nn._linear import EquivariantLinear


@torch.no_grad()
def replace_maps_(
    layer: EquivariantLinear | EquivariantConv2d,
    weight: SharedBasis,
    bias: SharedBasis | None = None,
    generator: torch.Generator | None = None,
) -> None:
    """Let the weight and the bias of a layer lie in other spaces of maps, which ends its equivariance: for comparisons.

    The new weight is drawn uniformly in direction, with the Frobenius norm of the one that it replaces; the bias is zero.

    Args:
        layer: changed in place.
        weight: of the shape of the layer's free weight.
        bias: of the shape of its bias; None where it has none.
        generator: torch's default generator when not given.

    Raises:
        ShapeError: a space has another shape.
    """
    for name, free, space in (("weight", layer.free_weight, weight), ("bias", layer.free_bias, bias)):
        shape = None if free is None else free.shape
        given = None if space is None else space.shape
        if shape != given:
            raise ShapeError(f"The layer has a {name} of shape {shape}; the space holds arrays of shape {given}.")
    options = {"dtype": layer.free_weight.theta.dtype, "device": layer.free_weight.theta.device}
    norm = torch.linalg.vector_norm(layer.free_weight())
    layer.free_weight = FreeTensor(weight, **options)
    theta = layer.free_weight.theta
    if layer.free_weight.count:
        theta.normal_(generator=generator)  # the basis is orthonormal: the weight has the norm of its coefficients
        theta.mul_(norm / torch.linalg.vector_norm(theta))
    layer.free_bias = None if bias is None else FreeTensor(bias, **options)
    if isinstance(layer, EquivariantLinear):
        # The faster products know equivariant maps only.
        layer.mode, layer.product, layer.unfolded = "basis", None, None
        layer._most_rows, layer._most_numbers = -1, math.inf
