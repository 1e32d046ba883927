"""Grid World, single and vectorised, against a slow reference in the coordinates of the torus."""

import subprocess
import sys
from collections.abc import Iterator

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

import symmdp.catalogue.environments  # noqa: F401  # registers the environment
from symmdp.catalogue.environments import GridWorld, GridWorldLaw, GridWorldVector, grid_world_mdp
from symmdp.errors import OptionError
from symmdp.mdp import evaluate, value_iteration
from symmdp.training._environments import stacked_environments

ID = "symmdp/GridWorld-v0"
MOVES = {0: (0, 0), 1: (0, 1), 2: (1, 0), 3: (0, -1), 4: (-1, 0)}  # x to the right, y up
SIZES = st.sampled_from([3, 5, 7, 9])


def position(size: int, state: int) -> tuple[int, int]:
    """Where the prey is, seen from the agent."""
    return state % size - size // 2, size // 2 - state // size


def state_at(size: int, x: int, y: int) -> int:
    """The inverse, on the torus."""
    half = size // 2
    x, y = (x + half) % size - half, (y + half) % size - half
    return (half - y) * size + half + x


def reference(size: int, state: int, action: int, step: int) -> tuple[int, bool]:
    """Agent and prey walk on the torus one after the other."""
    prey, agent = position(size, state), MOVES[action]
    if state_at(size, *prey) == state_at(size, *agent):
        return size * size // 2, True
    moved = (prey[0] + MOVES[step][0], prey[1] + MOVES[step][1])
    if state_at(size, *moved) != state_at(size, *agent):
        prey = moved
    return state_at(size, prey[0] - agent[0], prey[1] - agent[1]), False


class Given:
    """A random generator that returns given numbers, one at a time."""

    def __init__(self, numbers: Iterator[float]):
        self._numbers = numbers

    def random(self, size: int) -> np.ndarray:
        return np.array([next(self._numbers) for _ in range(size)])


def vector(**options) -> GridWorldVector:
    made = gym.make_vec(ID, **options)
    assert isinstance(made, GridWorldVector)
    return made


@given(size=SIZES)
@settings(max_examples=4, deadline=None)
def test_what_follows_is_what_the_reference_says(size: int):
    law = GridWorldLaw(size)
    for state in law.starts:
        for action in range(5):
            expected = [reference(size, state, action, step)[0] for step in range(5)]
            assert law.following[state, action].tolist() == expected


@given(size=SIZES, prey_moves=st.sampled_from([0.0, 0.15, 0.5, 1.0]))
@settings(max_examples=16, deadline=None)
def test_evenly_spaced_draws_give_the_exact_probabilities(size: int, prey_moves: float):
    law, n = GridWorldLaw(size, prey_moves=prey_moves), 800
    draws = (np.arange(n) + 0.5) / n
    for state in law.starts:
        for action in range(5):
            following, caught = law.step(np.full(n, state), np.full(n, action), draws)
            expected = np.zeros(size**2)
            for step, probability in enumerate(law.probabilities):
                expected[reference(size, state, action, step)[0]] += n * probability
            np.testing.assert_allclose(np.bincount(following, minlength=size**2), expected, atol=1e-9)
            assert (caught == reference(size, state, action, 0)[1]).all()


@given(size=SIZES)
@settings(max_examples=4, deadline=None)
def test_each_start_is_as_likely_and_none_is_with_the_agent(size: int):
    law = GridWorldLaw(size)
    n = 10 * (size**2 - 1)
    counts = np.bincount(law.start((np.arange(n) + 0.5) / n), minlength=size**2)
    assert counts[law.center] == 0
    assert set(np.delete(counts, law.center)) == {10}
    assert law.start(np.array([np.nextafter(1, 0)])) == [size**2 - 1]


def test_the_last_draw_below_the_threshold_moves_the_prey_to_the_left():
    law = GridWorldLaw()
    after, _ = law.step(np.array([0, 0]), np.array([0, 0]), np.array([np.nextafter(0.15, 0), 0.15]))
    assert after.tolist() == [6, 0]


def test_the_image_shows_the_agent_in_the_middle_and_the_prey_beside_it():
    (image,) = GridWorldLaw(size=3).images(np.array([state_at(3, 1, 1)]))
    expected = """
    . . . . . . . # .
    . . . . . . # # #
    . . . . . . . # .
    . . . # . # . . .
    . . . . # . . . .
    . . . # . # . . .
    . . . . . . . . .
    . . . . . . . . .
    . . . . . . . . ."""
    rows = [line.split() for line in expected.strip().splitlines()]
    assert (image[0] == (np.array(rows) == "#")).all()
    assert image.dtype == np.float32


@given(size=SIZES, cell=st.integers(1, 4))
@settings(max_examples=16, deadline=None)
def test_the_expected_image_tells_the_law(size: int, cell: int):
    """The images of all states are linearly independent, so that no two distributions have one mean."""
    env = GridWorld(size, cell)
    images = env.images()
    assert images.shape[1:] == env.observation_space.shape
    assert np.linalg.matrix_rank(images.reshape(size**2, -1)) == size**2


