from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from symmdp.errors import OptionError, ShapeError
from symmdp.nn._activation import Pointwise
from symmdp.nn._activation_names import Activation, activation_module
from symmdp.nn._conv import EquivariantConv2d
from symmdp.nn._images import EquivariantFlatten, OnChannels
from symmdp.nn._initialization import orthogonal_
from symmdp.nn._mlp import EquivariantMLP, hidden_representation
from symmdp.nn._pooling import SpatialPool
from symmdp.nn._sequential import EquivariantSequential, representations_of
from symmdp.nn._windows import Pair, pair
from symmdp.representations import Representation

PerLayer = int | Sequence[Pair]


class EquivariantCNN(nn.Module):
    """A convolutional network of images, `f(g·image, ρ_v(g) vector) = ρ_out(g) f(image, vector)` for every `g`.

    Convolutions, each with an activation; then all channels and pixels as one vector, or a pool over the pixels; then an
    `EquivariantMLP`, which takes the vector input besides, if there is one. Hidden channels and layers carry copies of the
    regular representation. Over the trivial group it is the plain CNN; with the options as they are, on images of 84 × 84,
    that of Mnih et al. Weights are orthogonal at the start.

    Args:
        plane: how the group moves the pixels, as in `EquivariantConv2d`.
        rep_in: the representation on the channels of the image: trivial ones for colours, say `3 * group.trivial`.
        rep_out: the representation on the output, of dimension `out`.
        size: `(height, width)` of the images.
        channels: of each convolution, each rounded up to a multiple of `|G|`; or representations.
        kernel_size: of all convolutions as one number, or a sequence with a number or a pair for each, as what follows.
        stride: likewise.
        padding: likewise.
        hidden: the widths, or representations, of the hidden layers after the convolutions.
        vector: the representation on a vector input that has no pixels (velocities, goals), or None.
        pool: `"mean"` or `"max"` over all pixels in place of flattening them.
        activation: a pointwise function or its name, or what else `EquivariantMLP` takes.
        gain: of the hidden layers' orthogonal weights.
        output_gain: of the last layer's.
        generator: where initial values are drawn from; torch's default generator when not given.
        dtype: of the parameters; torch's default when not given.
        device: of the parameters.

    Shape:
        images `(..., channels, height, width)`, and with `vector` vectors `(..., dim)`, to `(..., out)`. Parameters with a
        leading axis make a stack of networks: inputs are then `(stack, batch, ...)`.

    Raises:
        ShapeError: images of this size do not fit every convolution (the message says which sizes do), or (forward) the
            inputs have another shape.
        OptionError: an option is out of range, or has not one entry for each convolution.
        RepresentationError: `plane` is no signed permutation of two coordinates.
        GroupMismatchError: the representations belong to different groups.
        ActivationError: the activation or pool is not allowed on a hidden representation.

    Source: Mnih et al. 2015 (doi 10.1038/nature14236), methods; van der Pol et al. 2020, section 5 and appendix B.
    """

    takes_images, gives_images = True, False

    def __init__(
        self,
        plane: Representation,
        rep_in: Representation,
        rep_out: Representation,
        size: tuple[int, int],
        channels: Sequence[int | Representation] = (32, 64, 64),
        kernel_size: PerLayer = (8, 4, 3),
        stride: PerLayer = (4, 2, 1),
        padding: PerLayer = 0,
        *,
        hidden: Sequence[int | Representation] = (512,),
        vector: Representation | None = None,
        pool: Literal["mean", "max"] | None = None,
        activation: Activation = torch.relu,
        gain: float = math.sqrt(2),
        output_gain: float = 1.0,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ):
        super().__init__()
        if not isinstance(channels, Sequence) or not channels:
            raise OptionError(f"channels lists those of at least one convolution, such as (32, 64, 64); got {channels!r}.")
        self.rep_in, self.rep_out, self.rep_vector, self.plane = rep_in, rep_out, vector, plane
        self.size = pair("size", size)
        count, common = len(channels), {"generator": generator, "dtype": dtype, "device": device}
        kernels, strides = _each("kernel_size", kernel_size, count), _each("stride", stride, count)
        paddings = _each("padding", padding, count)
        layers: list[Any] = []
        convolutions: list[EquivariantConv2d] = []
        before = rep_in
        for width, *options in zip(channels, kernels, strides, paddings, strict=True):
            rep = width if isinstance(width, Representation) else hidden_representation(rep_in.group, width)
            act = activation_module(rep, activation).to(device)
            reps = representations_of(act)
            assert reps is not None
            kernel, step, pad = options
            convolution = EquivariantConv2d(before, reps[0], kernel, plane, stride=step, padding=pad, **common)
            convolutions.append(orthogonal_(convolution, gain, generator))
            layers += [convolution, act if isinstance(act, Pointwise) else OnChannels(act)]
            before = reps[1]
        last = _sizes(convolutions, self.size)[-1]
        layers.append(EquivariantFlatten(before, plane, last) if pool is None else SpatialPool(before, pool))
        self.features = EquivariantSequential(*layers)
        features = self.features.rep_out if vector is None else self.features.rep_out + vector
        options = {"activation": activation, "gain": gain, "output_gain": output_gain}
        self.head = EquivariantMLP(features, rep_out, hidden, **options, **common)

    def forward(self, image: Tensor, vector: Tensor | None = None) -> Tensor:
        """The output, shape `(..., out)`."""
        if tuple(image.shape[-2:]) != self.size:
            raise ShapeError(
                f"Expected images of {self.size[0]} × {self.size[1]} pixels, shape (..., {self.rep_in.dim}, {self.size[0]}, "
                f"{self.size[1]}); got {tuple(image.shape)}."
            )
        features = self.features(image)
        if (vector is None) != (self.rep_vector is None):
            raise ShapeError(
                "This network has no vector input; build it with vector=, the representation on it."
                if vector is not None
                else "This network has a vector input besides the image: call it as network(image, vector)."
            )
        if vector is None or self.rep_vector is None:
            return self.head(features)
        if tuple(vector.shape) != (*image.shape[:-3], self.rep_vector.dim):
            raise ShapeError(
                f"Expected vectors of shape {(*image.shape[:-3], self.rep_vector.dim)}, with the batch of the images; got "
                f"{tuple(vector.shape)}."
            )
        return self.head(torch.cat([features, vector], dim=-1))

    def extra_repr(self) -> str:
        """The representations and the size."""
        vector = "" if self.rep_vector is None else f", vector={self.rep_vector.name}"
        return f"{self.rep_in.name} → {self.rep_out.name} over {self.rep_in.group.name}, size={self.size}{vector}"


