import json
import math
from typing import Any, cast

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.classic_control.acrobot import AcrobotEnv
from gymnasium.envs.classic_control.cartpole import CartPoleEnv
from gymnasium.envs.classic_control.pendulum import PendulumEnv

from symmdp import groups
from symmdp.catalogue import symmetry_of
from symmdp.errors import (
    DivergenceError,
    OptionError,
    SimulatorError,
    SpaceMismatchError,
    SymmetryError,
    UnknownEnvironmentError,
)
from symmdp.mdp import Symmetry, VerificationReport, verify
from symmdp.mdp.simulators._find import simulator_of
from symmdp.mdp.verification._dynamics import share_bound
from symmdp.representations import Representation

C2 = groups.cyclic(2)
SWAP, REVERSE = [[0, 1], [1, 0]], np.eye(3)[::-1]
NAMES = {4: ("x", "ẋ", "θ", "θ̇"), 3: ("cos θ", "sin θ", "θ̇"), 6: ("cos θ₁", "sin θ₁", "cos θ₂", "sin θ₂", "θ̇₁", "θ̇₂")}


def mirror(observation, action, **options) -> Symmetry:
    observation = np.array(observation)
    matrices = [np.diag(m) if m.ndim == 1 else m for m in (observation, np.array(action))]
    reps = [Representation.from_generators(C2, [m]) for m in matrices]
    names = NAMES.get(len(observation))
    return Symmetry(C2, *reps, observation_names=names, element_names=("identity", "mirror"), **options)


CARTPOLE = mirror([-1, -1, -1, -1], SWAP, action_names=("left", "right"))
PENDULUM = mirror([1, -1, -1], [-1], action_names=("torque",))
ACROBOT = mirror([1, -1, 1, -1, -1, -1], REVERSE)


def failed(report: VerificationReport) -> dict[str, set[str]]:
    return {part.part: set(part.faults) for part in report.failures}


@pytest.mark.parametrize(
    ("environment", "symmetry", "error"),
    [
        ("CartPole-v1", CARTPOLE, 0.0),
        ("CartPole-v0", CARTPOLE, 0.0),
        ("Pendulum-v1", PENDULUM, 1e-14),
        ("Acrobot-v1", ACROBOT, 1e-13),
    ],
)
def test_true_symmetries_pass(environment: str, symmetry: Symmetry, error: float):
    report = verify(environment, symmetry, samples=1000)
    assert failed(report) == {}
    assert report.passed
    assert report.largest_error <= error
    assert [part.part for part in report.parts] == ["observation", "reward", "termination", "initial states", "bounds"]
    assert [part.checked for part in report.parts[:4]] == [1000, 1000, 1000, 2000]


def matrix(sign: list[int], source: list[int]) -> np.ndarray:
    return np.diag(sign) @ np.eye(len(sign))[source]


