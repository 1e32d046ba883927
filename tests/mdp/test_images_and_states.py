"""Symmetries of images, and of the states of Discrete spaces."""

import copy
import pickle

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import wrappers

from symmdp import groups
from symmdp.errors import GroupMismatchError, RepresentationError, ShapeError, SpaceMismatchError, SymmetryError
from symmdp.mdp import Symmetry, wrapped_symmetry
from symmdp.representations import ImageRepresentation, Representation, flip, image, plane

C2, D4 = groups.cyclic(2), groups.dihedral(4)
SQUARE = image(3 * D4.trivial, plane(D4), 5, 5)
MIRROR = image(2 * C2.trivial + flip(C2, "x"), flip(C2, "x"), 2, 3)  # two colours and a vector field
SHIFT = Representation.from_generators(groups.cyclic(3), [[1, 2, 0]])


@pytest.fixture(params=[SQUARE, MIRROR], ids=["D4", "mirror"])
def rep(request: pytest.FixtureRequest) -> ImageRepresentation:
    return request.param


def test_a_vector_field_is_mirrored_with_its_pixels() -> None:
    x = np.arange(24.0).reshape(4, 2, 3)
    found = Symmetry(C2, MIRROR, C2.regular).transform_observation(1, x)
    expected = x[:, :, ::-1] * np.array([1, 1, -1, 1])[:, None, None]
    np.testing.assert_array_equal(found, expected)


def test_images_move_as_their_vectors_do(rep: ImageRepresentation) -> None:
    symmetry = Symmetry(rep.group, rep, rep.group.regular, observation_center=np.full(rep.shape, 0.5))
    assert symmetry.observation_shape == rep.shape
    x = np.random.default_rng(0).normal(size=(2, 7, *rep.shape))
    vectors = symmetry.on_vectors
    assert vectors.observation_shape == (rep.dim,)
    for g in rep.group:
        moved = symmetry.transform_observation(g, x)
        flat = vectors.transform_observation(g, x.reshape(2, 7, -1))
        np.testing.assert_array_equal(moved.reshape(flat.shape), flat)
        np.testing.assert_allclose(flat, (x.reshape(2, 7, -1) - 0.5) @ rep(g).T + 0.5, atol=1e-12)
        np.testing.assert_array_equal(symmetry.transform_observation(g, torch.tensor(x)).numpy(), moved)
        for h in rep.group:
            twice = symmetry.transform_observation(h, moved)
            np.testing.assert_allclose(twice, symmetry.transform_observation(rep.group.multiply(h, g), x), atol=1e-12)


def test_pixels_keep_their_type() -> None:
    frames = np.random.default_rng(0).integers(256, size=(4, 3, 5, 5), dtype=np.uint8)
    moved = Symmetry(D4, SQUARE, D4.regular).transform_observation(1, frames)
    assert moved.dtype == np.uint8
    np.testing.assert_array_equal(moved, np.rot90(frames, axes=(-2, -1)))
    tensor = Symmetry(D4, SQUARE, D4.regular).transform_observation(1, torch.tensor(frames))
    assert tensor.dtype == torch.uint8
    np.testing.assert_array_equal(tensor.numpy(), moved)


def test_large_images_cost_no_matrices() -> None:
    symmetry = Symmetry(C2, image(4 * C2.trivial, flip(C2, "y"), 80, 80), C2.regular)
    frames = np.random.default_rng(0).random((2, 4, 80, 80), dtype=np.float32)
    np.testing.assert_array_equal(symmetry.transform_observation(1, frames), frames[:, :, ::-1])
    assert symmetry.fingerprint != Symmetry(C2, image(4 * C2.trivial, flip(C2, "x"), 80, 80), C2.regular).fingerprint


