"""Pong as the paper prepares it: against Gymnasium's own environment, and one engine against the other."""

import json
from importlib.util import find_spec

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from symmdp.catalogue import pong_symmetry
from symmdp.catalogue.environments import Pong, PongVector
from symmdp.catalogue.environments._atari_field import field_of
from symmdp.errors import OptionError, SimulatorError
from symmdp.training._snapshot import restore_snapshot, snapshot

ale_py = pytest.importorskip("ale_py", reason="Pong needs the extra atari")
needs_envpool = pytest.mark.skipif(find_spec("envpool") is None, reason="the extra envpool is not installed")
ENGINES = ["ale", pytest.param("envpool", marks=needs_envpool)]


def draws_and_actions(steps: int, games: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.random((steps, games)), rng.integers(6, size=(steps, games))


def test_gymnasium_accepts_it() -> None:
    check_env(gym.make("symmdp/Pong-v0").unwrapped, skip_render_check=True)
    picture = Pong(render_mode="rgb_array")
    picture.reset(seed=0)
    drawn = picture.render()
    assert drawn is not None
    assert drawn.shape == (210, 160, 3)
    assert pong_symmetry().check_spaces(picture.observation_space, picture.action_space) is None


def test_it_is_the_games_frames_cropped() -> None:
    """The slow reference: Gymnasium's ALE, frame by frame in colours' greys, maximum, crop and stack written out."""
    gym.register_envs(ale_py)
    options = {"frameskip": 1, "repeat_action_probability": 0.0, "obs_type": "grayscale"}
    reference = gym.make("ALE/Pong-v5", max_episode_steps=10**6, **options)
    pong = Pong()
    observation, _ = pong.reset(seed=3)
    waited = int(np.random.default_rng(3).random() * 8)
    reference.reset(seed=0)
    frame, *_ = reference.step(0)
    stack = [field_of(frame)] * 4
    rng, points = np.random.default_rng(0), 0.0
    for step in range(150):
        action = 0 if step < waited else int(rng.integers(6))
        frames, reward = [], 0.0
        for _ in range(4):
            frame, points_here, *_ = reference.step(action)
            frames.append(frame)
            reward += float(points_here)
        stack = [*stack[1:], field_of(np.maximum(frames[-1], frames[-2]))]
        if step >= waited:
            observation, given, terminated, truncated, _ = pong.step(action)
            np.testing.assert_array_equal(observation, stack)
            assert (given, terminated, truncated) == (reward, False, False)
            points += abs(reward)
    assert points >= 1  # somebody has scored
    assert observation.shape == (4, 80, 80)
    reference.close()


@pytest.mark.parametrize("engine", ENGINES)
def test_together_as_one_by_one(engine) -> None:
    """Every row against a single environment, through the ends of episodes, which come at the same time as the draws say."""
    draws, actions = draws_and_actions(100, 3)
    games = PongVector(3, max_episode_steps=35, engine=engine)
    observation = games.begin(draws[0])
    singles, ended, restarts = [gym.make("symmdp/Pong-v0", max_episode_steps=35) for _ in range(3)], np.zeros(3, bool), 0

    class Given:
        """A random generator that returns one number."""

        def __init__(self, number: float):
            self.number = number

        def random(self, size: int) -> np.ndarray:
            return np.full(size, self.number)

    def restarted(single: gym.Env, number: float) -> np.ndarray:
        single.unwrapped._np_random = Given(number)  # pyright: ignore[reportAttributeAccessIssue]
        return single.reset()[0]

    for row, single in enumerate(singles):
        np.testing.assert_array_equal(observation[row], restarted(single, draws[0, row]))
    for step in range(1, 100):
        observation, reward, terminated, truncated, _ = games.advance(actions[step], draws[step])
        for row, single in enumerate(singles):
            if ended[row]:
                restarts += 1
                wanted = (restarted(single, draws[step, row]), 0.0, False, False)
            else:
                wanted = single.step(actions[step, row])[:4]
            np.testing.assert_array_equal(observation[row], wanted[0])
            assert (reward[row], terminated[row], truncated[row]) == wanted[1:]
        ended = terminated | truncated
    assert restarts == 6


@needs_envpool
def test_both_engines_show_the_same() -> None:
    """To the end of a game and into the next: 21 points are lost in about a thousand steps."""
    draws, actions = draws_and_actions(1400, 2, seed=1)
    first, second = (PongVector(2, engine=engine) for engine in ("ale", "envpool"))
    np.testing.assert_array_equal(first.begin(draws[0]), second.begin(draws[0]))
    over = np.zeros(2, bool)
    single = Pong(engine="envpool")
    np.testing.assert_array_equal(single.reset(seed=4)[0], Pong().reset(seed=4)[0])
    with pytest.raises(SimulatorError, match="engine='ale'"):
        snapshot(single)
    for step in range(1, 1400):
        one, other = (games.advance(actions[step], draws[step]) for games in (first, second))
        for a, b in zip(one[:4], other[:4], strict=True):
            np.testing.assert_array_equal(a, b)
        over |= one[2]
    assert over.all()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_state_goes_on_to_the_bit(engine) -> None:
    draws, actions = draws_and_actions(120, 3)
    games = PongVector(3, max_episode_steps=40, engine=engine)
    games.begin(draws[0])
    for step in range(1, 55):
        games.advance(actions[step], draws[step])
    state = games.state()
    after = [games.advance(actions[step], draws[step]) for step in range(55, 120)]
    twin = PongVector(3, max_episode_steps=40, engine=engine)
    twin.resume(state)
    for step, wanted in zip(range(55, 120), after, strict=True):
        for a, b in zip(wanted[:4], twin.advance(actions[step], draws[step])[:4], strict=True):
            np.testing.assert_array_equal(a, b)
    assert any(step[3].any() for step in after)
    other = PongVector(3, max_episode_steps=40, engine=engine)  # the negative control: another past
    changed = other.resume(state | {"actions": np.zeros_like(state["actions"])})
    assert (changed != twin.resume(state)).any()


def test_a_snapshot_goes_on_to_the_bit() -> None:
    environment = gym.make("symmdp/Pong-v0", max_episode_steps=60)
    environment.reset(seed=5)
    _, actions = draws_and_actions(60, 1)
    for action in actions[:30, 0]:
        environment.step(action)
    saved = json.loads(json.dumps(snapshot(environment)))
    after = [environment.step(action) for action in actions[30:, 0]]
    next_episode = environment.reset()[0]
    twin = gym.make("symmdp/Pong-v0", max_episode_steps=60)
    twin.reset(seed=0)
    restore_snapshot(twin, saved)
    for wanted, action in zip(after, actions[30:, 0], strict=True):
        got = twin.step(action)
        np.testing.assert_array_equal(got[0], wanted[0])
        assert got[1:4] == wanted[1:4]
    assert after[-1][3]
    np.testing.assert_array_equal(twin.reset()[0], next_episode)


def test_the_mirror_exchanges_right_and_left() -> None:
    """Right moves the paddle to the top of the image and left to its bottom: the rows where its columns are not background."""

    def paddle(action: int) -> float:
        pong = Pong()
        pong.reset(seed=0)
        for _ in range(20):
            observation, *_ = pong.step(action)
        columns = observation[-1, :, 70:72].astype(int)
        return float(np.flatnonzero((columns != np.median(columns)).any(axis=1)).mean())

    assert paddle(2) < 10
    assert paddle(3) > 70
    symmetry = pong_symmetry()
    assert [int(symmetry.transform_action(1, a)) for a in range(6)] == [0, 1, 3, 2, 5, 4]
    observation = Pong().reset(seed=0)[0]
    np.testing.assert_array_equal(symmetry.transform_observation(1, observation), observation[:, ::-1])


def test_bad_input() -> None:
    with pytest.raises(OptionError, match="engine is one of 'ale', 'envpool'"):
        Pong(engine="jax")  # pyright: ignore[reportArgumentType]
    for options in ({"num_envs": 0}, {"max_episode_steps": 0.5}, {"engine": "jax"}, {"render_mode": "rgb_array"}):
        with pytest.raises(OptionError):
            PongVector(**options)
    with pytest.raises(OptionError, match="no render_mode 'human'"):
        Pong(render_mode="human")
    games, pong = PongVector(2, engine="ale"), Pong()
    with pytest.raises(gym.error.ResetNeeded):
        pong.step(0)
    with pytest.raises(gym.error.ResetNeeded):
        games.step(np.zeros(2, int))
    with pytest.raises(gym.error.ResetNeeded):
        games.state()
    games.reset(seed=0)
    with pytest.raises(OptionError, match=r"0 … 5 for each of the 2"):
        games.step(np.array([0, 6]))
    pong.reset(seed=0)
    with pytest.raises(OptionError, match="integers 0 … 5"):
        pong.step(6)


@pytest.mark.skipif(find_spec("envpool") is not None, reason="EnvPool is installed")
def test_without_envpool_ale_plays() -> None:
    from symmdp.errors import MissingExtraError

    assert PongVector(1).engine == "ale"
    with pytest.raises(MissingExtraError, match=r"symmdp\[envpool\]"):
        PongVector(1, engine="envpool")
