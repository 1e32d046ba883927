"""The coarsest homomorphism, by partition refinement."""

import gymnasium as gym
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from symmdp.catalogue.environments import grid_world_mdp
from symmdp.errors import OptionError
from symmdp.mdp import FiniteMDP, Homomorphism, coarsest_homomorphism, evaluate, policy_iteration, quotient
from symmdp.mdp.finite._clusters import clusters
from symmdp.mdp.finite._refinement import _number_rows

LAKE = ["HFSFH", "FFFFF", "SFGFS", "FFFFF", "HFSFH"]


def slow_blocks(mdp: FiniteMDP, relabel: bool) -> list[int]:
    """The coarsest stable partition by comparing everything with everything, until nothing changes."""
    T = mdp.transitions.toarray().reshape(mdp.states, mdp.actions, mdp.states)
    blocks = [int(end) for end in mdp.terminal]
    while True:
        seen: dict[object, int] = {}
        following = []
        for s in range(mdp.states):
            signatures = []
            for a in range(mdp.actions):
                law: dict[int, float] = {}
                for t in np.flatnonzero(T[s, a]):
                    law[blocks[t]] = law.get(blocks[t], 0.0) + T[s, a, t]
                rounded = sorted((b, round(p, 8)) for b, p in law.items())
                signatures.append((round(float(mdp.rewards[s, a]), 8), tuple(rounded)))
            own = (blocks[s], frozenset(signatures) if relabel else tuple(signatures))
            following.append(seen.setdefault(own, len(seen)))
        if len(set(following)) == len(set(blocks)):
            return following
        blocks = following


def planted(seed: int, blocks: int, copies: int, actions: int, relabel: bool) -> FiniteMDP:
    """A random MDP with integer rewards and probabilities in eighths, blown up: each state becomes several.

    How the probability of a state is shared among its copies is random, and with `relabel` so is the order of actions, and
    how often each occurs.
    """
    rng = np.random.default_rng(seed)
    small = rng.multinomial(8, np.ones(blocks) / blocks, size=(blocks, actions)) / 8
    rewards = rng.integers(3, size=(blocks, actions)).astype(float)
    of = rng.permutation(np.repeat(np.arange(blocks), copies))
    wide = actions + relabel
    T, R = np.zeros((len(of), wide, len(of))), np.zeros((len(of), wide))
    for s, b in enumerate(of):
        chosen = np.arange(actions)
        if relabel:
            chosen = rng.permutation(np.append(chosen, rng.integers(actions)))
        for a, c in enumerate(chosen):
            R[s, a] = rewards[b, c]
            for t in range(blocks):
                T[s, a, of == t] = small[b, c, t] * rng.multinomial(4, np.ones(copies) / copies) / 4
    return FiniteMDP(T, R, terminal=np.flatnonzero(of == 0) if rng.random() < 0.5 else (), discount=0.9)


def check(mdp: FiniteMDP, found: Homomorphism) -> None:
    """It is a homomorphism, its values lift, and so do its policies."""
    assert found.error() <= 1e-9
    direct, small = policy_iteration(mdp), policy_iteration(found.image)
    np.testing.assert_allclose(found.lift_values(small.values), direct.values, atol=1e-10)
    np.testing.assert_allclose(small.q[found.states[:, None], found.actions], direct.q, atol=1e-9)
    lifted = found.lift(small.policy)
    np.testing.assert_allclose(lifted.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(evaluate(mdp, lifted), direct.values, atol=1e-10)
    uneven = np.random.default_rng(0).dirichlet(np.ones(found.image.actions), size=found.image.states)
    values = evaluate(mdp, found.lift(uneven))  # of any policy, copies of actions and all
    np.testing.assert_allclose(values, found.lift_values(evaluate(found.image, uneven)), atol=1e-10)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.booleans())
def test_against_a_slow_reference(seed: int, blocks: int, copies: int, actions: int, relabel: bool) -> None:
    mdp = planted(seed, blocks, copies, actions, relabel)
    found = coarsest_homomorphism(mdp, relabel=relabel)
    slow = slow_blocks(mdp, relabel)
    assert len(set(slow)) == found.image.states <= blocks
    assert len(set(zip(slow, found.states.tolist(), strict=True))) == found.image.states  # the same partition
    firsts = [int(np.flatnonzero(found.states == b)[0]) for b in range(found.image.states)]
    assert firsts == sorted(firsts)
    check(mdp, found)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(2, 30))
