"""The action of plane symmetries on grids of pixels, against NumPy's own turns and mirrors."""

import numpy as np
import pytest

from symmdp import EquivariantMaps, Representation, groups
from symmdp.errors import RepresentationError
from symmdp.representations import pixel_action, plane

C2, C4, D4 = groups.cyclic(2), groups.cyclic(4), groups.dihedral(4)
LEFT_RIGHT = Representation(C2, [np.eye(2), np.diag([-1, 1])])
UP_DOWN = Representation(C2, [np.eye(2), np.diag([1, -1])])
HALF_TURN = Representation(C2, [np.eye(2), -np.eye(2)])
QUARTER = Representation.from_generators(C4, [[[0, -1], [1, 0]]])


def moved(rep: Representation, g: int, image: np.ndarray) -> np.ndarray:
    return (rep(g) @ image.ravel()).reshape(image.shape)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (3, 5), (6, 2), (4, 4), (5, 5)])
@pytest.mark.parametrize(
    ("symmetry", "numpy_function"),
    [(LEFT_RIGHT, np.fliplr), (UP_DOWN, np.flipud), (HALF_TURN, lambda image: np.rot90(image, 2))],
)
def test_mirrors_and_half_turns_of_any_grid(shape, symmetry, numpy_function) -> None:
    image = np.arange(np.prod(shape)).reshape(shape)
    rep = pixel_action(symmetry, *shape)
    assert rep.kind == "permutation"
    np.testing.assert_array_equal(moved(rep, 1, image), numpy_function(image))


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_quarter_turns_of_squares(n: int) -> None:
    image = np.arange(n * n).reshape(n, n)
    rep = pixel_action(QUARTER, n, n)
    for k in range(4):
        np.testing.assert_array_equal(moved(rep, k, image), np.rot90(image, k))


@pytest.mark.parametrize("symmetry", [QUARTER, plane(D4), plane(C4), LEFT_RIGHT])
def test_it_is_a_representation(symmetry: Representation) -> None:
    rep = pixel_action(symmetry, 6, 6)
    assert Representation(symmetry.group, rep.matrices) == rep  # which checks every product


def test_invariant_images_are_counted_by_burnside() -> None:
    """The orbits of D4 on the pixels of a square of side n: (n + 1)(n + 3)/8 for odd n, n (n + 2)/8 for even n."""
    for n in range(1, 9):
        orbits = (n + 1) * (n + 3) // 8 if n % 2 else n * (n + 2) // 8
        assert EquivariantMaps(D4.trivial, pixel_action(plane(D4), n, n)).dim == orbits


def test_the_subgroup_that_keeps_the_axes_acts_on_any_grid() -> None:
    keeps = D4.subgroup(2, 4)  # the half turn and a mirror
    assert pixel_action(plane(D4).restrict(keeps), 3, 5).dim == 15


@pytest.mark.parametrize(
    ("symmetry", "shape", "message"),
    [
        (QUARTER, (3, 5), r"exchanges x and y.*3 × 3 or 5 × 5"),
        (plane(groups.cyclic(3)), (3, 3), "signed permutations"),
        (C4.regular, (3, 3), "dimension 2"),
        (LEFT_RIGHT, (0, 3), "height is an integer of at least 1; got 0"),
        (LEFT_RIGHT, (3, 2.5), "width is an integer of at least 1; got 2.5"),
    ],
)
def test_bad_input(symmetry, shape, message: str) -> None:
    with pytest.raises(RepresentationError, match=message):
        pixel_action(symmetry, *shape)
