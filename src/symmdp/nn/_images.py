from __future__ import annotations

from torch import Tensor, nn

from symmdp.errors import RepresentationError, ShapeError
from symmdp.nn._gru import EquivariantGRU
from symmdp.nn._sequential import images_of, representations_of
from symmdp.nn._set_attention import SetAttention, SetPool
from symmdp.nn._windows import pair
from symmdp.representations import Representation, pixel_action


def check_channels(rep: Representation, x: Tensor) -> None:
    """Raise ShapeError unless `x` is images whose channels `rep` acts on, shape `(..., dim, height, width)`."""
    if x.ndim < 3 or x.shape[-3] != rep.dim:
        raise ShapeError(f"Expected images of shape (..., {rep.dim}, height, width); got {tuple(x.shape)}.")


class OnChannels(nn.Module):
    """A module of vectors applied to the channels at each pixel: `y(p) = f(x(p))`; norms and activations of images.

    Pixels are moved and channels are not mixed between them, so that images are equivariant where vectors are.
    `Pointwise` acts on images as it is.

    Args:
        module: an equivariant module of vectors, `(..., in)` to `(..., out)`.

    Shape:
        `(..., in, height, width)` to `(..., out, height, width)`. A module whose parameters have a leading axis takes
        `(stack, batch, in, height, width)`.

    Raises:
        RepresentationError: `module` has no representations, takes images itself, or mixes what is not on the last axis.
        ShapeError: (forward) the input has another number of channels.
    """

    takes_images = gives_images = True

    def __init__(self, module: nn.Module):
        super().__init__()
        reps = representations_of(module)
        if reps is None or True in images_of(module):
            raise RepresentationError(
                f"OnChannels takes an equivariant module of vectors, with rep_in and rep_out; {type(module).__name__} "
                f"{'has none' if reps is None else 'acts on images, and needs no OnChannels'}."
            )
        if any(isinstance(part, EquivariantGRU | SetAttention | SetPool) for part in module.modules()):
            raise RepresentationError(
                f"{type(module).__name__} acts on sequences or sets, and would mix pixels and batch. Flatten the pixels into "
                "an axis of tokens with x.flatten(-2).mT, and call it on them."
            )
        self.rep_in, self.rep_out = reps
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        """The module's output at each pixel."""
        check_channels(self.rep_in, x)
        x = x.movedim(-3, -1)
        # (first, rest, channels): where parameters are a stack, the first axis is theirs.
        y = self.module(x.flatten(1, -2)).unflatten(1, x.shape[1:-1])
        return y.movedim(-1, -3)


class EquivariantFlatten(nn.Module):
    """Images of one size as vectors: channels and pixels in one axis, which `ρ_c ⊗ pixels` acts on.

    Args:
        rep: the representation on the channels, `ρ_c`.
        plane: how the group moves the pixels, as in `EquivariantConv2d`.
        size: `(height, width)` of the images.

    Shape:
        `(..., dim, height, width)` to `(..., dim · height · width)`.

    Raises:
        RepresentationError: `plane` does not act on images of this size.
        OptionError: `size` is no pair of integers of at least 1.
        GroupMismatchError: the representations belong to different groups.
        ShapeError: (forward) images of another shape.
    """

    takes_images, gives_images = True, False

    def __init__(self, rep: Representation, plane: Representation, size: tuple[int, int]):
        super().__init__()
        self.rep_in, self.plane, self.size = rep, plane, pair("size", size)
        self.rep_out = rep * pixel_action(plane, *self.size)

    def forward(self, x: Tensor) -> Tensor:
        """The flattened images."""
        if x.ndim < 3 or x.shape[-3:] != (self.rep_in.dim, *self.size):
            wanted = ", ".join(map(str, (self.rep_in.dim, *self.size)))
            raise ShapeError(f"Expected images of shape (..., {wanted}); got {tuple(x.shape)}.")
        return x.flatten(-3)

    def extra_repr(self) -> str:
        """The representation and the size."""
        return f"{self.rep_in.name}, {self.size[0]} × {self.size[1]}"
