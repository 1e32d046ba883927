"""What plays games of Pong: the Arcade Learning Environment, or EnvPool; both show the same to the bit."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from symmdp.catalogue.environments._atari_field import PONG_FIELD, field_of
from symmdp.errors import MissingExtraError, OptionError

FRAME_SKIP = 4
"""Frames of a step, in all of which the action is held."""
ACTIONS = ("noop", "fire", "right", "left", "right and fire", "left and fire")
"""The minimal actions; right moves the paddle up, and left moves it down."""

Engine = Literal["ale", "envpool"]
Played = tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.bool_]]


class PongGames(Protocol):
    """Games that are numbered, and deterministic: no action is repeated by chance."""

    name: Engine

    def restart(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """New games, and one frame without action in each; what is seen then, shape `(len(rows), 80, 80)`."""
        ...

    def play(self, rows: NDArray[np.int64], actions: NDArray[np.int64]) -> Played:
        """A step of some games: what is seen (the larger of the last two frames, pixel by pixel), points, and what is over."""
        ...


class AleGames:
    """Games that ALE plays one by one.

    Args:
        count: how many.

    Raises:
        MissingExtraError: ale-py is not installed.
    """

    name: Engine = "ale"

    def __init__(self, count: int):
        try:
            import ale_py
            from ale_py import roms
        except ImportError:
            raise MissingExtraError("Pong needs ale-py, which is not installed. Try: pip install 'symmdp[atari]'") from None
        ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
        self.engines: list[Any] = [ale_py.ALEInterface() for _ in range(count)]
        for engine in self.engines:
            engine.setFloat("repeat_action_probability", 0.0)
            engine.setInt("random_seed", 0)
            engine.loadROM(roms.get_rom_path("pong"))
        self._actions = self.engines[0].getMinimalActionSet()
        self._frames = np.zeros((2, *self.engines[0].getScreenDims()), dtype=np.uint8)

    def restart(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """As `PongGames`."""
        return np.stack([self._restart(self.engines[row]) for row in rows])

    def _restart(self, engine: Any) -> NDArray[np.uint8]:
        engine.reset_game()
        engine.act(self._actions[0])
        engine.getScreenGrayscale(self._frames[0])
        return field_of(self._frames[0], PONG_FIELD)

    def play(self, rows: NDArray[np.int64], actions: NDArray[np.int64]) -> Played:
        """As `PongGames`."""
        seen = np.empty((len(rows), *PONG_FIELD.shape), dtype=np.uint8)
        points, over = np.zeros(len(rows)), np.zeros(len(rows), dtype=bool)
        for i, (row, action) in enumerate(zip(rows, actions, strict=True)):
            engine = self.engines[row]
            self._frames[0] = 0
            for frame in range(FRAME_SKIP):
                points[i] += engine.act(self._actions[action])
                if frame >= FRAME_SKIP - 2:
                    engine.getScreenGrayscale(self._frames[frame - (FRAME_SKIP - 2)])
            seen[i] = field_of(self._frames.max(axis=0), PONG_FIELD)
            over[i] = engine.game_over()
        return seen, points, over


class EnvPoolGames:
    """Games that EnvPool plays together, in threads of its own.

    Its own preprocessing scales whole frames, scores and walls too; so it is asked for single frames as they are.

    Args:
        count: how many.

    Raises:
        MissingExtraError: EnvPool is not installed.
    """

    name: Engine = "envpool"

    def __init__(self, count: int):
        try:
            import envpool  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise MissingExtraError("EnvPool is not installed. Try: pip install 'symmdp[envpool]'") from None
        self._pool: Any = envpool.make_gymnasium(
            "Pong-v5",
            num_envs=count,
            stack_num=1,
            img_height=210,
            img_width=160,
            gray_scale=True,
            frame_skip=FRAME_SKIP,
            noop_max=1,  # exactly one frame without action
            use_fire_reset=False,
            repeat_action_probability=0.0,
            reward_clip=False,
            max_episode_steps=10**9,  # episodes are truncated by who asks
        )
        self._pool.reset()

    def restart(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """As `PongGames`."""
        observation, info = self._pool.reset(rows.astype(np.int32))
        return field_of(observation[np.argsort(info["env_id"])], PONG_FIELD)[:, 0]

    def play(self, rows: NDArray[np.int64], actions: NDArray[np.int64]) -> Played:
        """As `PongGames`."""
        observation, points, terminated, truncated, info = self._pool.step(actions.astype(np.int32), rows.astype(np.int32))
        order = np.argsort(info["env_id"])  # games come back as they finish
        over = (terminated | truncated)[order]
        return field_of(observation[order], PONG_FIELD)[:, 0], points[order].astype(np.float64), over


def games_of(engine: Engine | None, count: int) -> PongGames:
    """Games that an engine plays; EnvPool where it is installed, and else ALE, when none is given.

    Raises:
        OptionError: there is no such engine.
        MissingExtraError: it is not installed.
    """
    if engine is not None and engine not in get_args(Engine):
        raise OptionError(f"engine is one of {', '.join(map(repr, get_args(Engine)))}, or None; got {engine!r}.")
    if engine is None:
        engine = "ale" if find_spec("envpool") is None else "envpool"
    return AleGames(count) if engine == "ale" else EnvPoolGames(count)
