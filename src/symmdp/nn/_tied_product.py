"""The product with a tied weight, written out forward and backward.

Autograd alone would scatter the gradient of every entry into its parameter, one by one. The entries of each orbit gathered
into rows, and the rows summed, take half of that time. Where there are few rows of input, the group moves these in place of
the weight, whose first row of each orbit is then enough: as a convolution unfolds its input.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from symmdp.maps import TiedParameters
from symmdp.nn._free_tensor import FreeTensor
from symmdp.representations import Representation, coordinate_blocks

# Where moving the input beats expanding the weight, by benchmarks/layers.py.
_UNFOLDED_WIDTH = 128  # from this width on,
_UNFOLDED_SHARE = 0.5  # while rows · |orbit| is at most this share of the width


@dataclass(frozen=True)
class _Orbits:
    """How the entries of a tied array are gathered, on one device and in one dtype."""

    index: Tensor  # of each entry its parameter
    sign: Tensor | None
    members: Tensor  # of each parameter its entries, one orbit's below each other
    member_sign: Tensor | None
    ones: Tensor  # (1, largest orbit)
    runs: bool  # whether each orbit's entries lie one after the other, and the orbits in order

    def expand(self, theta: Tensor) -> Tensor:
        """The entries, `(count,)` to `(entries,)`."""
        entries = theta.index_select(0, self.index)
        return entries if self.sign is None else entries * self.sign

    def reduce(self, gradient: Tensor) -> Tensor:
        """The transpose: the signed sum over each orbit, `(entries,)` to `(count,)`."""
        if self.runs:
            return gradient.view(-1, self.ones.shape[1]).sum(1)
        gathered = gradient.index_select(0, self.members)
        if self.member_sign is not None:
            gathered *= self.member_sign
        rows = gathered.view(self.ones.shape[1], -1)
        # A product is faster than a sum on the CPU; elsewhere it may be of low precision.
        return torch.mm(self.ones, rows)[0] if rows.is_cpu else rows.sum(0)


@dataclass(frozen=True)
class _Unfolding:
    """`W[(i, g), c] = s[g, c] θ[i, p_g(c)]`: an orbit's rows are its first one, permuted; hence `y = θ X` with `x` permuted."""

    size: int  # |orbit|
    forward: Tensor  # of each (g, k) the coordinate c with p_g(c) = k
    forward_sign: Tensor | None
    backward: Tensor  # of each (g, c) the place (g, k)
    backward_sign: Tensor | None

    def unfold(self, x: Tensor) -> Tensor:
        """`(rows, in)` to `(rows · size, in)`."""
        moved = x.index_select(1, self.forward)
        return (moved if self.forward_sign is None else moved * self.forward_sign).view(-1, x.shape[1])

    def fold(self, gradient: Tensor) -> Tensor:
        """The transpose."""
        width = gradient.shape[1]
        back = gradient.view(-1, self.size * width).index_select(1, self.backward)
        return (back if self.backward_sign is None else back * self.backward_sign).view(-1, self.size, width).sum(1)

    def to_orbits(self, y: Tensor) -> Tensor:
        """`(rows · size, copies)` to `(rows, copies · size)`."""
        return y.view(-1, self.size, y.shape[1]).mT.reshape(-1, y.shape[1] * self.size)

    def from_orbits(self, y: Tensor) -> Tensor:
        """The inverse."""
        copies = y.shape[1] // self.size
        return y.view(-1, copies, self.size).mT.reshape(-1, copies)


class TiedProduct:
    """`W x + b` for tied `W` and `b`: what a layer needs to compute it, and its gradients, in one step.

    Args:
        weight: how the weight is tied.
        bias: how the bias is, or None.
        rep_out: the representation on the output.
    """

    def __init__(self, weight: TiedParameters, bias: TiedParameters | None, rep_out: Representation):
        self.weight, self.bias, self.rep_out = weight, bias, rep_out
        self._last: _Constants | None = None

    @classmethod
    def of(cls, weight: FreeTensor, bias: FreeTensor | None, rep_out: Representation) -> TiedProduct | None:
        """The product; None where orbits have very different sizes, or nothing is tied."""
        tied_bias = None if bias is None else bias.tied
        if weight.tied is None or weight.is_whole or weight.count == 0 or (bias is not None and tied_bias is None):
            return None
        balanced = weight.tied.sizes.max() * weight.count <= 2 * weight.tied.index.size
        return cls(weight.tied, tied_bias, rep_out) if balanced else None

    def __call__(self, x: Tensor, theta: Tensor, beta: Tensor | None) -> Tensor:
        """`W x + b`, shape `(..., in)` to `(..., out)`, with the free parameters of `W` and of `b`."""
        if x.ndim == 2:
            return _TiedLinear.apply(x, theta, beta, self)
        return _TiedLinear.apply(x.reshape(-1, x.shape[-1]), theta, beta, self).view(*x.shape[:-1], self.weight.shape[0])

    def constants(self, like: Tensor) -> _Constants:
        """What is needed in the dtype and on the device of a tensor."""
        last = self._last
        if last is None or last.dtype is not like.dtype or last.device != like.device:
            bias = None if self.bias is None or self.bias.count == 0 else _orbits(self.bias, like)
            unfolding = None
            if min(self.weight.shape) >= _UNFOLDED_WIDTH and self._moves is not None:
                unfolding = _unfolding(*self._moves, like)
            most = -1 if unfolding is None else int(_UNFOLDED_SHARE * self.weight.shape[1] / unfolding.size)
            last = self._last = _Constants(like.dtype, like.device, _orbits(self.weight, like), bias, unfolding, most)
        return last

    @cached_property
    def _moves(self) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
        """`(p, s)` of `_Unfolding`, each `(size, in)`; None where outputs are no copies of a free orbit, in order."""
        blocks = coordinate_blocks(self.rep_out)
        height, width = self.weight.shape
        size = len(blocks[0])
        if any(len(block) != size for block in blocks) or not np.array_equal(np.concatenate(blocks), np.arange(height)):
            return None
        copies = height // size
        index, sign = self.weight.index.reshape(copies, size, width), self.weight.sign.reshape(copies, size, width)
        first = np.arange(copies * width).reshape(copies, 1, width)
        free = self.weight.count == first.size and np.array_equal(index[:, :1], first) and (sign[:, 0] == 1).all()
        moves = index - first[..., :1]
        if not free or (moves != moves[0]).any() or (sign != sign[0]).any():
            return None
        bias = self.bias
        if bias is not None and not np.array_equal(bias.index, np.repeat(np.arange(copies), size)):
            return None
        return (moves[0], sign[0]) if bias is None or (bias.sign == 1).all() else None

    def __deepcopy__(self, memo: dict[int, Any]) -> TiedProduct:
        return self  # nothing of it changes but what is kept of the constants

    def __reduce__(self) -> tuple[Any, ...]:
        return TiedProduct, (self.weight, self.bias, self.rep_out)


