"""Pong and Breakout as positions, read from ALE's frames: what their pictures show, in few enough numbers to compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from symmdp.errors import SpaceMismatchError, SymmetryError
from symmdp.mdp._environments import environment_name, parse_environment_name
from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.simulators._atari_field import BREAKOUT_FIELD, PONG_FIELD, AtariField
from symmdp.mdp.simulators._find import TRANSPARENT
from symmdp.representations import ImageRepresentation, Representation

Picture = NDArray[np.uint8]  # the colours of the field by their numbers in ALE's palette, in full size
_BALL = ("ball shown", "ball x", "ball y", "ball Δx", "ball Δy")
_BLACK, _PONG_BALL, _PONG_BACK, _BREAKOUT_RED = 0, 14, 34, 70
_PONG_RIGHT, _PONG_LEFT = slice(140, 144), slice(16, 20)  # columns of paddles
_BRICK_ROWS, _BRICK_SIZE = slice(27, 63, 6), 8  # of the field; columns of a brick
_TOP_BRICKS, _PADDLE = slice(25, 31), slice(157, 161)  # what is as red as the ball


@dataclass(frozen=True)
class AtariGame:
    """A game whose pictures are read.

    Attributes:
        name: of Gymnasium, without a version.
        field: what mirrors.
        names: of the positions.
        read: from a picture, whether the ball is shown, its x and y, and the others.
        moves: how many of the others have a change since the last picture behind them.
        move: the matrix on positions of a mirror that takes `(x, y)` to `(sx · x, sy · y)`.
    """

    name: str
    field: AtariField
    names: tuple[str, ...]
    read: Callable[[Picture], NDArray[np.float64]]
    moves: int
    move: Callable[[int, int], NDArray[np.float64]]

    def positions(self, before: NDArray[np.float64], now: NDArray[np.float64]) -> NDArray[np.float64]:
        """What two pictures in a row show; changes of a ball that one of them does not show are 0."""
        change = now - before
        change[:3] *= before[0] * now[0]
        return np.concatenate([now, change])[self._order]

    @cached_property
    def _order(self) -> list[int]:
        """Where each position is among those of a picture and their changes."""
        n = len(self.names) - 2 - self.moves
        moving = [k for i in range(self.moves) for k in (3 + i, n + 3 + i)]
        return [0, 1, 2, n + 1, n + 2, *moving, *range(3 + self.moves, n)]

    def symmetry(self, symmetry: Symmetry) -> Symmetry:
        """What a symmetry of images of the field does to positions.

        Raises:
            SpaceMismatchError: it acts on other images, or on none.
            SymmetryError: it turns them.
        """
        rep = symmetry.observation
        if not isinstance(rep, ImageRepresentation) or rep.shape[1:] != self.field.shape:
            height, width = self.field.shape
            raise SpaceMismatchError(
                f"A symmetry of {self.name} acts on images of its field, of shape (frames, {height}, {width}); got one of "
                f"observations of shape {symmetry.observation_shape}. symmdp.catalogue.symmetry_of has one."
            )
        moved = []
        for g in symmetry.group:
            plane = rep.plane(g)
            if plane[0, 1] != 0:
                raise SymmetryError(f"Element {g} turns the picture of {self.name}; only mirrors are known.")
            moved.append(self.move(int(plane[0, 0]), int(plane[1, 1])))
        return Symmetry(
            symmetry.group,
            Representation(symmetry.group, moved, "positions"),
            symmetry.action,
            observation_names=self.names,
            action_names=symmetry.action_names,
            element_names=symmetry.element_names,
            name=symmetry.name,
        )


class AtariPositions(gym.Wrapper):
    """A game of ALE that shows positions, in pixels from the centre of the field, x to the right and y up.

    They are read from the screen of its engine, the attribute `ale`, whatever it shows of it; `game` is the game.
    """

    def __init__(self, env: gym.Env, game: AtariGame):
        super().__init__(env)
        inner: Any = env.unwrapped
        self.game, self._engine, self._before = game, inner.ale, np.empty(0)
        self._screen = np.empty(self._engine.getScreenDims(), dtype=np.uint8)
        self._field = self._screen[slice(*game.field.rows), slice(*game.field.columns)]
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, (len(game.names),), dtype=np.float64)

    def reset(self, **options: Any) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Start an episode; nothing has moved yet."""
        _, info = self.env.reset(**options)
        self._before = self._read()
        return self.game.positions(self._before, self._before), info

    def step(self, action: Any) -> tuple[NDArray[np.float64], Any, bool, bool, dict[str, Any]]:
        """One step of the game."""
        _, reward, terminated, truncated, info = self.env.step(action)
        now = self._read()
        shown, self._before = self.game.positions(self._before, now), now
        return shown, reward, terminated, truncated, info

    def _read(self) -> NDArray[np.float64]:
        self._engine.getScreen(self._screen)
        return self.game.read(self._field)


