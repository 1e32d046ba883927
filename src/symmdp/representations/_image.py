from __future__ import annotations

import numpy as np

from symmdp.errors import RepresentationError
from symmdp.groups import Subgroup
from symmdp.representations._pixels import pixel_action
from symmdp.representations._representation import Representation, same_group


class ImageRepresentation(Representation):
    """The action of a group on images: pixels are moved, and channels mixed, `channels ⊗ pixels`; made by `image`.

    Attributes:
        channels: the representation of the channels at a pixel.
        plane: how the group moves the plane.
        shape: `(channels, height, width)`; a coordinate is `(c · height + i) · width + j`.
    """

    channels: Representation
    plane: Representation
    shape: tuple[int, int, int]

    @property
    def on_vectors(self) -> Representation:
        """The same signed permutations, of vectors."""
        if self.source is None or self.sign is None:
            raise AssertionError("images are moved by signed permutations")
        return Representation._of_signed_permutations(self.group, self.source, self.sign, self.name)

    def __rmul__(self, copies: int) -> Representation:
        """Images of that many times the channels.

        Raises:
            RepresentationError: `copies < 1`.
        """
        if not isinstance(copies, int | np.integer):
            return NotImplemented
        return image(copies * self.channels, self.plane, *self.shape[1:])

    def restrict(self, subgroup: Subgroup) -> ImageRepresentation:
        """The restriction to a subgroup; errors as of any representation."""
        return image(self.channels.restrict(subgroup), self.plane.restrict(subgroup), *self.shape[1:])

    def __reduce__(self) -> tuple[object, ...]:
        return image, (self.channels, self.plane, *self.shape[1:])


def image(channels: Representation, plane: Representation, height: int, width: int) -> ImageRepresentation:
    """The action on images of shape `(channels, height, width)`, a signed permutation of their entries.

    Args:
        channels: the representation of the channels, signed permutations; `3 * group.trivial` for colours.
        plane: how the group moves the plane: `symmdp.representations.flip` mirrors it, `plane` turns it.
        height: rows, counted from above.
        width: columns.

    Raises:
        RepresentationError: `channels` are no signed permutations, or `plane` does not act on the pixels.
        GroupMismatchError: the representations belong to two groups.
    """
    same_group(channels, plane, "joined in an image")
    pixels = pixel_action(plane, height, width)
    if channels.source is None:
        raise RepresentationError(
            f"The channels of an image are moved by signed permutations; got {channels!r}. Choose channels in which it is one."
        )
    product = channels * pixels
    name = f"{channels.name} on {height} × {width} images"
    if product.source is None or product.sign is None:
        raise AssertionError("a product of signed permutations is one")
    made = ImageRepresentation.__new__(ImageRepresentation)
    made._adopt(channels.group, name, product.source, product.sign, None)
    made.__dict__.update(channels=channels, plane=plane, shape=(channels.dim, int(height), int(width)))
    return made
