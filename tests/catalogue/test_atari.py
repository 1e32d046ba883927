"""Pong and Breakout: how their pictures are read, and the claims of the catalogue."""

import importlib
from itertools import pairwise

import gymnasium as gym
import numpy as np
import pytest

from symmdp.catalogue import entry_of, symmetry_of
from symmdp.catalogue._atari import breakout_symmetry, pong_symmetry
from symmdp.catalogue.environments import BREAKOUT_FIELD, PONG_FIELD, field_of
from symmdp.errors import MissingExtraError, OptionError, ShapeError, SimulatorError, SpaceMismatchError, SymmetryError
from symmdp.groups import cyclic
from symmdp.mdp import Symmetry, make_environment, verify
from symmdp.mdp.simulators._atari import AtariPositions, game_of
from symmdp.representations import flip, image, plane

PONG, BREAKOUT = "ALE/Pong-v5", "ALE/Breakout-v5"
FIELDS = {PONG: PONG_FIELD, BREAKOUT: BREAKOUT_FIELD}


def frames(environment: str, count: int, numbered: bool = False) -> list[np.ndarray]:
    """Pictures of random play in red, green and blue; or by the numbers of their colours."""
    env = make_environment(environment)
    rng = np.random.default_rng(0)
    found, (frame, _) = [], env.reset(seed=0)
    while len(found) < count:
        found.append(env.unwrapped.ale.getScreen() if numbered else frame)  # pyright: ignore[reportAttributeAccessIssue]
        frame, _, terminated, _, _ = env.step(int(rng.integers(env.action_space.n)))  # pyright: ignore[reportAttributeAccessIssue]
        if terminated:
            frame, _ = env.reset()
    env.close()
    return found


def mirrored(frame: np.ndarray, environment: str, axis: int) -> np.ndarray:
    """The frame with its field alone mirrored."""
    field, image = FIELDS[environment], frame.copy()
    part = (slice(*field.rows), slice(*field.columns))
    image[part] = np.flip(frame[part], axis)
    return image


@pytest.mark.parametrize("environment", FIELDS)
@pytest.mark.parametrize("axis", [0, 1])
def test_the_field_of_a_mirrored_frame_is_the_mirrored_field(environment: str, axis: int) -> None:
    for frame in frames(environment, 40)[::10]:
        field = field_of(frame, FIELDS[environment])
        assert field.shape == FIELDS[environment].shape
        assert (field_of(mirrored(frame, environment, axis), FIELDS[environment]) == np.flip(field, axis)).all()
        assert len(np.unique(field)) > 1


def test_frames_in_grey_and_many_at_once() -> None:
    env = make_environment(PONG)
    frame, _ = env.reset(seed=0)
    grey = env.unwrapped.ale.getScreenGrayscale()  # pyright: ignore[reportAttributeAccessIssue]
    assert np.abs(field_of(grey).astype(int) - field_of(frame)).max() <= 1
    assert (field_of(np.stack([frame, frame]))[1] == field_of(frame)).all()
    with pytest.raises(ShapeError, match=r"got \(80, 80\)"):
        field_of(np.zeros((80, 80), dtype=np.uint8))


@pytest.mark.parametrize(("environment", "axis", "signs"), [(PONG, 0, (1, -1)), (BREAKOUT, 1, (-1, 1)), (PONG, 1, (-1, 1))])
def test_positions_in_a_mirrored_picture_are_the_mirrored_positions(environment: str, axis: int, signs: tuple) -> None:
    game = game_of(environment)
    assert game is not None
    field = slice(*game.field.rows), slice(*game.field.columns)
    seen = frames(environment, 150, numbered=True)[60:]
    read, image = ([game.read(f[field]) for f in row] for row in (seen, [mirrored(f, environment, axis) for f in seen]))
    positions, images = ([game.positions(a, b) for a, b in pairwise(row)] for row in (read, image))
    expected = np.array(positions) @ game.move(*signs).T
    assert np.array(images) == pytest.approx(expected)
    assert np.array(positions)[:, 0].max() == 1  # a ball was seen
    assert np.array(positions).std(axis=0)[[1, 2, 5]].min() > 0


@pytest.mark.parametrize("environment", FIELDS)
def test_positions_are_those_of_the_pictures_that_are_shown(environment: str) -> None:
    """The middle of the ball's pixels by their colour, in the frame that the agent sees."""
    game, field = game_of(environment), FIELDS[environment]
    assert game is not None
    env = make_environment(environment)
    view, rng, seen = AtariPositions(env, game), np.random.default_rng(0), 0
    colour, first, last = ((236, 236, 236), 0, 160) if environment == PONG else ((200, 72, 72), 70, 156)  # below the bricks
    view.reset(seed=0)
    for _ in range(150):
        position, *_ = view.step(int(rng.integers(4)))
        picture = env.unwrapped.ale.getScreenRGB()[slice(*field.rows), slice(*field.columns)]  # pyright: ignore[reportAttributeAccessIssue]
        height, width = picture.shape[:2]
        rows, columns = np.nonzero((picture[first:last] == colour).all(axis=-1))
        if len(rows) and (first == 0 or 0 < rows.min() < rows.max() < last - first - 1):
            assert position[:3] == pytest.approx([1, columns.mean() - (width - 1) / 2, (height - 1) / 2 - first - rows.mean()])
            seen += 1
    assert seen > 20
    view.close()


