import numpy as np
from numpy.typing import NDArray

from symmdp.errors import RepresentationError
from symmdp.representations._representation import Representation


def pixel_action(plane: Representation, height: int, width: int) -> Representation:
    """The action of a symmetry of the plane on the pixels of a grid: a permutation of `height · width` coordinates.

    The pixel in row `i` and column `j`, coordinate `i · width + j`, is at `x = j - (width - 1)/2` and
    `y = (height - 1)/2 - i`: `x` to the right and `y` up, from the centre. A pixel at `p` moves to `ρ(g) p`, so that
    `[[0, -1], [1, 0]]` turns an image as `numpy.rot90` does, and `diag(-1, 1)` mirrors it as `numpy.fliplr` does.

    Args:
        plane: `ρ`, signed permutations of the two coordinates `(x, y)`; `symmdp.representations.plane` gives those of C4
            and D4, and `Representation` any other.
        height: rows of the grid.
        width: columns of the grid.

    Raises:
        RepresentationError: `plane` is not of this kind, a size is no integer of at least 1, or an element exchanges the
            axes of a grid that is not square.
    """
    if plane.dim != 2 or plane.source is None or plane.sign is None:
        raise RepresentationError(
            f"A symmetry of pixels moves (x, y) by signed permutations, of dimension 2; got {plane!r}. Turns by other angles "
            "than 90° do not map pixels to pixels."
        )
    for name, size in (("height", height), ("width", width)):
        if not isinstance(size, int | np.integer) or isinstance(size, bool) or size < 1:
            raise RepresentationError(f"The {name} is an integer of at least 1; got {size!r}.")
    turned = np.flatnonzero(plane.source[:, 0] == 1)
    if len(turned) and height != width:
        least, most = sorted((height, width))
        raise RepresentationError(
            f"Element {turned[0]} of {plane.group.name} exchanges x and y, which a grid of {height} × {width} pixels does not "
            f"allow. Crop or pad it to {least} × {least} or {most} × {most}, or take a subgroup that keeps the axes."
        )
    # Twice the coordinates are integers. (ρ(g) f)(p) = f(ρ(g)⁻¹ p), and the inverse of a signed permutation is its transpose.
    rows, columns = np.divmod(np.arange(height * width), width)
    position = np.stack([2 * columns - (width - 1), (height - 1) - 2 * rows])
    before = np.einsum("gab,ap->gbp", plane.matrices, position)
    source = _pixel(before[:, 0], before[:, 1], height, width)
    name = f"{plane.name} on {height} × {width} pixels"
    return Representation._of_signed_permutations(plane.group, source, np.ones_like(source), name)


def _pixel(x: NDArray[np.int64], y: NDArray[np.int64], height: int, width: int) -> NDArray[np.int64]:
    """The coordinate of the pixel at twice the position `(x, y)`."""
    return ((height - 1) - y) // 2 * width + (x + (width - 1)) // 2
