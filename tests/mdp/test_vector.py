import gymnasium as gym
import numpy as np
import pytest

from symmdp import groups
from symmdp.catalogue import symmetry_of
from symmdp.errors import SimulatorError
from symmdp.mdp import Symmetry, verify
from symmdp.representations import Representation


@pytest.mark.parametrize(
    ("environment_id", "mode"),
    [("CartPole-v1", "vector_entry_point"), ("CartPole-v1", "sync"), ("Pendulum-v1", "sync")],
)
def test_vectorised_environments_are_verified(environment_id: str, mode: str) -> None:
    env = gym.make_vec(environment_id, num_envs=3, vectorization_mode=mode)
    report = verify(env, symmetry_of(environment_id), samples=100)
    assert report.passed
    assert report.environment == environment_id
    assert report.largest_error <= 1e-12
    env.close()


def test_a_wrong_symmetry_is_rejected() -> None:
    c2 = groups.cyclic(2)
    wrong = Symmetry(
        c2, Representation(c2, [np.eye(4), np.diag([-1, -1, -1, 1])]), Representation(c2, [np.eye(2), [[0, 1], [1, 0]]])
    )
    env = gym.make_vec("CartPole-v1", num_envs=3, vectorization_mode="vector_entry_point")
    assert not verify(env, wrong, samples=100).passed
    env.close()


def test_the_single_and_the_vectorised_simulator_agree() -> None:
    from symmdp.mdp import simulator_of
    from symmdp.mdp.simulators._vector import simulator_of_vector

    one = simulator_of(gym.make("CartPole-v1"))
    many = simulator_of_vector(gym.make_vec("CartPole-v1", num_envs=2, vectorization_mode="vector_entry_point"))
    one.reset(0)
    many.reset(0)
    generator = np.random.default_rng(0)
    for _ in range(50):
        state, action = generator.uniform(-3, 3, size=4), int(generator.integers(2))
        one.set_state(state)
        many.set_state(state)
        (a, _, done), (b, _, also) = one.step(action), many.step(action)
        np.testing.assert_allclose(a, b, atol=1e-12)
        assert done == also


def test_processes_are_refused() -> None:
    env = gym.make_vec("CartPole-v1", num_envs=1, vectorization_mode="async")
    try:
        with pytest.raises(SimulatorError, match="SyncVectorEnv"):
            verify(env, symmetry_of("CartPole-v1"))
    finally:
        env.close()
