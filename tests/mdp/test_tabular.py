"""Exact verification of environments that have a table of transitions."""

import copy
import re
from itertools import pairwise

import gymnasium as gym
import numpy as np
import pytest

from symmdp.catalogue import frozen_lake_symmetry
from symmdp.errors import OptionError, SimulatorError, SpaceMismatchError, SymmetryError
from symmdp.groups import cyclic, dihedral
from symmdp.mdp import FiniteMDP, Symmetry, VerificationReport, automorphism_defect, is_automorphism, verify
from symmdp.mdp.finite._table import TransitionTable
from symmdp.representations import Representation

LAKE = ["HFSFH", "FFFFF", "SFGFS", "FFFFF", "HFSFH"]
TURN, TRANSPOSE = [1, 2, 3, 0], [3, 2, 1, 0]  # of left, down, right, up
C2 = cyclic(2)


class Table(gym.Env):
    """Any table; its steps follow it. Two states and two actions that are each other's images, unless it is told otherwise."""

    def __init__(self, P=None, isd=(0.5, 0.5)):
        even = [(0.75, 1, 1.0, False), (0.25, 0, 0.0, True)]
        odd = [(0.75, 0, 1.0, False), (0.25, 1, 0.0, True)]
        still = [[(1.0, s, 0.5, False)] for s in range(2)]
        self.P = {0: {0: even, 1: still[0]}, 1: {0: still[1], 1: odd}} if P is None else P
        if isd is not None:
            self.isd = np.array(isd)
        self.observation_space = gym.spaces.Discrete(len(self.P))
        self.action_space = gym.spaces.Discrete(len(self.P[0]))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.s = int(self.np_random.integers(len(self.P)))
        return self.s, {}

    def step(self, action):
        entries = self.P[self.s][action]
        _, self.s, reward, ended = entries[self.np_random.choice(len(entries), p=[entry[0] for entry in entries])]
        return self.s, reward, ended, False, {}


def swap(actions=(1, 0)) -> Symmetry:
    states = Representation.from_generators(C2, [np.array([1, 0])])
    return Symmetry(C2, states, Representation.from_generators(C2, [np.array(actions)]), action_names=["a", "b"])


def changed(s: int, a: int, entries: list) -> dict:
    P = copy.deepcopy(Table().P)
    P[s][a] = entries
    return P


def failed(report: VerificationReport) -> set[str]:
    return {part.part for part in report.failures}


def test_a_symmetric_table_passes_and_its_errors_are_exact() -> None:
    report = verify(Table(), swap(), samples=50)
    assert report.passed
    assert [part.part for part in report.parts] == ["observation", "reward", "termination", "initial states"]
    assert [part.checked for part in report.parts] == [4, 4, 4, 2]
    assert report.largest_error == 0
    assert "exact" in report.method
    assert "4 laws" in str(report)
    assert {part.part for part in verify(Table(), swap((0, 1)), samples=50).failures} >= {"observation", "reward"}


@pytest.mark.parametrize(
    ("entries", "part", "error", "says"),
    [
        ([(0.75, 1, 1.0, False), (0.25, 0, 0.0, True)], "observation", 0.5, r"state 0 with a, .* state 1 with b: state"),
        (
            [(0.75, 0, 2.0, False), (0.25, 1, 0.0, True)],
            "reward",
            0.75,
            r"state 0 and reward 1 expected with probability 0.75, found with 0$",
        ),
        # The same expectations of r, but not the same joint law: of r given s', and of r alone.
        ([(0.75, 0, 2 / 3, False), (0.25, 1, 1.0, True)], "reward", 1.0, "state 0 and reward 1 expected with probability 0.75"),
        ([(0.375, 0, 0.5, False), (0.375, 0, 1.5, False), (0.25, 1, 0.0, True)], "reward", 0.75, "reward 1"),
        (
            [(0.75, 0, 1.0, False), (0.25, 1, 0.0, False)],
            "termination",
            0.25,
            "reward 0 and termination expected with probability 0.25",
        ),
        ([(0.75, 0, 1.0, False), (0.125, 1, 0.0, True), (0.125, 1, 0.0, False)], "termination", 0.125, "found with 0.125"),
    ],
)
def test_each_part_is_at_fault_for_itself(entries: list, part: str, error: float, says: str) -> None:
    report = verify(Table(changed(1, 1, entries)), swap(), samples=50)
    assert failed(report) == {part}
    (found,) = report.failures
    assert found.violations == 2
    assert found.share_bound == 0.5
    assert found.error == pytest.approx(error, abs=1e-15)
    assert found.coordinate_name == "state 0 with a"
    assert found.coordinate == 0
    assert re.search(says, found.detail), found.detail


