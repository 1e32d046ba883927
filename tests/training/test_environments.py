import json

import gymnasium as gym
import numpy as np
import pytest

import symmdp.catalogue  # noqa: F401  # registers Grid World
from symmdp.errors import SimulatorError, UnknownEnvironmentError
from symmdp.training._environments import stacked_environments
from symmdp.training._snapshot import restore_snapshot, snapshot

IDS = ["CartPole-v1", "Pendulum-v1", "Acrobot-v1", "MountainCar-v0", "MountainCarContinuous-v0", "symmdp/GridWorld-v0"]


def actions_for(environments, rows: int, steps: int, seed: int = 0) -> np.ndarray:
    rng, space = np.random.default_rng(seed), environments.single_action_space
    if isinstance(space, gym.spaces.Discrete):
        return rng.integers(space.n, size=(steps, rows))
    return rng.uniform(space.low, space.high, size=(steps, rows, *space.shape)).astype(np.float32)


@pytest.mark.parametrize("environment_id", IDS)
def test_what_a_seed_sees_does_not_depend_on_its_company(environment_id: str) -> None:
    together, alone = stacked_environments(environment_id, [3, 7, 9], 2), stacked_environments(environment_id, [7], 2)
    np.testing.assert_array_equal(together.reset()[2:4], alone.reset())
    for actions in actions_for(together, 6, 250):
        for a, b in zip(together.step(actions), alone.step(actions[2:4]), strict=True):
            np.testing.assert_array_equal(a[2:4], b)


def test_seeds_differ() -> None:
    first = stacked_environments("CartPole-v1", [0, 1], 2).reset()
    assert len({tuple(row) for row in first}) == 4


def test_the_vectorised_cartpole_is_cartpole() -> None:
    """Every row against Gymnasium's single environment, through the restarts of episodes."""
    vectorised = stacked_environments("CartPole-v1", [0, 1], 2)
    observation = vectorised.reset()
    singles = [gym.make("CartPole-v1") for _ in observation]
    ended = np.zeros(4, bool)
    for row, single in enumerate(singles):
        single.reset(seed=0)
        single.unwrapped.state = vectorised.states[:, row].copy()
    restarts = 0
    for actions in actions_for(vectorised, 4, 300):
        observation, reward, terminated, truncated = vectorised.step(actions)
        for row, single in enumerate(singles):
            if ended[row]:
                restarts += 1
                assert reward[row] == 0
                assert not terminated[row]
                assert (np.abs(observation[row]) <= 0.05).all()
                single.reset()
                single.unwrapped.state = vectorised.states[:, row].copy()
            else:
                wanted = single.step(int(actions[row]))
                np.testing.assert_allclose(observation[row], wanted[0], atol=1e-6)
                assert (reward[row], terminated[row], truncated[row]) == wanted[1:4]
        ended = terminated | truncated
    assert restarts > 20


@pytest.mark.parametrize("environment_id", IDS)
def test_a_saved_state_goes_on_to_the_bit(environment_id: str) -> None:
    environments = stacked_environments(environment_id, [5, 6], 2)
    environments.reset()
    actions = actions_for(environments, 4, 620)
    for a in actions[:230]:
        environments.step(a)
    saved = environments.saved()
    after = [environments.step(a) for a in actions[230:]]
    twin = stacked_environments(environment_id, [5, 6], 2)
    twin.restore(saved)
    for wanted, a in zip(after, actions[230:], strict=True):
        for x, y in zip(wanted, twin.step(a), strict=True):
            np.testing.assert_array_equal(x, y)
    if environment_id != "MountainCarContinuous-v0":  # whose episodes last 999 steps
        assert any((step[2] | step[3]).any() for step in after)


def test_an_environment_with_other_state_is_refused() -> None:
    environment = gym.make("CartPole-v1")
    environment.reset(seed=0)
    json.dumps(snapshot(environment))
    environment.unwrapped.engine = object()
    with pytest.raises(SimulatorError, match=r"'engine' is a object"):
        snapshot(environment)
    del environment.unwrapped.engine
    restore_snapshot(environment, snapshot(environment))
    environment.close()


def test_unknown_environment() -> None:
    with pytest.raises(UnknownEnvironmentError, match="NoSuch-v0"):
        stacked_environments("NoSuch-v0", [0], 1)