# Each symmetry is wrong; the parts and coordinates that are at fault, and no others, must be found.
WRONG_SYMMETRIES = {
    "CartPole: actions not swapped": ("CartPole-v1", mirror([-1] * 4, np.eye(2)), {"observation": {"ẋ", "θ̇"}}),
    "CartPole: sign of x missing": ("CartPole-v1", mirror([1, -1, -1, -1], SWAP), {"observation": {"x"}, "termination": set()}),
    "CartPole: sign of θ missing": (
        "CartPole-v1",
        mirror([-1, -1, 1, -1], SWAP),
        {"observation": {"ẋ", "θ", "θ̇"}, "termination": set()},
    ),
    "CartPole: velocities exchanged": (
        "CartPole-v1",
        mirror(matrix([-1] * 4, [0, 3, 2, 1]), SWAP),
        {"observation": {"x", "ẋ", "θ", "θ̇"}, "termination": set()},
    ),
    "CartPole: centre off in x": (
        "CartPole-v1",
        mirror([-1] * 4, SWAP, observation_center=[0.1, 0, 0, 0]),
        {"termination": set(), "initial states": {"x"}, "bounds": {"x"}},
    ),
    "CartPole: centre off in ẋ": (
        "CartPole-v1",
        mirror([-1] * 4, SWAP, observation_center=[0, 1, 0, 0]),
        {"observation": {"x"}, "termination": set(), "initial states": {"ẋ"}},
    ),
    "Pendulum: torque not reversed": ("Pendulum-v1", mirror([1, -1, -1], [1]), {"observation": set(NAMES[3])}),
    "Pendulum: sign of θ̇ missing": ("Pendulum-v1", mirror([1, -1, 1], [-1]), {"observation": set(NAMES[3])}),
    "Pendulum: upside down": ("Pendulum-v1", mirror([-1, -1, -1], [-1]), {"observation": {"cos θ", "sin θ"}, "reward": set()}),
    "Pendulum: torque about 0.5": (
        "Pendulum-v1",
        mirror([1, -1, -1], [-1], action_center=[0.5], action_names=("torque",)),
        {"observation": set(NAMES[3]), "reward": set(), "bounds": {"torque"}},
    ),
    "Pendulum: cos θ and θ̇ exchanged": (
        "Pendulum-v1",
        mirror(matrix([1, -1, 1], [2, 1, 0]), [-1]),
        {"observation": set(NAMES[3]) - {"θ̇"}, "initial states": {"cos θ", "θ̇"}, "bounds": {"cos θ", "θ̇"}},
    ),
    "Acrobot: torque not reversed": (
        "Acrobot-v1",
        mirror([1, -1, 1, -1, -1, -1], np.eye(3)),
        {"observation": set(NAMES[6]), "reward": set(), "termination": set()},
    ),
    "Acrobot: links exchanged": (
        "Acrobot-v1",
        mirror(matrix([1, -1, 1, -1, -1, -1], [2, 3, 0, 1, 5, 4]), REVERSE),
        {"observation": set(NAMES[6]), "reward": set(), "termination": set(), "bounds": {"θ̇₁", "θ̇₂"}},
    ),
}


@pytest.mark.parametrize("case", WRONG_SYMMETRIES)
def test_wrong_symmetries_are_rejected_where_they_are_wrong(case: str):
    environment, symmetry, expected = WRONG_SYMMETRIES[case]
    assert failed(verify(environment, symmetry)) == expected


class Bonus(CartPoleEnv):
    """A reward of 1.5 on the right half of the track."""

    def step(self, action):
        observation, reward, *rest = super().step(action)
        return observation, reward + 0.5 * bool(self.state[0] > 0), *rest


class NarrowOnTheRight(CartPoleEnv):
    """The episode ends at x = 1 already."""

    def step(self, action):
        observation, reward, terminated, *rest = super().step(action)
        return observation, reward, terminated or bool(self.state[0] > 1), *rest


class Wind(CartPoleEnv):
    """A wind from the left, as strong as a thousandth of the push."""

    def step(self, action):
        self.force_mag = 10.01 if action == 1 else 9.99
        return super().step(action)


class StartsOnTheRight(CartPoleEnv):
    def reset(self, **options):
        super().reset(**options)
        self.state[0] += 0.02
        return np.array(self.state, dtype=np.float32), {}


class HalfTheTorque(PendulumEnv):
    def __init__(self):
        super().__init__()
        self.action_space = gym.spaces.Box(-1, 2, (1,), np.float32)


@pytest.mark.parametrize(
    ("env", "symmetry", "expected"),
    [
        (Bonus(), CARTPOLE, {"reward": set()}),
        (NarrowOnTheRight(), CARTPOLE, {"termination": set()}),
        (Wind(), CARTPOLE, {"observation": {"ẋ", "θ̇"}}),
        (StartsOnTheRight(), CARTPOLE, {"initial states": {"x"}}),
        (HalfTheTorque(), PENDULUM, {"bounds": {"torque"}}),
    ],
)
def test_broken_environments_are_rejected_where_they_are_broken(env: gym.Env, symmetry: Symmetry, expected: dict):
    assert failed(verify(env, symmetry)) == expected


def test_initial_states_that_differ_only_jointly_are_found():
    class Paired(CartPoleEnv):
        def reset(self, **options):
            super().reset(**options)
            self.state[2] = self.state[0]
            return np.array(self.state, dtype=np.float32), {}

    wrong = mirror([-1, -1, 1, -1], SWAP)  # x = θ at the start; each alone is symmetric
    part = next(part for part in verify(Paired(), wrong).parts if part.part == "initial states")
    assert part.passed is False
    assert part.faults == ("x and θ together",)
    assert part.coordinate is None


