from __future__ import annotations

import base64
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from symmdp.catalogue.environments._atari_field import PONG_FIELD
from symmdp.catalogue.environments._pong_games import ACTIONS, AleGames, Engine, games_of
from symmdp.errors import OptionError, SimulatorError

STACK = 4
"""Frames in an observation."""
WAITS = 8
"""An episode begins with 0 … 7 steps without action, each number as likely."""

Observation = NDArray[np.uint8]


class Pong(gym.Env[Observation, Any]):
    """Atari's Pong as the paper prepares it, seen between the walls alone: `symmdp/Pong-v0`.

    An observation is the last four frames, bytes of shape `(4, 80, 80)`, the oldest first: the field between the walls
    without the scores, in grey, each pixel the mean of 2 × 2. The first frame of an episode stands for those before it.

    A step holds one of the six minimal actions (noop, fire, right, left, right and fire, left and fire) for four frames, and
    shows the larger of the last two pixel by pixel. No action is repeated by chance. Rewards are the points, ±1; an episode
    ends when somebody has 21, and `gymnasium.make` truncates it after 27,000 steps (108,000 frames). The game itself is
    deterministic; an episode begins with one frame and 0 … 7 steps without action, each number as likely.

    Mirrored up and down, with right and left exchanged, it is the same game but for details of the engine.

    Args:
        engine: `"ale"`, or `"envpool"`, which shows the same; but only the former can be drawn, and its state be saved.
        render_mode: `rgb_array`, the whole screen; or none.

    Raises:
        MissingExtraError: the engine is not installed.
        OptionError: there is no such engine, or no such render_mode.

    Source: van der Pol et al. 2020, section 6 (Pong); Mnih et al. 2015, methods.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 15}  # noqa: RUF012

    def __init__(self, engine: Engine = "ale", render_mode: str | None = None):
        if render_mode not in (None, "rgb_array"):
            raise OptionError(f"Pong has no render_mode {render_mode!r}; it has 'rgb_array' and None.")
        if render_mode is not None and engine != "ale":
            raise OptionError(f"Pong is drawn by the engine 'ale' alone; got render_mode {render_mode!r} with {engine!r}.")
        self.render_mode = render_mode
        self.observation_space, self.action_space = spaces()
        self._games = games_of(engine, 1)
        self._frames = np.zeros(self.observation_space.shape or (), dtype=np.uint8)
        self._running = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """A new episode; one random number is drawn."""
        super().reset(seed=seed)
        row = np.zeros(1, dtype=np.int64)
        self._frames[:] = self._games.restart(row)
        for _ in range(int(waits(self.np_random.random(1))[0])):
            self._push(self._games.play(row, row)[0][0])
        self._running = True
        return self._frames.copy(), {}

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """One step, four frames.

        Raises:
            OptionError: the action is none of 0 … 5.
            gymnasium.error.ResetNeeded: no episode runs.
        """
        if not self.action_space.contains(action):
            raise OptionError(f"The actions of Pong are the integers 0 … 5 ({', '.join(ACTIONS)}); got {action!r}.")
        if not self._running:
            raise gym.error.ResetNeeded("No episode runs: it is over, or reset was never called. Call env.reset().")
        seen, points, over = self._games.play(np.zeros(1, dtype=np.int64), np.array([action]))
        self._push(seen[0])
        self._running = not over[0]
        return self._frames.copy(), float(points[0]), bool(over[0]), False, {}

    def render(self) -> NDArray[np.uint8] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The whole screen, where `render_mode` says so."""
        if self.render_mode is None:
            gym.logger.warn('Pong is drawn when it was made with render_mode="rgb_array".')
            return None
        return self.screen()

    def screen(self) -> NDArray[np.uint8]:
        """The whole screen, shape `(210, 160, 3)`.

        Raises:
            SimulatorError: the engine is EnvPool.
        """
        return self.ale.getScreenRGB()

    @property
    def ale(self) -> Any:
        """The engine that plays, an `ale_py.ALEInterface`.

        Raises:
            SimulatorError: the engine is EnvPool.
        """
        if not isinstance(self._games, AleGames):
            raise SimulatorError(
                "EnvPool shows no screen, and its states cannot be saved. Make Pong with engine='ale', which shows the same."
            )
        return self._games.engines[0]

    def symmdp_state(self) -> dict[str, Any]:
        """The state of game and frames as plain data, from which `symmdp_restore` goes on to the bit.

        Raises:
            SimulatorError: the engine is EnvPool.
        """
        return {
            "game": _encoded(self.ale.cloneState(include_rng=True).serialize()),
            "frames": _encoded(self._frames.tobytes()),
            "running": self._running,
        }

    def symmdp_restore(self, state: dict[str, Any]) -> None:
        """Go on from what `symmdp_state` gave."""
        import ale_py

        self.ale.restoreState(ale_py.ALEState(base64.b64decode(state["game"])))
        self._frames = np.frombuffer(base64.b64decode(state["frames"]), dtype=np.uint8).reshape(self._frames.shape).copy()
        self._running = state["running"]

    def _push(self, frame: NDArray[np.uint8]) -> None:
        self._frames[:-1] = self._frames[1:]
        self._frames[-1] = frame


def spaces() -> tuple[gym.spaces.Box, gym.spaces.Discrete]:
    """Of observations and actions."""
    return gym.spaces.Box(0, 255, (STACK, *PONG_FIELD.shape), dtype=np.uint8), gym.spaces.Discrete(len(ACTIONS))


def waits(draws: NDArray[np.float64]) -> NDArray[np.int64]:
    """With how many steps without action episodes begin, from uniform numbers in [0, 1)."""
    return (draws * WAITS).astype(np.int64)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
