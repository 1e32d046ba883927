"""What a symmetry of images does, in words and as a letter that it moves."""

from __future__ import annotations

from symmdp.representations import ImageRepresentation, image

_PLANE: dict[tuple[int, int, int, int], str] = {  # the matrix of (x, y), row by row
    (1, 0, 0, 1): "",
    (0, -1, 1, 0): "the image turns by 90°",
    (-1, 0, 0, -1): "the image turns by 180°",
    (0, 1, -1, 0): "the image turns by −90°",
    (-1, 0, 0, 1): "the image is mirrored left–right",
    (1, 0, 0, -1): "the image is mirrored up–down",
    (0, 1, 1, 0): "the image is mirrored in its rising diagonal",
    (0, -1, -1, 0): "the image is mirrored in its falling diagonal",
}
_LETTER = (".####", ".#...", ".###.", ".#...", ".#...")  # an F, which no turn and no mirror leaves as it is


def move_of_image(rep: ImageRepresentation, g: int) -> str:
    """How element `g` moves the plane, anticlockwise turns being positive; empty where it does not."""
    a, b, c, d = (int(entry) for entry in rep.plane(g).ravel())
    return _PLANE[a, b, c, d]


def letter(rep: ImageRepresentation, g: int) -> str:
    """The letter F, on 5 × 5 pixels, after element `g` has moved the plane."""
    size = len(_LETTER)
    pixels = image(rep.group.trivial, rep.plane, size, size)
    if pixels.source is None:
        raise AssertionError("pixels are permuted")
    flat = "".join(_LETTER)
    moved = "".join(flat[k] for k in pixels.source[g])
    return "\n".join(moved[i : i + size] for i in range(0, size**2, size)).replace(".", "· ").replace("#", "█ ")
