"""The symmetry of Grid World: exact on states, images and the verifier's transitions; and what breaks it is seen."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from symmdp.catalogue import entry_of, grid_world_symmetry, symmetry_of
from symmdp.catalogue.environments import GridWorld, GridWorldLaw, grid_world_mdp
from symmdp.errors import SimulatorError
from symmdp.mdp import Symmetry, is_automorphism, simulator_of, verify
from symmdp.representations import Representation

ID = "symmdp/GridWorld-v0"
D4 = range(8)


def state_map(size: int, g: int) -> np.ndarray:
    """Where element `g`, turns first and then the same after an up–down mirror, takes the prey: by its coordinates."""
    half = size // 2
    row, column = np.divmod(np.arange(size**2), size)
    x, y = column - half, half - row
    if g >= 4:
        y = -y
    for _ in range(g % 4):
        x, y = -y, x
    return (half - y) * size + half + x


@pytest.mark.parametrize("size", [3, 5, 7, 9])
@pytest.mark.parametrize("prey_moves", [0.0, 0.15, 1.0])
def test_every_element_is_an_automorphism(size: int, prey_moves: float):
    mdp, symmetry = grid_world_mdp(size, prey_moves=prey_moves), grid_world_symmetry(size=size)
    for g in D4:
        assert is_automorphism(mdp, state_map(size, g), symmetry.transform_action(g, np.arange(5)))


@pytest.mark.parametrize(("size", "cell"), [(3, 1), (5, 2), (7, 3)])
def test_the_image_of_a_state_moves_as_the_state_does(size: int, cell: int):
    images, symmetry = GridWorld(size, cell).images(), grid_world_symmetry(size=size, cell=cell)
    for g in D4:
        moved = symmetry.transform_observation(g, images)
        assert np.array_equal(moved, images[state_map(size, g)])
        turned = np.flip(images, axis=2) if g >= 4 else images
        assert np.array_equal(moved, np.rot90(turned, g % 4, axes=(2, 3)))


@pytest.mark.parametrize("actions", [[0, 1, 2, 4, 3], [0, 2, 3, 4, 1], [1, 0, 2, 3, 4]])
def test_another_order_of_the_actions_is_no_automorphism(actions: list[int]):
    """Two moves exchanged, the moves turned the other way, and noop moved: negative controls."""
    assert not is_automorphism(grid_world_mdp(), state_map(7, 1), actions)


def test_the_states_that_start_are_mapped_to_each_other():
    starts = GridWorldLaw().starts
    for g in D4:
        assert set(state_map(7, g)[starts]) == set(starts)


@pytest.mark.parametrize("symmetry", [symmetry_of(ID), *entry_of(ID).alternatives], ids=lambda symmetry: symmetry.group.name)
def test_verification_is_exact(symmetry: Symmetry):
    report = verify(ID, symmetry, samples=500)
    assert report.passed
    assert report.largest_error == 0.0


def test_the_vectorised_environment_is_verified_too():
    assert verify(gym.make_vec(ID, 3, size=5, prey_moves=1.0), grid_world_symmetry(size=5), samples=200).passed


@pytest.mark.parametrize("order", [[0, 1, 2, 4, 3], [0, 4, 3, 2, 1], [1, 0, 2, 3, 4]])
def test_a_wrong_order_of_the_actions_is_seen(order: list[int]):
    """The symmetry of an agent whose actions are named in another order; reversed, the moves turn the other way."""
    right = symmetry_of(ID)
    names = np.eye(5, dtype=int)[order]
    actions = Representation(right.group, [names.T @ right.require_action_representation()(g) @ names for g in right.group])
    report = verify(ID, Symmetry(right.group, right.observation, actions), samples=200)
    assert "observation" in {part.part for part in report.failures}


class ShyLaw(GridWorldLaw):
    """The prey never goes up."""

    @property
    def after_prey(self) -> np.ndarray:
        after = GridWorldLaw.after_prey.func(self).copy()  # pyright: ignore[reportAttributeAccessIssue]
        after[:, 1] = np.arange(self.size**2)
        return after


class ShyPrey(GridWorld):
    @property
    def law(self) -> GridWorldLaw:
        return ShyLaw(self.size, self.cell, self.prey_moves)


class Toll(GridWorld):
    """Going up costs more."""

    def step(self, action: Any):
        observation, reward, *rest = super().step(action)
        return observation, reward - 0.05 * (action == 1), *rest


class Tired(GridWorld):
    """The episode ends when the agent goes left."""

    def step(self, action: Any):
        observation, reward, terminated, *rest = super().step(action)
        return observation, reward, terminated or action == 4, *rest


class Above(GridWorld):
    """The prey always starts above the agent."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self.prey = self.law.center - 2 * self.size
        return self._observation(), {}


@pytest.mark.parametrize(
    ("env", "part"),
    [(ShyPrey(), "observation"), (Toll(), "reward"), (Tired(), "termination"), (Above(), "initial states")],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_breaks_the_symmetry_is_seen_where_it_does(env: gym.Env, part: str):
    """Negative controls; the prey's own law is one of them, although no step of the simulator is random."""
    report = verify(env, symmetry_of(ID))
    assert {failure.part for failure in report.failures} == {part}


class Offering(gym.Env):
    """A user's environment that offers what it is told to."""

    observation_space = gym.spaces.Box(-1, 1, (1, 21, 21))
    action_space = gym.spaces.Discrete(5)

    def __init__(self, offered: Any):
        self._offered = offered

    def symmdp_simulator(self) -> Any:
        return self._offered


def test_any_environment_may_offer_its_simulator():
    simulator = GridWorld().symmdp_simulator()
    assert simulator_of(gym.wrappers.TimeLimit(Offering(simulator), 5)) is simulator
    assert verify(Offering(simulator), symmetry_of(ID), samples=50).passed


def test_what_is_offered_must_be_a_simulator():
    with pytest.raises(SimulatorError, match=r"Offering returned a int, which lacks action_space.*set_state"):
        simulator_of(Offering(3))


def test_a_wrapper_of_vectors_does_not_pass_the_offer_on():
    envs = gym.wrappers.vector.FlattenObservation(gym.make_vec(ID, 2))
    with pytest.raises(SimulatorError, match="FlattenObservation cannot be set"):
        verify(envs, symmetry_of(ID))
