"""A simulator of the user's own: a puck on a table, under rotations."""

import gymnasium as gym
import numpy as np
import pytest

from symmdp import groups
from symmdp.errors import SimulatorError
from symmdp.mdp import Simulator, Symmetry, simulator_of, verify
from symmdp.representations import Representation


class Puck:
    """Position and velocity on a plane; the action is a force. A wind blows along x."""

    def __init__(self, wind: float = 0.0, bound: float = np.inf, start: int | None = None, size: int = 4):
        self.observation_space = gym.spaces.Box(-bound, bound, (4,))
        self.action_space = gym.spaces.Box(-np.inf, np.inf, (2,)) if start is None else gym.spaces.Discrete(4, start=start)
        self._wind, self._start, self._size, self._state = wind, start, size, np.zeros(4)

    def reset(self, seed: int) -> None:
        self._state = np.random.default_rng(seed).normal(size=4)

    def get_state(self) -> np.ndarray:
        return self._state.copy()

    def set_state(self, state: np.ndarray) -> None:
        self._state = state.copy()

    def state_of(self, observation: np.ndarray) -> np.ndarray:
        return observation.copy()

    def observe(self) -> np.ndarray:
        return self._state[: self._size].copy()

    def step(self, action):
        if self._start is not None:
            action = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])[action - self._start]
        position, velocity = self._state[:2], self._state[2:]
        force = action - position + np.array([self._wind, 0])
        self._state = np.concatenate([position + 0.1 * velocity, velocity + 0.1 * force])
        return self.observe(), -float(position @ position), bool(velocity @ velocity > 9)

    def sample_states(self, count: int, reached: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return generator.uniform(-5, 5, size=(count, 4))


def rotations(order: int, discrete: bool = False) -> Symmetry:
    group, angle = groups.cyclic(order), 2 * np.pi / order
    matrix = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    rep = Representation.from_generators(group, [matrix])
    return Symmetry(group, 2 * rep, group.regular if discrete else rep, name="turns")


@pytest.mark.parametrize("order", [3, 4, 6])
def test_rotations_pass(order: int):
    simulator: Simulator = Puck()
    report = verify("my puck", rotations(order), samples=300, simulator=simulator)
    assert report.environment == "my puck"
    assert report.passed
    assert all(part.passed for part in report.parts)
    assert report.largest_error < 1e-14


@pytest.mark.parametrize("start", [0, 7])
def test_discrete_actions_are_counted_from_the_start_of_their_space(start: int):
    report = verify("puck", rotations(4, discrete=True), samples=300, simulator=Puck(start=start))
    assert report.passed
    reverse = Symmetry(groups.cyclic(4), rotations(4).observation, 4 * groups.cyclic(4).trivial)
    assert [part.part for part in verify("puck", reverse, samples=300, simulator=Puck(start=start)).failures] == ["observation"]


def test_a_wind_is_found():
    report = verify("puck", rotations(4), samples=300, simulator=Puck(wind=0.01))
    assert [part.part for part in report.failures] == ["observation"]
    assert set(report.failures[0].faults) == {"coordinate 2", "coordinate 3"}


class TwoScales(Puck):
    """The last coordinate is a millionth of the others, and drifts by a hundredth of its own size."""

    def step(self, action):
        self._state = self._state + np.array([0, 0, 0, 1e-8])
        return self.observe(), 0.0, False

    def reset(self, seed: int) -> None:
        self._state = np.random.default_rng(seed).normal(size=4) * [1e6, 1, 1, 1e-6]

    def sample_states(self, count: int, reached: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return generator.normal(size=(count, 4)) * [1e6, 1, 1, 1e-6]


def test_residuals_are_scaled_by_the_spread_of_their_own_coordinate():
    minus = Representation.from_generators(groups.cyclic(2), [[[-1]]])
    report = verify("drift", Symmetry(minus.group, 4 * minus, 2 * minus), samples=300, simulator=TwoScales())
    assert [part.part for part in report.failures] == ["observation"]
    assert report.failures[0].faults == ("coordinate 3",)
    assert report.largest_error == pytest.approx(0.02, rel=0.1)


@pytest.mark.parametrize("unit", [1e-300, 1e-170, 1e170, 1e300])
def test_units_play_no_role_however_large_or_small(unit: float):
    class Scaled(Puck):
        def observe(self) -> np.ndarray:
            return super().observe() * unit

        def state_of(self, observation: np.ndarray) -> np.ndarray:
            return observation / unit

        def step(self, action):
            _, reward, terminated = super().step(action)
            return self.observe(), reward * unit, terminated

    assert verify("calm", rotations(4), samples=100, simulator=Scaled()).passed
    report = verify("windy", rotations(4), samples=100, simulator=Scaled(wind=1e-3))
    assert {part.part for part in report.failures} == {"observation"}


def test_bounds_that_a_rotation_mixes_are_not_checked():
    mixed = verify("puck", rotations(3), samples=300, simulator=Puck(bound=5.0)).parts[-1]
    assert (mixed.part, mixed.verdict, mixed.checked) == ("bounds", "not checked", 2)
    assert "coordinate 0" in mixed.detail
    permuted = verify("puck", rotations(4), samples=300, simulator=Puck(bound=5.0)).parts[-1]
    assert (permuted.verdict, permuted.checked) == ("pass", 6)


def test_every_generator_is_reported():
    group = groups.dihedral(4)
    natural = Representation.from_generators(group, [[[0, -1], [1, 0]], [[1, 0], [0, -1]]])
    symmetry = Symmetry(group, 2 * natural, natural)
    report = verify("puck", symmetry, samples=300, simulator=Puck(wind=0.01))
    assert [part.element for part in report.parts] == [1] * 5 + [4] * 5
    assert [part.element for part in report.failures] == [1]  # the wind along x is symmetric under the reflection of y
    assert "element 1, observation: after (coordinate 0 = " in str(report)


def test_a_simulator_that_shows_too_little_is_refused():
    with pytest.raises(SimulatorError, match=r"shape \(3,\)"):
        verify("puck", rotations(4), samples=100, simulator=Puck(size=3))


@pytest.mark.parametrize(
    "environment", ["CartPole-v1", "Pendulum-v1", "Acrobot-v1", "MountainCar-v0", "MountainCarContinuous-v0"]
)
def test_classic_control_states_can_be_set_and_recovered(environment: str):
    env = gym.make(environment)
    simulator = simulator_of(env)
    simulator.reset(3)
    for state in simulator.sample_states(20, simulator.get_state()[None], np.random.default_rng(0)):
        simulator.set_state(state)
        observation = simulator.observe()
        simulator.set_state(simulator.state_of(observation))
        assert np.allclose(simulator.get_state(), state, atol=1e-12)
        assert np.allclose(simulator.observe(), observation, atol=1e-12)
    shown, _ = env.reset(seed=5)
    simulator.reset(5)
    assert np.allclose(simulator.observe(), shown, atol=1e-6)


class _Offers(gym.Env):
    observation_space = gym.spaces.Box(-np.inf, np.inf, (4,))
    action_space = gym.spaces.Box(-np.inf, np.inf, (2,))

    def symmdp_simulator(self):
        raise RuntimeError("no\nlicence.")


class _OffersAnAttribute(_Offers):
    symmdp_simulator = 3


class _OffersNone(_Offers):
    def symmdp_simulator(self):
        return None


@pytest.mark.parametrize(
    ("env", "says"),
    [
        (_Offers(), r"^symmdp_simulator\(\) of _Offers raised RuntimeError: no licence\. Expected a method"),
        (_OffersAnAttribute(), "raised TypeError: .*not callable. Expected a method without arguments"),
        (_OffersNone(), "returned a NoneType, which lacks action_space"),
    ],
)
def test_an_offer_that_is_no_simulator_is_refused(env: gym.Env, says: str):
    with pytest.raises(SimulatorError, match=says):
        verify(env, rotations(4))


@pytest.mark.parametrize("env", ["my puck", _Offers()])
def test_an_argument_that_is_no_simulator_is_refused(env):
    with pytest.raises(SimulatorError, match="simulator= is a dict, which lacks action_space"):
        verify(env, rotations(4), simulator={})  # pyright: ignore[reportArgumentType]


def test_what_an_environment_says_in_many_lines_is_told_in_one():
    class Broken(Puck):
        def step(self, action):
            raise RuntimeError("first line\nsecond line")

    with pytest.raises(SimulatorError, match=r"^my puck raised RuntimeError: first line second line, in step"):
        verify("my puck", rotations(4), simulator=Broken())
