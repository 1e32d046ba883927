from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symmdp.maps import TiedParameters
from symmdp.nn._free_tensor import FreeTensor
from symmdp.representations import Representation, coordinate_blocks

# Where moving the input beats expanding the weight, by benchmarks/layers.py.
_LEAST_WIDTH = 128  # from this width on,
_LARGEST_SHARE = 0.5  # while rows · |orbit| is at most this share of the width


class UnfoldedProduct:
    """`W x + b` for few rows `x`, with the group moving the input in place of the weight.

    Where outputs are copies of a free orbit, the rows of `W` in an orbit are its first row, permuted:
    `W[(i, g), c] = s[g, c] θ[i, p_g(c)]`. Hence `y = θ X`, where `X` holds `x` permuted by every `g`, as a convolution unfolds
    its input. No weight is expanded, and no gradient of one is reduced: the smaller the batch, the more that saves.

    Args:
        weight: how the weight is tied.
        bias: how the bias is, or None.
        rep_out: the representation on the output.
    """

    def __init__(self, weight: TiedParameters, bias: TiedParameters | None, rep_out: Representation):
        self.weight, self.bias, self.rep_out = weight, bias, rep_out
        self._last: _Constants | None = None

    @classmethod
    def of(cls, weight: FreeTensor, bias: FreeTensor | None, rep_out: Representation) -> UnfoldedProduct | None:
        """The product; None where the layer is narrow, or its outputs are no copies of a free orbit, one after the other."""
        tied_bias = None if bias is None else bias.tied
        if (
            weight.tied is None
            or weight.is_whole
            or min(weight.shape) < _LEAST_WIDTH
            or (bias is not None and tied_bias is None)
        ):
            return None
        found = cls(weight.tied, tied_bias, rep_out)
        return None if found._size is None else found

    @property
    def most_rows(self) -> int:
        """The most rows for which it is faster than the whole weight."""
        return int(_LARGEST_SHARE * self.weight.shape[1] / self._size) if self._size else 0

    def __call__(self, x: Tensor, theta: Tensor, beta: Tensor | None) -> Tensor:
        """`W x + b`, shape `(rows, in)` to `(rows, out)`, with the free parameters of `W` and of `b`."""
        return _Unfolded.apply(x, theta, beta, self, self._constants(theta))

    def general(self, x: Tensor, theta: Tensor, beta: Tensor | None) -> Tensor:
        """The same by differentiable operations."""
        constants = self._constants(theta)
        y = _product(constants.unfold(x), theta.view(-1, x.shape[1]), beta)
        return constants.to_orbits(y)

    def _constants(self, like: Tensor) -> _Constants:
        """What is needed in the dtype and on the device of a tensor."""
        last = self._last
        if last is None or last.dtype is not like.dtype or last.device != like.device:
            moves, sign = self._moves
            size, width = moves.shape
            inverse = np.argsort(moves, axis=1)  # of each (g, k) the coordinate c with p_g(c) = k
            last = self._last = _Constants(
                like.dtype,
                like.device,
                size,
                torch.as_tensor(inverse.ravel(), dtype=torch.int32, device=like.device),
                _signs(np.take_along_axis(sign, inverse, axis=1), like),
                torch.as_tensor((moves + width * np.arange(size)[:, None]).ravel(), dtype=torch.int32, device=like.device),
                _signs(sign, like),
            )
        return last

    @cached_property
    def _size(self) -> int | None:
        """`|orbit|`, or None where the product is not possible; cheap, for it is asked whenever a layer is built."""
        height, width = self.weight.shape
        blocks = coordinate_blocks(self.rep_out)
        size = len(blocks[0])
        in_order = all(len(block) == size for block in blocks) and np.array_equal(np.concatenate(blocks), np.arange(height))
        if not in_order or size == 1 or self.weight.count * size != height * width:
            return None
        copies = height // size
        index, sign = self.weight.index.reshape(copies, size, width), self.weight.sign.reshape(copies, size, width)
        first = np.arange(copies * width).reshape(copies, 1, width)
        moves = index - first[..., :1]
        alike = not ((moves != moves[0]).any() or (sign != sign[0]).any())
        if not alike or not np.array_equal(index[:, :1], first) or not (sign[:, 0] == 1).all():
            return None
        bias = self.bias
        if bias is None:
            return size
        return size if (bias.sign == 1).all() and np.array_equal(bias.index, np.repeat(np.arange(copies), size)) else None

    @property
    def _moves(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """`(p, s)`, each of shape `(size, in)`."""
        size = self._size
        assert size is not None
        return self.weight.index[:size], self.weight.sign[:size]

    def __deepcopy__(self, memo: dict[int, Any]) -> UnfoldedProduct:
        return self  # nothing of it changes but what is kept of the constants

    def __reduce__(self) -> tuple[Any, ...]:
        return UnfoldedProduct, (self.weight, self.bias, self.rep_out)


@dataclass(frozen=True)
class _Constants:
    dtype: torch.dtype
    device: torch.device
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


class _Unfolded(torch.autograd.Function):
    """Written out: for few rows autograd's bookkeeping of every view takes longer than the products."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, theta: Tensor, beta: Tensor | None, product: UnfoldedProduct, constants: _Constants
    ) -> Tensor:
        moved = constants.unfold(x)
        # Parameters go by the context itself: to save and to fetch a tensor takes a microsecond each.
        ctx.others = theta, beta, product, constants
        ctx.save_for_backward(x, moved)
        return constants.to_orbits(_product(moved, theta.view(-1, x.shape[1]), beta))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, moved = ctx.saved_tensors
        theta, beta, product, constants = ctx.others
        needed = ctx.needs_input_grad
        by_x = by_theta = by_beta = None
        if torch.is_grad_enabled():  # a second derivative is wanted: let autograd see every operation
            y = product.general(x, theta, beta)
            inputs: Any = [tensor for tensor, need in zip((x, theta, beta), needed, strict=False) if need]
            found = iter(torch.autograd.grad(y, inputs, gradients[0], create_graph=True, materialize_grads=True))
            by_x, by_theta, by_beta = (next(found) if need else None for need in needed[:3])
        else:
            outer = constants.from_orbits(gradients[0])
            if needed[0]:
                by_x = constants.fold(outer.mm(theta.view(-1, x.shape[1])))
            if needed[1]:
                by_theta = outer.t().mm(moved).view(-1)
            if needed[2]:
                by_beta = outer.sum(0)
        return by_x, by_theta, by_beta, None, None


def _product(moved: Tensor, rows: Tensor, beta: Tensor | None) -> Tensor:
    return torch.mm(moved, rows.t()) if beta is None else torch.addmm(beta, moved, rows.t())


def _signs(array: NDArray[np.int64], like: Tensor) -> Tensor | None:
    return None if (array == 1).all() else torch.as_tensor(array.ravel(), dtype=like.dtype, device=like.device)
