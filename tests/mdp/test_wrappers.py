from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import wrappers

from symmdp import groups
from symmdp.catalogue import symmetry_of
from symmdp.errors import SpaceMismatchError, SymmetryError
from symmdp.mdp import Symmetry, wrapped_symmetry
from symmdp.representations import Representation

C2 = groups.cyclic(2)


def rollout(env: gym.Env, states: list[Any], actions: list[Any]) -> list[np.ndarray]:
    """Observations of steps from a state that is set before each of them, so that a stack of frames fills."""
    env.reset(seed=0)
    observations = []
    for state, action in zip(states, actions, strict=True):
        inner: Any = env.unwrapped
        inner.state = np.array(state, dtype=np.float64)
        observations.append(np.array(env.step(action)[0], dtype=np.float64))
    return observations


def stacked(env: gym.Env) -> gym.Env:
    return wrappers.FlattenObservation(wrappers.FrameStackObservation(env, 3))


def timed(env: gym.Env) -> gym.Env:
    return wrappers.TimeAwareObservation(env)


def both(env: gym.Env) -> gym.Env:
    return wrappers.FlattenObservation(wrappers.FrameStackObservation(wrappers.TimeAwareObservation(env), 2))


def harmless(env: gym.Env) -> gym.Env:
    return wrappers.DtypeObservation(
        wrappers.TransformReward(wrappers.RecordEpisodeStatistics(env), lambda r: 2 * r), np.float64
    )


@pytest.mark.parametrize("wrap", [stacked, timed, both, harmless])
def test_cartpole_under_wrappers(wrap) -> None:
    symmetry = symmetry_of("CartPole-v1")
    env, mirrored = (wrap(gym.make("CartPole-v1", disable_env_checker=True)) for _ in range(2))
    derived = wrapped_symmetry(env, symmetry)
    assert derived.observation.dim == env.observation_space.shape[0]
    generator = np.random.default_rng(0)
    states = generator.uniform(-0.1, 0.1, size=(6, 4))
    actions = generator.integers(2, size=6)
    found = rollout(env, list(states), [int(a) for a in actions])
    images = rollout(mirrored, list(-states), [int(1 - a) for a in actions])
    for one, other in list(zip(found, images, strict=True))[3:]:  # when all frames come from states that were set
        np.testing.assert_allclose(derived.transform_observation(1, one), other, atol=1e-6)
    assert not np.allclose(found[-1], images[-1])


@pytest.mark.parametrize("bounds", [(-1.0, 1.0), (0.0, 1.0), (-3.0, 1.0)])
def test_rescaled_actions_and_observations_of_pendulum(bounds: tuple[float, float]) -> None:
    symmetry = symmetry_of("Pendulum-v1")
    env, mirrored = (
        wrappers.RescaleObservation(
            wrappers.RescaleAction(gym.make("Pendulum-v1", disable_env_checker=True), *map(np.float32, bounds)),
            np.float32(bounds[0]),
            np.float32(bounds[1]),
        )
        for _ in range(2)
    )
    derived = wrapped_symmetry(env, symmetry)
    assert (derived.action_center is None) == (bounds == (-1.0, 1.0))
    generator = np.random.default_rng(0)
    states = generator.uniform([-np.pi, -8], [np.pi, 8], size=(20, 2))
    actions = generator.uniform(*bounds, size=(20, 1))
    images = [derived.transform_action(1, action) for action in actions]
    found = rollout(env, list(states), list(actions.astype(np.float32)))
    expected = rollout(mirrored, list(-states), [np.float32(image) for image in images])
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(derived.transform_observation(1, one), other, atol=1e-5)


def test_names_and_elements_follow() -> None:
    env = both(gym.make("CartPole-v1"))
    derived = wrapped_symmetry(env, symmetry_of("CartPole-v1"))
    assert derived.observation_names is not None
    assert derived.observation_names[0] == "x (t−1)"
    assert derived.observation_names[-1] == "time"
    assert derived.element_names == ("identity", "mirror")


def test_no_wrapper_gives_the_symmetry_itself() -> None:
    symmetry = symmetry_of("CartPole-v1")
    assert wrapped_symmetry(gym.make("CartPole-v1"), symmetry) is symmetry


def test_clipped_actions() -> None:
    symmetry = symmetry_of("Pendulum-v1")
    assert wrapped_symmetry(wrappers.ClipAction(gym.make("Pendulum-v1")), symmetry) is symmetry
    lopsided = wrappers.ClipAction(wrappers.RescaleAction(gym.make("Pendulum-v1"), np.float32(0), np.float32(1)))
    assert wrapped_symmetry(lopsided, symmetry).action_center is not None
    declared = Symmetry(C2, symmetry.observation, symmetry.require_action_representation(), action_center=[0.5])
    with pytest.raises(SymmetryError, match="ClipAction"):
        wrapped_symmetry(wrappers.ClipAction(gym.make("Pendulum-v1")), declared)


BREAKING = [
    (wrappers.NormalizeObservation, "breaks the symmetry"),
    (lambda env: wrappers.TransformObservation(env, lambda o: o, None), "not known"),
    (lambda env: wrappers.TimeAwareObservation(env, flatten=False), "flatten=True"),
]


@pytest.mark.parametrize(("wrap", "message"), BREAKING)
def test_what_breaks_the_symmetry_or_is_not_known_is_refused(wrap, message: str) -> None:
    with pytest.raises(SymmetryError, match=message):
        wrapped_symmetry(wrap(gym.make("CartPole-v1")), symmetry_of("CartPole-v1"))


def test_frames_that_are_not_flat_do_not_fit() -> None:
    with pytest.raises(SpaceMismatchError):
        wrapped_symmetry(wrappers.FrameStackObservation(gym.make("CartPole-v1"), 3), symmetry_of("CartPole-v1"))


def test_padding_that_the_group_moves_is_refused() -> None:
    symmetry = symmetry_of("CartPole-v1")
    affine = Symmetry(C2, symmetry.observation, symmetry.require_action_representation(), observation_center=[1.0, 0, 0, 0])
    env = wrappers.FrameStackObservation(gym.make("CartPole-v1"), 3, padding_type="zero")
    with pytest.raises(SymmetryError, match="padding_type='reset'"):
        wrapped_symmetry(wrappers.FlattenObservation(env), affine)
    good = wrappers.FlattenObservation(wrappers.FrameStackObservation(gym.make("CartPole-v1"), 3))
    center = wrapped_symmetry(good, affine).observation_center
    np.testing.assert_array_equal(center, [1, 0, 0, 0] * 3)


def test_a_map_of_the_state_needs_a_map_of_the_frames() -> None:
    observation = Representation(C2, [np.eye(4), -np.eye(4)])
    symmetry = Symmetry(C2, observation, lambda g, s, a: a if g == 0 else 1 - a)
    with pytest.raises(SymmetryError, match="depends on the state"):
        wrapped_symmetry(stacked(gym.make("CartPole-v1")), symmetry)
