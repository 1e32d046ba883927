"""Box2D's environments as simulators: their states, what makes them symmetric, and what is found where they are not."""

import subprocess
import sys
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

pytest.importorskip("Box2D")

from gymnasium.envs.box2d.bipedal_walker import BipedalWalker
from gymnasium.envs.box2d.lunar_lander import LunarLander
from scipy.optimize import minimize

from symmdp import groups
from symmdp.catalogue import entry_of, symmetry_of
from symmdp.cli import main
from symmdp.errors import SimulatorError
from symmdp.mdp import Symmetry, VerificationReport, verify
from symmdp.mdp.simulators._box2d import simulator as box2d_simulator
from symmdp.mdp.simulators._box2d_ground import crossings, fit_ground
from symmdp.mdp.simulators._find import simulator_of
from symmdp.representations import Representation
from symmdp.testing import check_symmetry

C2 = groups.cyclic(2)
MIRROR, STEERED, EXCHANGE = (
    symmetry_of(name) for name in ("LunarLander-v3", "LunarLander-v3 (continuous=True)", "BipedalWalker-v3")
)
(ABOUT_HIPS,) = entry_of("BipedalWalker-v3").alternatives


def changed(symmetry: Symmetry, observation: np.ndarray | None = None, action: np.ndarray | None = None) -> Symmetry:
    """The symmetry with another matrix of its mirror."""
    matrices = [symmetry.observation(1), symmetry.require_action_representation()(1)]
    reps = [
        Representation.from_generators(C2, [old if new is None else new])
        for old, new in zip(matrices, (observation, action), strict=True)
    ]
    names = {"observation_names": symmetry.observation_names, "action_names": symmetry.action_names}
    return Symmetry(C2, *reps, observation_center=symmetry.observation_center, **names)


def failed(report: VerificationReport) -> dict[str, set[str]]:
    return {part.part: set(part.faults) for part in report.failures}


