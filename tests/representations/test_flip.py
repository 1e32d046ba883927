"""The flips of the plane, against NumPy's own."""

import numpy as np
import pytest

from symmdp import groups
from symmdp.errors import RepresentationError
from symmdp.representations import flip, pixel_action


@pytest.mark.parametrize(("coordinate", "in_numpy"), [("x", np.fliplr), ("y", np.flipud)])
def test_it_mirrors_images_as_numpy_does(coordinate, in_numpy) -> None:
    image = np.arange(15).reshape(3, 5)
    rep = pixel_action(flip(groups.cyclic(2), coordinate), 3, 5)
    np.testing.assert_array_equal((rep(1) @ image.ravel()).reshape(3, 5), in_numpy(image))


def test_bad_input() -> None:
    with pytest.raises(RepresentationError, match=r'"x" or "y"; got "z"|got .z.'):
        flip(groups.cyclic(2), "z")  # pyright: ignore[reportArgumentType]
    with pytest.raises(RepresentationError, match=r"two elements.*plane\(\)"):
        flip(groups.cyclic(4), "x")
