"""How the layers of images become plain modules, `torch.nn.Conv2d` and the poolings; one function a layer."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from torch import Tensor, nn

from symmdp.nn import _plain_images
from symmdp.nn._cnn import EquivariantCNN
from symmdp.nn._conv import EquivariantConv2d
from symmdp.nn._images import EquivariantFlatten, OnChannels
from symmdp.nn._pooling import EquivariantAvgPool2d, EquivariantMaxPool2d, GroupPool, SpatialPool
from symmdp.nn._to_plain_layers import Convert, Handler, blocks, not_stacked, optional_parameter, parameter


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
    """`torch.nn.Conv2d` with copies of the whole kernel and bias, that takes any batch shape."""
    weight, bias = not_stacked(layer, layer.weight, 4), layer.bias
    plain = _plain_images.Conv2d(
        weight.shape[1],
        weight.shape[0],
        (weight.shape[2], weight.shape[3]),
        layer.stride,
        layer.padding,
        layer.dilation,
        bias=bias is not None,
        device="meta",
    )
    plain.weight = parameter(weight)
    plain.bias = optional_parameter(bias)
    return plain


def _avg_pool(layer: EquivariantAvgPool2d, convert: Convert) -> nn.Module:
    return _plain_images.AvgPool2d(layer.kernel_size, layer.stride, layer.padding)


def _max_pool(layer: EquivariantMaxPool2d, convert: Convert) -> nn.Module:
    return _plain_images.MaxPool2d(layer.kernel_size, layer.stride, layer.padding)


def _spatial_pool(layer: SpatialPool, convert: Convert) -> nn.Module:
    return _plain_images.SpatialPool(layer.reduction)


def _group_pool(layer: GroupPool, convert: Convert) -> nn.Module:
    return _plain_images.BlockPool(blocks(layer.blocks), layer.reduction)


def _flatten(layer: EquivariantFlatten, convert: Convert) -> nn.Module:
    return nn.Flatten(-3)


def _on_channels(layer: OnChannels, convert: Convert) -> nn.Module:
    return _plain_images.OnChannels(convert(layer.module))


def _cnn(layer: EquivariantCNN, convert: Convert) -> nn.Module:
    return _plain_images.ImageNetwork(convert(layer.features), convert(layer.head))


IMAGE_LAYERS: Mapping[type[nn.Module], Handler] = MappingProxyType(
    {
        EquivariantAvgPool2d: _avg_pool,
        EquivariantCNN: _cnn,
        EquivariantConv2d: conv2d,
        EquivariantFlatten: _flatten,
        EquivariantMaxPool2d: _max_pool,
        GroupPool: _group_pool,
        OnChannels: _on_channels,
        SpatialPool: _spatial_pool,
    }
)
