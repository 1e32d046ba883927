from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from symmdp.nn._eager import is_eager

_ALIGNED = 16  # entries of float32 in a cache line


def stacked_product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`W x + b` for a stack: `(stack, batch, in)`, `(stack, out, in)` and `(stack, out)` to `(stack, batch, out)`.

    What one member gets, and the gradient of its weight, do not depend on the others to the bit, as long as the batch is a
    multiple of four.
    """
    if weight[0].numel() % _ALIGNED and torch.is_grad_enabled() and is_eager(x, weight[0, 0]):
        return _StackedProduct.apply(x, weight, bias)  # pyright: ignore[reportReturnType]
    return _product(x, weight, bias)


def _product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    lone = len(weight) == 1 and weight.shape[1] == 1
    if lone:
        # A lone product with a vector would run in another kernel, with other last bits than in a stack.
        x, weight = x.expand(2, -1, -1), weight.expand(2, -1, -1)
    product = torch.bmm(x, weight.mT) if bias is None else torch.baddbmm(bias.unsqueeze(1), x, weight.mT)
    return product[:1] if lone else product


class _StackedProduct(torch.autograd.Function):
    """The product, whose weights' gradients start at cache lines: how a kernel sums depends on where it writes."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.has_bias = bias is not None
        return _product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        (gradient,) = gradients
        x, weight = ctx.saved_tensors
        for_x, for_weight, for_bias = ctx.needs_input_grad
        in_x = torch.bmm(gradient, weight) if for_x else None
        in_bias = gradient.sum(1) if ctx.has_bias and for_bias else None
        if not for_weight:
            return in_x, None, in_bias
        if torch.is_grad_enabled():  # it will be differentiated once more
            return in_x, torch.bmm(x.mT, gradient).mT, in_bias
        stack, out, size = weight.shape
        room = weight.new_empty(stack, -(-out * size // _ALIGNED) * _ALIGNED)
        in_weight = room[:, : out * size].view(stack, size, out)
        torch.bmm(x.mT, gradient, out=in_weight)
        return in_x, in_weight.mT, in_bias