def test_sparse_mdps_that_are_split_many_times(seed: int, states: int) -> None:
    rng = np.random.default_rng(seed)
    following = rng.integers(states, size=(states, 2))
    matrices = [
        scipy.sparse.csr_array((np.ones(states), (np.arange(states), following[:, a])), shape=(states,) * 2) for a in (0, 1)
    ]
    mdp = FiniteMDP(matrices, (rng.random((states, 2)) < 0.1).astype(float), discount=0.9)
    for relabel in (True, False):
        found = coarsest_homomorphism(mdp, relabel=relabel)
        slow = slow_blocks(mdp, relabel)
        assert len(set(zip(slow, found.states.tolist(), strict=True))) == len(set(slow)) == found.image.states
        check(mdp, found)


def test_a_chain_is_split_from_its_end() -> None:
    n = 200
    matrix = scipy.sparse.csr_array((np.ones(n), (np.arange(n), np.minimum(np.arange(n) + 1, n - 1))), shape=(n, n))
    reward = np.zeros((n, 1))
    reward[n - 2] = 1
    assert coarsest_homomorphism(FiniteMDP([matrix], reward, terminal=[n - 1])).image.states == n
    assert coarsest_homomorphism(FiniteMDP([matrix], np.zeros((n, 1)))).image.states == 1


@pytest.mark.parametrize("slippery", [True, False])
def test_it_is_at_least_as_coarse_as_a_quotient(slippery: bool) -> None:
    mdp = FiniteMDP.from_gymnasium(gym.make("FrozenLake-v1", desc=LAKE, is_slippery=slippery), discount=0.95)
    cells = np.arange(25).reshape(5, 5)
    turn, transpose = np.argsort(np.rot90(cells).ravel()), cells.T.ravel()
    orbits = quotient(mdp, [(turn, [1, 2, 3, 0]), (transpose, [3, 2, 1, 0])])
    found = coarsest_homomorphism(mdp)
    pairs = set(zip(orbits.states.tolist(), found.states.tolist(), strict=True))
    assert len(pairs) == orbits.image.states  # each orbit lies in one block
    assert found.image.states == orbits.image.states - 1  # holes and goal are one
    check(mdp, found)
    plain = coarsest_homomorphism(mdp, relabel=False)
    np.testing.assert_array_equal(plain.actions, np.tile(np.arange(4), (25, 1)))
    assert plain.image.states == 21  # only terminal states are one: turning a state turns its actions
    check(mdp, plain)


def test_the_default_lake_has_terminal_states_to_merge_and_nothing_else() -> None:
    mdp = FiniteMDP.from_gymnasium(gym.make("FrozenLake-v1"), discount=0.95)
    for relabel in (True, False):
        found = coarsest_homomorphism(mdp, relabel=relabel)
        assert found.image.states == 12
        assert len(set(found.states[mdp.terminal])) == 1
        check(mdp, found)


def test_grid_world_is_reduced_to_an_eighth() -> None:
    mdp = grid_world_mdp(7)
    found = coarsest_homomorphism(mdp)
    assert found.image.states == 10  # 7² cells under D4
    check(mdp, found)


def test_states_with_other_numbers_of_different_actions() -> None:
    """State 0 has one action thrice, 1 and 2 have two in other numbers; the image fills up with copies."""
    T = np.zeros((4, 3, 4))
    T[..., 3] = 1
    R = np.array([[1, 1, 1], [1, 2, 2], [2, 1, 1], [0, 0, 0]], dtype=float)
    mdp = FiniteMDP(T, R, terminal=[3])
    found = coarsest_homomorphism(mdp)
    assert found.states.tolist() == [0, 1, 1, 2]
    assert found.image.actions == 2
    assert found.actions[:3].tolist() == [[0, 0, 0], [0, 1, 1], [1, 0, 0]]
    assert found.copies is not None
    assert found.copies.tolist() == [[0, 0], [0, 1], [0, 0]]
    check(mdp, found)
    np.testing.assert_allclose(
        found.lift([[0.25, 0.75], [0.25, 0.75], [0.5, 0.5]])[:3], [[1 / 3] * 3, [0.25, 0.375, 0.375], [0.75, 0.125, 0.125]]
    )
    assert Homomorphism(mdp, found.image, found.states, found.actions).error() == 1  # nothing goes to action 1 of state 0
    wrong = found.copies.copy()
    wrong[1] = 0
    assert Homomorphism(mdp, found.image, found.states, found.actions, wrong).error() == 1
    assert coarsest_homomorphism(mdp, relabel=False).image.states == 4


def two_states(difference: float) -> FiniteMDP:
    T = np.tile([0.0, 0.0, 1.0], (3, 1, 1))
    return FiniteMDP(T, [[0.1], [0.1 + difference], [0.0]], terminal=[2])


