"""What `to_plain` puts where `torch.nn` has no equal for images: modules that know tensors alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from symmdp.nn._plain import Blocks


class Conv2d(nn.Conv2d):
    """`torch.nn.Conv2d` of images with any number of axes before the channels (`EquivariantConv2d`)."""

    def forward(self, input: Tensor) -> Tensor:
        """Shape `(..., in, height, width)` to `(..., out, height', width')`."""
        if input.ndim <= 4:
            return super().forward(input)
        return super().forward(input.flatten(0, -4)).unflatten(0, input.shape[:-3])


class AvgPool2d(nn.AvgPool2d):
    """`torch.nn.AvgPool2d` of images with any number of axes before the channels (`EquivariantAvgPool2d`)."""

    def forward(self, input: Tensor) -> Tensor:
        """Shape `(..., channels, height, width)` to `(..., channels, height', width')`."""
        if input.ndim <= 4:
            return super().forward(input)
        return super().forward(input.flatten(0, -4)).unflatten(0, input.shape[:-3])


class MaxPool2d(nn.MaxPool2d):
    """`torch.nn.MaxPool2d` of images with any number of axes before the channels (`EquivariantMaxPool2d`)."""

    def forward(self, input: Tensor) -> Tensor:
        """Shape `(..., channels, height, width)` to `(..., channels, height', width')`."""
        x = input if input.ndim <= 4 else input.flatten(0, -4)
        y = F.max_pool2d(x, self.kernel_size, self.stride, self.padding)
        return y if input.ndim <= 4 else y.unflatten(0, input.shape[:-3])


class SpatialPool(nn.Module):
    """The mean or maximum over all pixels (`SpatialPool`)."""

    def __init__(self, reduction: str):
        super().__init__()
        self.reduction = reduction

    def forward(self, x: Tensor) -> Tensor:
        """Shape `(..., channels, height, width)` to `(..., channels)`."""
        return x.amax((-2, -1)) if self.reduction == "max" else x.mean((-2, -1))

    def extra_repr(self) -> str:
        """The reduction."""
        return self.reduction


class BlockPool(nn.Module):
    """The maximum or mean over each set of coordinates (`GroupPool`)."""

    def __init__(self, blocks: Blocks, reduction: str):
        super().__init__()
        self.blocks, self.reduction = blocks, reduction

    def forward(self, x: Tensor) -> Tensor:
        """Shape `(..., dim)` to `(..., blocks)`."""
        position, member = self.blocks.position, self.blocks.member
        members = x.index_select(-1, position.flatten()).unflatten(-1, tuple(position.shape))
        if self.reduction == "max":
            return members.masked_fill(~member, -torch.inf).amax(-1)
        return members.masked_fill(~member, 0).sum(-1) / member.sum(-1)

    def extra_repr(self) -> str:
        """The reduction."""
        return self.reduction


class OnChannels(nn.Module):
    """A module of vectors applied to the channels at each pixel (`OnChannels`)."""

    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        """Shape `(..., in, height, width)` to `(..., out, height, width)`."""
        return self.module(x.movedim(-3, -1)).movedim(-1, -3)


class ImageNetwork(nn.Module):
    """Features of an image, and a network that takes them with a vector, if there is one (`EquivariantCNN`)."""

    def __init__(self, features: nn.Module, head: nn.Module):
        super().__init__()
        self.features, self.head = features, head

    def forward(self, image: Tensor, vector: Tensor | None = None) -> Tensor:
        """The output, shape `(..., out)`."""
        features = self.features(image)
        return self.head(features if vector is None else torch.cat([features, vector], dim=-1))
