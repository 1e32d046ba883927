"""Action maps that depend on the state: verified, canonicalized and augmented, and refused where a representation is needed."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.envs.classic_control.cartpole import CartPoleEnv

from symmdp import groups
from symmdp.errors import SymmetryError
from symmdp.mdp import (
    Augmentation,
    Canonicalization,
    CanonicalStates,
    FrameAverage,
    MirrorLoss,
    Symmetry,
    verify,
)
from symmdp.representations import Representation

C2 = groups.cyclic(2)
FAR = 0.05


class Relabelled(CartPoleEnv):
    """CartPole whose two actions change places where the cart is far to the right."""

    def step(self, action: Any) -> Any:
        assert self.state is not None
        return super().step(int(action) ^ int(self.state[0] > FAR))


def action_map(g: int, observation: Any, action: Any) -> Any:
    """What is the mirror image near the middle is the same action far from it, where one of the two states is relabelled."""
    near = abs(float(observation[..., 0])) <= FAR
    return 1 - action if g == 1 and near else action


def always_swapped(g: int, observation: Any, action: Any) -> Any:
    return 1 - action if g == 1 else action


SYMMETRY = Symmetry(C2, Representation(C2, [np.eye(4), -np.eye(4)]), action_map)


def test_verification_tells_the_map_from_a_wrong_one() -> None:
    assert verify(Relabelled(), SYMMETRY, samples=400).passed
    wrong = Symmetry(C2, SYMMETRY.observation, always_swapped)
    report = verify(Relabelled(), wrong, samples=400)
    assert not report.passed
    assert report.epsilon["observation"].largest > 1e-3
    share = report.epsilon["observation"].share
    assert share is not None
    assert 0 < share < 1


def test_an_environment_of_canonical_states_is_the_same_environment() -> None:
    plain, canonical = Relabelled(), CanonicalStates(Relabelled(), SYMMETRY)
    canonicalization = Canonicalization(SYMMETRY)
    state, _ = plain.reset(seed=3)
    seen, _ = canonical.reset(seed=3)
    rng, kinds = np.random.default_rng(0), set()
    for _ in range(200):
        np.testing.assert_array_equal(seen, canonicalization.canonical(state))
        g = int(canonicalization.elements(state))
        action = int(rng.integers(2))
        image = int(SYMMETRY.transform_action(g, action, state, discrete=True))
        kinds.add((g, image == action))
        state, _, terminated, _, _ = plain.step(action)
        seen, _, also, _, _ = canonical.step(image)
        assert terminated == also
        if terminated:
            state, _ = plain.reset()
            seen, _ = canonical.reset()
    assert kinds == {(0, True), (1, True), (1, False)}, "images near the middle and far from it"


def test_augmented_transitions_are_transitions() -> None:
    env, rng = Relabelled(), np.random.default_rng(0)
    states = rng.uniform(-0.15, 0.15, size=(60, 4))
    actions = rng.integers(2, size=60)

    def following(state: np.ndarray, action: int) -> np.ndarray:
        env.reset(seed=0)
        env.state = np.array(state)  # pyright: ignore[reportAttributeAccessIssue]
        return env.step(action)[0]

    batch = {"obs": states, "action": actions, "next_obs": np.array([following(*p) for p in zip(states, actions, strict=True)])}

    def worst(symmetry: Symmetry) -> float:
        images = Augmentation(symmetry).transform(batch, 1)
        found = [following(*pair) for pair in zip(images["obs"], images["action"], strict=True)]
        return float(np.abs(np.array(found) - images["next_obs"]).max())

    assert worst(SYMMETRY) < 1e-6
    assert worst(Symmetry(C2, SYMMETRY.observation, always_swapped)) > 1e-3, "negative control"


def test_a_function_of_the_state_is_no_representation_of_outputs() -> None:
    network = torch.nn.Linear(4, 2)
    for build in (lambda: FrameAverage(network, SYMMETRY), lambda: MirrorLoss(SYMMETRY)):
        with pytest.raises(SymmetryError, match="function of the state"):
            build()
    # Values are invariant all the same.
    value = FrameAverage(torch.nn.Linear(4, 1), SYMMETRY, None)
    canonical = FrameAverage(torch.nn.Linear(4, 1), SYMMETRY, None, frame="canonical")
    x = torch.randn(6, 4)
    for average in (value, canonical):
        torch.testing.assert_close(average(-x), average(x))
    assert not torch.allclose(value.network(-x), value.network(x))


def test_canonical_states_of_continuous_actions() -> None:
    """A force whose sign depends on the state."""

    class Pushed(gym.Env):
        observation_space = gym.spaces.Box(-9, 9, (2,), np.float64)
        action_space = gym.spaces.Box(-1, 1, (1,), np.float64)
        state = np.zeros(2)

        def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
            super().reset(seed=seed)
            self.state = self.np_random.normal(size=2)
            return self.state, {}

        def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
            sign = -1.0 if self.state[0] > 1 else 1.0
            self.state = 0.9 * self.state + np.array([0.1 * sign * action[0], 0.0])
            return self.state, 0.0, False, False, {}

    def moved(g: int, s: Any, a: Any) -> Any:
        return -a if g == 1 and abs(float(s[0])) <= 1 else a

    symmetry = Symmetry(C2, Representation(C2, [np.eye(2), -np.eye(2)]), moved)
    plain, canonical = Pushed(), CanonicalStates(Pushed(), symmetry)
    canonicalization, rng = Canonicalization(symmetry), np.random.default_rng(0)
    for seed in range(20):
        state, _ = plain.reset(seed=seed)
        canonical.reset(seed=seed)
        action = rng.uniform(-1, 1, size=1)
        g = int(canonicalization.elements(state))
        image = symmetry.transform_action(g, action, state, discrete=False)
        state, *_ = plain.step(action)
        seen, *_ = canonical.step(image)
        np.testing.assert_allclose(seen, canonicalization.canonical(state), atol=1e-12)