def _each(name: str, value: PerLayer, count: int) -> list[Pair]:
    """An option of every convolution."""
    if isinstance(value, int):
        return [value] * count
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != count:
        raise OptionError(
            f"{name} is one number, or a sequence with an entry for each of the {count} convolutions that channels lists; got "
            f"{value!r}."
        )
    return list(value)


def _sizes(convolutions: list[EquivariantConv2d], size: tuple[int, int]) -> list[tuple[int, int]]:
    """The size of the image before each convolution, and after the last."""
    sizes = [size]
    for place, convolution in enumerate(convolutions):
        try:
            sizes.append(convolution.output_size(sizes[-1]))
        except ShapeError as error:
            near = [_near(convolutions, axis, size[axis]) for axis in (0, 1)]
            fits = " and ".join(f"{name}s {choice}" for name, choice in zip(("height", "width"), near, strict=True))
            raise ShapeError(
                f"Images of {size[0]} × {size[1]} pixels do not fit: convolution {place} gets {sizes[-1][0]} × {sizes[-1][1]}. "
                f"{error} For the whole network, {fits} fit; change size, kernel_size, stride or padding."
            ) from None
    return sizes


def _near(convolutions: list[EquivariantConv2d], axis: int, n: int) -> str:
    """The sizes of an axis next to `n`, itself among them, that every convolution takes."""

    def fits(m: int) -> bool:
        for convolution in convolutions:
            windows = convolution.windows
            if not windows.fits(axis, m):
                return False
            m = (m + 2 * windows.padding[axis] - windows.extent[axis]) // windows.stride[axis] + 1
        return True

    period = math.prod(convolution.stride[axis] for convolution in convolutions)
    field = sum(convolution.windows.extent[axis] for convolution in convolutions) * period
    smaller = next((m for m in range(n, 0, -1) if fits(m)), None)
    larger = next((m for m in range(n + 1, n + field + period + 1) if fits(m)), None)
    return " or ".join(str(m) for m in (smaller, larger) if m is not None) or "of no size"
