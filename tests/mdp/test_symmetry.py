import copy
import pickle

import gymnasium as gym
import numpy as np
import pytest
import torch

from symmdp import groups
from symmdp.errors import GroupError, GroupMismatchError, ShapeError, SpaceMismatchError, SymmetryError
from symmdp.mdp import Symmetry
from symmdp.representations import Representation

C2, C3, C4 = groups.cyclic(2), groups.cyclic(3), groups.cyclic(4)


def turn(order: int) -> np.ndarray:
    angle = 2 * np.pi / order
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def plane(order: int) -> Symmetry:
    """Rotations about the point (1, -2); actions rotate about (0.5, 0)."""
    group = groups.cyclic(order)
    rep = Representation.from_generators(group, [turn(order)], "rotation")
    return Symmetry(group, rep, rep, observation_center=[1, -2], action_center=[0.5, 0])


def triangle() -> Symmetry:
    group = groups.symmetric(3)
    letters = Representation.from_generators(group, [np.eye(3)[[1, 0, 2]].T, np.eye(3)[[1, 2, 0]].T])
    return Symmetry(group, 2 * letters, letters)


def square() -> Symmetry:
    group = groups.dihedral(4)
    natural = Representation.from_generators(group, [turn(4), np.diag([1, -1])])
    return Symmetry(group, natural + group.trivial, group.regular, observation_center=[3, 1, 7])


SYMMETRIES = {"C3 about a point": plane(3), "C4 about a point": plane(4), "S3": triangle(), "D4, regular actions": square()}


@pytest.fixture(params=SYMMETRIES)
def symmetry(request: pytest.FixtureRequest) -> Symmetry:
    return SYMMETRIES[request.param]


def test_two_transformations_are_the_transformation_of_the_product(symmetry: Symmetry):
    rng = np.random.default_rng(0)
    observations = rng.normal(size=(2, 5, symmetry.observation.dim))
    actions = rng.normal(size=(5, symmetry.require_action_representation().dim))
    for g in symmetry.group:
        for h in symmetry.group:
            hg = symmetry.group.multiply(h, g)
            twice = symmetry.transform_observation(h, symmetry.transform_observation(g, observations))
            assert np.allclose(twice, symmetry.transform_observation(hg, observations), atol=1e-12)
            twice = symmetry.transform_action(h, symmetry.transform_action(g, actions))
            assert np.allclose(twice, symmetry.transform_action(hg, actions), atol=1e-12)


@pytest.mark.parametrize("name", ["S3", "D4, regular actions"])
def test_discrete_actions_are_permuted_as_one_hot_vectors_are(name: str):
    symmetry = SYMMETRIES[name]
    rep = symmetry.require_action_representation()
    every = np.arange(rep.dim)
    for g in symmetry.group:
        image = symmetry.transform_action(g, every)
        assert np.array_equal(np.eye(rep.dim)[image], symmetry.transform_action(g, np.eye(rep.dim)))
        assert np.array_equal(image, symmetry.transform_action(g, every.astype(np.float32), discrete=True))
        assert torch.equal(symmetry.transform_action(g, torch.tensor(every)), torch.tensor(image))
        for h in symmetry.group:
            assert np.array_equal(
                symmetry.transform_action(h, image), symmetry.transform_action(symmetry.group.multiply(h, g), every)
            )


def test_identity_changes_nothing_to_the_bit(symmetry: Symmetry):
    x = np.random.default_rng(1).normal(size=(9, symmetry.observation.dim)) * 1e-7
    assert np.array_equal(symmetry.transform_observation(0, x), x)