@pytest.mark.parametrize("render_mode", ["rgb_array", "ansi", None])
def test_gymnasium_finds_nothing_wrong(render_mode: str | None):
    env = gym.make(ID, render_mode=render_mode)
    check_env(env.unwrapped, skip_render_check=render_mode is None)
    assert env.observation_space == gym.spaces.Box(0, 1, (1, 21, 21), np.float32)
    assert env.action_space == gym.spaces.Discrete(5)


def test_an_episode_is_cut_after_a_hundred_steps():
    env = gym.make(ID, prey_moves=0.0)
    env.reset(seed=1)
    ends = [env.step(0)[1:4] for _ in range(100)]
    assert ends == [(-0.1, False, False)] * 99 + [(-0.1, False, True)]


def test_catching_ends_the_episode_with_one():
    env = GridWorld()
    env.reset(seed=0)
    env.prey = state_at(7, 1, 0)
    observation, *result = env.step(2)
    assert result == [1.0, True, False, {}]
    assert (observation == env.images()[env.law.center]).all()
    with pytest.raises(gym.error.ResetNeeded, match="reset"):
        env.step(0)


def test_the_prey_does_not_walk_onto_the_agent():
    env = GridWorld(prey_moves=1.0)
    for state in (state_at(7, 1, 0), state_at(7, 0, -1)):
        seen = set()
        env.reset(seed=0)
        for _ in range(200):
            env.prey = state
            _, reward, terminated, _, _ = env.step(0)
            assert (reward, terminated) == (-0.1, False)
            seen.add(env.prey)
        assert len(seen) == 4
        assert env.law.center not in seen


@given(seed=st.integers(0, 2**31), size=SIZES, prey_moves=st.sampled_from([0.15, 1.0]))
@settings(max_examples=10, deadline=None)
def test_one_environment_of_the_vectorised_kind_is_the_single_one(seed: int, size: int, prey_moves: float):
    """To the bit, over episodes that end either way: both draw one number for each reset and step."""
    one, many = gym.make(ID, size=size, prey_moves=prey_moves), vector(num_envs=1, size=size, prey_moves=prey_moves)
    actions = np.random.default_rng(seed).integers(5, size=400)
    observation, _ = one.reset(seed=seed)
    assert np.array_equal(many.reset(seed=seed)[0][0], observation)
    done = False
    for action in actions:
        expected = (one.reset()[0], 0.0, False, False) if done else one.step(action)[:4]
        found = [part[0] for part in many.step(np.array([action]))[:4]]
        assert np.array_equal(found[0], expected[0])
        assert found[1:] == list(expected[1:])
        done = expected[2] or expected[3]


def test_many_environments_step_as_single_ones_do_with_the_same_numbers():
    n, steps = 5, 300
    generator = np.random.default_rng(0)
    draws, actions = generator.random((steps, n)), generator.integers(5, size=(steps, n))
    many = vector(num_envs=n, max_episode_steps=20)
    first = many.begin(draws[0])
    found = [many.advance(actions[t], draws[t])[:4] for t in range(1, steps)]
    assert {bool(ends.any()) for _, _, terminated, truncated in found for ends in (terminated, truncated)} == {False, True}
    for e in range(n):
        env = gym.wrappers.TimeLimit(GridWorld(), 20)
        env.reset(seed=0)
        env.unwrapped.np_random = Given(iter(draws[:, e]))  # pyright: ignore[reportAttributeAccessIssue]
        assert np.array_equal(env.reset()[0], first[e])
        done = False
        for t in range(1, steps):
            observation, *rest = (env.reset()[0], 0.0, False, False) if done else env.step(actions[t, e])[:4]
            assert np.array_equal(found[t - 1][0][e], observation)
            assert [part[e] for part in found[t - 1][1:]] == rest
            done = rest[1] or rest[2]


def test_a_restart_ignores_the_action_and_earns_nothing():
    envs = vector(num_envs=2, prey_moves=0.0)
    envs.reset(seed=0)
    envs.prey = np.array([state_at(7, 0, 1), state_at(7, 3, 3)])
    _, reward, terminated, truncated, _ = envs.step(np.array([1, 1]))
    assert reward.tolist() == [1.0, -0.1]
    assert terminated.tolist() == [True, False]
    assert not truncated.any()
    _, reward, terminated, _, _ = envs.step(np.array([1, 1]))
    assert reward.tolist() == [0.0, -0.1]
    assert not terminated.any()
    assert envs.prey[0] != envs.law.center
    assert envs.steps.tolist() == [0, 2]
    assert envs.metadata["autoreset_mode"] == gym.vector.AutoresetMode.NEXT_STEP