def test_parts_say_how_many_where_and_what():
    report = verify(Bonus(), CARTPOLE, samples=500)
    reward = report.parts[1]
    assert reward.checked == 500
    assert 0 < reward.violations <= 500
    assert reward.share_bound is not None
    assert reward.violations / 500 < reward.share_bound < 1 or reward.violations == 500
    assert "1.5" in reward.detail
    assert "x = " in reward.detail
    observation = verify("CartPole-v1", mirror([1, -1, -1, -1], SWAP), samples=500).parts[0]
    assert (observation.coordinate, observation.coordinate_name) == (0, "x")
    assert observation.errors[0] == observation.error
    assert observation.errors[1:] == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("environment", "action", "parts"),
    [
        ("MountainCar-v0", REVERSE, {"observation", "termination", "initial states", "bounds"}),
        ("MountainCarContinuous-v0", [-1], {"observation", "reward", "termination", "initial states", "bounds"}),
    ],
)
def test_the_mirror_of_mountain_car_is_rejected(environment: str, action, parts: set[str]):
    assert set(failed(verify(environment, mirror([-1, -1], action, observation_center=[-np.pi / 6, 0])))) == parts


def test_an_image_that_is_no_state_is_the_observations_fault_alone():
    swapped = mirror(matrix([1] * 6, [4, 1, 2, 3, 0, 5]), REVERSE)  # cos θ₁ and θ̇₁ change places
    report = verify("Acrobot-v1", swapped, samples=200)
    observation, reward, termination, *_ = report.parts
    assert observation.passed is False
    assert "is no state" in observation.detail
    assert (reward.passed, reward.checked, reward.error, reward.share_bound) == (None, 0, None, None)
    assert termination.verdict == "not checked"


@pytest.mark.parametrize(
    ("violations", "checked", "bound"),
    [(0, 2000, 1 - 0.05 ** (1 / 2000)), (0, 10, 0.25887), (1, 10, 0.39416), (5, 10, 0.77756), (10, 10, 1.0)],
)
def test_clopper_pearson_upper_bound(violations: int, checked: int, bound: float):
    assert share_bound(violations, checked, 0.95) == pytest.approx(bound, abs=1e-5)


def test_the_bound_is_where_so_few_violations_have_five_percent():
    p = share_bound(3, 50, 0.95)
    assert p is not None
    assert sum(math.comb(50, k) * p**k * (1 - p) ** (50 - k) for k in range(4)) == pytest.approx(0.05)


def test_report_prints_verdict_table_and_causes():
    text = str(verify("CartPole-v1", CARTPOLE, samples=200))
    lines = text.splitlines()
    assert lines[0] == "CartPole-v1: symmetric under C2 (largest error 0.0e+00)"
    assert "200 states, tolerance 1e-06, seed 0" in lines[1]
    assert f"gymnasium {gym.__version__}" in lines[1]
    assert lines[3].split()[:3] == ["element", "part", "verdict"]
    assert [line.split()[1] for line in lines[5:10]] == ["observation", "reward", "termination", "initial", "bounds"]
    assert len({line.index("pass") for line in lines[5:10]}) == 1
    broken = str(verify(Bonus(), CARTPOLE, samples=200))
    assert broken.startswith("Bonus: NOT symmetric under C2: reward differs\n")
    assert "mirror, reward: after (x = " in broken
    wrong = verify("CartPole-v1", mirror([-1] * 4, np.eye(2)), samples=200)
    assert wrong.headline == "CartPole-v1: NOT symmetric under C2: observation differs at " + ", ".join(wrong.parts[0].faults)


def test_report_is_json_and_never_a_boolean():
    report = verify("Pendulum-v1", mirror([1, -1, -1], [-1], action_center=[0.5]), samples=200)
    read = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert read["passed"] is False
    assert read["environment"] == "Pendulum-v1"
    assert [part["part"] for part in read["parts"]] == [part.part for part in report.parts]
    assert read["parts"][0]["error"] == report.parts[0].error
    assert "__bool__" not in VerificationReport.__dict__


def test_equal_seeds_give_equal_reports():
    assert verify("Pendulum-v1", PENDULUM, samples=100) == verify("Pendulum-v1", PENDULUM, samples=100)
    assert verify("Pendulum-v1", PENDULUM, samples=100) != verify("Pendulum-v1", PENDULUM, samples=100, seed=1)


def test_time_limits_and_other_harmless_wrappers_are_looked_through():
    env = gym.wrappers.RecordEpisodeStatistics(gym.make("CartPole-v1"))
    assert verify(env, CARTPOLE, samples=100).environment == "CartPole-v1"
    with pytest.raises(SimulatorError, match="TransformReward may change"):
        verify(gym.wrappers.TransformReward(env, lambda reward: -reward), CARTPOLE)


