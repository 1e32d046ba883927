"""Observations and actions of whole numbers, each under an element of its own: the same as one by one, never cut or wrapped."""

from typing import Any

import numpy as np
import pytest
import torch

from symmdp import groups
from symmdp.mdp import Augmentation, Canonicalization, Symmetry
from symmdp.representations import Representation, flip, plane

C2, C3 = groups.cyclic(2), groups.cyclic(3)
SIGNS = flip(C2, "x")
SYMMETRIES = {
    "a permutation": Symmetry(C2, C2.regular, C2.regular),
    "signs": Symmetry(C2, SIGNS, C2.regular),
    "signs about a point": Symmetry(C2, SIGNS, C2.regular, observation_center=[0.25, 0]),
    "turns": Symmetry(C3, plane(C3), C3.regular),
}


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64])
@pytest.mark.parametrize("as_tensors", [False, True])
@pytest.mark.parametrize("name", SYMMETRIES)
def test_rows_move_as_single_observations_do(name: str, as_tensors: bool, dtype: Any) -> None:
    symmetry, rng = SYMMETRIES[name], np.random.default_rng(0)
    states: Any = rng.integers(0, 100, size=(12, 2)).astype(dtype)
    if as_tensors:
        states = torch.tensor(states)
    elements = rng.integers(symmetry.group.order, size=12)
    moved = Augmentation(symmetry).transform({"observation": states}, elements)["observation"]
    for g, state, image in zip(elements, states, moved, strict=True):
        expected = symmetry.transform_observation(int(g), state)
        np.testing.assert_allclose(np.asarray(image), np.asarray(expected), rtol=1e-6, atol=1e-5)


def test_a_permutation_keeps_the_type_of_bytes() -> None:
    states = np.array([[1, 200], [3, 4]], dtype=np.uint8)
    assert Augmentation(SYMMETRIES["a permutation"]).transform({"obs": states}, 1)["obs"].dtype == np.uint8


def test_canonical_states_of_whole_numbers_lie_in_their_orbits() -> None:
    symmetry = SYMMETRIES["signs about a point"]
    canonical = Canonicalization(symmetry).canonical(np.array([[3, 1], [-5, 1]]))
    np.testing.assert_array_equal(canonical, [[3, 1], [5.5, 1]])


def test_continuous_actions_of_whole_numbers() -> None:
    action = Representation(C2, [[[1]], [[-1]]])
    augmentation = Augmentation(Symmetry(C2, SIGNS, action, action_center=[0.5]), discrete=False)
    batch = {"observation": np.zeros((2, 2)), "action": np.array([[0], [3]])}
    np.testing.assert_array_equal(augmentation.transform(batch, 1)["action"], [[1.0], [-2.0]])
