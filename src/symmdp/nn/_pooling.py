from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from symmdp.errors import ActivationError, GroupMismatchError, OptionError, ShapeError
from symmdp.nn._coordinate_blocks import CoordinateBlocks
from symmdp.nn._images import check_channels
from symmdp.nn._windows import Pair, Windows, pair
from symmdp.representations import Kind, Representation

PoolReduction = Literal["mean", "max"]


class EquivariantAvgPool2d(nn.Module):
    """The mean over windows of an image: equivariant for every representation on the channels, for it is linear.

    Windows must lie as those of `EquivariantConv2d`, symmetrically about the centre of each axis that some element reverses.

    Args:
        rep: the representation on the channels.
        kernel_size: rows and columns of a window: one number for both, or a pair, as all that follows.
        plane: how the group moves the pixels, as in `EquivariantConv2d`.
        stride: pixels from one window to the next; `kernel_size` when not given.
        padding: pixels with value 0 added on all sides, at most half a window; they count in the mean.
        size: `(height, width)` of the images, to be checked at once.

    Shape:
        `(..., dim, height, width)` to `(..., dim, *output_size((height, width)))`.

    Raises:
        RepresentationError: `plane` is no signed permutation of two coordinates.
        OptionError: an option is out of range, or differs between axes that an element exchanges.
        GroupMismatchError: the representations belong to different groups.
        ShapeError: (with `size`, and in forward) images of this size cannot be pooled equivariantly, or (forward) the input
            has another number of channels.
    """

    takes_images = gives_images = True

    def __init__(
        self,
        rep: Representation,
        kernel_size: Pair,
        plane: Representation,
        *,
        stride: Pair | None = None,
        padding: Pair = 0,
        size: tuple[int, int] | None = None,
    ):
        super().__init__()
        if rep.group != plane.group:
            raise GroupMismatchError(f"The channels and the plane belong to two different groups: {rep!r} and {plane!r}.")
        self.rep_in = self.rep_out = rep
        self.plane = plane
        self.windows = Windows.of(plane, kernel_size, kernel_size if stride is None else stride, padding)
        self.kernel_size, self.stride, self.padding = self.windows.kernel, self.windows.stride, self.windows.padding
        if any(2 * p > k for p, k in zip(self.padding, self.kernel_size, strict=True)):
            raise OptionError(f"The padding is at most half a window; got {self.padding} for windows of {self.kernel_size}.")
        if size is not None:
            self.windows.output_size(pair("size", size))

    def output_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """`(height, width)` of the output for images of a size.

        Raises:
            ShapeError: images of this size cannot be pooled equivariantly; the message says which can.
        """
        return self.windows.output_size(size)

    def forward(self, x: Tensor) -> Tensor:
        """The pooled image."""
        check_channels(self.rep_in, x)
        self.windows.check(x.shape[-2], x.shape[-1])
        if x.ndim <= 4:
            return self._pool(x)
        return self._pool(x.flatten(0, -4)).unflatten(0, x.shape[:-3])

    def _pool(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, self.kernel_size, self.stride, self.padding)

    def extra_repr(self) -> str:
        """The representation and the options."""
        return f"{self.rep_in.name}, {self.windows.describe()}"


class EquivariantMaxPool2d(EquivariantAvgPool2d):
    """The maximum over windows of an image, channel by channel: for permutation representations on the channels.

    The arguments, and where windows must lie, are those of `EquivariantAvgPool2d`; padding never is the maximum.

    Raises:
        ActivationError: `rep` is no permutation representation.
        RepresentationError: as `EquivariantAvgPool2d`, as what follows.
        OptionError: likewise.
        GroupMismatchError: likewise.
        ShapeError: likewise.
    """

    def __init__(
        self,
        rep: Representation,
        kernel_size: Pair,
        plane: Representation,
        *,
        stride: Pair | None = None,
        padding: Pair = 0,
        size: tuple[int, int] | None = None,
    ):
        _check_permutation(rep, "A maximum over windows", "EquivariantAvgPool2d")
        super().__init__(rep, kernel_size, plane, stride=stride, padding=padding, size=size)

    def _pool(self, x: Tensor) -> Tensor:
        return F.max_pool2d(x, self.kernel_size, self.stride, self.padding)


