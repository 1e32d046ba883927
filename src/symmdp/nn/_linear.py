from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from symmdp.errors import ShapeError
from symmdp.nn._free_tensor import FreeTensor
from symmdp.representations import Representation


class EquivariantLinear(nn.Module):
    """An equivariant affine map: `y = W x + b` with `ρ_out(g) W = W ρ_in(g)` and `ρ_out(g) b = b` for every `g`.

    Its parameters are the free ones only (`dim Hom_G(ρ_in, ρ_out)` of them, and the dimension of the fixed subspace for
    the bias). Over the trivial group this is `torch.nn.Linear`. Parameters with a leading axis make a stack of layers:
    inputs are then `(stack, batch, in)`.

    Args:
        rep_in: the representation on the input, of dimension `in`.
        rep_out: the representation on the output, of dimension `out`.
        bias: whether to add an invariant bias.
        generator: where initial values are drawn from; torch's default generator when not given, as in `nn.Linear`.
        dtype: of the parameters; torch's default when not given.
        device: of the parameters.

    Shape:
        `(..., in)` to `(..., out)`.

    Raises:
        GroupMismatchError: the representations belong to two different groups.
        ShapeError: (forward) the last axis of the input is not `in`.

    Source: van der Pol et al. 2020, section 4.2.
    """

    def __init__(
        self,
        rep_in: Representation,
        rep_out: Representation,
        bias: bool = True,
        *,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ):
        super().__init__()
        self.rep_in, self.rep_out = rep_in, rep_out
        self.free_weight = FreeTensor.map(rep_in, rep_out, dtype=dtype, device=device)
        self.free_bias = FreeTensor.vector(rep_out, dtype=dtype, device=device) if bias else None
        self.reset_parameters(generator)

    @property
    def weight(self) -> Tensor:
        """The weight `W`, shape `(out, in)`: a function of the free parameters."""
        return self.free_weight()

    @property
    def bias(self) -> Tensor | None:
        """The bias `b`, shape `(out,)`, or None."""
        return None if self.free_bias is None else self.free_bias()

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the entries of `W` and `b` with the variance that `nn.Linear` gives them, `1 / (3 fan_in)`.

        `fan_in` is the mean number of entries in a row of `W` that may differ from zero.
        """
        pattern = self.free_weight.tied
        nonzero = (pattern.sign != 0).sum() if pattern is not None else (abs(self.free_weight.basis) > 1e-9).any(0).sum()
        fan_in = max(1.0, float(nonzero) / self.rep_out.dim)
        for free in (self.free_weight, self.free_bias):
            if free is None or free.count == 0:
                continue
            # Basis elements have norm 1, spread over their entries; tied entries are theta itself.
            entries = 1.0 if free.tied is not None else max(1.0, float((abs(free.basis) > 1e-9).any(0).sum())) / free.count
            free.theta.uniform_(-1, 1, generator=generator).mul_(math.sqrt(entries / fan_in))

    def forward(self, x: Tensor) -> Tensor:
        """`W x + b`, shape `(..., in)` to `(..., out)`."""
        if x.shape[-1] != self.rep_in.dim:
            raise ShapeError(f"Expected inputs of size {self.rep_in.dim} on the last axis; got shape {tuple(x.shape)}.")
        weight, bias = self.weight, self.bias
        if weight.ndim == 2:
            return F.linear(x, weight, bias)
        if bias is None:
            return torch.bmm(x, weight.mT)
        return torch.baddbmm(bias.unsqueeze(1), x, weight.mT)

    def extra_repr(self) -> str:
        """The two representations."""
        return f"{self.rep_in.name} → {self.rep_out.name} over {self.rep_in.group.name}, bias={self.free_bias is not None}"
