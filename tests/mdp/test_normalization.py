"""Statistics that the group leaves unchanged, against the data augmented by the whole group, and in environments."""

import json
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import wrappers
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from symmdp import groups
from symmdp.catalogue import symmetry_of
from symmdp.errors import DivergenceError, OptionError, RepresentationError, ShapeError, SpaceMismatchError, SymmetryError
from symmdp.mdp import (
    SymmetricNormalization,
    SymmetricStatistics,
    Symmetry,
    VectorSymmetricNormalization,
    wrapped_symmetry,
)
from symmdp.representations import Representation, coordinate_blocks, image, plane

C2 = groups.cyclic(2)


def symmetry_on(rep: Representation, center: Any = None) -> Symmetry:
    return Symmetry(rep.group, rep, rep.group.trivial, observation_center=center)


def lopsided(dim: int, rows: int = 50, seed: int = 0) -> np.ndarray:
    """Data whose coordinates have different means, and correlated deviations of different size."""
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(rows, dim)) * rng.uniform(0.1, 5, dim) @ rng.normal(size=(dim, dim))
    return mixed + rng.uniform(-10, 10, dim)


def augmented(symmetry: Symmetry, data: np.ndarray) -> np.ndarray:
    """The slow reference: the data and all its images."""
    return np.concatenate([symmetry.transform_observation(g, data) for g in symmetry.group])


def error(symmetry: Symmetry, normalize: Any, data: np.ndarray) -> float:
    """`max_g ‖z(L_g x) − ρ(g) z(x)‖_∞`."""
    z = normalize(data)
    flat = z.reshape(len(z), -1)
    worst = 0.0
    for g in symmetry.group.numbered:
        image = normalize(symmetry.transform_observation(g, data)).reshape(len(z), -1)
        worst = max(worst, float(np.abs(image - flat @ symmetry.observation(g).T).max()))
    return worst


def ordinary(data: np.ndarray) -> Any:
    """Normalisation per coordinate, as everyone does it."""
    mean, deviation = data.mean(axis=0), data.std(axis=0)
    return lambda x: (x - mean) / deviation


@pytest.mark.parametrize("with_center", [False, True])
def test_statistics_are_those_of_the_augmented_data(rep: Representation, with_center: bool) -> None:
    symmetry = symmetry_on(rep, np.random.default_rng(3).normal(size=rep.dim) if with_center else None)
    statistics, data = SymmetricStatistics(symmetry, clip=None), lopsided(rep.dim)
    statistics.update(data)
    every = augmented(symmetry, data)
    np.testing.assert_allclose(statistics.mean, every.mean(axis=0), atol=1e-9)
    expected = every.var(axis=0)
    for block in coordinate_blocks(rep):
        if rep.kind.is_signed_permutation:  # variances of a block are equal by themselves
            np.testing.assert_allclose(expected[block], expected[block].mean(), rtol=1e-9)
        expected[block] = expected[block].mean()
    np.testing.assert_allclose(statistics.variance, expected, rtol=1e-9)
    again = SymmetricStatistics(symmetry, clip=None)
    again.update(every)  # augmentation changes nothing
    np.testing.assert_allclose(again.mean, statistics.mean, atol=1e-9)
    np.testing.assert_allclose(again.variance, statistics.variance, rtol=1e-9)


@pytest.mark.parametrize("clip", [None, 0.7])
@pytest.mark.parametrize("with_center", [False, True])
def test_normalisation_is_equivariant_for_every_element(rep: Representation, clip: float | None, with_center: bool) -> None:
    symmetry = symmetry_on(rep, np.random.default_rng(3).normal(size=rep.dim) if with_center else None)
    statistics, data = SymmetricStatistics(symmetry, clip=clip), lopsided(rep.dim)
    assert error(symmetry, statistics.normalize, data) <= 1e-12, "before anything is counted"
    statistics.update(data)
    assert error(symmetry, statistics.normalize, data) <= 1e-12
    if clip is not None:
        free = SymmetricStatistics(symmetry, clip=None)
        free.update(data)
        assert np.abs(free.normalize(data) - statistics.normalize(data)).max() > 0.1, "something was clipped"
    if not rep.is_trivial:
        assert error(symmetry, ordinary(data), data) > 1e-2, "negative control"


def test_clipping_coordinates_that_turn_would_break_it() -> None:
    """The negative control of the clip: single coordinates of a plane that C3 turns."""
    rep = Representation.from_generators(groups.cyclic(3), [[[-0.5, -(0.75**0.5)], [0.75**0.5, -0.5]]])
    statistics, data = SymmetricStatistics(symmetry_on(rep), clip=None), lopsided(2)
    statistics.update(data)
    assert error(symmetry_on(rep), lambda x: np.clip(statistics.normalize(x), -0.7, 0.7), data) > 1e-2


