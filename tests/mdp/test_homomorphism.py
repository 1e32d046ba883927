import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symmdp.errors import ShapeError, SymmetryError
from symmdp.mdp import FiniteMDP, Homomorphism, evaluate, policy_iteration, quotient, value_iteration

TURN = [1, 2, 3, 0]  # left, down, right, up
FLIP = [3, 2, 1, 0]


def grid(size: int) -> tuple[list[int], list[int]]:
    """A quarter turn of a square grid against the clock, and its transpose, as permutations of cells `s ↦ p[s]`."""
    cells = np.arange(size * size).reshape(size, size)
    return np.argsort(np.rot90(cells).ravel()).tolist(), cells.T.ravel().tolist()


def frozen_lake(size: int, slippery: bool) -> FiniteMDP:
    """A lake with its goal on the four middle cells (one, in odd sizes) and holes in the corners: D4-symmetric."""
    rows = [["F"] * size for _ in range(size)]
    for i in (0, size - 1):
        for j in (0, size - 1):
            rows[i][j] = "H"
    middle = {size // 2, (size - 1) // 2}
    for i in middle:
        for j in middle:
            rows[i][j] = "G"
    rows[0][1] = "S"
    lake = gym.make("FrozenLake-v1", desc=["".join(row) for row in rows], is_slippery=slippery)
    return FiniteMDP.from_gymnasium(lake, discount=0.95)


def symmetries(size: int) -> list[tuple[list[int], list[int]]]:
    turn, transpose = grid(size)
    return [(turn, TURN), (transpose, FLIP)]


@pytest.mark.parametrize("size", [4, 5, 7])
@pytest.mark.parametrize("slippery", [True, False])
def test_the_quotient_of_a_symmetric_lake(size: int, slippery: bool) -> None:
    mdp = frozen_lake(size, slippery)
    assert mdp.states == size * size  # no state is entered both as terminal and not
    found = quotient(mdp, symmetries(size))
    half = (size + 1) // 2
    assert found.image.states == half * (half + 1) // 2
    assert found.error() <= 1e-12
    direct, small = policy_iteration(mdp), policy_iteration(found.image)
    np.testing.assert_allclose(found.lift_values(small.values), direct.values, atol=1e-10)
    lifted = found.lift(small.policy)
    np.testing.assert_allclose(lifted.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(evaluate(mdp, lifted), direct.values, atol=1e-10)
    np.testing.assert_allclose(found.lift_values(value_iteration(found.image).values), direct.values, atol=1e-8)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(2, 5), st.integers(1, 3), st.booleans())
def test_random_symmetric_mdps(seed: int, half: int, actions: int, depends: bool) -> None:
    """A random MDP made symmetric by averaging over a random involution of states and actions."""
    generator = np.random.default_rng(seed)
    states = 2 * half + 1
    sigma = np.arange(states)
    pairs = generator.permutation(states)[: 2 * half].reshape(-1, 2)
    sigma[pairs[:, 0]], sigma[pairs[:, 1]] = pairs[:, 1], pairs[:, 0]
    alpha = (
        np.tile(generator.permutation(actions), (states, 1))
        if not depends
        else generator.permuted(np.tile(np.arange(actions), (states, 1)), axis=1)
    )
    for s in range(states):  # α_{σs} α_s = 1
        if sigma[s] > s:
            alpha[sigma[s]] = np.argsort(alpha[s])
        elif sigma[s] == s:
            alpha[s] = np.arange(actions)
    transitions = generator.dirichlet(np.ones(states), size=(states, actions))
    rewards = generator.normal(size=(states, actions))
    moved = transitions[sigma[:, None], alpha][:, :, sigma]
    mdp = FiniteMDP((transitions + moved) / 2, (rewards + rewards[sigma[:, None], alpha]) / 2, discount=0.9)
    found = quotient(mdp, [(sigma, alpha)])
    assert found.image.states == half + 1
    assert found.error() <= 1e-12
    direct, small = policy_iteration(mdp), policy_iteration(found.image)
    np.testing.assert_allclose(found.lift_values(small.values), direct.values, atol=1e-10)
    np.testing.assert_allclose(evaluate(mdp, found.lift(small.policy)), direct.values, atol=1e-10)
    q = small.q[found.states[:, None], found.actions]
    np.testing.assert_allclose(q, direct.q, atol=1e-9)


def test_a_broken_symmetry_is_refused_with_its_place() -> None:
    mdp = frozen_lake(5, slippery=True)
    turn, transpose = grid(5)
    with pytest.raises(SymmetryError, match="Automorphism 0 is none: transition of state"):
        quotient(mdp, [(turn, FLIP)])
    with pytest.raises(SymmetryError, match="Automorphism 1 is none"):
        quotient(mdp, [(transpose, FLIP), (turn, [0, 1, 2, 3])])
    lake = FiniteMDP.from_gymnasium(gym.make("FrozenLake-v1"), discount=0.95)
    with pytest.raises(SymmetryError, match="is none"):
        quotient(lake, [([*grid(4)[1], *range(16, lake.states)], FLIP)])


def test_what_is_no_homomorphism_has_an_error() -> None:
    mdp = frozen_lake(5, slippery=True)
    found = quotient(mdp, symmetries(5))
    wrong = found.states.copy()
    wrong[0], wrong[1] = wrong[1], wrong[0]
    assert Homomorphism(mdp, found.image, wrong, found.actions).error() > 1e-3
    actions = np.tile(np.arange(4), (mdp.states, 1))
    assert Homomorphism(mdp, found.image, found.states, actions).error() > 1e-3


def test_bad_arguments() -> None:
    mdp = frozen_lake(4, slippery=False)
    with pytest.raises(SymmetryError, match="at least one"):
        quotient(mdp, [])
    with pytest.raises(SymmetryError, match="pair"):
        quotient(mdp, [list(range(16))])  # pyright: ignore[reportArgumentType]
    with pytest.raises(ShapeError):
        quotient(mdp, [(list(range(15)), TURN)])
    found = quotient(mdp, symmetries(4))
    with pytest.raises(ShapeError):
        found.lift(np.ones((16, 4)) / 4)
    with pytest.raises(ShapeError):
        found.lift_values(np.ones(16))
