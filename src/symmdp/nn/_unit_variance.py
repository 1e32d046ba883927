from __future__ import annotations

import torch

from symmdp.maps import IsotypicMaps
from symmdp.nn._free_tensor import FreeTensor


@torch.no_grad()
def unit_variance_(weight: FreeTensor, bias: FreeTensor | None, generator: torch.Generator | None = None) -> None:
    """Draw an equivariant `W`, shape `(out, in)`, so that outputs have the variance of the inputs, and `b` as `nn.Linear` does.

    Free parameters are uniform, and scaled so that rows of `W` that are not zero have norm 1 in the mean of squares: for
    inputs of unit variance so are the outputs, exactly on average over them, for every group and kind of representation.
    Biases have variance `1 / (3 fan_in)`, where `fan_in` is the mean number of entries in such a row.

    Args:
        weight: changed in place.
        bias: likewise.
        generator: torch's default generator when not given.
    """
    if weight.count:
        weight.theta.uniform_(-1, 1, generator=generator)
        if isinstance(weight.space, IsotypicMaps):  # as if the entries of W had been drawn, and symmetrized
            weight.theta.div_(torch.as_tensor(weight.space.tied.sizes).to(weight.theta).sqrt())
        whole = weight.expand(weight.theta)
        rows = whole.abs() > 1e-9 * whole.abs().max()
        reached = rows.any(dim=1).sum()
        weight.theta.mul_(reached.to(whole.dtype).sqrt() / torch.linalg.matrix_norm(whole))
        fan_in = rows.sum() / reached
    else:
        fan_in = torch.ones((), device=weight.theta.device)
    if bias is not None and bias.count:
        bias.theta.uniform_(-1, 1, generator=generator).div_(fan_in.to(bias.theta.dtype).sqrt())
        if bias.tied is None:  # basis elements have norm 1, spread over their entries
            reached = (bias.expand(torch.ones_like(bias.theta)).abs() > 1e-9).sum()
            bias.theta.mul_((reached.to(bias.theta.dtype) / bias.count).clamp_min(1).sqrt())
