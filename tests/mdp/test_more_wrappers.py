"""Histories of actions, images, and vectorised environments: the derived symmetry on real rollouts."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import wrappers
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import vector

from symmdp import groups
from symmdp.catalogue import symmetry_of
from symmdp.errors import OptionError, SimulatorError, SpaceMismatchError, SymmetryError
from symmdp.mdp import (
    ActionHistory,
    SymmetricNormalization,
    Symmetry,
    VectorActionHistory,
    VectorCanonicalStates,
    VectorSymmetricNormalization,
    verify,
    wrapped_symmetry,
)
from symmdp.mdp.wrappers._image_rules import resize_error
from symmdp.representations import Representation, flip, image, plane

C2 = groups.cyclic(2)


def rollout(env: gym.Env, state: Any, actions: list[Any]) -> np.ndarray:
    """All observations from one state on; a history, or a stack of frames, has its whole past after it."""
    env.reset(seed=0)
    inner: Any = env.unwrapped
    inner.state = np.array(state, dtype=np.float64)
    return np.array([env.step(action)[0] for action in actions], dtype=np.float64)


def history(env: gym.Env) -> gym.Env:
    return ActionHistory(env, 3)


def frames_and_history(env: gym.Env) -> gym.Env:
    return ActionHistory(wrappers.FlattenObservation(wrappers.FrameStackObservation(env, 2)), 2)


def everything(env: gym.Env) -> gym.Env:
    frames = wrappers.FlattenObservation(wrappers.FrameStackObservation(wrappers.TimeAwareObservation(env), 2))
    return ActionHistory(frames, 2)


def delayed(env: gym.Env) -> gym.Env:
    return ActionHistory(wrappers.DelayObservation(env, 2), 2)


WRAPS = [history, frames_and_history, everything, delayed]


def normalized(env: gym.Env, symmetry: Symmetry) -> gym.Env:
    """The wrapper with frozen statistics of data that are far from symmetric."""
    env = SymmetricNormalization(env, wrapped_symmetry(env, symmetry))
    shape = env.observation_space.shape
    assert shape is not None
    env.statistics.update(np.random.default_rng(0).normal(size=(50, *shape)) * np.arange(1, shape[0] + 1) + 3)
    env.training = False
    return env


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("environment", ["CartPole-v1", "Pendulum-v1"])
def test_a_rollout_and_its_image(environment: str, wrap: Any, normalize: bool) -> None:
    symmetry = symmetry_of(environment)
    env, mirrored = (wrap(gym.make(environment, disable_env_checker=True)) for _ in range(2))
    if normalize:
        env, mirrored = normalized(env, symmetry), normalized(mirrored, symmetry)
    derived = wrapped_symmetry(env, symmetry)
    assert env.observation_space.shape == (derived.observation.dim,)
    rng = np.random.default_rng(0)
    state = rng.uniform(-0.1, 0.1, size=4) if environment == "CartPole-v1" else np.array([2.0, -1.0])
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(8)]
    images = [derived.transform_action(1, action) for action in actions]
    found, expected = rollout(env, state, actions), rollout(mirrored, -state, images)
    np.testing.assert_allclose(derived.transform_observation(1, found[4:]), expected[4:], atol=1e-4)
    assert not np.allclose(found[4:], expected[4:], atol=1e-2)
    # The negative control: a representation that leaves the actions of the history where they are.
    actions_end = 2 * symmetry.require_action_representation().dim
    wrong = derived.transform_observation(1, found[4:])
    wrong[:, -actions_end:] = found[4:, -actions_end:]
    assert not np.allclose(wrong, expected[4:], atol=1e-2)


def test_what_a_history_holds() -> None:
    env = ActionHistory(gym.make("CartPole-v1"), 2)
    assert (env.length, env.observation_space.shape) == (2, (8,))
    first, _ = env.reset(seed=0)
    np.testing.assert_array_equal(first[4:], np.zeros(4))
    env.step(1)
    last = env.step(0)[0]
    np.testing.assert_array_equal(last[4:], [0, 1, 1, 0])  # one-hot, the oldest first
    assert env.observation_space.contains(last)
    np.testing.assert_array_equal(env.reset()[0][4:], np.zeros(4))
    derived = wrapped_symmetry(env, symmetry_of("CartPole-v1"))
    assert derived.observation_names is not None
    assert derived.observation_names[4].endswith("(t−2)")
    assert derived.observation_names[-1].endswith("(t−1)")
    pendulum = ActionHistory(gym.make("Pendulum-v1"), 1)
    pendulum.reset(seed=0)
    assert pendulum.step(np.array([0.5], dtype=np.float32))[0][-1] == 0.5


def test_an_initial_action_must_be_a_fixed_point() -> None:
    symmetry = symmetry_of("Pendulum-v1")
    env = wrappers.RescaleAction(gym.make("Pendulum-v1"), np.float32(0), np.float32(1))
    with pytest.raises(SymmetryError, match=r"initial=\[0.5\]"):
        wrapped_symmetry(ActionHistory(env, 2), symmetry)
    derived = wrapped_symmetry(ActionHistory(env, 2, initial=[0.5]), symmetry)
    assert derived.observation_center is not None
    np.testing.assert_allclose(derived.observation_center, [0, 0, 0, 0.5, 0.5])
    for length, initial in ((0, None), (True, None), (2, [1.0, 2.0]), (2, [np.nan])):
        with pytest.raises(OptionError):
            ActionHistory(env, length, initial=initial)
    with pytest.raises(SpaceMismatchError, match="Flatten"):
        ActionHistory(wrappers.FrameStackObservation(env, 2), 2)


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_histories_of_vectorised_environments(mode: AutoresetMode) -> None:
    """Each environment has the past that it would have by itself."""
    envs = VectorActionHistory(
        SyncVectorEnv([lambda: gym.make("CartPole-v1", max_episode_steps=5)] * 3, autoreset_mode=mode), 2
    )
    singles = [ActionHistory(gym.make("CartPole-v1", max_episode_steps=5), 2) for _ in range(3)]
    seen, _ = envs.reset(seed=1)
    expected = [env.reset(seed=1 + i)[0] for i, env in enumerate(singles)]
    done, rng, finals = np.zeros(3, dtype=bool), np.random.default_rng(0), 0
    for _ in range(17):
        np.testing.assert_array_equal(seen, expected)
        assert envs.observation_space.contains(seen)
        actions = rng.integers(2, size=3)
        if mode is AutoresetMode.DISABLED and done.any():
            seen, _ = envs.reset(options={"reset_mask": done})
            expected = [env.reset()[0] if done[i] else expected[i] for i, env in enumerate(singles)]
            done = np.zeros(3, dtype=bool)
            continue
        seen, _, terminated, truncated, info = envs.step(actions)
        for i, env in enumerate(singles):
            if mode is AutoresetMode.NEXT_STEP and done[i]:
                expected[i] = env.reset()[0]
                continue
            expected[i], _, a, b, _ = env.step(int(actions[i]))
            if mode is AutoresetMode.SAME_STEP and (a or b):
                np.testing.assert_array_equal(info["final_obs"][i], expected[i])
                expected[i], finals = env.reset()[0], finals + 1
        done = np.logical_or(terminated, truncated)
    assert (finals > 0) == (mode is AutoresetMode.SAME_STEP)
    derived = wrapped_symmetry(envs, symmetry_of("CartPole-v1"))
    assert derived == wrapped_symmetry(singles[0], symmetry_of("CartPole-v1"))
    envs.close()


class Camera(gym.Env):
    """A dot that two actions move left and right, seen on colour images; its mirror image is its symmetry."""

    action_space = gym.spaces.Discrete(2)

    def __init__(self, height: int = 12, width: int = 16):
        self.size = height, width
        self.observation_space = gym.spaces.Box(0, 255, (height, width, 3), np.uint8)
        self.state = np.zeros(1)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.state = np.zeros(1)
        return self.picture(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.state = self.state + (1.0 if action == 1 else -1.0)
        return self.picture(), 0.0, False, False, {}

    def picture(self) -> np.ndarray:
        height, width = self.size
        x = np.arange(width) - (width - 1) / 2
        row = 200 * np.exp(-((x - self.state[0]) ** 2) / 4)
        colours = row[None, :, None] * np.linspace(1, 0.3, height)[:, None, None] * np.array([1, 0.7, 0.2])
        return colours.astype(np.uint8)


def mirror_of_images(channels: int, height: int = 12, width: int = 16) -> Symmetry:
    swap = Representation.from_generators(C2, [[1, 0]])
    return Symmetry(C2, image(channels * C2.trivial, flip(C2, "x"), height, width), swap)


def front(env: gym.Env) -> gym.Env:
    """Grey levels with the axis of one channel in front."""
    assert env.observation_space.shape is not None
    return wrappers.ReshapeObservation(env, (1, *env.observation_space.shape[:2]))


IMAGES = {
    "grey": lambda env: front(wrappers.GrayscaleObservation(env)),
    "grey, an axis kept": lambda env: front(wrappers.GrayscaleObservation(env, keep_dim=True)),
    "resized": lambda env: front(wrappers.ResizeObservation(wrappers.GrayscaleObservation(env), (6, 8))),
    "resized in colour": lambda env: front(wrappers.GrayscaleObservation(wrappers.ResizeObservation(env, (5, 7)))),
    "a stack of grey frames": lambda env: wrappers.FrameStackObservation(wrappers.GrayscaleObservation(env), 3),
    "maximum of two": lambda env: front(wrappers.GrayscaleObservation(wrappers.MaxAndSkipObservation(env, 2))),
    "flat": lambda env: wrappers.FlattenObservation(wrappers.GrayscaleObservation(env)),
}


@pytest.mark.parametrize("name", list(IMAGES))
def test_wrappers_that_keep_a_flip(name: str) -> None:
    env, mirrored = (IMAGES[name](Camera()) for _ in range(2))
    derived = wrapped_symmetry(env, mirror_of_images(3))
    actions = [0, 0, 1, 0, 0, 0]
    found, expected = rollout(env, [2.0], actions), rollout(mirrored, [-2.0], [1 - a for a in actions])
    image_of = derived.transform_observation(1, found[3:])
    assert np.abs(image_of - expected[3:]).max() <= 1  # a grey level
    assert np.abs(found[3:] - expected[3:]).max() > 20
    assert found.shape[1:] == derived.observation_shape


def test_images_that_lose_their_symmetry_are_refused() -> None:
    symmetry = mirror_of_images(3)
    colours = Representation.from_generators(C2, [[1, 0, 2]])  # red and green change places as well
    swap = symmetry.require_action_representation()
    colourful = Symmetry(C2, image(colours, flip(C2, "x"), 12, 16), swap)
    with pytest.raises(SymmetryError, match="leave colours"):
        wrapped_symmetry(IMAGES["grey"](Camera()), colourful)
    with pytest.raises(SymmetryError, match="12 × 16"):
        wrapped_symmetry(IMAGES["grey"](Camera()), mirror_of_images(3, 16, 12))
    with pytest.raises(SymmetryError, match="FlattenObservation"):
        wrapped_symmetry(IMAGES["grey"](Camera()), symmetry.on_vectors)
    with pytest.raises(SymmetryError, match="grey levels against"):
        wrapped_symmetry(front(wrappers.ResizeObservation(wrappers.GrayscaleObservation(Camera()), (13, 5))), symmetry)
    with pytest.raises(SymmetryError, match="channels to the front"):
        wrapped_symmetry(wrappers.ReshapeObservation(Camera(), (3, 12, 16)), symmetry)
    with pytest.raises(SymmetryError, match="channels to the front"):
        wrapped_symmetry(wrappers.FlattenObservation(Camera()), symmetry)
    signed = Symmetry(C2, Representation(C2, [np.eye(4), -np.eye(4)]), swap)
    with pytest.raises(SymmetryError, match="permutations of the coordinates only"):
        wrapped_symmetry(wrappers.MaxAndSkipObservation(gym.make("CartPole-v1")), signed)
    centered = Symmetry(C2, symmetry.observation, swap, observation_center=np.full((3, 12, 16), 127.0))
    with pytest.raises(SymmetryError, match="Leave the centre out"):
        wrapped_symmetry(IMAGES["grey"](Camera()), centered)


def test_turns_need_squares() -> None:
    c4 = groups.cyclic(4)
    symmetry = Symmetry(c4, image(3 * c4.trivial, plane(c4), 12, 12), 2 * c4.trivial)
    good = front(wrappers.GrayscaleObservation(wrappers.ResizeObservation(Camera(12, 12), (6, 6))))
    assert wrapped_symmetry(good, symmetry).observation_shape == (1, 6, 6)
    with pytest.raises(SymmetryError, match="square"):
        wrapped_symmetry(front(wrappers.GrayscaleObservation(wrappers.ResizeObservation(Camera(12, 12), (6, 8)))), symmetry)


def test_what_cv2_does_to_a_flip() -> None:
    """It keeps it to a grey level, except where one axis shrinks and the other grows."""
    screen = image(C2.trivial, flip(C2, "x"), 210, 160)
    assert resize_error(screen, (84, 84)) <= 1
    assert resize_error(screen, (420, 320)) <= 1
    assert resize_error(screen, (300, 230)) <= 1
    assert resize_error(image(C2.trivial, flip(C2, "x"), 12, 16), (13, 5)) > 100


def test_atari_preprocessing() -> None:
    pytest.importorskip("ale_py")
    import ale_py

    gym.register_envs(ale_py)
    screen = image(3 * C2.trivial, flip(C2, "x"), 210, 160)
    # In Breakout 2 is right, 3 is left; a claim for this test, not a symmetry of the game's pixels.
    actions = Representation.from_generators(C2, [[0, 1, 3, 2]])
    symmetry = Symmetry(C2, screen, actions)
    env = wrappers.AtariPreprocessing(gym.make("ALE/Breakout-v5", frameskip=1))
    stacked = wrappers.FrameStackObservation(env, 4)
    derived = wrapped_symmetry(stacked, symmetry)
    assert derived.observation_shape == (4, 84, 84)
    frames, _ = stacked.reset(seed=0)
    for action in (1, 2, 2, 3, 2):
        frames = stacked.step(action)[0]
    np.testing.assert_array_equal(derived.transform_observation(1, frames), frames[:, :, ::-1])
    # The screen itself, mirrored and resized as the wrapper does, is the image of what it shows.
    single: Any = env
    shown = single._get_obs()
    single.obs_buffer[0] = np.ascontiguousarray(single.obs_buffer[0][:, ::-1])
    single.obs_buffer[1] = single.obs_buffer[0]
    assert np.abs(single._get_obs().astype(int) - shown[:, ::-1]).max() <= 1
    moving = Symmetry(C2, screen, Representation.from_generators(C2, [[1, 0, 3, 2]]))
    with pytest.raises(SymmetryError, match="noop_max=0"):
        wrapped_symmetry(stacked, moving)
    quiet = wrappers.AtariPreprocessing(gym.make("ALE/Breakout-v5", frameskip=1), noop_max=0, grayscale_newaxis=True)
    assert wrapped_symmetry(front(quiet), moving).observation_shape == (1, 84, 84)
    for made in (stacked, quiet):
        made.close()


def test_functions_and_dictionaries_are_refused_with_reasons() -> None:
    symmetry = symmetry_of("CartPole-v1")
    own = wrappers.TransformObservation(gym.make("CartPole-v1"), lambda o: o, None)
    with pytest.raises(SymmetryError, match="function of yours"):
        wrapped_symmetry(own, symmetry)
    action = wrappers.TransformAction(gym.make("CartPole-v1"), lambda a: a, None)
    with pytest.raises(SymmetryError, match="function of yours"):
        wrapped_symmetry(action, symmetry)
    dictionary = wrappers.FilterObservation(wrappers.TimeAwareObservation(gym.make("CartPole-v1"), flatten=False), ["obs"])
    with pytest.raises(SymmetryError, match="flatten=True"):
        wrapped_symmetry(dictionary, symmetry)
    padding = np.full(4, 0.1, dtype=np.float32)
    custom = wrappers.FlattenObservation(wrappers.FrameStackObservation(gym.make("CartPole-v1"), 2, padding_type=padding))
    with pytest.raises(SymmetryError, match="frame of your own"):
        wrapped_symmetry(custom, symmetry)

    class Parts(gym.Env):
        observation_space = gym.spaces.Dict({"position": gym.spaces.Box(-1, 1, (4,)), "colour": gym.spaces.Discrete(2)})
        action_space = gym.spaces.Discrete(2)

    with pytest.raises(SymmetryError, match="parts of a Dict space"):
        wrapped_symmetry(wrappers.FilterObservation(Parts(), ["position"]), symmetry)
    affine = Symmetry(C2, symmetry.observation, symmetry.require_action_representation(), observation_center=[1.0, 0, 0, 0])
    with pytest.raises(SymmetryError, match="DelayObservation"):
        wrapped_symmetry(wrappers.DelayObservation(gym.make("CartPole-v1"), 1), affine)
    with pytest.raises(SimulatorError, match=r"Verify env\.unwrapped"):
        verify(ActionHistory(gym.make("CartPole-v1"), 1), symmetry, samples=20)


def many(environment: str, wrap: Any = lambda env: env) -> SyncVectorEnv:
    return SyncVectorEnv([lambda: wrap(gym.make(environment))] * 2)


VECTORS = {
    "CartPole-v1": lambda: vector.RecordEpisodeStatistics(vector.NormalizeReward(many("CartPole-v1"))),
    "Pendulum-v1": lambda: vector.FlattenObservation(
        vector.ClipAction(vector.RescaleAction(many("Pendulum-v1"), np.float32(0), np.float32(1)))
    ),
    "Acrobot-v1": lambda: vector.DictInfoToList(many("Acrobot-v1", lambda env: ActionHistory(env, 1))),
}


@pytest.mark.parametrize("environment", list(VECTORS))
def test_vector_wrappers_are_their_single_ones(environment: str) -> None:
    symmetry, envs = symmetry_of(environment), VECTORS[environment]()
    single = {
        "CartPole-v1": lambda env: env,
        "Pendulum-v1": lambda env: wrappers.RescaleAction(env, np.float32(0), np.float32(1)),
        "Acrobot-v1": lambda env: ActionHistory(env, 1),
    }[environment](gym.make(environment))
    derived = wrapped_symmetry(envs, symmetry)
    assert derived == wrapped_symmetry(single, symmetry)
    assert (derived is symmetry) == (environment == "CartPole-v1")
    envs.close()


def test_vector_wrappers_that_break_it() -> None:
    symmetry = symmetry_of("CartPole-v1")
    with pytest.raises(SymmetryError, match="VectorSymmetricNormalization"):
        wrapped_symmetry(vector.NormalizeObservation(many("CartPole-v1")), symmetry)
    with pytest.raises(SymmetryError, match="VectorSymmetricNormalization"):
        wrapped_symmetry(many("CartPole-v1", wrappers.NormalizeObservation), symmetry)
    with pytest.raises(SymmetryError, match="no symmetry is left"):
        wrapped_symmetry(VectorCanonicalStates(many("CartPole-v1"), symmetry), symmetry)
    mixed = SyncVectorEnv(
        [lambda: gym.make("CartPole-v1"), lambda: wrappers.TransformObservation(gym.make("CartPole-v1"), lambda o: -o, None)]
    )
    with pytest.raises(SymmetryError, match="different wrappers"):
        wrapped_symmetry(mixed, symmetry)
    normal = VectorSymmetricNormalization(many("CartPole-v1"), symmetry)
    assert wrapped_symmetry(vector.RecordEpisodeStatistics(normal), symmetry) == symmetry


def test_processes_do_not_hide_wrappers() -> None:
    symmetry = symmetry_of("CartPole-v1")
    envs = AsyncVectorEnv([lambda: wrappers.NormalizeObservation(gym.make("CartPole-v1"))])
    try:
        with pytest.raises(SymmetryError, match="breaks the symmetry"):
            wrapped_symmetry(envs, symmetry)
    finally:
        envs.close()


@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.int64])
def test_types_that_keep_signs_keep_a_mirror(dtype: Any) -> None:
    mirror = symmetry_of("Pendulum-v1")
    env = wrappers.DtypeObservation(gym.make("Pendulum-v1"), dtype)
    derived = wrapped_symmetry(env, mirror)
    for observation in np.random.default_rng(0).uniform(-8, 8, size=(50, 3)):
        image = env.observation(mirror.transform_observation(1, observation))  # pyright: ignore[reportAttributeAccessIssue]
        seen = env.observation(observation)  # pyright: ignore[reportAttributeAccessIssue]
        np.testing.assert_array_equal(image, derived.transform_observation(1, seen))


def test_types_that_break_a_symmetry_are_refused() -> None:
    mirror = symmetry_of("Pendulum-v1")
    centred = Symmetry(C2, mirror.observation, mirror.action, observation_center=[0, 0.5, 0])
    env = wrappers.DtypeObservation(gym.make("Pendulum-v1"), np.int64)
    with pytest.raises(SymmetryError, match=r"float32 into int64.*Use float32 or float64"):
        wrapped_symmetry(env, centred)
    assert wrapped_symmetry(env, mirror).observation == mirror.observation


def test_what_is_no_environment_and_no_symmetry_is_refused() -> None:
    mirror: Any = symmetry_of("Pendulum-v1")
    with pytest.raises(SimulatorError, match=r"Expected a gymnasium\.Env or a VectorEnv.*got str"):
        wrapped_symmetry("Pendulum-v1", mirror)  # pyright: ignore[reportArgumentType]
    with pytest.raises(SymmetryError, match=r"Expected a symmdp Symmetry.*got str"):
        wrapped_symmetry(gym.make("Pendulum-v1"), "C2")  # pyright: ignore[reportArgumentType]