def test_outcomes_may_be_split_and_ordered_in_any_way() -> None:
    entries = [(0.25, 1, 0.0, True), (0.5, 0, 1.0, False), (0.25, 0, 1.0, False), (0.0, 1, 7.0, False)]
    assert verify(Table(changed(1, 1, entries)), swap(), samples=50).passed


def test_rewards_that_rounding_parts_are_equal() -> None:
    nearly = [(0.75, 0, 1.0 + 1e-12, False), (0.25, 1, 0.0, True)]
    assert verify(Table(changed(1, 1, nearly)), swap(), samples=50).passed
    assert not verify(Table(changed(1, 1, nearly)), swap(), samples=50, tolerance=1e-14).passed


def test_initial_states() -> None:
    report = verify(Table(isd=(0.9, 0.1)), swap(), samples=50)
    assert failed(report) == {"initial states"}
    assert report.failures[0].error == pytest.approx(0.8)
    assert "start in state 0 with probability 0.9, in its image state 1 with 0.1" in report.failures[0].detail
    unknown = verify(Table(isd=None), swap(), samples=50)
    assert unknown.passed
    assert unknown.parts[-1].passed is None
    assert "not checked: initial states" in unknown.headline
    with pytest.raises(SimulatorError, match="2 probabilities that sum to 1"):
        verify(Table(isd=(0.9, 0.9)), swap())


def test_a_state_that_no_episode_reaches_is_told_as_such() -> None:
    P = {s: {0: [(1.0, s, float(s == 2), False)]} for s in range(4)}
    env = Table(P, isd=(0.5, 0.5, 0, 0))
    symmetry = Symmetry(C2, Representation.from_generators(C2, [np.array([1, 0, 3, 2])]), C2.trivial)
    report = verify(env, symmetry, samples=50)
    assert failed(report) == {"reward"}
    assert "(no episode acts in this state)" in report.failures[0].detail
    env = Table(P | {0: {0: [(1.0, 0, 0.25, False)]}}, isd=(0.5, 0.5, 0, 0))
    (found,) = verify(env, symmetry, samples=50).failures
    assert found.coordinate_name in {"state 0 with action 0", "state 1 with action 0"}  # rather than what is never seen


def test_actions_that_move_depending_on_the_state() -> None:
    """The table of state 1 has its actions in another order: only a state-dependent map is a symmetry."""
    cells = {0: [(1.0, 0, 1.0, False)], 1: [(1.0, 1, 0.0, False)], 2: [(1.0, 0, -1.0, True)]}
    images = {0: [(1.0, 0, 0.0, False)], 1: [(1.0, 1, -1.0, True)], 2: [(1.0, 1, 1.0, False)]}
    env = Table({0: cells, 1: images})
    there, back = np.array([2, 0, 1]), np.array([1, 2, 0])

    def moved(g, state, action):
        return action if g == 0 else (there if state == 0 else back)[action]

    states = Representation.from_generators(C2, [np.array([1, 0])])
    assert verify(env, Symmetry(C2, states, moved), samples=50).passed
    for constant in (there, back, np.array([1, 0, 2])):
        assert not verify(env, Symmetry(C2, states, lambda g, s, a, to=constant: to[a] if g else a), samples=50).passed
    with pytest.raises(SymmetryError, match=r"In state 0 .* takes the actions 0 … 2 to \[0, 0, 0\]"):
        verify(env, Symmetry(C2, states, lambda g, s, a: 0), samples=50)
    with pytest.raises(SymmetryError, match="no action"):
        verify(env, Symmetry(C2, states, lambda g, s, a: 7), samples=50)


