from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from symmdp.errors import OptionError
from symmdp.maps import EquivariantMaps
from symmdp.nn._free_tensor import FreeTensor
from symmdp.nn._linear import EquivariantLinear, Mode
from symmdp.representations import Representation


class ResidualPathwayLinear(nn.Module):
    """An equivariant linear map and a free one beside it, for a symmetry that holds approximately: `y = W x + b + F x + f`.

    `W` and `b` are those of an `EquivariantLinear`; every entry of `F` and `f` is free, and zero at the start, where the layer
    is equivariant. Weight decay is a Gaussian prior on the two: give the free path the larger one (`parameter_groups`), and
    it stays near zero where the symmetry holds. Parameters with a leading axis make a stack of layers, as there.

    Args:
        rep_in: the representation on the input, of dimension `in`.
        rep_out: the representation on the output, of dimension `out`.
        bias: whether to add `b` and `f`.
        mode: of the equivariant map.
        generator: where its initial values are drawn from; torch's default generator when not given.
        dtype: of the parameters; torch's default when not given.
        device: of the parameters.

    Shape:
        `(..., in)` to `(..., out)`.

    Raises:
        as `EquivariantLinear` does.

    Source: Finzi, Benton and Wilson 2021, *Residual Pathway Priors for Soft Equivariance Constraints* (arXiv 2112.01388),
    section 3.
    """

    def __init__(
        self,
        rep_in: Representation,
        rep_out: Representation,
        bias: bool = True,
        *,
        mode: Mode = "auto",
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ):
        super().__init__()
        options: dict[str, Any] = {"dtype": dtype, "device": device}
        self.rep_in, self.rep_out = rep_in, rep_out
        self.equivariant = EquivariantLinear(rep_in, rep_out, bias, mode=mode, generator=generator, **options)
        self.path_weight = FreeTensor.whole((rep_out.dim, rep_in.dim), **options)
        self.path_bias = FreeTensor.whole((rep_out.dim,), **options) if bias else None

    @property
    def weight(self) -> Tensor:
        """The whole weight `W + F`, shape `(out, in)`."""
        return self.equivariant.weight + self.path_weight()

    @property
    def bias(self) -> Tensor | None:
        """The whole bias `b + f`, shape `(out,)`, or None."""
        bias = self.equivariant.bias
        return None if bias is None or self.path_bias is None else bias + self.path_bias()

    def forward(self, x: Tensor) -> Tensor:
        """`W x + b + F x + f`, shape `(..., in)` to `(..., out)`."""
        y = self.equivariant(x)
        weight = self.path_weight()
        bias = None if self.path_bias is None else self.path_bias()
        if weight.ndim == 2:
            return y + F.linear(x, weight, bias)
        y = y + torch.bmm(x, weight.mT)
        return y if bias is None else y + bias.unsqueeze(1)

    @torch.no_grad()
    def equivariance_error(self) -> Tensor:
        """How far the layer is from equivariant: `‖W' − S(W')‖ / ‖W'‖` in the Frobenius norm, `W'` its whole affine map.

        0 where it is equivariant, and at most 1 under orthogonal representations; float64 of shape `()`, or `(stack,)`.

        Raises:
            GroupError: the group is not listed, and a representation is not orthogonal.
        """
        weight, bias, source = self.weight.double(), self.bias, self.rep_in
        if bias is not None:  # a bias is a map from one coordinate that the group leaves unchanged
            weight = torch.cat([weight, bias.double().unsqueeze(-1)], dim=-1)
            source = self.rep_in + self.rep_in.group.trivial
        rest = weight - EquivariantMaps(source, self.rep_out).symmetrize(weight)
        tiny = torch.finfo(torch.float64).tiny
        return torch.linalg.matrix_norm(rest) / torch.linalg.matrix_norm(weight).clamp_min(tiny)

    def extra_repr(self) -> str:
        """The two representations."""
        return f"{self.rep_in.name} → {self.rep_out.name} over {self.rep_in.group.name}, bias={self.path_bias is not None}"


def parameter_groups(module: nn.Module, *, weight_decay: float, free_weight_decay: float) -> list[dict[str, Any]]:
    """Groups of parameters for a torch optimiser: free paths (`ResidualPathwayLinear`) with a weight decay of their own.

    Weight decay `λ` is the prior `N(0, 1/(2λ))` on a parameter: the larger `free_weight_decay`, the nearer to equivariant.

    Args:
        module: with free paths somewhere in it.
        weight_decay: of all other parameters.
        free_weight_decay: of the free paths.

    Returns:
        two groups, the others and the free paths, as `torch.optim` takes them.

    Raises:
        OptionError: a weight decay is negative, that of the free paths is the smaller one, or there are no free paths.

    Source: Finzi, Benton and Wilson 2021 (arXiv 2112.01388), section 3.
    """
    if not 0 <= weight_decay <= free_weight_decay:
        raise OptionError(
            f"Expected 0 ≤ weight_decay ≤ free_weight_decay; got {weight_decay} and {free_weight_decay}. The larger one keeps "
            "the free paths small."
        )
    layers = [layer for layer in module.modules() if isinstance(layer, ResidualPathwayLinear)]
    if not layers:
        raise OptionError(
            f"{type(module).__name__} has no free path. Build it with free_path=True, or use ResidualPathwayLinear in it."
        )
    tensors = [tensor for layer in layers for tensor in (layer.path_weight, layer.path_bias) if tensor is not None]
    free = {id(tensor.theta) for tensor in tensors}
    parameters = list(module.parameters())
    return [
        {"params": [p for p in parameters if id(p) not in free], "weight_decay": weight_decay},
        {"params": [p for p in parameters if id(p) in free], "weight_decay": free_weight_decay},
    ]