def test_over_the_trivial_group_they_are_the_ordinary_ones() -> None:
    statistics, data = SymmetricStatistics(symmetry_on(4 * groups.trivial().trivial), epsilon=1e-300, clip=None), lopsided(4)
    statistics.update(data)
    np.testing.assert_allclose(statistics.normalize(data), ordinary(data)(data), rtol=1e-12, atol=1e-12)


def test_groups_known_by_generators() -> None:
    swap = groups.unlisted([1, 0, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0])
    statistics, data = SymmetricStatistics(symmetry_on(swap.natural), clip=2.0), lopsided(6)
    statistics.update(data)
    assert error(symmetry_on(swap.natural), statistics.normalize, data) <= 1e-12
    np.testing.assert_allclose(statistics.mean, data.mean())
    turn = np.array([[-0.5, -(0.75**0.5)], [0.75**0.5, -0.5]])
    third = groups.unlisted(np.kron(np.eye(2), turn), np.kron(np.array([[0.0, 1], [1, 0]]), np.eye(2)))
    symmetry = symmetry_on(third.natural + third.trivial)
    statistics, data = SymmetricStatistics(symmetry, clip=2.0), lopsided(5)
    statistics.update(data)
    assert error(symmetry, statistics.normalize, data) <= 1e-12
    np.testing.assert_allclose(statistics.mean, [0, 0, 0, 0, data[:, 4].mean()], atol=1e-12)
    skew = np.array([[0.0, -1], [1, -1]])
    with pytest.raises(RepresentationError, match="orthogonal"):
        SymmetricStatistics(symmetry_on(groups.unlisted(skew).natural))