def test_values(rep: ImageRepresentation) -> None:
    for other in (pickle.loads(pickle.dumps(rep)), copy.deepcopy(rep), image(rep.channels, rep.plane, *rep.shape[1:])):
        assert isinstance(other, ImageRepresentation)
        assert other == rep
        assert other.shape == rep.shape
    assert isinstance(2 * rep, ImageRepresentation)
    assert (2 * rep).shape == (2 * rep.shape[0], *rep.shape[1:])
    assert not isinstance(rep + rep.group.trivial, ImageRepresentation)
    whole = rep.restrict(rep.group.subgroup(*rep.group))
    assert isinstance(whole, ImageRepresentation)
    assert whole.shape == rep.shape


def test_the_plain_symmetry_of_images(rep: ImageRepresentation) -> None:
    plain = Symmetry(rep.group, rep, rep.group.regular).restrict_to_trivial()
    assert plain.observation_shape == rep.shape
    assert plain.group.order == 1


def test_what_cannot_move_images_is_refused() -> None:
    with pytest.raises(RepresentationError, match=r"moved by signed permutations.*orthogonal"):
        image(plane(groups.cyclic(3)), plane(groups.cyclic(3)).group.trivial + groups.cyclic(3).trivial, 4, 4)
    with pytest.raises(GroupMismatchError):
        image(D4.trivial, flip(C2, "x"), 4, 4)
    with pytest.raises(RepresentationError, match="4 × 6 pixels"):
        image(D4.trivial, plane(D4), 4, 6)
    symmetry = Symmetry(D4, SQUARE, D4.regular)
    with pytest.raises(ShapeError, match=r"expected images, \(…, 3, 5, 5\)"):
        symmetry.transform_observation(1, np.zeros((5, 5, 3)))


@pytest.mark.parametrize(
    ("shape", "says"),
    [((5, 5, 3), "move them to the front"), ((3, 6, 6), "to fit"), ((75,), "images of shape")],
)
def test_spaces_that_do_not_fit_images(shape: tuple[int, ...], says: str) -> None:
    with pytest.raises(SpaceMismatchError, match=says):
        Symmetry(D4, SQUARE, D4.regular).check_spaces(gym.spaces.Box(0, 1, shape), gym.spaces.Discrete(8))


def test_states_are_permuted() -> None:
    symmetry = Symmetry(SHIFT.group, SHIFT, SHIFT.group.trivial)
    symmetry.check_spaces(gym.spaces.Discrete(3), gym.spaces.Discrete(1))
    np.testing.assert_array_equal(symmetry.transform_observation(1, [[0, 1], [2, 2]], discrete=True), [[1, 2], [0, 0]])
    assert symmetry.transform_observation(2, torch.tensor(0), discrete=True) == 2
    with pytest.raises(ShapeError, match="indices 0 … 2; got 3"):
        symmetry.transform_observation(1, 3, discrete=True)
    with pytest.raises(SymmetryError, match="Discrete actions and states need a permutation"):
        Symmetry(C2, flip(C2, "x"), C2.regular).transform_observation(1, 0, discrete=True)


class _Still(gym.Env):
    observation_space = gym.spaces.Box(0, 1, (3, 5, 5))
    action_space = gym.spaces.Discrete(8)


def test_wrappers_of_images() -> None:
    symmetry = Symmetry(D4, SQUARE, D4.regular)
    flat = wrapped_symmetry(wrappers.FlattenObservation(_Still()), symmetry)
    assert flat == symmetry.on_vectors
    stacked = wrappers.FrameStackObservation(_Still(), 4)
    with pytest.raises(SpaceMismatchError):
        wrapped_symmetry(stacked, symmetry)
    joined = wrapped_symmetry(wrappers.ReshapeObservation(stacked, (12, 5, 5)), symmetry)
    assert joined.observation_shape == (12, 5, 5)
    assert joined.observation == 4 * SQUARE
    with pytest.raises(SymmetryError, match=r"shape \(4, 15, 5\); the symmetry acts on \(12, 5, 5\)"):
        wrapped_symmetry(wrappers.ReshapeObservation(stacked, (4, 15, 5)), symmetry)