def test_state_dependent_action_map_is_verified_for_every_element():
    symmetry = Symmetry(C2, CARTPOLE.observation, lambda g, observation, action: 1 - action if g else action)
    assert verify("CartPole-v1", symmetry, samples=200).passed
    wrong = Symmetry(C2, CARTPOLE.observation, lambda g, observation, action: action)
    assert set(failed(verify("CartPole-v1", wrong, samples=200))) == {"observation"}
    outside = Symmetry(C2, CARTPOLE.observation, lambda g, observation, action: action + 2 * g)
    with pytest.raises(SymmetryError, match="no action of Discrete"):
        verify("CartPole-v1", outside, samples=200)
    continuous = verify("Pendulum-v1", Symmetry(C2, PENDULUM.observation, lambda g, o, a: -a if g else a), samples=200)
    assert continuous.passed
    assert continuous.parts[4].verdict == "not checked"
    assert "not checked: bounds" in continuous.headline


def test_the_trivial_group_checks_the_simulator_itself():
    report = verify("Pendulum-v1", PENDULUM.restrict_to_trivial(), samples=100)
    assert report.passed
    assert report.parts[0].checked == 100


class Noisy(AcrobotEnv):
    torque_noise_max = 0.1


class NotANumber(CartPoleEnv):
    def step(self, action):
        observation, *rest = super().step(action)
        return observation * np.nan, *rest


class NoReward(CartPoleEnv):
    def step(self, action):
        observation, _, *rest = super().step(action)
        return observation, math.nan, *rest


class Degrees(CartPoleEnv):
    def step(self, action):
        observation, *rest = super().step(action)
        return observation * 180 / np.pi, *rest


class Other(gym.Env):
    observation_space, action_space = gym.spaces.Box(-1, 1, (4,)), gym.spaces.Discrete(2)


@pytest.mark.parametrize(
    ("error", "env", "symmetry", "says"),
    [
        (SimulatorError, Noisy(), ACROBOT, "not deterministic"),
        (DivergenceError, NotANumber(), CARTPOLE, "must be finite"),
        (DivergenceError, NoReward(), CARTPOLE, "must be finite"),
        (SimulatorError, Degrees(), CARTPOLE, "other observations"),
        (SimulatorError, Other(), CARTPOLE, "cannot be set.*pass simulator="),
        (SimulatorError, 3, CARTPOLE, "got int"),
        (SpaceMismatchError, "CartPole-v1", PENDULUM, "4 coordinates.* dimension 3"),
        (SpaceMismatchError, "Acrobot-v1", mirror([1] * 6, SWAP), "3 actions.* dimension 2"),
        (UnknownEnvironmentError, "CartPol-v1", CARTPOLE, "Did you mean CartPole-v1"),
        (UnknownEnvironmentError, "MountainCar-v1", CARTPOLE, "MountainCar-v0"),
        (UnknownEnvironmentError, "no_such_module_here:Env-v0", CARTPOLE, "no_such_module_here"),
        (OptionError, "CartPole-v1", "mirror", "got str"),
    ],
)
def test_bad_input(error: type[Exception], env, symmetry, says: str):
    with pytest.raises(error, match=says):
        verify(env, symmetry, samples=100)


@pytest.mark.parametrize(
    "options",
    [{"samples": 9}, {"samples": 20.5}, {"tolerance": 0}, {"tolerance": math.nan}, {"seed": -1}, {"confidence": 1.0}],
)
def test_bad_options(options: dict):
    with pytest.raises(OptionError, match=f"{next(iter(options))} must"):
        verify("CartPole-v1", CARTPOLE, **options)


class Strict(CartPoleEnv):
    """It refuses positions that no episode reaches."""

    limit, error = 3.0, ValueError("the cart left the rail.")

    def step(self, action):
        if abs(self.state[0]) > self.limit:
            raise self.error
        return super().step(action)


class NoReset(CartPoleEnv):
    def reset(self, *, seed=None, options=None):
        raise OSError("no such robot")


class Sick(CartPoleEnv):
    """It shows something that is no number far out."""

    def step(self, action):
        observation, *rest = super().step(action)
        return np.where(abs(self.state[0]) > 3.0, np.nan, observation), *rest


