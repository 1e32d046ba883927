"""Symmetries of environments whose state is never set: logged transitions, tested statistically."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.envs.classic_control.cartpole import CartPoleEnv
from gymnasium.envs.classic_control.pendulum import PendulumEnv

from symmdp import groups
from symmdp.catalogue import symmetry_of
from symmdp.errors import DivergenceError, OptionError, ShapeError, SimulatorError, SpaceMismatchError
from symmdp.mdp import LoggedTransitions, Symmetry, VerificationReport, record_transitions, verify
from symmdp.mdp.verification._local_slopes import explained
from symmdp.mdp.verification._matching import Sample, matched
from symmdp.representations import Representation

C2 = groups.cyclic(2)
SWAP = [[0, 1], [1, 0]]
STEPS = 3000


def mirror(observation, action, **options) -> Symmetry:
    matrices = [np.diag(m) if np.ndim(m) == 1 else np.array(m) for m in (observation, action)]
    return Symmetry(C2, *(Representation.from_generators(C2, [m]) for m in matrices), **options)


def failed(report: VerificationReport) -> dict[str, set[str]]:
    return {part.part: set(part.faults) for part in report.failures}


class Noisy(CartPoleEnv):
    """Every coordinate of the state is shaken in each step."""

    push = 0.0

    def step(self, action):
        self.force_mag = 10 * (1 + self.push if action == 1 else 1 - self.push)
        _, *rest = super().step(action)
        self.state = np.array(self.state) + self.np_random.normal(size=4) * 0.01
        return np.array(self.state, dtype=np.float32), *rest


class SideWind(Noisy):
    push = 0.3


class Bonus(CartPoleEnv):
    def step(self, action):
        observation, reward, *rest = super().step(action)
        return observation, reward + 0.5 * bool(self.state[0] > 0), *rest


class NarrowOnTheRight(CartPoleEnv):
    def step(self, action):
        observation, reward, terminated, *rest = super().step(action)
        return observation, reward, terminated or bool(self.state[2] > 0.1), *rest


class SideGravity(PendulumEnv):
    def step(self, u):
        angle, speed = self.state
        self.state = np.array([angle, speed + np.cos(angle) * self.dt])
        return super().step(u)


class StartsOnTheRight(CartPoleEnv):
    def reset(self, **options):
        super().reset(**options)
        self.state[0] += 0.02
        return np.array(self.state, dtype=np.float32), {}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("environment", ["CartPole-v1", "Pendulum-v1", "Acrobot-v1"])
def test_true_symmetries_pass(environment: str, seed: int) -> None:
    log = record_transitions(environment, STEPS, seed=seed)
    report = verify(environment, symmetry_of(environment), transitions=log, seed=seed)
    assert failed(report) == {}
    assert report.passed
    assert [part.part for part in report.parts] == ["observation", "reward", "termination", "initial states", "bounds"]
    assert report.parts[0].checked > STEPS // 4  # of at most a half
    assert report.headline.startswith(f"{environment}: symmetric in distribution")
    assert "Statistical, of 3000 logged transitions: under mirror" in str(report)
    assert "Not seen" in str(report)


def test_noise_passes() -> None:
    log = record_transitions(Noisy(), STEPS)
    assert failed(verify(Noisy(), symmetry_of("CartPole-v1"), transitions=log)) == {}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_policy_without_symmetry_is_not_taken_for_an_asymmetry(seed: int) -> None:
    """Two of three pushes go right, so that states and their images are distributed differently."""
    env, generator, rows, done = gym.make("CartPole-v1"), np.random.default_rng(seed), [], True
    observation = np.zeros(4)
    while len(rows) < STEPS:
        if done:
            observation, _ = env.reset(seed=int(generator.integers(2**31)))
        action = int(generator.random() < 2 / 3)
        following, reward, terminated, truncated, _ = env.step(action)
        rows.append((observation, action, following, reward, terminated))
        observation, done = following, terminated or truncated
    log = LoggedTransitions(*map(np.array, zip(*rows, strict=True)))
    report = verify("CartPole-v1", symmetry_of("CartPole-v1"), transitions=log)
    assert failed(report) == {}
    assert report.parts[0].passed is True
    assert (report.parts[3].verdict, report.parts[3].detail) == (
        "not checked",
        "the log does not say which transitions are the first of an episode (first=)",
    )


VELOCITIES, ANGLES = {"coordinate 1", "coordinate 3"}, {"coordinate 0", "coordinate 2"}


@pytest.mark.parametrize(
    ("env", "symmetry", "expected"),
    [
        ("CartPole-v1", mirror([-1] * 4, np.eye(2)), {"observation": VELOCITIES}),
        ("CartPole-v1", mirror([1, -1, -1, -1], SWAP), {"observation": {"coordinate 0"}}),
        ("CartPole-v1", mirror([-1, -1, 1, -1], SWAP), {"observation": {"coordinate 1", "coordinate 2", "coordinate 3"}}),
        ("Pendulum-v1", mirror([1, -1, -1], [1]), {"observation": {"coordinate 0", "coordinate 1", "coordinate 2"}}),
        (SideWind(), mirror([-1] * 4, SWAP), {"observation": VELOCITIES}),
        (Bonus(), mirror([-1] * 4, SWAP), {"reward": set()}),
        (NarrowOnTheRight(), mirror([-1] * 4, SWAP), {"termination": set()}),
        (StartsOnTheRight(), mirror([-1] * 4, SWAP), {"initial states": {"coordinate 0"}}),
    ],
)
def test_what_is_broken_is_found_where_it_is_broken(env, symmetry: Symmetry, expected: dict) -> None:
    report = verify(env, symmetry, transitions=record_transitions(env, STEPS))
    assert failed(report) == expected
    assert not report.passed


def test_gravity_to_the_side_is_found() -> None:
    env = gym.wrappers.TimeLimit(SideGravity(), 200)
    report = verify(env, symmetry_of("Pendulum-v1"), transitions=record_transitions(env, STEPS))
    assert "θ̇" in report.failures[0].faults


def test_states_that_have_no_image_in_the_log_leave_it_undecided() -> None:
    symmetry = mirror([-1] * 4, SWAP, observation_center=[0, 50, 0, 0])
    report = verify("CartPole-v1", symmetry, transitions=_without_first(record_transitions("CartPole-v1", 500)))
    assert report.headline == "CartPole-v1: undecided under C2: no transition could be compared"
    assert not report.passed
    assert not report.failures
    assert "too few have a near image" in report.method


def _without_first(log: LoggedTransitions) -> LoggedTransitions:
    return LoggedTransitions(log.observation, log.action, log.next_observation, log.reward, log.terminated)


def test_groups_of_more_elements_and_discrete_actions_with_a_start() -> None:
    """A drifting point in the plane, pushed along four axes: symmetric under C4, until there is a wind."""

    def log(wind: float) -> LoggedTransitions:
        rng = np.random.default_rng(0)
        s, a = rng.normal(size=(4000, 2)), rng.integers(4, size=4000)
        push = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])[a]
        following = (
            s
            + 0.1 * (push + np.array([wind, 0]))
            - 0.1 * s * (s**2).sum(axis=1, keepdims=True)
            + 0.05 * rng.normal(size=s.shape)
        )
        spaces = gym.spaces.Box(-np.inf, np.inf, (2,)), gym.spaces.Discrete(4, start=7)
        return LoggedTransitions(s, a + 7, following, -(s**2).sum(axis=1), np.zeros(4000), None, *spaces)

    group = groups.cyclic(4)
    turn = Representation.from_generators(group, [[[0, -1], [1, 0]]])
    symmetry = Symmetry(group, turn, group.regular)
    still = verify("no environment of Gymnasium", symmetry, transitions=log(0.0))
    assert still.passed
    assert still.environment == "no environment of Gymnasium"
    assert still.parts[2].detail == "no logged transition terminates"
    assert failed(verify("puck", symmetry, transitions=log(0.5))) == {"observation": {"coordinate 0", "coordinate 1"}}
    assert "observation" in failed(verify("puck", Symmetry(group, turn, 4 * group.trivial), transitions=log(0.0)))


def test_a_map_of_actions_that_depends_on_the_state() -> None:
    symmetry = mirror([-1] * 4, SWAP)
    by_state = Symmetry(C2, symmetry.observation, lambda g, s, a: 1 - a if g else a)
    wrong = Symmetry(C2, symmetry.observation, lambda g, s, a: 1 - a if g and s[0] > 0 else a)
    log = record_transitions("CartPole-v1", STEPS)
    assert verify("CartPole-v1", by_state, transitions=log).passed
    assert failed(verify("CartPole-v1", wrong, transitions=log)) == {"observation": VELOCITIES}


def test_images_and_numbered_states() -> None:
    log = record_transitions("symmdp/GridWorld-v0", 2000)
    symmetry = symmetry_of("symmdp/GridWorld-v0")
    assert verify("symmdp/GridWorld-v0", symmetry, transitions=log).passed
    idle = Symmetry(symmetry.group, symmetry.observation, 5 * symmetry.group.trivial)
    assert "observation" in failed(verify("symmdp/GridWorld-v0", idle, transitions=log))

    rng = np.random.default_rng(0)
    states, actions = rng.integers(6, size=1000), rng.integers(2, size=1000)
    ring = LoggedTransitions(states, actions, (states + 2 * actions - 1) % 6, states == 0, np.zeros(1000))
    env = gym.Env()
    env.observation_space, env.action_space = gym.spaces.Discrete(6), gym.spaces.Discrete(2)
    back = np.eye(6)[[0, 5, 4, 3, 2, 1]]
    assert verify(env, mirror(back, SWAP), transitions=ring).passed
    assert "observation" in failed(verify(env, mirror(back, np.eye(2)), transitions=ring))
    assert "reward" in failed(verify(env, mirror(np.eye(6)[[1, 0, 5, 4, 3, 2]], SWAP), transitions=ring))


def test_pairs_are_mutual_near_and_used_once() -> None:
    rng = np.random.default_rng(0)

    def sample(n: int) -> Sample:
        return Sample(rng.normal(size=(n, 2)), rng.integers(2, size=n), np.zeros((n, 1)), np.zeros(n))

    a, b, c = sample(300), sample(300), sample(300)
    rows, partners = matched(a, b, c, rng)
    assert len(set(rows)) == len(rows) == len(set(partners)) > 150
    assert (a.label[rows] == b.label[partners]).all()
    distance = np.linalg.norm(a.state[rows] - b.state[partners], axis=1)
    assert np.quantile(distance, 0.9) < 0.6
    nearest = np.linalg.norm(a.state[rows[0]] - b.state[b.label == a.label[rows[0]]], axis=1).min()
    assert distance[0] == nearest
    far = Sample(b.state + 100, b.label, b.outcome, b.terminated)
    assert len(matched(a, far, c, rng)[0]) == 0


def test_slopes_of_a_linear_outcome_explain_all_of_a_mismatch() -> None:
    rng = np.random.default_rng(0)
    states, slope = rng.normal(size=(500, 3)), rng.normal(size=(3, 2))
    pool = Sample(states, np.zeros(500, np.int64), states @ slope + 5, np.zeros(500))
    places, mismatch = 0.5 * rng.normal(size=(40, 3)), 0.1 * rng.normal(size=(40, 3))
    labels = np.zeros(40, np.int64)
    assert explained(pool, places, labels, mismatch) == pytest.approx(mismatch @ slope, abs=1e-5)
    assert not explained(pool, places, labels, 0 * mismatch).any()
    assert not explained(pool, places, labels + 1, mismatch).any()  # an action that the pool does not have


def good(n: int = 200) -> dict:
    rng = np.random.default_rng(0)
    return {
        "observation": rng.normal(size=(n, 4)),
        "action": rng.integers(2, size=n),
        "next_observation": rng.normal(size=(n, 4)),
        "reward": np.ones(n),
        "terminated": np.zeros(n, dtype=bool),
    }


def test_tensors_are_taken_and_copied() -> None:
    given = {key: torch.tensor(value) for key, value in good().items()}
    log = LoggedTransitions(**given, first=torch.zeros(200, dtype=torch.bool))
    given["observation"][0] = 7
    assert log.observation[0, 0] != 7
    assert len(log) == 200
    assert repr(log) == "LoggedTransitions(200 of observations (4,), 0 of them first of an episode)"
    with pytest.raises(ValueError, match="read-only"):
        log.reward[0] = 1


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"next_observation": np.zeros((200, 3))}, ShapeError, r"next_observation has shape \(200, 3\)"),
        ({"reward": np.ones(199)}, ShapeError, r"reward has shape \(199,\); expected \(200,\)"),
        ({"reward": np.ones((200, 1))}, ShapeError, r"reward has shape \(200, 1\)"),
        ({"action": np.ones(3)}, ShapeError, r"action has shape \(3,\); expected \(200, …\)"),
        ({"first": np.ones(3)}, ShapeError, r"first has shape \(3,\)"),
        ({"terminated": np.full(200, 2)}, ShapeError, "flags, true or false"),
        ({"observation": "states"}, ShapeError, "observation is an array of numbers"),
        ({"observation": [[1, 2], [3]]}, ShapeError, "observation is an array of numbers"),
        ({"reward": np.where(np.arange(200) == 17, np.nan, 1)}, DivergenceError, r"reward of transition 17 is not finite"),
        ({"observation": np.full((200, 4), np.inf)}, DivergenceError, r"observation of transition 0 .*200 of 200"),
    ],
)
def test_bad_logs_are_refused(wrong: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        LoggedTransitions(**good() | wrong)


@pytest.mark.parametrize(
    ("log", "error", "message"),
    [
        (good(99), OptionError, "needs 100 transitions at least"),
        (good() | {"action": np.full(200, 2)}, SpaceMismatchError, "logged action 2 of transition 0 is none of"),
        (good() | {"action": np.zeros((200, 1))}, SpaceMismatchError, r"logged action has shape \(1,\)"),
        (
            good() | {"observation": np.zeros((200, 6)), "next_observation": np.zeros((200, 6))},
            SpaceMismatchError,
            r"logged observation has shape \(6,\).*with its observation options",
        ),
    ],
)
def test_logs_that_do_not_fit_are_refused(log: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        verify("CartPole-v1", symmetry_of("CartPole-v1"), transitions=LoggedTransitions(**log))


def test_other_mistakes() -> None:
    symmetry, log = symmetry_of("CartPole-v1"), LoggedTransitions(**good())
    with pytest.raises(OptionError, match=r"transitions is a symmdp\.mdp\.LoggedTransitions; got dict"):
        verify("CartPole-v1", symmetry, transitions=good())  # pyright: ignore[reportArgumentType]
    with pytest.raises(OptionError, match="not both"):
        verify("CartPole-v1", symmetry, transitions=log, simulator=object())  # pyright: ignore[reportArgumentType]
    with pytest.raises(SimulatorError, match="Expected an environment id"):
        verify(3, symmetry, transitions=log)  # pyright: ignore[reportArgumentType]
    with pytest.raises(SpaceMismatchError, match="dimension 4"):
        verify("Pendulum-v1", symmetry, transitions=log)


def test_an_environment_whose_state_cannot_be_set_says_what_to_do() -> None:
    with pytest.raises(SimulatorError, match=r"symmdp_simulator\(\), or pass simulator=.*record_transitions\(env\)"):
        verify("Blackjack-v1", symmetry_of("CartPole-v1"))


def test_recording_is_reproducible_and_marks_episodes() -> None:
    one, other = (record_transitions("CartPole-v1", 100, seed=3) for _ in range(2))
    assert (one.observation == other.observation).all()
    assert (one.action == other.action).all()
    assert one.first is not None
    assert one.first[0]
    following = np.flatnonzero(~one.first[1:])
    assert (one.observation[following + 1] == one.next_observation[following]).all()
    assert (np.flatnonzero(one.first[1:]) == np.flatnonzero(one.terminated[:-1])).all()
    assert (record_transitions("CartPole-v1", 100, seed=4).action != one.action).any()
    assert record_transitions("Pendulum-v1", 10).action.dtype == np.float32


class Fails(CartPoleEnv):
    after = 40
    gives: float | None = None

    def step(self, action):
        self.after -= 1
        if self.after < 0 and self.gives is None:
            raise RuntimeError("the motor is off")
        observation, *rest = super().step(action)
        return observation if self.after >= 0 else np.full(4, self.gives), *rest


def test_what_was_recorded_before_a_failure_is_kept() -> None:
    with pytest.raises(SimulatorError, match=r"Fails raised RuntimeError: the motor is off, in step 40, with action") as caught:
        record_transitions(Fails(), 100)
    assert len(caught.value.report) == 40
    broken = Fails()
    broken.gives = np.nan
    with pytest.raises(DivergenceError, match="in step 40") as diverged:
        record_transitions(broken, 100)
    assert len(diverged.value.report) == 40
    at_once = Fails()
    at_once.after = 0
    with pytest.raises(SimulatorError, match="in step 0") as empty:
        record_transitions(at_once, 100)
    assert empty.value.report is None


class Stuck(CartPoleEnv):
    def close(self):
        raise OSError("the window is gone")


class StuckAndBroken(Stuck):
    def step(self, action):
        raise RuntimeError("the motor is off")


def test_an_environment_that_fails_to_close_is_told_of_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, entry_point in (("Stuck-v0", Stuck), ("Broken-v0", StuckAndBroken)):
        monkeypatch.setitem(gym.registry, name, gym.envs.registration.EnvSpec(name, entry_point))
    symmetry = symmetry_of("CartPole-v1")
    with pytest.raises(SimulatorError, match=r"Stuck-v0 raised OSError: the window is gone, in close\(\)") as caught:
        verify("Stuck-v0", symmetry, samples=50)
    assert caught.value.report.passed
    with pytest.raises(SimulatorError, match=r"in close\(\)") as recorded:
        record_transitions("Stuck-v0", 200)
    log = recorded.value.report
    assert len(log) == 200
    assert verify("Stuck-v0", symmetry, transitions=log).environment == "Stuck-v0"
    without_spaces = LoggedTransitions(log.observation, log.action, log.next_observation, log.reward, log.terminated)
    with pytest.raises(SimulatorError, match=r"in close\(\)"):
        verify("Stuck-v0", symmetry, transitions=without_spaces)
    with pytest.raises(SimulatorError, match="the motor is off, in step 0"):  # which says more
        record_transitions("Broken-v0", 200)
    assert verify(Stuck(), symmetry, samples=50).passed  # whose own business it is to be closed


def test_what_cannot_be_recorded_is_refused() -> None:
    with pytest.raises(OptionError, match="steps must be an integer of at least 1; got 0"):
        record_transitions("CartPole-v1", 0)
    with pytest.raises(SpaceMismatchError, match="observation space of Blackjack-v1 is a Tuple"):
        record_transitions("Blackjack-v1", 10)
    with pytest.raises(SimulatorError, match="got SyncVectorEnv"):
        record_transitions(gym.make_vec("Pendulum-v1", 2), 10)  # pyright: ignore[reportArgumentType]


def test_equal_states_are_all_paired() -> None:
    rng = np.random.default_rng(0)

    def sample() -> Sample:
        return Sample(np.eye(5)[rng.integers(5, size=400)], np.zeros(400, np.int64), np.zeros((400, 1)), np.zeros(400))

    a, b = sample(), sample()
    rows, partners = matched(a, b, b, rng)
    assert (a.state[rows] == b.state[partners]).all()
    assert len(set(rows)) == len(rows) == len(set(partners))
    assert len(rows) == np.minimum(a.state.sum(axis=0), b.state.sum(axis=0)).sum()


@pytest.mark.slow
@pytest.mark.parametrize("environment", ["CartPole-v1", "Pendulum-v1", "Acrobot-v1"])
def test_no_true_symmetry_is_rejected(environment: str) -> None:
    """Of 36 reports with three tests each, one fails with probability 0.1 if the level is 0.001; it should be less."""
    for seed in range(12):
        log = record_transitions(environment, STEPS, seed=seed)
        assert failed(verify(environment, symmetry_of(environment), transitions=log, seed=seed)) == {}


@pytest.mark.parametrize("name", ["observation_space", "action_space"])
def test_spaces_of_a_log_are_spaces(name: str) -> None:
    one = np.zeros((1, 2))
    with pytest.raises(SpaceMismatchError, match=f"{name} is a gymnasium.Space, or None; got int"):
        LoggedTransitions(one, one, one, [0.0], [False], **{name: 3})  # pyright: ignore[reportArgumentType]
