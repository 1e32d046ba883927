import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symmdp.errors import DivergenceError, SymmetryError
from symmdp.mdp import FiniteMDP, evaluate, policy_iteration, value_iteration


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
