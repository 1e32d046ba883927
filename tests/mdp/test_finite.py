import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symmdp.errors import DivergenceError, OptionError, ShapeError, SimulatorError, SymmetryError
from symmdp.mdp import (
    FiniteMDP,
    coarsest_homomorphism,
    evaluate,
    is_automorphism,
    policy_iteration,
    quotient,
    value_iteration,
)


def random_mdp(seed, states=6, actions=3):
    rng = np.random.default_rng(seed)
    T = rng.dirichlet(np.full(states, 0.4), (states, actions))
    return T, FiniteMDP(T, rng.normal(size=(states, actions)), terminal=[states - 1], discount=0.9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_solvers_agree_and_the_greedy_policy_has_the_optimal_value(seed):
    _, mdp = random_mdp(seed)
    slow, exact = value_iteration(mdp), policy_iteration(mdp)
    np.testing.assert_allclose(slow.values, exact.values, atol=1e-10)
    np.testing.assert_allclose(evaluate(mdp, exact.policy), exact.values, atol=1e-8)
    assert exact.residual < 1e-9


def test_transitions_keep_their_places_and_terminal_states_absorb():
    T, mdp = random_mdp(0)
    flat = mdp.transitions.toarray().reshape(6, 3, 6)
    np.testing.assert_array_equal(flat[:5], T[:5])
    assert (flat[5, :, 5] == 1).all()
    assert (mdp.rewards[5] == 0).all()


@pytest.mark.parametrize("slippery", [True, False])
def test_frozen_lake_agrees_with_backups_over_its_table(slippery):
    P = gym.make("FrozenLake-v1", is_slippery=slippery).unwrapped.P
    values = np.zeros(16)
    for _ in range(3000):
        values = np.array([max(sum(p * (r + 0.99 * values[t] * (not d)) for p, t, r, d in P[s][a]) for a in P[s]) for s in P])
    np.testing.assert_allclose(policy_iteration(FiniteMDP.from_gymnasium(P)).values[:16], values, atol=1e-9)


def test_wrong_probabilities_are_named():
    T, _ = random_mdp(0)
    T[2, 1] *= 2
    with pytest.raises(SymmetryError, match=r"T\[2, 1\]"):
        FiniteMDP(T, np.zeros((6, 3)))


def test_a_policy_that_never_ends_has_no_undiscounted_value():
    mdp = FiniteMDP(np.ones((1, 1, 1)), np.ones((1, 1)), discount=1.0)
    with pytest.raises(DivergenceError, match="discount"):
        evaluate(mdp, np.ones((1, 1)))


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"transitions": "ab"}, ShapeError, "Transitions are an array of real numbers; got 'ab'"),
        ({"transitions": None}, ShapeError, "Transitions"),
        ({"transitions": [[1], [1, 2]]}, ShapeError, "Transitions are an array of real numbers"),
        ({"transitions": np.ones((1, 2, 1), dtype=complex)}, ShapeError, "Transitions are an array of real numbers"),
        ({"rewards": "x"}, ShapeError, "Rewards are an array of real numbers"),
        ({"discount": "a"}, OptionError, "discount must lie between 0 and 1; got 'a'"),
        ({"discount": None}, OptionError, "discount"),
        ({"terminal": [0.5]}, OptionError, r"or booleans of shape \(2,\); got \[0.5\]"),
        ({"terminal": [np.nan]}, OptionError, "Terminal states are their numbers"),
        ({"terminal": [True]}, OptionError, r"got \[True\] of shape \(1,\)"),
        ({"terminal": "end"}, OptionError, "got 'end'"),
    ],
)
def test_what_describes_no_mdp_is_refused(arguments, error, says):
    given = {"transitions": np.tile(np.eye(2), (2, 1, 1)), "rewards": np.zeros((2, 2))} | arguments
    with pytest.raises(error, match=says):
        FiniteMDP(**given)


def test_a_table_that_leads_nowhere_is_refused():
    with pytest.raises(SimulatorError, match=r"P\[0\]\[0\] holds"):
        FiniteMDP.from_gymnasium({0: {0: [(1.0, np.inf, 0.0, False)]}})


@pytest.mark.parametrize("tolerance", [-1, np.nan, np.inf, "small"])
def test_tolerances_that_are_none_are_refused(tolerance):
    _, mdp = random_mdp(0)
    same = np.arange(6), np.arange(3)
    for call in (
        lambda: is_automorphism(mdp, *same, tolerance=tolerance),
        lambda: quotient(mdp, [same], tolerance=tolerance),
        lambda: coarsest_homomorphism(mdp, tolerance=tolerance),
        lambda: value_iteration(mdp, tolerance=tolerance),
    ):
        with pytest.raises(OptionError, match="tolerance must be a number of at least 0"):
            call()
    with pytest.raises(SymmetryError, match="a list of pairs"):
        quotient(mdp, 3)


@pytest.mark.parametrize("solve", [policy_iteration, value_iteration, lambda mdp: evaluate(mdp, np.full((2, 1), 1.0))])
def test_values_beyond_float64_are_refused(solve):
    mdp = FiniteMDP(np.array([[[0, 1.0]], [[1.0, 0]]]), np.full((2, 1), 1e308), discount=0.999)
    with pytest.raises(DivergenceError, match="too large for float64"):
        solve(mdp)