def test_games_are_known_by_name_and_by_what_they_show() -> None:
    env = make_environment(PONG)
    game = game_of(PONG)
    assert game is not None
    assert game_of(f"{PONG} (frameskip=8)") is game_of(env) is game
    for other in (
        f"{PONG} (obs_type='ram')",
        "CartPole-v1",
        gym.make("CartPole-v1"),
        gym.wrappers.GrayscaleObservation(env),
        3,
    ):
        assert game_of(other) is None
    env.close()


def wrong_actions(symmetry: Symmetry) -> Symmetry:
    action = symmetry.require_action_representation()
    return Symmetry(symmetry.group, symmetry.observation, action.dim * symmetry.group.trivial)


def test_a_short_test_reads_pictures_and_says_so() -> None:
    report = verify(PONG, symmetry_of(PONG), samples=60)
    assert report.method.startswith("Positions in the pictures of random play of Pong, in place of the pictures themselves. ")
    assert report.engine.startswith("ale_py ")
    assert report.samples == 240
    assert not report.failures


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_claim_of_pong(seed: int) -> None:
    symmetry = symmetry_of(PONG)
    report = verify(PONG, symmetry, seed=seed)
    assert report.passed
    assert [part.checked for part in report.parts if part.part == "initial states"] == [40]
    assert report.parts[0].checked > 1000
    assert report.median_error == pytest.approx(entry_of(PONG).median_error, rel=0.5)
    assert [part.part for part in verify(PONG, wrong_actions(symmetry), seed=seed).failures] == ["observation"]
    group = symmetry.group
    players = Symmetry(group, image(4 * group.trivial, flip(group, "x"), 80, 80), symmetry.action)
    assert "observation" in [part.part for part in verify(PONG, players, seed=seed).failures]


@pytest.mark.slow
def test_the_claim_of_pong_as_the_paper_prepares_it() -> None:
    entry = entry_of("symmdp/Pong-v0")
    report = verify(entry.name, symmetry_of(entry.name))
    assert [part.part for part in report.failures] == list(entry.breaks)
    assert report.failures[0].faults == ("right paddle y",)
    assert report.median_error == pytest.approx(entry.median_error, rel=0.5)


@pytest.mark.slow
def test_the_claim_of_breakout() -> None:
    symmetry, entry = symmetry_of(BREAKOUT), entry_of(BREAKOUT)
    report = verify(BREAKOUT, symmetry)
    assert {part.part for part in report.failures} <= set(entry.breaks)
    initial = report.parts[3]
    assert (initial.part, initial.faults) == ("initial states", ("paddle x",))
    assert report.median_error == pytest.approx(entry.median_error, rel=0.5)
    wrong = verify(BREAKOUT, wrong_actions(symmetry)).failures[0]
    assert {"paddle x", "paddle Δx"} <= set(wrong.faults)


def test_frames_may_be_more_or_fewer_but_not_others() -> None:
    game = game_of(PONG)
    assert game is not None
    assert game.symmetry(pong_symmetry(1)).observation.dim == 9
    with pytest.raises(SpaceMismatchError, match=r"images of its field, of shape \(frames, 80, 80\); got .*\(4, 82, 72\)"):
        verify(PONG, breakout_symmetry())
    with pytest.raises(SpaceMismatchError, match=r"got one of observations of shape \(4,\)"):
        verify(PONG, symmetry_of("CartPole-v1"))
    group = cyclic(4)
    with pytest.raises(SymmetryError, match="turns the picture"):
        verify(PONG, Symmetry(group, image(group.trivial, plane(group), 80, 80), 6 * group.trivial))
    with pytest.raises(SpaceMismatchError, match="has 6 actions, but"):
        verify(PONG, Symmetry(cyclic(2), pong_symmetry().observation, 4 * cyclic(2).trivial), samples=60)


@pytest.mark.parametrize("samples", [10, 24])
def test_a_test_of_a_game_that_is_too_short_says_how_long_it_must_be(samples: int) -> None:
    with pytest.raises(
        OptionError, match=rf"4 steps .* for each sample; samples must be at least 25 .*; got {samples}"
    ) as caught:
        verify(PONG, symmetry_of(PONG), samples=samples)
    assert "log" not in str(caught.value)
    assert verify(PONG, symmetry_of(PONG), samples=25).samples == 100


def test_games_that_are_not_read_say_what_to_do() -> None:
    with pytest.raises(SimulatorError, match=r"state of AtariEnv cannot be set.*record_transitions"):
        verify("ALE/Skiing-v5", symmetry_of("CartPole-v1"))


def test_without_ale_py_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def without(name: str, *rest: str) -> object:
        if name == "ale_py":
            raise ModuleNotFoundError("No module named 'ale_py'", name="ale_py")
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(MissingExtraError, match=r"ALE/Pong-v5 needs ale_py.*symmdp\[atari\]"):
        verify(PONG, symmetry_of(PONG))
