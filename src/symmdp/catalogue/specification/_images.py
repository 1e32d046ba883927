"""Images in a declaration: their shape, and what a generator does to their plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symmdp.errors import SpecificationError

_MOST = 1 << 20  # pixels of all channels
_PLANES = {
    "left-right": ((-1, 0), (0, 1)),
    "up-down": ((1, 0), (0, -1)),
    "diagonal": ((0, 1), (1, 0)),
    "quarter turn": ((0, -1), (1, 0)),
    "half turn": ((-1, 0), (0, -1)),
}


def image_shape(table: Mapping[str, Any], what: str) -> tuple[int, int, int]:
    """Channels, height and width of `image = [4, 80, 80]`.

    Raises:
        SpecificationError: it is something else, or names, a size or fields stand beside it.
    """
    beside = [key for key in ("names", "size", "fields", "center") if key in table]
    if beside:
        raise SpecificationError(f"[{what}] has an image, so {beside[0]} cannot be given.")
    shape = table["image"]
    good = isinstance(shape, list) and len(shape) == 3 and all(type(n) is int and n >= 1 for n in shape)
    if not good or np.prod(shape, dtype=float) > _MOST:
        raise SpecificationError(f"the image of [{what}] is [channels, height, width]; got {shape!r}.")
    return shape[0], shape[1], shape[2]


def plane_matrix(given: object, where: str) -> NDArray:
    """How a generator moves the plane of images, `(x, y)` with `y` upwards: a name, or a matrix of two rows.

    Raises:
        SpecificationError: it is neither.
    """
    if given is None:
        return np.eye(2, dtype=np.int64)
    if isinstance(given, str) and given in _PLANES:
        return np.array(_PLANES[given])
    try:
        matrix = np.array(given)
        good = matrix.shape == (2, 2) and matrix.dtype.kind in "if" and np.isfinite(matrix).all()
    except ValueError:
        good, matrix = False, np.zeros(0)
    if not good:
        names = ", ".join(repr(name) for name in _PLANES)
        raise SpecificationError(f"the {where} moves the image by one of {names}, or by 2 rows of 2 numbers; got {given!r}.")
    return matrix