def test_rewards_and_probabilities_that_differ_are_kept_apart() -> None:
    for relabel in (True, False):
        for tolerance in (0.0, 1e-6):
            assert coarsest_homomorphism(two_states(2e-6), relabel=relabel, tolerance=tolerance).image.states == 3
        assert coarsest_homomorphism(two_states(5e-7), relabel=relabel, tolerance=1e-6).image.states == 2
        assert coarsest_homomorphism(two_states(5e-7), relabel=relabel).image.states == 3

    def leaking(p: float) -> FiniteMDP:
        T = [[[0, 0, 0.5, 0.5]], [[0, 0, 0.5 + p, 0.5 - p]], [[0, 0, 1, 0]], [[0, 0, 0, 1]]]
        return FiniteMDP(np.array(T), [[0.0], [0.0], [1.0], [0.0]], discount=0.9)

    assert coarsest_homomorphism(leaking(1e-6)).image.states == 4
    assert coarsest_homomorphism(leaking(1e-6), tolerance=1e-5).image.states == 3
    assert coarsest_homomorphism(leaking(0.0)).image.states == 3
    T = [[[0, 0, 1, 0]], [[0, 0, 1 - 1e-7, 1e-7]], [[0, 0, 1, 0]], [[0, 0, 0, 1]]]
    small = coarsest_homomorphism(FiniteMDP(np.array(T), [[0.0], [0.0], [1.0], [0.0]]), tolerance=1e-6)
    assert small.states.tolist() == [0, 0, 1, 2]  # a probability below the tolerance counts as none
    assert 0 < small.error() <= 1e-6


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1, 1), max_size=40), st.sampled_from([0.0, 1e-9, 0.1, 0.7]))
def test_clusters_are_no_wider_than_the_tolerance(values: list[float], tolerance: float) -> None:
    array = np.array(values)
    found = clusters(array, tolerance)
    assert found.shape == array.shape
    for number in set(found.tolist()):
        members = array[found == number]
        assert members.max() - members.min() <= tolerance
    order = np.argsort(array, kind="stable")
    assert (np.diff(found[order]) >= 0).all()
    equal = array[:, None] == array
    assert (found[:, None] == found)[equal].all()


def test_a_crowd_of_rewards_is_never_merged_beyond_the_tolerance() -> None:
    rewards = np.linspace(0, 1, 101)[:, None]  # neighbours are closer than the tolerance, the ends are not
    n = len(rewards)
    mdp = FiniteMDP([scipy.sparse.csr_array((np.ones(n), (np.arange(n), np.full(n, n - 1))), shape=(n, n))], rewards)
    found = coarsest_homomorphism(mdp, tolerance=0.025)
    assert found.error() <= 0.025
    assert found.image.states < n
    for block in range(found.image.states):
        assert np.ptp(rewards[found.states == block]) <= 0.025


def test_rounding_does_not_part_what_is_equal() -> None:
    """Sums of the same probabilities in another order: 0.1 + 0.2 + 0.3 is 0.6 up to rounding alone."""
    T = np.zeros((8, 1, 8))
    T[0, 0, [2, 3, 4, 6]] = [0.1, 0.2, 0.3, 0.4]
    T[1, 0, [2, 3, 4, 6]] = [0.3, 0.2, 0.1, 0.4]
    T[[2, 3, 4], 0, [2, 3, 4]] = T[[5, 6, 7], 0, [5, 6, 7]] = 1
    reward = np.array([0, 0, 1, 1, 1, 2, 2, 2.0])[:, None]
    assert (0.1 + 0.2) + 0.3 != (0.3 + 0.2) + 0.1
    assert coarsest_homomorphism(FiniteMDP(T, reward)).image.states == 3


def test_rows_with_one_hash_are_compared_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ones:
        def integers(self, *_, size, **__):
            return np.zeros(size, dtype=np.int64)  # all factors are 1

    rows = np.array([[1, 2], [2, 1], [1, 2], [0, 3]])
    expected = _number_rows(rows)
    monkeypatch.setattr(np.random, "default_rng", lambda seed: Ones())
    found = _number_rows(rows)
    for number in (expected, found):
        assert number[0] == number[2]
        assert len(set(number.tolist())) == 3


@pytest.mark.parametrize("tolerance", [-1.0, float("nan"), float("inf")])
def test_a_tolerance_that_is_none(tolerance: float) -> None:
    with pytest.raises(OptionError, match="tolerance"):
        coarsest_homomorphism(two_states(0), tolerance=tolerance)
