from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch

from symmdp.maps import EquivariantMaps
from symmdp.nn._conv import EquivariantConv2d
from symmdp.nn._linear import EquivariantLinear

Layer = TypeVar("Layer", EquivariantLinear, EquivariantConv2d)


@torch.no_grad()
def orthogonal_(layer: Layer, gain: float = 1.0, generator: torch.Generator | None = None) -> Layer:
    """Initialise a layer with `gain` times an orthogonal equivariant matrix, and its bias with zero.

    The matrix is the polar factor `U Vᵀ` of a symmetrized Gaussian matrix `S(N) = U Σ Vᵀ`. The polar factor of an
    equivariant matrix is equivariant; directions with `Σ = 0`, which no equivariant map reaches, are left at zero. Over
    the trivial group this draws what `torch.nn.init.orthogonal_` draws. The kernel of a convolution is a matrix from patches
    to channels, as there. Representations that are not orthogonal get the
    symmetrized Gaussian itself, scaled to the same Frobenius norm.

    Args:
        layer: changed in place, and returned.
        gain: all non-zero singular values of the weight.
        generator: torch's default generator when not given.
    """
    rep_in = layer.rep_patch if isinstance(layer, EquivariantConv2d) else layer.rep_in
    maps = EquivariantMaps(rep_in, layer.rep_out)
    noise = torch.randn(maps.shape, generator=generator, dtype=torch.float64)
    equivariant = maps.symmetrize(noise.numpy())
    u, values, v = np.linalg.svd(equivariant, full_matrices=False)
    rank = int((values > 1e-10 * values[0]).sum()) if maps.dim else 0
    if rep_in.kind.is_orthogonal and layer.rep_out.kind.is_orthogonal:
        weight = u[:, :rank] @ v[:rank]
    else:
        weight = equivariant * np.sqrt(rank) / max(float(np.linalg.norm(equivariant)), 1e-300)
    layer.free_weight.assign(gain * weight)
    if layer.free_bias is not None:
        layer.free_bias.theta.zero_()
    return layer