@pytest.mark.parametrize("slippery", [True, False])
def test_frozen_lakes(slippery: bool) -> None:
    """The catalogue's claim about (left, down, right, up): a quarter turn is [1, 2, 3, 0], the transpose [3, 2, 1, 0]."""
    cells = np.arange(25).reshape(5, 5)
    states = [np.argsort(np.rot90(cells).ravel()), cells.T.ravel()]
    turn, transpose = (np.array(actions) for actions in (TURN, TRANSPOSE))
    env = gym.make("FrozenLake-v1", desc=LAKE, is_slippery=slippery)
    D4 = dihedral(4)
    symmetry = Symmetry(D4, Representation.from_generators(D4, states), Representation.from_generators(D4, [turn, transpose]))
    report = verify(env, symmetry)
    assert report.passed
    assert report.largest_error == 0
    assert report.samples == 25
    vectorised = gym.vector.SyncVectorEnv([lambda: gym.make("FrozenLake-v1", desc=LAKE, is_slippery=slippery)])
    assert verify(vectorised, symmetry).passed
    back = Representation.from_generators(D4, [np.argsort(turn), transpose])  # turned the other way round
    assert failed(verify(env, Symmetry(D4, symmetry.observation, back))) == {"observation", "reward", "termination"}
    fixed = Symmetry(D4, symmetry.observation, 4 * D4.trivial)
    assert "observation" in failed(verify(env, fixed))
    default = gym.make("FrozenLake-v1", is_slippery=slippery)
    with pytest.raises(SpaceMismatchError, match="16 states"):
        verify(default, symmetry)


def test_every_group_of_a_map_is_found_and_holds() -> None:
    half_turn_and_diagonals = ["SFG", "FFF", "GFS"]
    up_down_mirror = ["SFFH", "FGGF", "SFFH"]  # no square
    maps = {8: LAKE, 4: half_turn_and_diagonals, 2: up_down_mirror}
    for order, desc in maps.items():
        symmetry = frozen_lake_symmetry(desc)
        assert symmetry.group.order == order
        for slippery in (True, False):
            assert verify(gym.make("FrozenLake-v1", desc=desc, is_slippery=slippery), symmetry, samples=50).passed
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(40):  # small maps have symmetries often
        cells = rng.choice(list("FFH"), size=(3, 3))
        cells[0, 0], cells[1, 1] = "S", "G"
        desc = ["".join(row) for row in cells]
        try:
            symmetry = frozen_lake_symmetry(desc, starts=False)
        except LookupError:
            continue
        found += 1
        report = verify(gym.make("FrozenLake-v1", desc=desc), symmetry, samples=50)
        assert failed(report) <= {"initial states"}
    assert found > 10
    for wrong in (["SF", "G"], [], "SFFG", ["SX"], [1, 2]):
        with pytest.raises(OptionError, match="list of rows"):
            frozen_lake_symmetry(wrong)  # pyright: ignore[reportArgumentType]


def test_terminal_states_of_the_default_lake_cannot_be_exchanged() -> None:
    """They are entered from different cells; what is the same of them is that nothing follows (bisimilarity)."""
    mdp = FiniteMDP.from_gymnasium(gym.make("FrozenLake-v1"))
    holes = np.flatnonzero(mdp.terminal)
    assert len(holes) == 5
    for one, other in pairwise(holes):
        states = np.arange(16)
        states[[one, other]] = other, one
        assert not is_automorphism(mdp, states, np.arange(4))
        defect = automorphism_defect(mdp, states, np.arange(4))
        assert defect is not None
        assert defect.part in {"reward", "transition"}


