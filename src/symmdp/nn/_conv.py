from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from symmdp.errors import ShapeError
from symmdp.maps import EquivariantMaps
from symmdp.nn._free_tensor import FreeTensor
from symmdp.nn._images import check_channels
from symmdp.nn._unit_variance import unit_variance_
from symmdp.nn._windows import Pair, Windows, pair
from symmdp.representations import Representation, pixel_action

# Numbers in the images of one layer of a stack, from which layers are quicker one by one, with channels last, than as a grouped
# convolution (on CPUs; by up to 2.5 times, and below it slower by up to 1.4 times).
_LARGE = 2**17


class EquivariantConv2d(nn.Module):
    """An equivariant convolution of images: `K(ρ(g) p) = ρ_out(g) K(p) ρ_in(g)⁻¹` for every `g` and pixel `p` of the kernel.

    The group moves the pixels by a symmetry `ρ` of the plane and the channels by `ρ_in`, `(g f)(p) = ρ_in(g) f(ρ(g)⁻¹ p)`,
    and likewise those of the output. A kernel is an equivariant map from patches, `ρ_in ⊗ pixels`, to `ρ_out`: its
    parameters are the free ones only, `dim Hom_G(ρ_in ⊗ pixels, ρ_out)` of them. Over the trivial group this is
    `torch.nn.Conv2d`. Parameters with a leading axis make a stack of layers: inputs are then
    `(stack, batch, in, height, width)`.

    Along an axis that some element reverses, windows must lie symmetrically about the centre of the image:
    `size + 2·padding - dilation·(kernel - 1) - 1` is a multiple of the stride. Where an element exchanges the axes, images
    are square. Both are checked.

    Args:
        rep_in: the representation on the channels of the input, of dimension `in`.
        rep_out: that on the channels of the output, of dimension `out`.
        kernel_size: rows and columns of the kernel, odd or even: one number for both, or a pair, as all that follows.
        plane: how the group moves `(x, y)`, `x` to the right and `y` up: signed permutations, as
            `symmdp.representations.plane` and `flip` give them.
        stride: pixels from one window to the next.
        padding: pixels with value 0 added on all sides; `"same"` keeps the size of the image.
        dilation: pixels from one entry of the kernel to the next.
        bias: whether to add an invariant bias to the channels.
        size: `(height, width)` of the images, to be checked at once and not when the first image comes.
        generator: where initial values are drawn from; torch's default generator when not given.
        dtype: of the parameters; torch's default when not given.
        device: of the parameters.

    Shape:
        `(..., in, height, width)` to `(..., out, *output_size((height, width)))`.

    Raises:
        RepresentationError: `plane` is no signed permutation of two coordinates.
        OptionError: an option is out of range, or differs between axes that an element exchanges.
        GroupMismatchError: the representations belong to different groups.
        ShapeError: (with `size`, and in forward) images of this size cannot be convolved equivariantly, or (forward) the
            input has another number of channels or another dtype than the parameters.

    Source: Cohen and Welling 2016 (arXiv 1602.07576), section 6; Cohen and Welling 2017 (arXiv 1612.08498), section 2.
    """

    takes_images = gives_images = True

    def __init__(
        self,
        rep_in: Representation,
        rep_out: Representation,
        kernel_size: Pair,
        plane: Representation,
        *,
        stride: Pair = 1,
        padding: Pair | str = 0,
        dilation: Pair = 1,
        bias: bool = True,
        size: tuple[int, int] | None = None,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ):
        super().__init__()
        EquivariantMaps(rep_in, rep_out)  # raises unless both are representations of one group
        self.rep_in, self.rep_out, self.plane = rep_in, rep_out, plane
        self.windows = Windows.of(plane, kernel_size, stride, padding, dilation)
        self.kernel_size, self.stride = self.windows.kernel, self.windows.stride
        self.padding, self.dilation = self.windows.padding, self.windows.dilation
        if size is not None:
            self.windows.output_size(pair("size", size))
        self.rep_patch = rep_in * pixel_action(plane, *self.kernel_size)
        self.free_weight = FreeTensor.map(self.rep_patch, rep_out, dtype=dtype, device=device)
        self.free_bias = FreeTensor.vector(rep_out, dtype=dtype, device=device) if bias else None
        self.reset_parameters(generator)

    @property
    def weight(self) -> Tensor:
        """The kernel `K`, shape `(out, in, rows, columns)`: a function of the free parameters."""
        return self.free_weight().unflatten(-1, (self.rep_in.dim, *self.kernel_size))

    @property
    def bias(self) -> Tensor | None:
        """The bias, shape `(out,)`, or None."""
        return None if self.free_bias is None else self.free_bias()

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw `K` so that outputs have the variance of the inputs (away from the padding), as `EquivariantLinear` does."""
        unit_variance_(self.free_weight, self.free_bias, generator)

    def output_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """`(height, width)` of the output for images of a size.

        Raises:
            ShapeError: images of this size cannot be convolved equivariantly; the message says which can.
        """
        return self.windows.output_size(size)

    def forward(self, x: Tensor) -> Tensor:
        """The convolution, shape `(..., in, height, width)` to `(..., out, height', width')`."""
        check_channels(self.rep_in, x)
        self.windows.check(x.shape[-2], x.shape[-1])
        try:
            return self._convolve(x, self.weight, self.bias)
        except RuntimeError as error:
            self._explain(x, error)
            raise

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        options = self.stride, self.padding, self.dilation
        if weight.ndim == 4:
            if x.ndim <= 4:
                return F.conv2d(x, weight, bias, *options)
            return F.conv2d(x.flatten(0, -4), weight, bias, *options).unflatten(0, x.shape[:-3])
        stack, batch, last = len(weight), x.shape[1:-3], torch.channels_last
        inputs = x.reshape(stack, math.prod(batch), *x.shape[-3:])
        if inputs[0].numel() < _LARGE:
            # A grouped convolution: the channels of all layers beside one another.
            beside, bias = inputs.transpose(0, 1).flatten(1, 2), None if bias is None else bias.flatten()
            y = F.conv2d(beside, weight.flatten(0, 1), bias, *options, stack).unflatten(1, (stack, -1)).transpose(0, 1)
        else:
            one_by_one = [
                F.conv2d(
                    inputs[i].contiguous(memory_format=last),
                    weight[i].contiguous(memory_format=last),
                    None if bias is None else bias[i],
                    *options,
                )
                for i in range(stack)
            ]
            y = torch.stack(one_by_one)
        return y.reshape(stack, *batch, *y.shape[2:])

    def _explain(self, x: Tensor, error: RuntimeError) -> None:
        """Raise ShapeError where the input is at fault."""
        theta = self.free_weight.theta
        if x.dtype != theta.dtype:
            raise ShapeError(
                f"The images are {x.dtype} and the parameters are {theta.dtype}. Convert images with x.to({theta.dtype}) "
                f"(bytes: divide them by 255 too), or the module with .to({x.dtype})."
            ) from error
        if theta.ndim > 1 and (x.ndim < 4 or x.shape[0] != len(theta)):
            raise ShapeError(
                f"A stack of {len(theta)} layers takes images ({len(theta)}, batch, {self.rep_in.dim}, height, width); got "
                f"{tuple(x.shape)}."
            ) from error

    def extra_repr(self) -> str:
        """The representations, the plane and the options."""
        maps = f"{self.rep_in.name} → {self.rep_out.name} over {self.rep_in.group.name}"
        return f"{maps}, {self.windows.describe()}, bias={self.free_bias is not None}"
