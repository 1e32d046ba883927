"""Pong and Breakout as positions, read from ALE's frames: what their pictures show, in few enough numbers to compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from symmdp.errors import SpaceMismatchError, SymmetryError
from symmdp.mdp._environments import parse_environment_name
from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.simulators._atari_field import BREAKOUT_FIELD, PONG_FIELD, AtariField
from symmdp.mdp.simulators._find import TRANSPARENT
from symmdp.representations import ImageRepresentation, Representation

Picture = NDArray[np.uint8]  # the red channel of the field, in full size
_BALL = ("ball shown", "ball x", "ball y", "ball Δx", "ball Δy")
_PONG_BALL, _PONG_BACK = 236, (144, 87)  # as red, and as grey
_BREAKOUT_RED = (200, 111)
_BRICK_ROWS, _BRICK_SIZE = range(27, 61, 6), 8  # of the field; columns of a brick
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
        moving = np.stack([now[3:], change[3:]], axis=1)[: self.moves].ravel()
        return np.concatenate([now[:3], change[1:3], moving, now[3 + self.moves :]])

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

    They are read from the frames that it shows; or, where it shows something else, from its method `screen()`.
    """

    def __init__(self, env: gym.Env, game: AtariGame):
        super().__init__(env)
        self._game, self._before = game, np.empty(0)
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, (len(game.names),), dtype=np.float64)

    def reset(self, **options: Any) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Start an episode; nothing has moved yet."""
        frame, info = self.env.reset(**options)
        self._before = self._read(frame)
        return self._game.positions(self._before, self._before), info

    def step(self, action: Any) -> tuple[NDArray[np.float64], Any, bool, bool, dict[str, Any]]:
        """One step of the game."""
        frame, reward, terminated, truncated, info = self.env.step(action)
        now = self._read(frame)
        shown, self._before = self._game.positions(self._before, now), now
        return shown, reward, terminated, truncated, info

    def _read(self, frame: NDArray) -> NDArray[np.float64]:
        inner: Any = self.env.unwrapped
        picture = inner.screen() if hasattr(inner, "screen") else frame
        red = picture if picture.ndim == 2 else picture[..., 0]
        field = self._game.field
        return self._game.read(red[slice(*field.rows), slice(*field.columns)])


def game_of(env: Any) -> AtariGame | None:
    """Pong or Breakout, by an environment that shows frames or has a `screen()`, or by its name; None for any other."""
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
    game = None if inner.spec is None else _GAMES.get(inner.spec.id)
    shape = inner.observation_space.shape or ()
    return game if shape[:2] == (210, 160) or hasattr(inner, "screen") else None


def _middle(mask: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Whether anything is shown, and x and y of its middle from the centre; the centre where there is nothing."""
    rows, columns = np.nonzero(mask)
    if len(rows) == 0:
        return 0.0, 0.0, 0.0
    height, width = mask.shape
    return 1.0, float(columns.mean()) - (width - 1) / 2, (height - 1) / 2 - float(rows.mean())


def _read_pong(picture: Picture) -> NDArray[np.float64]:
    columns = np.concatenate([picture[:, 16:20], picture[:, 140:144]], axis=1)
    paddles = (columns != _PONG_BALL) & (columns != _PONG_BACK[0]) & (columns != _PONG_BACK[1])
    right, left = _middle(paddles[:, 4:])[2], _middle(paddles[:, :4])[2]
    return np.array([*_middle(picture == _PONG_BALL), right, left])


def _read_breakout(picture: Picture) -> NDArray[np.float64]:
    red = (picture == _BREAKOUT_RED[0]) | (picture == _BREAKOUT_RED[1])
    paddle = np.flatnonzero(red[_PADDLE].any(axis=0))
    ball = red
    ball[_TOP_BRICKS] = ball[_PADDLE] = False
    rows = picture[list(_BRICK_ROWS)] != 0
    bricks = (rows[:, 1::_BRICK_SIZE] & rows[:, 6::_BRICK_SIZE]).sum(axis=0)  # a ball does not cover both columns
    half = len(bricks) // 2
    at = float(np.median(paddle)) - (picture.shape[1] - 1) / 2 if len(paddle) else 0.0
    return np.array([*_middle(ball), at, bricks[:half].sum(), bricks[half:].sum()])


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