def test_an_environment_that_does_not_follow_its_table_is_refused() -> None:
    class Liar(Table):
        def step(self, action):
            s, reward, ended, truncated, info = super().step(action)
            return s, reward - 1, ended, truncated, info

    with pytest.raises(SimulatorError, match=r"Liar does not follow its table P: from state \d, action \d led to"):
        verify(Liar(), swap(), samples=50)
    same = Symmetry(cyclic(1), 500 * cyclic(1).trivial, 6 * cyclic(1).trivial)
    assert verify("Taxi-v3", same).passed
    with pytest.raises(SimulatorError, match="does not follow its table P"):
        verify(gym.make("Taxi-v3", fickle_passenger=True), same)

    class Broken(Table):
        def step(self, action):
            raise RuntimeError("a wheel came off.")

    with pytest.raises(SimulatorError, match="Broken raised RuntimeError: a wheel came off, in step"):
        verify(Broken(), swap(), samples=50)


def test_a_hidden_state_is_followed_from_resets() -> None:
    class Hidden(Table):
        def __init__(self):
            super().__init__()
            self._hidden = 0

        @property
        def s(self):
            return None

        @s.setter
        def s(self, value):
            self._hidden = value

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            return self._hidden, {}

        def step(self, action):
            entries = self.P[self._hidden][action]
            _, self._hidden, reward, ended = entries[self.np_random.choice(len(entries), p=[e[0] for e in entries])]
            return self._hidden, reward, ended, False, {}

    assert verify(Hidden(), swap(), samples=50).passed


@pytest.mark.parametrize(
    ("P", "says"),
    [
        ({0: {0: [(0.5, 0, 0.0, False)]}}, r"P\[0\]\[0\] is no distribution: its probabilities sum to 0.5"),
        ({0: {0: [(1.5, 0, 0.0, False), (-0.5, 0, 0.0, True)]}}, "no distribution"),
        ({0: {0: [(1.0, 3, 0.0, False)]}}, "leads to 3, which is no state"),
        ({0: {0: [(1.0, 0, 0.0)]}}, "expected P"),
        ({0: {0: [(1.0, 0, float("nan"), False)]}}, "not finite"),
        ({0: {0: [(1.0, 0, 0.0, False)]}, 1: {}}, "not numbered from 0"),
        ({0: {0: [(1.0, 0, 0.0, False)]}, 1: {0: [], 1: []}}, r"P\[0\] has 1 actions, but P\[1\] has 2"),
        ({0: {0: []}}, "no entries"),
        ({1: {0: [(1.0, 0, 0.0, False)]}}, "not numbered from 0"),
    ],
)
def test_tables_of_another_form_are_refused(P: dict, says: str) -> None:
    with pytest.raises(SimulatorError, match=says):
        TransitionTable.read(P)
    with pytest.raises(SimulatorError, match=says):
        FiniteMDP.from_gymnasium(P)


def test_lists_are_tables_too() -> None:
    P = Table().P
    lists = [[P[s][a] for a in range(2)] for s in range(2)]
    assert verify(Table(lists), swap(), samples=50).passed


def test_what_changes_the_environment_hides_the_table() -> None:
    doubled = gym.wrappers.TransformReward(Table(), lambda reward: -float(reward))
    with pytest.raises(SimulatorError, match="wrapper TransformReward"):
        verify(doubled, swap())
    other = Table()
    other.action_space = gym.spaces.Discrete(3)
    with pytest.raises(SimulatorError, match="2 states and 2 actions, but its spaces have 2 and 3"):
        verify(other, swap())
    blackjack = gym.make("Blackjack-v1")  # has no table, and observes a tuple
    with pytest.raises(SimulatorError, match="cannot be set"):
        verify(blackjack, swap())