@pytest.mark.parametrize("env", [Strict(), Sick()], ids=["raises", "not a number"])
def test_what_was_found_before_an_error_is_kept(env: gym.Env):
    with pytest.raises((SimulatorError, DivergenceError)) as caught:
        verify(env, mirror([-1, -1, -1, 1], SWAP), samples=400)
    report = caught.value.report
    assert isinstance(report, VerificationReport)
    found = {part.part: part for part in report.parts}
    assert list(found) == ["observation", "reward", "termination", "initial states", "bounds"]
    assert 10 <= found["observation"].checked < 400
    assert found["observation"].passed is False
    assert found["initial states"].passed is True  # it is the same distribution under either sign


def test_an_exception_is_told_with_state_and_action():
    with pytest.raises(
        SimulatorError, match=r"Strict raised ValueError: the cart left the rail, in step\([01]\) in the state \("
    ) as e:
        verify(Strict(), CARTPOLE, samples=400)
    assert isinstance(e.value.__cause__, ValueError)
    with pytest.raises(
        SimulatorError, match=r"NoReset raised OSError: no such robot, in reset\(seed=\d+\)\. .*simulator="
    ) as e:
        verify(NoReset(), CARTPOLE, samples=100)
    assert [part.part for part in e.value.report.parts] == ["bounds"]


def test_an_error_of_the_images_alone_leaves_the_other_parts():
    class Right(Strict):
        def step(self, action):
            if self.state[0] > 0:
                raise RuntimeError("a wall")
            return CartPoleEnv.step(self, action)

    class LeftHalf:
        """States with x ≤ 0 only."""

        def __init__(self):
            self._simulator = simulator_of(Right())

        def __getattr__(self, name):
            return getattr(self._simulator, name)

        def get_state(self):
            state = self._simulator.get_state()
            return state if state[0] <= 0 else -state

        def reset(self, seed):
            self._simulator.reset(seed)
            self._simulator.set_state(self.get_state())

        def step(self, action):
            self._simulator.set_state(self.get_state())
            return self._simulator.step(action)

        def sample_states(self, count, reached, generator):
            states = self._simulator.sample_states(count, reached, generator)
            return states * np.where(states[:, :1] > 0, -1, 1)

        def set_state(self, state):
            self._simulator.set_state(state)

    class Images(LeftHalf):
        def step(self, action):
            return self._simulator.step(action)

    with pytest.raises(SimulatorError, match="a wall") as caught:
        verify("CartPole-v1", CARTPOLE, samples=100, simulator=cast(Any, Images()))
    assert {part.part for part in caught.value.report.parts} == {"initial states", "bounds"}


def test_epsilon_of_each_part() -> None:
    """How far from symmetric an approximate symmetry is: read off by parts, and the same in the JSON."""
    c2 = groups.cyclic(2)
    wrong = Representation(c2, [np.eye(4), np.diag([-1, -1, -1, 1])])
    swap = Representation(c2, [np.eye(2), [[0, 1], [1, 0]]])
    report = verify("CartPole-v1", Symmetry(c2, wrong, swap), samples=200)
    epsilon = report.epsilon
    assert set(epsilon) == {"observation", "reward", "termination", "initial states", "bounds"}
    by_part = {part.part: part for part in report.parts}
    for name in ("observation", "reward", "termination"):
        part = by_part[name]
        assert (epsilon[name].largest, epsilon[name].median) == (part.error, part.median)
        assert epsilon[name].share == part.violations / part.checked
    assert epsilon["observation"].largest > 0.1
    assert epsilon["reward"].largest == 0
    assert epsilon["bounds"].median is None
    assert f"observation {epsilon['observation'].largest:.2g} (median" in str(report)
    assert report.as_dict()["epsilon"]["observation"]["largest"] == epsilon["observation"].largest
    good = verify("CartPole-v1", symmetry_of("CartPole-v1"), samples=200)
    assert max(e.largest for part, e in good.epsilon.items() if part != "initial states") < 1e-6
    assert "ε" not in str(good)


def test_epsilon_is_not_printed_where_transitions_are_symmetric() -> None:
    """Where initial states alone differ, the symmetry of transitions is none that is approximate."""
    report = verify(StartsOnTheRight(), CARTPOLE, samples=200)
    assert [part.part for part in report.failures] == ["initial states"]
    assert "ε" not in str(report)
    assert report.epsilon["initial states"].largest > 0.1