def game_of(env: Any) -> AtariGame | None:
    """Pong or Breakout, by an environment that shows pictures of it, or by its name; None for any other."""
    if isinstance(env, str):
        environment_id, options = parse_environment_name(env)
        shown = options.get("obs_type", "rgb")
        return _GAMES.get(environment_id) if shown in ("rgb", "grayscale") else None
    if not isinstance(env, gym.Env):
        return None
    inner = env
    while isinstance(inner, gym.Wrapper):
        if type(inner) not in TRANSPARENT:
            return None
        inner = inner.env
    shows_pictures = len(inner.observation_space.shape or ()) > 1
    return _GAMES.get(inner.spec.id) if inner.spec is not None and shows_pictures else None


def quickly_stepped(name: str) -> str:
    """The same environment showing ALE's memory: quicker than pictures, where positions are read from the engine."""
    environment_id, options = parse_environment_name(name)
    return environment_name(environment_id, {**options, "obs_type": "ram"}) if environment_id.startswith("ALE/") else name


def _middle(mask: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Whether anything is shown, and x and y of its middle from the centre; the centre where there is nothing."""
    height, width = mask.shape
    rows = np.flatnonzero(mask.any(axis=1))
    if len(rows) == 0:
        return 0.0, 0.0, 0.0
    first = int(rows[0])
    shown = mask[first : rows[-1] + 1]  # few of many rows
    y, x = shown.nonzero()
    n = len(y)
    return 1.0, float(x.sum()) / n - (width - 1) / 2, (height - 1) / 2 - first - float(y.sum()) / n


def _read_pong(picture: Picture) -> NDArray[np.float64]:
    right, left = (
        _middle((part != _BLACK) & (part != _PONG_BALL) & (part != _PONG_BACK))[2]
        for part in (picture[:, _PONG_RIGHT], picture[:, _PONG_LEFT])
    )
    return np.array([*_middle(picture == _PONG_BALL), right, left])


def _read_breakout(picture: Picture) -> NDArray[np.float64]:
    ball = picture == _BREAKOUT_RED
    paddle = np.flatnonzero(ball[_PADDLE].any(axis=0))
    ball[_TOP_BRICKS] = ball[_PADDLE] = False
    rows = picture[_BRICK_ROWS] != _BLACK
    bricks = (rows[:, 1::_BRICK_SIZE] & rows[:, 6::_BRICK_SIZE]).sum(axis=0)  # a ball does not cover both columns
    half, n = len(bricks) // 2, len(paddle)
    median = (paddle[(n - 1) // 2] + paddle[n // 2] - (picture.shape[1] - 1)) / 2 if n else 0.0
    return np.array([*_middle(ball), median, bricks[:half].sum(), bricks[half:].sum()])


def _move_pong(sx: int, sy: int) -> NDArray[np.float64]:
    paddles = np.kron(np.eye(2) if sx > 0 else np.eye(2)[::-1], np.eye(2)) * sy
    return _blocks(np.diag([1, sx, sy, sx, sy]), paddles)


def _move_breakout(sx: int, sy: int) -> NDArray[np.float64]:
    return _blocks(np.diag([1, sx, sy, sx, sy, sx, sx]), np.eye(2) if sx > 0 else np.eye(2)[::-1])


def _blocks(one: NDArray, other: NDArray) -> NDArray[np.float64]:
    matrix = np.zeros((len(one) + len(other),) * 2)
    matrix[: len(one), : len(one)], matrix[len(one) :, len(one) :] = one, other
    return matrix


_PONG = AtariGame(
    "Pong",
    PONG_FIELD,
    (*_BALL, "right paddle y", "right paddle Δy", "left paddle y", "left paddle Δy"),
    _read_pong,
    2,
    _move_pong,
)
_BREAKOUT = AtariGame(
    "Breakout",
    BREAKOUT_FIELD,
    (*_BALL, "paddle x", "paddle Δx", "bricks on the left", "bricks on the right"),
    _read_breakout,
    1,
    _move_breakout,
)
_GAMES = {"ALE/Pong-v5": _PONG, "ALE/Breakout-v5": _BREAKOUT, "symmdp/Pong-v0": _PONG}