class SpatialPool(nn.Module):
    """The mean or maximum over all pixels: images to vectors on which the representation of the channels acts.

    Args:
        rep: the representation on the channels; a permutation representation for the maximum.
        reduction: `"mean"` or `"max"`.

    Shape:
        `(..., dim, height, width)` to `(..., dim)`.

    Raises:
        OptionError: the reduction is none of the two.
        ActivationError: the maximum over a representation that is no permutation.
        ShapeError: (forward) the input has another number of channels.
    """

    takes_images, gives_images = True, False

    def __init__(self, rep: Representation, reduction: PoolReduction = "mean"):
        super().__init__()
        _check_reduction(reduction)
        if reduction == "max":
            _check_permutation(rep, "A maximum over pixels", 'reduction="mean"')
        self.rep_in = self.rep_out = rep
        self.reduction = reduction

    def forward(self, x: Tensor) -> Tensor:
        """The pooled channels."""
        check_channels(self.rep_in, x)
        return x.amax((-2, -1)) if self.reduction == "max" else x.mean((-2, -1))

    def extra_repr(self) -> str:
        """The representation and the reduction."""
        return f"{self.rep_in.name}, {self.reduction}"


class GroupPool(nn.Module):
    """The maximum or mean over each orbit of coordinates: an invariant for each copy of a permutation representation.

    It acts on vectors; on images in `OnChannels(GroupPool(rep))`, where pixels are still moved.

    Args:
        rep: a permutation representation, copies of the regular one for example.
        reduction: `"max"` or `"mean"`.
        device: of the orbits' index tensors.

    Shape:
        `(..., dim)` to `(..., orbits)`, on which the group acts trivially.

    Raises:
        OptionError: the reduction is none of the two.
        ActivationError: `rep` is no permutation representation.
        ShapeError: (forward) the last axis of the input is not `dim`.

    Source: Cohen and Welling 2016 (arXiv 1602.07576), section 6.3.
    """

    def __init__(self, rep: Representation, reduction: PoolReduction = "max", *, device: torch.device | str | None = None):
        super().__init__()
        _check_reduction(reduction)
        _check_permutation(rep, "A pool over orbits of coordinates", "EquivariantLinear(rep, n * rep.group.trivial)")
        self.blocks = CoordinateBlocks(rep, device=device)
        self.rep_in, self.rep_out = rep, self.blocks.count * rep.group.trivial
        self.reduction = reduction

    def forward(self, x: Tensor) -> Tensor:
        """The invariants."""
        if x.shape[-1:] != (self.rep_in.dim,):
            raise ShapeError(f"Expected inputs of size {self.rep_in.dim} on the last axis; got shape {tuple(x.shape)}.")
        position, member = self.blocks.position, self.blocks.member
        orbits = x.index_select(-1, position.flatten()).unflatten(-1, tuple(position.shape))
        if self.reduction == "max":
            return orbits.masked_fill(~member, -torch.inf).amax(-1)
        return orbits.masked_fill(~member, 0).sum(-1) / member.sum(-1)

    def extra_repr(self) -> str:
        """The representation and the reduction."""
        return f"{self.rep_in.name}, {self.reduction}"


def _check_reduction(reduction: str) -> None:
    if reduction not in get_args(PoolReduction):
        raise OptionError(f"The reduction is one of {', '.join(get_args(PoolReduction))}; got {reduction!r}.")


def _check_permutation(rep: Representation, what: str, instead: str) -> None:
    if rep.kind is not Kind.PERMUTATION:
        raise ActivationError(
            f"{what} is equivariant for permutation representations alone; {rep!r} is {rep.kind}. Use {instead}, or map to a "
            "regular representation first."
        )
