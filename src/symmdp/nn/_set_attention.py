from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from symmdp.errors import ActivationError, OptionError, RepresentationError, ShapeError
from symmdp.nn._linear import EquivariantLinear
from symmdp.representations import Kind, Representation

Reduction = Literal["mean", "sum", "max"]


class SetAttention(nn.Module):
    """Multi-head self-attention over a set of tokens (agents), equivariant to the group and to every permutation of tokens.

        a_ij = softmax_j(⟨q_i, k_j⟩ / √width),   y_i = Σ_heads W_o Σ_j a_ij v_j + b_o

    Queries and keys live in an orthogonal representation, so that `⟨q_i, k_j⟩` is invariant: copies of the regular one by
    default; values in any representation, `rep_token` itself by default. A group element acts on each token's features;
    tokens have no order, and the symmetric group is never enumerated. Over the trivial group, with values of size
    `dim / heads`, this is `torch.nn.MultiheadAttention`.

    Args:
        rep_token: the representation on a token's features, of dimension `dim`.
        heads: the number of heads.
        rep_out: the representation on a token's output, of dimension `out`; `rep_token` when not given.
        rep_value: the representation on a head's values; `rep_token` when not given.
        width: of a head's queries and keys, rounded up to a multiple of `|G|`; `dim / heads` when not given.
        rep_query: the representation on a head's queries and keys, in place of copies of the regular one (for a group too
            large to list, say); orthogonal.
        bias: whether the maps have invariant biases.
        generator: where initial values are drawn from; torch's default generator when not given.
        dtype: of the parameters; torch's default when not given.
        device: of the parameters.

    Shape:
        `(..., tokens, dim)` to `(..., tokens, out)`, for any number of tokens.

    Raises:
        GroupMismatchError: representations of two different groups.
        OptionError: `heads` or `width` is below 1, or both `width` and `rep_query` are given.
        RepresentationError: `rep_query` is not orthogonal.
        ShapeError: (forward) the input or the mask has the wrong shape.

    Source: Vaswani et al. 2017 (arXiv 1706.03762), section 3.2; for sets, Lee et al. 2019 (arXiv 1810.00825), section 3.1.
    """

    def __init__(
        self,
        rep_token: Representation,
        heads: int = 1,
        rep_out: Representation | None = None,
        *,
        rep_value: Representation | None = None,
        width: int | None = None,
        rep_query: Representation | None = None,
        bias: bool = True,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ):
        super().__init__()
        if heads < 1:
            raise OptionError(f"Attention has at least one head; got heads={heads}.")
        rep_out, rep_value = rep_out or rep_token, rep_value or rep_token
        hidden = _query_representation(rep_token, heads, width, rep_query)
        self.rep_in, self.rep_out, self.heads = rep_token, rep_out, heads
        self._sizes = (heads * hidden.dim, heads * hidden.dim, heads * rep_value.dim)
        maps = {"bias": bias, "generator": generator, "dtype": dtype, "device": device}
        # One product for queries, keys and values.
        self.input_map = EquivariantLinear(rep_token, heads * hidden + heads * hidden + heads * rep_value, **maps)
        self.output_map = EquivariantLinear(heads * rep_value, rep_out, **maps)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Each token's output.

        Args:
            x: tokens, shape `(..., tokens, dim)`.
            mask: booleans that broadcast to `(..., tokens)`, true where a token is present. An absent token has no effect
                on the others, whatever its features (not a number, say), and its output is zero.
        """
        if x.ndim < 2:
            raise ShapeError(f"Expected tokens of shape (..., tokens, {self.rep_in.dim}); got {tuple(x.shape)}.")
        attended = None
        if mask is not None:
            mask = checked_mask(x, mask)
            x = x.masked_fill(~mask.unsqueeze(-1), 0)
            # A row without a key would be 0 / 0: an empty set attends to its zeros, and its outputs are zeroed below.
            attended = (mask | ~mask.any(-1, keepdim=True)).unsqueeze(-2).unsqueeze(-2)
        q, k, v = (self._by_head(part) for part in self.input_map(x).split(self._sizes, dim=-1))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=attended)
        y = self.output_map(y.transpose(-2, -3).flatten(-2))
        return y if mask is None else y.masked_fill(~mask.unsqueeze(-1), 0)

    def _by_head(self, part: Tensor) -> Tensor:
        """`(..., tokens, heads · size)` to `(..., heads, tokens, size)`."""
        return part.unflatten(-1, (self.heads, -1)).transpose(-2, -3)

    def extra_repr(self) -> str:
        """The representations and the number of heads."""
        return f"{self.rep_in.name} → {self.rep_out.name} over {self.rep_in.group.name}, heads={self.heads}"


def _query_representation(
    rep_token: Representation, heads: int, width: int | None, rep_query: Representation | None
) -> Representation:
    if rep_query is not None:
        if width is not None:
            raise OptionError(f"Give width or rep_query, not both: rep_query has dimension {rep_query.dim}.")
        if not rep_query.kind.is_orthogonal:
            raise RepresentationError(
                f"Inner products of queries and keys are invariant under orthogonal representations alone; {rep_query!r} "
                "changes lengths. Leave rep_query out, for copies of the regular representation."
            )
        return rep_query
    width = -(-rep_token.dim // heads) if width is None else width
    if width < 1:
        raise OptionError(f"Queries and keys have at least one coordinate; got width={width}.")
    return -(-width // rep_token.group.order) * rep_token.group.regular


class SetPool(nn.Module):
    """The mean, sum or maximum over a set of tokens: invariant to their order, equivariant to the group on their features.

    Args:
        rep_token: the representation on a token's features, of dimension `dim`; a permutation representation for the
            maximum, which is taken coordinate by coordinate.
        reduction: `"mean"`, `"sum"` or `"max"`.

    Shape:
        `(..., tokens, dim)` to `(..., dim)`; zeros where no token is present.

    Raises:
        OptionError: the reduction is none of the three.
        ActivationError: the maximum over a representation that is no permutation.
        ShapeError: (forward) the input or the mask has the wrong shape.

    Source: Zaheer et al. 2017 (arXiv 1703.06114), theorem 2.
    """

    def __init__(self, rep_token: Representation, reduction: Reduction = "mean"):
        super().__init__()
        if reduction not in get_args(Reduction):
            raise OptionError(f"The reduction is one of {', '.join(get_args(Reduction))}; got {reduction!r}.")
        if reduction == "max" and rep_token.kind is not Kind.PERMUTATION:
            raise ActivationError(
                f"A maximum over tokens is equivariant for permutation representations alone; {rep_token!r} is "
                f'{rep_token.kind}. Use reduction="mean", or map to a regular representation first.'
            )
        self.rep_in = self.rep_out = rep_token
        self.reduction = reduction

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """The pooled features; `mask` as in `SetAttention`."""
        if x.ndim < 2 or x.shape[-1] != self.rep_in.dim:
            raise ShapeError(f"Expected tokens of shape (..., tokens, {self.rep_in.dim}); got {tuple(x.shape)}.")
        if x.shape[-2] == 0:
            return x.new_zeros(*x.shape[:-2], self.rep_in.dim)
        if mask is None:
            return x.amax(-2) if self.reduction == "max" else x.sum(-2) if self.reduction == "sum" else x.mean(-2)
        present = checked_mask(x, mask).unsqueeze(-1)
        if self.reduction == "max":
            return x.masked_fill(~present, -torch.inf).amax(-2).masked_fill(~present.any(-2), 0)
        total = x.masked_fill(~present, 0).sum(-2)
        return total if self.reduction == "sum" else total / present.sum(-2).clamp_min(1)

    def extra_repr(self) -> str:
        """The representation and the reduction."""
        return f"{self.rep_in.name}, {self.reduction}"


def checked_mask(x: Tensor, mask: Tensor) -> Tensor:
    """A mask of booleans expanded to the tokens of `x`, shape `(..., tokens)`."""
    wanted = x.shape[:-1]
    if mask.dtype is not torch.bool:
        raise ShapeError(f"A mask holds booleans, true where a token is present; got {mask.dtype}. Convert with mask.bool().")
    fits = mask.ndim <= len(wanted) and all(m in (1, n) for m, n in zip(reversed(mask.shape), reversed(wanted), strict=False))
    if not fits or mask.ndim == 0:
        raise ShapeError(f"A mask has one boolean for each token, shape {tuple(wanted)}; got {tuple(mask.shape)}.")
    return mask.expand(wanted)
