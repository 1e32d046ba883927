"""What `to_plain` puts where `torch.nn` has no equal: modules that know tensors alone, no group and no representation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class WholeTensor(nn.Module):
    """A tensor as a parameter; calling the module gives it (`FreeTensor`)."""

    def __init__(self, value: nn.Parameter):
        super().__init__()
        self.value = value

    def forward(self) -> Tensor:
        """The tensor."""
        return self.value


class Elementwise(nn.Module):
    """A function of each coordinate that `torch.nn` has no module for (`Pointwise`)."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        """`f(x)`, any shape."""
        return self.function(x)

    def extra_repr(self) -> str:
        """The function's name."""
        return getattr(self.function, "__name__", repr(self.function))


class ConcatenatedReLU(nn.Module):
    """`x ↦ (relu(x), relu(-x))`, shape `(..., dim)` to `(..., 2 dim)` (`CReLU`)."""

    def forward(self, x: Tensor) -> Tensor:
        """The two halves."""
        return torch.cat([x.relu(), (-x).relu()], dim=-1)


class Blocks(nn.Module):
    """Sets of coordinates by their indices.

    Args:
        label: the block of each coordinate, shape `(dim,)`.
        position: the coordinates of each block, padded, shape `(blocks, largest)`.
        member: which of them are no padding, the same shape.
    """

    label: Tensor
    position: Tensor
    member: Tensor

    def __init__(self, label: Tensor, position: Tensor, member: Tensor):
        super().__init__()
        self.count = len(position)
        for name, value in {"label": label, "position": position, "member": member}.items():
            self.register_buffer(name, value, persistent=False)

    def lengths(self, x: Tensor) -> Tensor:
        """The Euclidean length of each block, shape `(..., dim)` to `(..., count)`; float32 for narrower types."""
        dtype = _accumulation_dtype(x.dtype)
        if self.count == x.shape[-1]:
            return x.to(dtype).abs()
        members = x.index_select(-1, self.position.flatten()).unflatten(-1, tuple(self.position.shape))
        return torch.linalg.vector_norm(members.masked_fill(~self.member, 0), dim=-1, dtype=dtype)

    def spread(self, values: Tensor) -> Tensor:
        """Each block's value at each of its coordinates, shape `(..., count)` to `(..., dim)`."""
        return values.index_select(-1, self.label)

    def extra_repr(self) -> str:
        """The number of blocks."""
        return f"{self.count} blocks of {len(self.label)} coordinates"


class LengthActivation(nn.Module):
    """`x ↦ f(‖x‖) x / ‖x‖`, of the whole vector or of each block (`NormActivation`)."""

    def __init__(self, function: Callable[[Tensor], Tensor], blocks: Blocks | None):
        super().__init__()
        self.function = function
        self.blocks = blocks

    def forward(self, x: Tensor) -> Tensor:
        """Shape `(..., dim)` to `(..., dim)`."""
        if self.blocks is None:
            length = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=_accumulation_dtype(x.dtype))
        else:
            length = self.blocks.lengths(x)
        length = length.clamp_min(torch.finfo(length.dtype).tiny)
        factor = self.function(length) / length
        return (factor if self.blocks is None else self.blocks.spread(factor)).to(x.dtype) * x


class Gate(nn.Module):
    """`(x, γ) ↦ (f(γ_k) x_k)_k` for blocks `k`, shape `(..., dim + blocks)` to `(..., dim)` (`GatedActivation`)."""

    def __init__(self, function: Callable[[Tensor], Tensor], blocks: Blocks):
        super().__init__()
        self.function = function
        self.blocks = blocks

    def forward(self, x: Tensor) -> Tensor:
        """The gated coordinates."""
        coordinates, gates = x.split((len(self.blocks.label), self.blocks.count), dim=-1)
        return coordinates * self.blocks.spread(self.function(gates))