def test_what_a_seed_sees_does_not_depend_on_the_seeds_beside_it():
    actions = np.random.default_rng(0).integers(5, size=(150, 2))
    alone, beside = stacked_environments(ID, [7], 2), stacked_environments(ID, [3, 7], 2)
    assert np.array_equal(alone.reset(), beside.reset()[2:])
    for t, action in enumerate(actions):
        if t == 75:
            alone.restore(alone.saved())
        for one, other in zip(alone.step(action), beside.step(np.tile(action, 2)), strict=True):
            assert np.array_equal(one, other[2:])


def test_a_prey_that_stands_still_is_caught_by_the_shortest_way():
    """The mean, 0.75, is 0.755 = (48 · 0.75 + 1) / 49 where the prey may start with the agent and is caught by a noop."""
    mdp = grid_world_mdp(prey_moves=0.0, discount=1.0)
    values = value_iteration(mdp).values
    distance = np.array([sum(map(abs, position(7, state))) for state in range(49)])
    np.testing.assert_allclose(values[~mdp.terminal], 1 - 0.1 * (distance[~mdp.terminal] - 1), atol=1e-12)
    assert values[~mdp.terminal].mean() == pytest.approx(0.75, abs=1e-12)


def test_the_best_return_is_the_one_that_episodes_have():
    mdp = grid_world_mdp(discount=1.0)
    solution = value_iteration(mdp)
    best = solution.values[~mdp.terminal].mean()
    assert best == pytest.approx(0.7396, abs=1e-4)
    policy = np.eye(5)[solution.q.argmax(axis=1)]
    assert evaluate(mdp, policy)[~mdp.terminal].mean() == pytest.approx(best, abs=1e-12)
    returns = episode_returns(policy, 20_000)
    error = returns.std() / np.sqrt(len(returns))
    assert abs(returns.mean() - best) < 4 * error
    assert 4 * error < 0.01  # which tells a prey that moves from one that stands still


def episode_returns(policy: np.ndarray, episodes: int) -> np.ndarray:
    """Of the first episode of each environment."""
    envs = vector(num_envs=episodes)
    envs.reset(seed=0)
    total, running = np.zeros(episodes), np.ones(episodes, dtype=bool)
    while running.any():
        assert envs.prey is not None
        _, reward, terminated, truncated, _ = envs.step(policy[envs.prey].argmax(axis=1))
        total += reward * running
        running &= ~(terminated | truncated)
    return total


@pytest.mark.parametrize("name", [ID, f"symmdp:{ID}"])
def test_it_is_made_by_its_name_in_a_new_process(name: str):
    needed = "" if ":" in name else "import symmdp; "
    code = f"{needed}import gymnasium; print(gymnasium.make({name!r}).reset(seed=0)[0].shape)"
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "(1, 21, 21)"
    assert not run.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 6}, "odd integer.*got 6"),
        ({"size": 1}, "at least 3.*got 1"),
        ({"cell": 0}, "at least 1 pixel.*got 0"),
        ({"prey_moves": 1.5}, "probability.*got 1.5"),
        ({"render_mode": "human"}, "no render_mode 'human'; it has 'rgb_array', 'ansi'"),
    ],
)
def test_options_that_cannot_be_say_why(options: dict, message: str):
    with pytest.raises(OptionError, match=message):
        GridWorld(**options)
    with pytest.raises(OptionError, match=message):
        GridWorldVector(2, **options)


def test_wrong_calls_say_why():
    env, envs = GridWorld(), GridWorldVector(2)
    with pytest.raises(gym.error.ResetNeeded):
        env.step(0)
    with pytest.raises(gym.error.ResetNeeded):
        envs.step(np.zeros(2, dtype=int))
    env.reset(seed=0)
    envs.reset(seed=0)
    with pytest.raises(OptionError, match=r"0 … 4 \(noop, up.*got 5"):
        env.step(5)
    for actions in ([0, 5], [0, -1], [0], [0.0, 1.0]):
        with pytest.raises(OptionError, match="each of the 2 environments"):
            envs.step(np.array(actions))
    with pytest.raises(OptionError, match=r"num_envs.*got 0"):
        GridWorldVector(0)


def test_pictures_show_agent_and_prey():
    env, envs = GridWorld(render_mode="ansi"), GridWorldVector(2, render_mode="rgb_array")
    env.reset(seed=0)
    env.prey = 0
    assert env.render() == "p . . . . . .\n" + 2 * ". . . . . . .\n" + ". . . A . . .\n" + "\n".join(3 * [". . . . . . ."])
    env.prey = env.law.center
    text = env.render()
    assert isinstance(text, str)
    assert text.count("X") == 1
    envs.reset(seed=0)
    envs.prey = np.array([0, 1])
    frames = envs.render()
    assert frames is not None
    first, second = frames
    assert first.shape == (225, 225, 3)
    assert first.dtype == np.uint8
    assert (first[112, 112] == second[112, 112]).all()
    assert (first[16, 16] == second[16, 48]).all()
    assert not (first[16, 16] == second[16, 16]).all()


def test_without_a_render_mode_gymnasium_warns():
    env = GridWorld()
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="render_mode"):
        assert env.render() is None