def test_center_is_the_fixed_point(symmetry: Symmetry):
    center = symmetry.observation_center
    if center is None:
        center = np.zeros(symmetry.observation.dim)
    for g in symmetry.group:
        assert np.allclose(symmetry.transform_observation(g, center), center, atol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_torch_and_numpy_agree_and_keep_the_dtype(symmetry: Symmetry, dtype: str):
    x = np.random.default_rng(2).normal(size=(4, symmetry.observation.dim)).astype(dtype)
    for g in symmetry.group:
        image, tensor = symmetry.transform_observation(g, x), symmetry.transform_observation(g, torch.tensor(x))
        assert image.dtype == x.dtype
        assert tensor.dtype == getattr(torch, dtype)
        assert np.allclose(image, tensor.numpy(), atol=1e-6 if dtype == "float32" else 1e-14)


def test_gradients_flow_through_the_transformation():
    x = torch.ones(2, requires_grad=True)
    plane(4).transform_observation(1, x)[0].backward()
    assert torch.allclose(x.grad, torch.tensor([0.0, -1.0]), atol=1e-6)


def test_scalar_and_batched_actions_keep_shape_and_dtype():
    symmetry = Symmetry(C2, C2.regular, C2.regular)
    assert symmetry.transform_action(1, 0) == 1
    assert symmetry.transform_action(1, np.zeros((3, 2), dtype=np.uint8)).dtype == np.uint8
    assert symmetry.transform_action(1, torch.zeros(3, 2, dtype=torch.int32)).dtype == torch.int32


def test_state_dependent_action_map():
    symmetry = Symmetry(C2, C2.regular, lambda g, observation, action: (action + g * (observation[..., 0] > 0)) % 2)
    assert not symmetry.has_action_representation
    assert symmetry.transform_action(1, 0, np.array([1.0, 0.0])) == 1
    assert symmetry.transform_action(1, 0, np.array([-1.0, 0.0])) == 0
    symmetry.check_spaces(gym.spaces.Box(-1, 1, (2,)), gym.spaces.Discrete(2))
    with pytest.raises(SymmetryError, match="give the observation"):
        symmetry.transform_action(1, 0)
    with pytest.raises(SymmetryError, match="networks need a representation"):
        symmetry.require_action_representation()
    with pytest.raises(SymmetryError, match="networks need a representation"):
        symmetry.restrict_to_trivial()


def test_restriction_to_the_trivial_group_is_the_plain_symmetry():
    group = groups.cyclic(4)
    rep = Representation.from_generators(group, [turn(4)])
    symmetry = Symmetry(group, rep, rep, observation_center=[1, 2], observation_names=["x", "y"], name="turns")
    plain = symmetry.restrict_to_trivial()
    assert plain.group.order == 1
    assert (plain.observation.dim, plain.require_action_representation().dim) == (2, 2)
    assert plain.observation_center is None
    assert plain.observation_names == ("x", "y")
    plain.check_spaces(gym.spaces.Box(-1, 1, (2,)), gym.spaces.Discrete(2))


def test_a_symmetry_is_a_value():
    symmetry = plane(4)
    for same in (plane(4), copy.deepcopy(symmetry), pickle.loads(pickle.dumps(symmetry))):
        assert same == symmetry
        assert hash(same) == hash(symmetry)
    assert symmetry != Symmetry(symmetry.group, symmetry.observation, symmetry.action)
    with pytest.raises(AttributeError, match="immutable"):
        symmetry.name = "other"  # pyright: ignore[reportAttributeAccessIssue]
    assert symmetry.observation_center is not None
    with pytest.raises(ValueError, match="read-only"):
        symmetry.observation_center[0] = 5


def test_prints():
    symmetry = Symmetry(C2, 3 * C2.regular, C2.regular, name="swap")
    assert str(symmetry) == "swap: C2, 3 * regular on observations, regular on actions"
    assert repr(symmetry) == "Symmetry(swap, C2, observation dim 6, action dim 2)"
    assert "observation_center" in repr(plane(4))


ROTATION = Representation.from_generators(C4, [turn(4)])


@pytest.mark.parametrize(
    ("error", "arguments", "options", "says"),
    [
        (SymmetryError, ("C2", C2.regular, C2.regular), {}, "symmdp Group; got str"),
        (SymmetryError, (C2, np.eye(2), C2.regular), {}, "observation argument is a Representation"),
        (SymmetryError, (C2, C2.regular, 3), {}, "Representation, or a function"),
        (GroupMismatchError, (C2, C3.regular, C2.regular), {}, "observation representation"),
        (GroupMismatchError, (C2, C2.regular, C3.regular), {}, "action representation"),
        (ShapeError, (C2, C2.regular, C2.regular), {"observation_center": [0, 0, 0]}, r"shape \(3,\); expected \(2,\)"),
        (SymmetryError, (C2, C2.regular, C2.regular), {"action_center": [0, np.nan]}, "finite"),
        (SymmetryError, (C2, C2.regular, C2.regular), {"action_center": ["a", "b"]}, "real numbers"),
        (SymmetryError, (C2, C2.regular, lambda g, o, a: a), {"action_center": [0, 0]}, "function must apply it"),
        (SymmetryError, (C2, C2.regular, C2.regular), {"observation_names": ["x"]}, "Expected 2 observation_names; got 1"),
        (SymmetryError, (C2, C2.regular, C2.regular), {"element_names": "ab"}, "sequence of strings"),
    ],
)
def test_bad_arguments(error: type[Exception], arguments: tuple, options: dict, says: str):
    with pytest.raises(error, match=says):
        Symmetry(*arguments, **options)


def test_bad_observations_and_actions():
    symmetry = Symmetry(C4, ROTATION, ROTATION)
    with pytest.raises(ShapeError, match=r"shape \(5, 3\); expected 2 coordinates"):
        symmetry.transform_observation(1, np.zeros((5, 3)))
    with pytest.raises(ShapeError, match=r"shape \(\)"):
        symmetry.transform_action(1, torch.tensor(1.0))
    with pytest.raises(GroupError, match="no element"):
        symmetry.transform_observation(4, np.zeros(2))
    with pytest.raises(SymmetryError, match="need a permutation representation"):
        symmetry.transform_action(1, 0)
    discrete = Symmetry(C4, ROTATION, C4.regular)
    for actions in (np.array([0, 4]), torch.tensor([-1, 0])):
        with pytest.raises(ShapeError, match="indices 0 … 3"):
            discrete.transform_action(1, actions)
    with pytest.raises(SymmetryError, match="whole numbers"):
        discrete.transform_action(1, 0.5, discrete=True)


BOX = gym.spaces.Box(-1, 1, (2,))
SIGN = Representation.from_generators(C2, [[[-1]]])


@pytest.mark.parametrize(
    ("symmetry", "spaces", "says"),
    [
        (Symmetry(C2, 3 * C2.trivial, C2.regular), (BOX, gym.spaces.Discrete(2)), "2 coordinates.* dimension 3"),
        (Symmetry(C2, C2.regular, C2.regular), (BOX, gym.spaces.Discrete(3)), "3 actions.* dimension 2.*permutation"),
        (Symmetry(C2, C2.regular, 2 * SIGN), (BOX, gym.spaces.Discrete(2)), "2 actions.*dimension 2.*signed permutation"),
        (Symmetry(C2, C2.regular, SIGN), (BOX, BOX), "action space has 2 coordinates.* dimension 1"),
        (Symmetry(C2, C2.regular, C2.regular, action_center=[1, 1]), (BOX, gym.spaces.Discrete(2)), "action_center"),
        (Symmetry(C2, C2.regular, SIGN), (gym.spaces.Discrete(4), BOX), "4 states.*dimension 2"),
        (Symmetry(C2, SIGN, SIGN), (gym.spaces.Discrete(1), BOX), "permute its 1 states.*signed permutation"),
        (Symmetry(C2, C2.regular, SIGN, observation_center=[1, 1]), (gym.spaces.Discrete(2), BOX), "an observation_center"),
        (Symmetry(C2, C2.regular, SIGN), (gym.spaces.Dict({"a": BOX}), BOX), "is a Dict.*Flatten"),
        (Symmetry(C2, C2.regular, SIGN), (gym.spaces.Tuple([BOX]), BOX), "is a Tuple"),
        (Symmetry(C2, C2.regular, SIGN), (gym.spaces.Box(0, 255, (8, 8, 3)), BOX), r"\(8, 8, 3\).*Flatten.*images"),
        (Symmetry(C2, C2.regular, SIGN), (BOX, gym.spaces.MultiBinary(3)), "action space is a MultiBinary"),
    ],
)
def test_spaces_that_do_not_fit(symmetry: Symmetry, spaces: tuple[gym.Space, gym.Space], says: str):
    with pytest.raises(SpaceMismatchError, match=says):
        symmetry.check_spaces(*spaces)


def test_spaces_that_fit():
    symmetry = Symmetry(C2, C2.regular, C2.regular)
    for actions in (gym.spaces.Discrete(2), gym.spaces.Discrete(2, start=5), BOX):
        assert symmetry.check_spaces(BOX, actions) is None