@dataclass(frozen=True)
class _Constants:
    dtype: torch.dtype
    device: torch.device
    weight: _Orbits
    bias: _Orbits | None
    unfolding: _Unfolding | None
    most_rows: int  # that are unfolded; -1 for none


class _TiedLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, theta: Tensor, beta: Tensor | None, product: TiedProduct) -> Tensor:
        constants = product.constants(theta)
        # Parameters go by the context itself: to save and to fetch a tensor takes a microsecond each.
        ctx.others = theta, beta, product, constants
        if len(x) <= constants.most_rows and x.shape[1] == product.weight.shape[1]:
            unfolding: Any = constants.unfolding
            moved, rows = unfolding.unfold(x), theta.view(-1, x.shape[1])
            ctx.save_for_backward(x, moved)
            y = moved.mm(rows.t()) if beta is None else torch.addmm(beta, moved, rows.t())
            return unfolding.to_orbits(y)
        whole = constants.weight.expand(theta).view(product.weight.shape)
        ctx.save_for_backward(x, whole)
        if beta is None or constants.bias is None:
            return x.mm(whole.t())
        return torch.addmm(constants.bias.expand(beta), x, whole.t())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, kept = ctx.saved_tensors
        theta, beta, product, constants = ctx.others
        needed, by_y = ctx.needs_input_grad, gradients[0]
        by_x = by_theta = by_beta = None
        if torch.is_grad_enabled():  # a second derivative is wanted: let autograd see every operation
            weight = constants.weight.expand(theta).view(product.weight.shape)
            y = F.linear(x, weight, None if constants.bias is None else constants.bias.expand(beta))
            inputs: Any = [tensor for tensor, need in zip((x, theta, beta), needed, strict=False) if need]
            found = iter(torch.autograd.grad(y, inputs, by_y, create_graph=True, materialize_grads=True))
            by_x, by_theta, by_beta = (next(found) if need else None for need in needed[:3])
        elif len(x) <= constants.most_rows:
            outer = constants.unfolding.from_orbits(by_y)
            if needed[0]:
                by_x = constants.unfolding.fold(outer.mm(theta.view(-1, x.shape[1])))
            if needed[1]:
                by_theta = outer.t().mm(kept).view(-1)
            if needed[2]:
                by_beta = outer.sum(0)
        else:
            if needed[0]:
                by_x = by_y.mm(kept)
            if needed[1]:
                by_theta = constants.weight.reduce(by_y.t().mm(x).view(-1))
            if needed[2]:
                by_beta = torch.zeros_like(beta) if constants.bias is None else constants.bias.reduce(by_y.sum(0))
        return by_x, by_theta, by_beta, None


def _orbits(tied: TiedParameters, like: Tensor) -> _Orbits:
    position, member_sign = tied.members
    runs = bool((member_sign == 1).all()) and np.array_equal(position.T.ravel(), np.arange(tied.index.size))
    return _Orbits(
        _integers(tied.index, like),
        _signs(tied.sign, like),
        _integers(position, like),
        _signs(member_sign, like),
        like.new_ones(1, len(position)),
        runs,
    )


def _unfolding(moves: NDArray[np.int64], sign: NDArray[np.int64], like: Tensor) -> _Unfolding:
    size, width = moves.shape
    inverse = np.argsort(moves, axis=1)
    return _Unfolding(
        size,
        _integers(inverse, like),
        _signs(np.take_along_axis(sign, inverse, axis=1), like),
        _integers(moves + width * np.arange(size)[:, None], like),
        _signs(sign, like),
    )


def _integers(array: NDArray[np.int64], like: Tensor) -> Tensor:
    return torch.as_tensor(array.ravel(), dtype=torch.int32, device=like.device)


def _signs(array: NDArray[np.int64], like: Tensor) -> Tensor | None:
    return None if (array == 1).all() else torch.as_tensor(array.ravel(), dtype=like.dtype, device=like.device)