def test_batches_of_any_size_give_the_same() -> None:
    rep = groups.dihedral(4).regular + plane(groups.dihedral(4))
    data, symmetry = lopsided(rep.dim, rows=300), symmetry_on(rep)
    whole, parts, other = (SymmetricStatistics(symmetry) for _ in range(3))
    whole.update(data)
    for row in data[:20]:
        parts.update(row)
    parts.update(data[20:200].reshape(9, 20, -1))
    parts.update(data[:0])
    other.update(data[200:])
    parts.merge(other)
    assert parts.count == whole.count == 300
    np.testing.assert_allclose(parts.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(parts.variance, whole.variance, rtol=1e-12)
    with pytest.raises(OptionError, match="cannot be merged"):
        whole.merge(SymmetricStatistics(symmetry_on(10 * groups.dihedral(4).trivial)))


def test_large_offsets_cost_no_digits() -> None:
    rep = groups.cyclic(3).regular
    rng = np.random.default_rng(0)
    small = rng.normal(size=(5000, 3))
    exact, statistics = SymmetricStatistics(symmetry_on(rep)), SymmetricStatistics(symmetry_on(rep))
    exact.update(small)
    shifted = small + 1e8
    for rows in np.split(shifted, 500):
        statistics.update(rows)
    np.testing.assert_allclose(statistics.variance, exact.variance, rtol=1e-6)
    naive = (shifted**2).mean() - shifted.mean() ** 2
    assert abs(naive - exact.variance[0]) > 0.1, "negative control: sums of squares lose everything"


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_images_have_statistics_of_channels(dtype: Any) -> None:
    d4 = groups.dihedral(4)
    rep = image(d4.trivial + plane(d4), plane(d4), 5, 5)  # the last two channels turn with the image
    symmetry = symmetry_on(rep)
    rng = np.random.default_rng(0)
    data = (rng.integers(0, 255, size=(20, *rep.shape)) * np.array([1, 0.5, 0.2])[:, None, None]).astype(dtype)
    statistics = SymmetricStatistics(symmetry)
    statistics.update(data)
    every = augmented(symmetry, data.astype(np.float64))
    np.testing.assert_allclose(statistics.mean, np.broadcast_to(every.mean((0, 2, 3))[:, None, None], rep.shape), atol=1e-9)
    np.testing.assert_allclose(statistics.variance, np.broadcast_to(every.var((0, 2, 3))[:, None, None], rep.shape))
    assert statistics.normalize(data).dtype == (np.float64 if dtype is np.float64 else np.float32)
    assert error(symmetry, statistics.normalize, data.astype(np.float64)) <= 1e-12
    assert error(symmetry, ordinary(data.astype(np.float64)), data.astype(np.float64)) > 0.1
    assert statistics.count == 20 * 25


def random_play(env: gym.Env, steps: int = 2048) -> np.ndarray:
    env.action_space.seed(0)
    found = [env.reset(seed=0)[0]]
    while len(found) < steps:
        observation, _, terminated, truncated, _ = env.step(env.action_space.sample())
        found.append(observation)
        if terminated or truncated:
            found.append(env.reset()[0])
    return np.array(found[:steps], dtype=np.float64)


@pytest.mark.parametrize(
    ("environment", "least"), [("CartPole-v1", 0.1), ("Pendulum-v1", 0.1), ("Acrobot-v1", 0.01), ("Swimmer-v5", 0.1)]
)
def test_random_play_in_real_environments(environment: str, least: float) -> None:
    """What ordinary statistics do to the symmetry, in units of σ: their mean after 2,048 steps is far from a fixed point."""
    symmetry, data = symmetry_of(environment), random_play(gym.make(environment))
    statistics = SymmetricStatistics(symmetry)
    statistics.update(data)
    assert error(symmetry, statistics.normalize, data) <= 1e-12
    broken = error(symmetry, ordinary(data), data)
    assert least < broken < 1


def test_a_wrapped_environment_and_its_image() -> None:
    """The same play and its mirror image, under statistics that were frozen."""
    symmetry = symmetry_of("CartPole-v1")
    env = SymmetricNormalization(gym.make("CartPole-v1"), symmetry)
    derived = wrapped_symmetry(env, symmetry)
    assert derived.observation == symmetry.observation
    env.action_space.seed(0)
    env.reset(seed=0)
    for _ in range(300):
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            env.reset()
    counted = env.statistics.count
    assert counted > 300
    env.training = False
    ended = {}
    for g in (0, 1):
        env.reset(seed=5)
        inner: Any = env.unwrapped
        inner.state = (1 - 2 * g) * np.array([0.1, -0.2, 0.05, 0.3])
        seen = []
        for action in (0, 1, 1, 0, 0):
            seen.append(env.step(1 - action if g else action)[0])
        ended[g] = np.array(seen)
    assert env.statistics.count == counted, "frozen"
    np.testing.assert_allclose(derived.transform_observation(1, ended[0]), ended[1], atol=1e-6)
    plain = wrappers.NormalizeObservation(gym.make("CartPole-v1"))
    with pytest.raises(SymmetryError, match="SymmetricNormalization"):
        wrapped_symmetry(plain, symmetry)


def test_the_centre_moves_to_the_origin() -> None:
    symmetry = symmetry_of("Pendulum-v1")
    env = wrappers.RescaleObservation(gym.make("Pendulum-v1"), np.float32(0), np.float32(1))
    below = wrapped_symmetry(env, symmetry)
    assert below.observation_center is not None
    normalized = SymmetricNormalization(env, below)
    derived = wrapped_symmetry(normalized, symmetry)
    assert derived.observation_center is None
    data = random_play(env, 200)
    normalized.statistics.update(data)
    images = normalized.statistics.normalize(below.transform_observation(1, data))
    np.testing.assert_allclose(images, derived.transform_observation(1, normalized.statistics.normalize(data)), atol=1e-12)
    with pytest.raises(SymmetryError, match="as wrapped_symmetry derives it"):
        wrapped_symmetry(SymmetricNormalization(env, symmetry), symmetry)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_vectorised_environments(mode: AutoresetMode) -> None:
    symmetry = symmetry_of("CartPole-v1")

    def made() -> SyncVectorEnv:
        return SyncVectorEnv([lambda: gym.make("CartPole-v1", max_episode_steps=6)] * 3, autoreset_mode=mode)

    plain, env, reference = made(), VectorSymmetricNormalization(made(), symmetry), SymmetricStatistics(symmetry)
    assert wrapped_symmetry(env, symmetry) == symmetry
    states, _ = plain.reset(seed=1)
    seen, _ = env.reset(seed=1)
    rng, finals = np.random.default_rng(0), 0
    for _ in range(20):
        reference.update(states)
        np.testing.assert_allclose(seen, reference.normalize(states), atol=1e-6)
        assert env.observation_space.contains(seen)
        actions = rng.integers(2, size=3)
        states, *_, info = plain.step(actions)
        seen, *_, seen_info = env.step(actions)
        for final, other in zip(info.get("final_obs", ()), seen_info.get("final_obs", ()), strict=True):
            assert (final is None) == (other is None)
            if final is not None:
                finals += 1
                reference.update(final)
    assert (finals > 0) == (mode is AutoresetMode.SAME_STEP)
    assert env.statistics.count == reference.count + 3
    plain.close()
    env.close()


def test_state_is_kept_to_the_bit() -> None:
    symmetry = symmetry_of("CartPole-v1")
    one = SymmetricNormalization(gym.make("CartPole-v1"), symmetry)
    one.statistics.update(lopsided(4))
    other = SymmetricNormalization(gym.make("CartPole-v1"), symmetry)
    other.load_state_dict(json.loads(json.dumps(one.state_dict())))
    data = lopsided(4, seed=1)
    np.testing.assert_array_equal(other.statistics.normalize(data), one.statistics.normalize(data))
    one.statistics.update(data)
    other.statistics.update(data)
    np.testing.assert_allclose(other.statistics.variance, one.statistics.variance, rtol=1e-14)
    shared = SymmetricNormalization(gym.make("CartPole-v1"), symmetry, statistics=one.statistics)
    assert shared.statistics is one.statistics


def test_numbers_of_numpy_are_numbers() -> None:
    assert SymmetricStatistics(symmetry_on(plane(groups.cyclic(4))), epsilon=np.float32(1e-4), clip=np.float32(5)).clip == 5


@pytest.mark.parametrize("size", [1e200, 1e308, np.inf, np.nan])
def test_numbers_whose_squares_overflow_are_not_counted(size: float) -> None:
    statistics = SymmetricStatistics(symmetry_on(plane(groups.cyclic(4))))
    statistics.update(np.ones((3, 2)))
    with pytest.raises(DivergenceError, match="or its square is not"):
        statistics.update([[1.0, size]])
    assert statistics.count == 3


@pytest.mark.parametrize("count", [2.5, float("inf"), float("nan"), -1, "3"])
def test_counts_that_are_none_are_refused(count: Any) -> None:
    statistics = SymmetricStatistics(symmetry_on(plane(groups.cyclic(4))))
    with pytest.raises(OptionError, match="count"):
        statistics.load_state_dict({"count": count, "mean": [0.0, 0.0], "squares": [1.0, 1.0]})


def test_a_state_goes_through_json_to_the_bit() -> None:
    rng, symmetry = np.random.default_rng(0), symmetry_of("CartPole-v1")
    whole, broken = SymmetricStatistics(symmetry), SymmetricStatistics(symmetry)
    for size in (3, 7, 129, 1000, 13):
        data = rng.standard_normal((size, 4)) * [1, 1e-3, 1e3, 7] + 0.1
        whole.update(data)
        broken.update(data)
        state = json.loads(json.dumps(broken.state_dict()))
        broken = SymmetricStatistics(symmetry)
        broken.load_state_dict(state)
        assert broken.state_dict() == whole.state_dict()


def test_mistakes_are_explained() -> None:
    symmetry = symmetry_of("CartPole-v1")
    statistics = SymmetricStatistics(symmetry)
    with pytest.raises(DivergenceError, match="not finite"):
        statistics.update([0, 0, np.nan, 0])
    assert statistics.count == 0
    with pytest.raises(ShapeError, match=r"\(5,\)"):
        statistics.normalize(np.zeros(5))
    with pytest.raises(OptionError, match="epsilon"):
        SymmetricStatistics(symmetry, epsilon=0)
    with pytest.raises(OptionError, match="clip"):
        SymmetricStatistics(symmetry, clip=-1.0)
    good = statistics.state_dict()
    for bad in ({}, {**good, "mean": [0.0]}, {**good, "squares": [-1.0] * 4}, {**good, "count": -1}, {**good, "mean": "x"}):
        with pytest.raises(OptionError):
            statistics.load_state_dict(bad)
    with pytest.raises(SpaceMismatchError):
        SymmetricNormalization(gym.make("Pendulum-v1"), symmetry)
    with pytest.raises(OptionError, match="same symmetry"):
        SymmetricNormalization(
            gym.make("CartPole-v1"), symmetry, statistics=SymmetricStatistics(symmetry.restrict_to_trivial())
        )
    swap = Representation.from_generators(C2, [[1, 0]])

    class Two(gym.Env):
        observation_space, action_space = gym.spaces.Discrete(2), gym.spaces.Discrete(2)

    with pytest.raises(SymmetryError, match="numbered"):
        SymmetricNormalization(Two(), Symmetry(C2, swap, swap))
    flipped = Symmetry(C2, Representation(C2, [np.eye(4), -np.eye(4)]), lambda g, s, a: a if g == 0 else 1 - a)
    with pytest.raises(SymmetryError, match="depends on the state"):
        wrapped_symmetry(SymmetricNormalization(gym.make("CartPole-v1"), flipped), flipped)
