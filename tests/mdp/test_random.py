"""Verification in distribution: of simulators whose steps are random, or that draw what observations hide."""

import gymnasium as gym
import numpy as np
import pytest

from symmdp import groups
from symmdp.errors import DivergenceError
from symmdp.mdp import Symmetry, VerificationReport, verify
from symmdp.representations import Representation

C2 = groups.cyclic(2)


def mirror(observation: list[int], action: list[int]) -> Symmetry:
    reps = [Representation.from_generators(C2, [np.diag(signs)]) for signs in (observation, action)]
    return Symmetry(C2, *reps, observation_names=("x", "y"), action_names=("push",), element_names=("identity", "mirror"))


MIRROR = mirror([-1, 1], [-1])


class Walk:
    """`x` and `y` walk at random; `x` has a mirror image, and heavy tails."""

    is_random = True
    observation_space: gym.Space = gym.spaces.Box(-np.inf, np.inf, (2,))
    action_space: gym.Space = gym.spaces.Box(-1, 1, (1,))

    def __init__(
        self, shift: float = 0.0, slope: float = 0.0, bonus: float = 0.0, wall: float = np.inf, hidden: float = 0.0, sick=False
    ):
        self._shift, self._slope, self._bonus, self._wall, self._hidden = shift, slope, bonus, wall, hidden
        self._sick, self._random, self._state = sick, np.random.default_rng(0), np.zeros(3)

    def reset(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._state = self._random.normal(size=3)

    def get_state(self) -> np.ndarray:
        return self._state.copy()

    def set_state(self, state: np.ndarray) -> None:
        self._state = np.array(state)

    def state_of(self, observation: np.ndarray) -> np.ndarray:
        return np.array([*observation, self._hidden + self._random.normal()])

    def observe(self) -> np.ndarray:
        return self._state[:2].copy()

    def step(self, action):
        x, y, hidden = self._state
        terminated = abs(x) > 2 or x > self._wall
        reward = abs(x) + self._random.normal() + self._bonus * (x > 0)
        x += 0.1 * float(action[0]) + self._random.standard_t(1.5) * 0.3 + self._shift + self._slope * y + 0.2 * hidden
        if self._sick and x > 2:
            x = np.nan
        self._state = np.array([x, y + self._random.normal(), hidden])
        return self.observe(), float(reward), bool(terminated)

    def sample_states(self, count: int, reached: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return generator.normal(size=(count, 3))


def failed(report: VerificationReport) -> dict[str, set[str]]:
    return {part.part: set(part.faults) for part in report.failures}


def test_a_symmetric_walk_passes_for_nearly_every_seed():
    """Four tests at a level of 0.001 for each of 100 seeds: three failures or more have probability 0.008."""
    reports = [verify("walk", MIRROR, samples=100, seed=seed, simulator=Walk()) for seed in range(100)]
    assert sum(not report.passed for report in reports) <= 2
    p_values = [part.p_value for report in reports for part in report.parts if part.p_value is not None]
    assert len(p_values) == 300
    assert np.quantile(p_values, 0.1) > 0.02  # smaller p-values would be too frequent


@pytest.mark.parametrize(
    ("simulator", "expected", "says"),
    [
        (Walk(shift=0.1), {"observation": {"x"}}, "not about zero"),
        (Walk(slope=0.1), {"observation": {"x"}}, "vary with y"),
        (Walk(hidden=0.5), {"observation": {"x"}}, "not about zero"),
        (Walk(bonus=0.4), {"reward": set()}, "vary with x"),
        (Walk(wall=1.0), {"termination": set()}, "vary with x"),
    ],
    ids=["mean", "mean that depends on the state", "what is hidden", "reward", "termination"],
)
def test_an_asymmetry_is_found_where_it_is(simulator: Walk, expected: dict, says: str):
    report = verify("walk", MIRROR, samples=3000, simulator=simulator)
    assert failed(report) == expected
    assert says in report.failures[0].detail
    p_value = report.failures[0].p_value
    assert p_value is not None
    assert p_value < 1e-3


def test_actions_that_are_not_moved_are_found():
    assert failed(verify("walk", mirror([-1, 1], [1]), samples=3000, simulator=Walk())) == {"observation": {"x"}}


def test_the_report_says_how_it_compared():
    report = verify("walk", MIRROR, samples=200, simulator=Walk())
    assert [part.part for part in report.parts] == ["observation", "reward", "termination", "initial states", "bounds"]
    assert report.method.startswith("compared in distribution")
    assert report.method in str(report)
    assert "p-value" in str(report)
    assert "symmetric in distribution under C2" in report.headline
    assert all(part.p_value is not None and part.median is not None for part in report.parts[:3])
    assert report.as_dict()["method"] == report.method
    deterministic = verify("CartPole-v1", Symmetry(C2, 4 * C2.trivial, 2 * C2.trivial), samples=20)
    assert deterministic.method == ""


def test_equal_seeds_give_equal_reports():
    one, same, other = (verify("walk", MIRROR, samples=100, seed=seed, simulator=Walk()) for seed in (3, 3, 4))
    assert one == same
    assert one != other


class Positive(Walk):
    """`y` is never negative."""

    def reset(self, seed: int) -> None:
        super().reset(seed)
        self._state = np.abs(self._state)

    def set_state(self, state: np.ndarray) -> None:
        super().set_state([state[0], abs(state[1]), state[2]])


def test_an_image_that_is_no_state_is_the_observations_fault():
    report = verify("walk", mirror([-1, -1], [-1]), samples=500, simulator=Positive())
    observation = report.parts[0]
    assert observation.passed is False
    assert observation.checked == 500
    assert observation.faults[0] == "y"
    assert "are no states" in observation.detail
    assert report.parts[1].checked < 500


def test_what_was_found_before_an_error_is_kept():
    with pytest.raises(DivergenceError) as caught:
        verify("walk", MIRROR, samples=2000, simulator=Walk(sick=True, shift=-0.3))
    found = {part.part: part for part in caught.value.report.parts}
    assert {"initial states", "bounds"} <= set(found)


def test_a_group_of_several_generators_is_compared_for_each():
    group = groups.klein_four()
    signs = [np.diag([-1.0, 1.0]), np.diag([1.0, -1.0])]
    symmetry = Symmetry(
        group, Representation.from_generators(group, signs), Representation.from_generators(group, [[[-1]], [[1]]])
    )
    report = verify("walk", symmetry, samples=2000, simulator=Walk(shift=0.1))
    assert len(report.parts) == 10
    assert [part.element for part in report.failures] == [group.generators[0]]
