"""How a convolution becomes `torch.nn.Conv2d`."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn

from symmdp.nn._to_plain_layers import Convert, not_stacked, optional_parameter, parameter


class Convolution(Protocol):
    """What `to_plain` needs of a convolution: the whole kernel and bias, and where it is applied."""

    stride: int | tuple[int, int]
    padding: str | int | tuple[int, int]
    dilation: int | tuple[int, int]

    @property
    def weight(self) -> Tensor:
        """The kernel, shape `(out, in, height, width)`."""
        ...

    @property
    def bias(self) -> Tensor | None:
        """The bias, shape `(out,)`, or None."""
        ...


def conv2d(layer: Convolution, convert: Convert) -> nn.Conv2d:
    """`torch.nn.Conv2d` with copies of the whole kernel and bias."""
    weight, bias = not_stacked(layer, layer.weight, 4), layer.bias
    plain = nn.Conv2d(
        weight.shape[1],
        weight.shape[0],
        (weight.shape[2], weight.shape[3]),
        layer.stride,
        layer.padding,
        layer.dilation,
        bias=bias is not None,
        padding_mode=getattr(layer, "padding_mode", "zeros"),
        device="meta",
    )
    plain.weight = parameter(weight)
    plain.bias = optional_parameter(bias)
    return plain