def real_and_set(name: str, episodes: int, **options: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Episodes, and each of their steps from a state that was set with the same random numbers.

    Returns:
        Differences of observations (without contacts) and rewards, whether a foot touched the ground, and how many
        terminations differ.
    """
    real, other = (simulator_of(gym.make(name, **options)) for _ in range(2))
    other.reset(0)
    feet = [6, 7] if "Lunar" in name else [8, 13]
    real.action_space.seed(0)
    errors, rewards, touching, ends = [], [], [], 0
    for episode in range(episodes):
        real.reset(episode)
        for _ in range(300):
            state, action = real.get_state(), real.action_space.sample()
            other.set_state(state)
            assert np.allclose(other.observe(), real.observe(), atol=2e-6)
            other._env.np_random.bit_generator.state = real._env.np_random.bit_generator.state
            (shown, reward, end), (again, reward_again, end_again) = real.step(action), other.step(action)
            errors.append(np.delete(np.abs(shown - again), feet).max())
            rewards.append(abs(reward - reward_again))
            touching.append(real.observe()[feet].any())
            ends += end != end_again
            if end:
                break
    return np.array(errors), np.array(rewards), np.array(touching), ends


@pytest.mark.parametrize("options", [{}, {"continuous": True}, {"enable_wind": True}], ids=str)
def test_a_lander_that_is_set_goes_on_as_its_episode_did(options: dict):
    errors, rewards, touching, ends = real_and_set("LunarLander-v3", 15, **options)
    assert touching.sum() > 20
    assert np.median(errors) < 2e-6
    assert np.median(errors[touching]) < 2e-5
    assert np.median(rewards) < 1e-4
    assert np.quantile(errors, 0.95) < 0.01  # a hard landing leaves impulses in the solver
    assert ends == 0


def test_a_walker_that_is_set_goes_on_as_its_episode_did_but_for_the_ground_it_does_not_see():
    errors, rewards, _, ends = real_and_set("BipedalWalker-v3", 5)
    assert np.median(errors) < 0.02
    assert np.median(rewards) < 0.01
    assert ends <= 2


class Dispersion:
    """Stands for a random generator whose next numbers are known."""

    def __init__(self, values):
        self._values = list(values)

    def uniform(self, low, high):
        return self._values.pop(0)


def mirrored(state: np.ndarray) -> np.ndarray:
    """The mirror image of everything: the lander, either leg, and the terrain."""
    bodies = np.array([state[:6], state[6:12], state[13:19]]) * [-1, 1, -1, 1, -1, -1] + [20, 0, 0, 0, 0, 0]
    image = state.copy()
    image[:6], image[6:12], image[13:19] = bodies[[0, 2, 1]]
    image[12], image[19] = state[19], state[12]
    image[20:31] = state[20:31][::-1]
    return image


@pytest.mark.parametrize(
    ("options", "symmetry"), [({}, MIRROR), ({"continuous": True}, STEERED)], ids=["discrete", "continuous"]
)
def test_the_mirror_is_exact_where_all_that_is_random_is_mirrored(options: dict, symmetry: Symmetry):
    simulator = simulator_of(gym.make("LunarLander-v3", **options))
    simulator.reset(0)
    rng = np.random.default_rng(0)
    simulator.action_space.seed(0)
    generator = simulator._env._np_random
    errors, touching = [], []
    for state in simulator.sample_states(400, np.zeros((1, 33)), rng):
        action, (along, across) = simulator.action_space.sample(), rng.uniform(-1, 1, size=2)
        outcomes = []
        for start, chosen, side in ((state, action, across), (mirrored(state), symmetry.transform_action(1, action), -across)):
            simulator.set_state(start)
            simulator._env._np_random = Dispersion([along, side])
            outcomes.append(simulator.step(np.asarray(chosen) if options else int(chosen)))
            simulator._env._np_random = generator
        (following, reward, end), (image, image_reward, image_end) = outcomes
        assert end == image_end
        errors.append(np.abs(following - symmetry.transform_observation(1, image)).max())
        touching.append(state[12] or state[19] or following[6:].any())
        if not touching[-1]:
            assert reward == pytest.approx(image_reward, abs=1e-3)
    errors, touching = np.array(errors), np.array(touching, dtype=bool)
    assert errors[~touching].max() < 5e-5
    assert np.median(errors[touching]) < 1e-5


class Draws:
    """Stands for a random generator: the same numbers for a state, and for its mirror image."""

    def __init__(self, heights, shares, moving):
        self._heights, self._shares, self._moving = heights, [*shares], [*moving]

    def uniform(self, low=0.0, high=1.0, size=None):
        return self._shares.pop(0) if size is None else high * self._heights

    def integers(self, *bounds, size=None):
        return self._moving.pop(0) if size is None else np.zeros(size)


def test_what_a_lander_hides_is_drawn_alike_for_mirror_images():
    simulator: Any = simulator_of(gym.make("LunarLander-v3"))
    simulator.reset(0)
    rng = np.random.default_rng(0)
    for _ in range(300):
        observation = np.array(
            [*rng.uniform([-1.1, -0.1], [1.1, 0.4]), *rng.normal(scale=0.5, size=4), *rng.integers(2, size=2)]
        )
        heights, shares, moving = rng.uniform(size=12), rng.uniform(size=3), rng.integers(2, size=2)
        simulator._env._np_random = Draws(heights, shares, moving)
        state = simulator.state_of(observation)
        simulator._env._np_random = Draws(np.append(heights[10::-1], heights[11]), shares[[1, 0, 2]], moving[::-1])
        image = simulator.state_of(MIRROR.transform_observation(1, observation))
        assert np.allclose(mirrored(state), image, atol=1e-9)


@pytest.mark.parametrize(
    ("environment", "symmetry"),
    [("LunarLander-v3", MIRROR), ("LunarLander-v3 (continuous=True)", STEERED), ("LunarLander-v3 (enable_wind=True)", MIRROR)],
)
def test_landers_are_symmetric_in_distribution(environment: str, symmetry: Symmetry):
    report = check_symmetry(environment, symmetry, samples=1000, seed=1)
    assert "Box2D" in report.engine
    assert report.method
    assert "symmetric in distribution" in report.headline


class Bonus(LunarLander):
    """A reward of 0.5 on the right."""

    def step(self, action):
        observation, reward, *rest = super().step(action)
        return observation, reward + 0.5 * float(observation[0] > 0), *rest


class Fence(LunarLander):
    """The episode ends halfway to the right."""

    def step(self, action):
        observation, reward, terminated, *rest = super().step(action)
        return observation, reward, terminated or bool(observation[0] > 0.5), *rest


class StrongOnTheLeft(LunarLander):
    def step(self, action):
        if action == 1:
            self.lander.ApplyLinearImpulse((0.05, 0.0), self.lander.worldCenter, True)
        return super().step(action)


class HeavyLeg(LunarLander):
    def reset(self, **options):
        shown = super().reset(**options)
        self.legs[0].fixtures[0].density = 3.0
        self.legs[0].ResetMassData()
        return shown


class Pushed(LunarLander):
    def reset(self, **options):
        super().reset(**options)
        self.lander.linearVelocity += (2.0, 0.0)
        return self.step(0)[0], {}


LANDER_SIGNS = MIRROR.observation(1)
NOT_SWAPPED = LANDER_SIGNS.copy()
NOT_SWAPPED[6:, 6:] = np.eye(2)


@pytest.mark.parametrize(
    ("env", "symmetry", "expected", "names"),
    [
        ("LunarLander-v3", changed(MIRROR, np.diag([1, 1, 1, 1, 1, -1, 1, 1]) @ LANDER_SIGNS), "observation", {"θ", "θ̇"}),
        ("LunarLander-v3", changed(MIRROR, np.diag([1, 1, 1, -1, 1, 1, 1, 1]) @ LANDER_SIGNS), "observation", {"ẏ"}),
        ("LunarLander-v3", changed(MIRROR, NOT_SWAPPED), "observation", {"leg 0 touches"}),
        ("LunarLander-v3", changed(MIRROR, action=np.eye(4)), "observation", {"ẋ", "θ̇"}),
        (Bonus(), MIRROR, "reward", set()),
        (Fence(), MIRROR, "termination", set()),
        (StrongOnTheLeft(), MIRROR, "observation", {"ẋ"}),
        (HeavyLeg(), MIRROR, "observation", {"θ̇"}),
        (Pushed(), MIRROR, "initial states", {"ẋ"}),
    ],
    ids=["sign of θ̇", "sign of ẏ", "legs", "actions", "reward", "termination", "engine", "leg", "start"],
)
def test_what_is_wrong_with_a_lander_is_found(env, symmetry: Symmetry, expected: str, names: set[str]):
    found = failed(verify(env, symmetry, samples=2000 if "leg 0 touches" in names else 1000))
    assert expected in found
    assert names <= found[expected]


def test_a_flag_that_is_negative_is_no_state():
    report = verify("LunarLander-v3", changed(MIRROR, np.diag([1] * 6 + [-1, -1]) @ LANDER_SIGNS), samples=200)
    assert "are no states" in report.parts[0].detail
    assert set(report.parts[0].faults) >= {"leg 0 touches", "leg 1 touches"}


def test_equal_seeds_give_equal_reports():
    one, same, other = (verify("LunarLander-v3", MIRROR, samples=60, seed=seed) for seed in (0, 0, 1))
    assert one == same
    assert one != other
    walker = [verify("BipedalWalker-v3", EXCHANGE, samples=60) for _ in range(2)]
    assert walker[0] == walker[1]


def error_of(report: VerificationReport) -> float:
    return report.parts[0].median or 0.0


def test_the_exchange_of_legs_is_near_and_nearer_about_the_hips_zeros():
    exchange, about = (verify("BipedalWalker-v3", symmetry, samples=400) for symmetry in (EXCHANGE, ABOUT_HIPS))
    assert {part.part for part in exchange.failures} <= set(entry_of("BipedalWalker-v3").breaks)
    assert 0.03 < error_of(exchange) < 0.2
    assert error_of(about) < 0.01


WALKER = ABOUT_HIPS.observation(1)


@pytest.mark.parametrize(
    "wrong",
    [
        changed(ABOUT_HIPS, np.eye(24)),
        changed(ABOUT_HIPS, action=np.eye(4)),
        changed(ABOUT_HIPS, np.diag([1, 1, 1, -1, *[1] * 20]) @ WALKER),
    ],
    ids=["legs not exchanged", "actions not exchanged", "sign of ẏ"],
)
def test_wrong_exchanges_are_far(wrong: Symmetry):
    assert error_of(verify("BipedalWalker-v3", wrong, samples=200)) > 0.1


class WalkerBonus(BipedalWalker):
    def step(self, action):
        observation, reward, *rest = super().step(action)
        return observation, reward + 0.5 * observation[8], *rest


class StopsOnLegZero(BipedalWalker):
    def step(self, action):
        observation, reward, terminated, *rest = super().step(action)
        return observation, reward, terminated or bool(observation[8]), *rest


@pytest.mark.parametrize(("env", "part"), [(WalkerBonus(), 1), (StopsOnLegZero(), 2)], ids=["reward", "termination"])
def test_what_is_wrong_with_a_walker_is_found(env: gym.Env, part: int):
    broken, usual = (verify(e, ABOUT_HIPS, samples=300).parts[part] for e in (env, "BipedalWalker-v3"))
    assert broken.passed is False
    assert broken.violations > usual.violations or (broken.median or 0) > 10 * (usual.median or 0)


def test_the_ground_of_a_walker_is_what_its_lidar_sees():
    simulator: Any = simulator_of(gym.make("BipedalWalker-v3"))
    simulator.reset(0)
    simulator.action_space.seed(0)
    states = [*simulator.sample_states(50, np.zeros((1, 24)), np.random.default_rng(0))]
    for _ in range(30):
        simulator.step(simulator.action_space.sample())
        states.append(simulator.get_state())
    env = simulator._env
    differ = []
    for state in states:
        simulator.set_state(state)
        position = env.hull.position
        for i, ray in enumerate(env.lidar):
            ray.fraction = 1.0
            angle, reach = 1.5 * i / 10, 160 / 30
            env.world.RayCast(ray, position, (position[0] + np.sin(angle) * reach, position[1] - np.cos(angle) * reach))
        differ.append(np.abs([ray.fraction for ray in env.lidar] - state[-10:]).max())
    assert np.quantile(differ, 0.9) < 1e-5


def test_hard_terrain_can_be_set():
    report = verify("BipedalWalker-v3 (hardcore=True)", ABOUT_HIPS, samples=50)
    assert report.parts[0].checked == 50


class Degrees(LunarLander):
    def step(self, action):
        observation, *rest = super().step(action)
        return observation * 2, *rest


class OwnPotential(LunarLander):
    def step(self, action):
        found = super().step(action)
        self.prev_shaping += 1.0
        return found


def test_other_observations_rewards_and_classes_are_refused():
    with pytest.raises(SimulatorError, match="other observations"):
        verify(Degrees(), MIRROR, samples=20)
    with pytest.raises(SimulatorError, match="potential"):
        verify(OwnPotential(), MIRROR, samples=20)
    with pytest.raises(SimulatorError, match="LunarLander, BipedalWalker"):
        box2d_simulator(gym.make("CartPole-v1"))


def test_a_missing_package_names_the_extra():
    code = (
        "import sys; sys.modules['Box2D'] = None\n"
        "from symmdp.mdp import make_environment\n"
        "try: make_environment('LunarLander-v3')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "MissingExtraError" in shown
    assert "symmdp[box2d]" in shown


def test_the_command_line_verifies_them(capsys: pytest.CaptureFixture[str]):
    assert main(["verify", "LunarLander-v3", "--samples", "300"]) == 0
    assert "symmetric in distribution" in capsys.readouterr().out
    assert main(["verify", "LunarLander-v3 (continuous=True)", "--samples", "300"]) == 0
    assert "compared in distribution" in capsys.readouterr().out
    assert main(["verify", "BipedalWalker-v3", "--samples", "50"]) == 1
    assert "The catalogue lists it as approximate" in capsys.readouterr().out


def test_fitted_ground_is_the_nearest_that_meets_its_conditions():
    rng = np.random.default_rng(0)
    x = np.arange(8.0)
    binding = 0
    for _ in range(50):
        drawn, possible = rng.normal(size=(2, 8))
        points = (rng.permutation(7)[:6, None] + rng.uniform(0.2, 0.8, size=(6, 1))) * [1, 0]
        points[:, 1] = np.interp(points[:, 0], x, possible) + np.where(np.arange(6) < 2, 0, rng.exponential(size=6))
        touched, above = points[:2], points[2:]
        heights = fit_ground(x, drawn, touched, above)
        assert np.allclose(np.interp(touched[:, 0], x, heights), touched[:, 1])
        assert (np.interp(above[:, 0], x, heights) <= above[:, 1] + 1e-6).all()
        limits = [{"type": "eq", "fun": lambda h, p=p: np.interp(p[0], x, h) - p[1]} for p in touched]
        limits += [{"type": "ineq", "fun": lambda h, p=p: p[1] - np.interp(p[0], x, h)} for p in above]
        slow = minimize(lambda h, d=drawn: ((h - d) ** 2).sum(), possible, constraints=limits, method="SLSQP", tol=1e-12)
        assert np.allclose(heights, slow.x, atol=1e-4)
        mirrored_touched, mirrored_above = ([7, 0] + points * [-1, 1] for points in (touched, above))
        assert np.allclose(fit_ground(x, drawn[::-1], mirrored_touched, mirrored_above)[::-1], heights)
        binding += (np.interp(above[:, 0], x, heights) > above[:, 1] - 1e-6).any()
    assert binding > 20


def test_points_beside_the_ground_and_conditions_that_no_ground_meets():
    x, drawn = np.arange(4.0), np.zeros(4)
    nothing = np.zeros((0, 2))
    assert np.array_equal(fit_ground(x, drawn, nothing, np.array([[3.0, 10.0], [50.0, -9.0]])), drawn)
    point = np.array([[1.0, 2.0]])
    both = fit_ground(x, drawn, point, point)
    assert np.allclose(both, [0, 2, 0, 0])  # a touched point that is also above asks for no more
    assert fit_ground(x, drawn, point, point - [0, 1])[1] == pytest.approx(2)
    fixed = fit_ground(x, drawn, np.array([[2.5, 1.0]]), nothing, np.array([True, True, True, False]))
    assert np.allclose(fixed, [0, 0, 2, 0])


def test_edges_cross_vertical_lines():
    square = np.array([[0.0, 0.0], [2.0, 1.0], [2.0, 3.0], [0.0, 3.0]])
    found = crossings(square, np.array([1, 2, 3, 0]), np.array([1.0, 2.0, 5.0]))
    assert sorted(map(tuple, found)) == [(1.0, 0.5), (1.0, 3.0)]


def test_a_simulator_that_lacks_a_method_is_not_made() -> None:
    from symmdp.mdp.simulators._box2d_base import Box2DSimulator

    class Feetless(Box2DSimulator):
        def observe(self):
            return np.zeros(1)

        def _bodies(self):
            return []

        def _shaping(self):
            return 0.0

    with pytest.raises(TypeError, match=r"abstract.*_feet"):
        Feetless(None)  # pyright: ignore[reportAbstractUsage]