class CenteredRMSNorm(nn.Module):
    """`y = (x - m) / √(‖x - m‖² / dim + ε) · s + b` with `m = ⟨u, x⟩ u`, or `m = 0` without `u` (`EquivariantLayerNorm`).

    Args:
        direction: `u`, of length 1, shape `(dim,)`, or None.
        weight: `s`, shape `(dim,)`, or None.
        bias: `b`, shape `(dim,)`, or None.
        dim: the size of the last axis.
        eps: `ε`.
    """

    direction: Tensor | None

    def __init__(
        self, direction: Tensor | None, weight: nn.Parameter | None, bias: nn.Parameter | None, *, dim: int, eps: float
    ):
        super().__init__()
        self.register_buffer("direction", direction, persistent=False)
        self.weight, self.bias = weight, bias
        self.dim, self.eps = dim, eps

    def forward(self, x: Tensor) -> Tensor:
        """The normalised `x`, shape `(..., dim)`; sums are taken in float32 or wider."""
        y = x.to(_accumulation_dtype(x.dtype))
        if self.direction is not None:
            unit = self.direction.to(y.dtype)
            y = y - (y * unit).sum(-1, keepdim=True) * unit
        y = F.rms_norm(y, (self.dim,), eps=self.eps).to(x.dtype)
        y = y if self.weight is None else y * self.weight
        return y if self.bias is None else y + self.bias

    def extra_repr(self) -> str:
        """The size and the options."""
        return f"{self.dim}, eps={self.eps}, affine={self.weight is not None}"


class Attention(nn.Module):
    """Multi-head self-attention over a set of tokens, some of which may be absent (`SetAttention`).

    Not `torch.nn.MultiheadAttention`: queries and keys have a size of their own here, and absent tokens give zeros.

    Args:
        input_map: each token to its queries, keys and values, after one another.
        output_map: the heads' values to the output.
        heads: the number of heads.
        sizes: of all queries, all keys and all values.
    """

    def __init__(self, input_map: nn.Linear, output_map: nn.Linear, heads: int, sizes: tuple[int, int, int]):
        super().__init__()
        self.input_map, self.output_map = input_map, output_map
        self.heads, self.sizes = heads, sizes

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Each token's output, `(..., tokens, dim)` to `(..., tokens, out)`; `mask` is true where a token is present."""
        attended = None
        if mask is not None:
            mask = mask.expand(x.shape[:-1])
            x = x.masked_fill(~mask.unsqueeze(-1), 0)
            attended = (mask | ~mask.any(-1, keepdim=True)).unsqueeze(-2).unsqueeze(-2)
        q, k, v = (self._by_head(part) for part in self.input_map(x).split(self.sizes, dim=-1))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=attended)
        y = self.output_map(y.transpose(-2, -3).flatten(-2))
        return y if mask is None else y.masked_fill(~mask.unsqueeze(-1), 0)

    def _by_head(self, part: Tensor) -> Tensor:
        return part.unflatten(-1, (self.heads, -1)).transpose(-2, -3)

    def extra_repr(self) -> str:
        """The number of heads."""
        return f"heads={self.heads}"


class Pool(nn.Module):
    """The mean, sum or maximum over a set of tokens, some of which may be absent (`SetPool`)."""

    def __init__(self, reduction: str):
        super().__init__()
        self.reduction = reduction

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """The pooled features, `(..., tokens, dim)` to `(..., dim)`; zeros where no token is present."""
        if x.shape[-2] == 0:
            return x.new_zeros(*x.shape[:-2], x.shape[-1])
        if mask is None:
            return x.amax(-2) if self.reduction == "max" else x.sum(-2) if self.reduction == "sum" else x.mean(-2)
        present = mask.expand(x.shape[:-1]).unsqueeze(-1)
        if self.reduction == "max":
            return x.masked_fill(~present, -torch.inf).amax(-2).masked_fill(~present.any(-2), 0)
        total = x.masked_fill(~present, 0).sum(-2)
        return total if self.reduction == "sum" else total / present.sum(-2).clamp_min(1)

    def extra_repr(self) -> str:
        """The reduction."""
        return self.reduction


class Skip(nn.Module):
    """`y = P x + f(x)`, where `P` is the identity unless a projection is given (`Residual`)."""

    def __init__(self, module: nn.Module, projection: nn.Module | None):
        super().__init__()
        self.module = module
        self.projection = projection

    def forward(self, x: Tensor, *arguments: Any, **options: Any) -> Tensor:
        """`P x + f(x)`; further arguments go to `f`."""
        shortcut = x if self.projection is None else self.projection(x)
        return shortcut + self.module(x, *arguments, **options)


def _accumulation_dtype(dtype: torch.dtype) -> torch.dtype:
    return torch.float32 if dtype in (torch.bfloat16, torch.float16) else dtype
