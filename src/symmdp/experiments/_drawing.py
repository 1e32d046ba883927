from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symmdp.errors import SimulatorError, SymmdpError
from symmdp.experiments._extras import extra
from symmdp.mdp import environment_spec, make_environment

_QUIET = {"PYGAME_HIDE_SUPPORT_PROMPT": "1", "SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"}


@dataclass(frozen=True)
class _Family:
    state_of: Callable[[NDArray], Any]  # the simulator's state that has this observation
    seen: tuple[int, ...]  # coordinates of the observation that show in a picture (velocities do not)
    example: tuple[float, ...]  # an observation that looks different from its images


# Keyed on the class that Gymnasium simulates with, so that every version of an environment is found.
_FAMILIES = {
    "CartPoleEnv": _Family(lambda o: tuple(map(float, o)), (0, 2), (1.2, 0.3, 0.18, -0.4)),
    "PendulumEnv": _Family(lambda o: np.array([math.atan2(o[1], o[0]), o[2]]), (0, 1), (math.cos(0.8), math.sin(0.8), 1.5)),
    "AcrobotEnv": _Family(
        lambda o: np.array([math.atan2(o[1], o[0]), math.atan2(o[3], o[2]), o[4], o[5]]),
        (0, 1, 2, 3),
        (math.cos(0.9), math.sin(0.9), math.cos(0.6), math.sin(0.6), 0.5, -1.0),
    ),
}


def can_draw(environment_id: str) -> bool:
    """Whether `draw_state` can draw this environment."""
    return _class_of(environment_id) in _FAMILIES


def seen_coordinates(environment_id: str) -> tuple[int, ...]:
    """The coordinates of an observation that show in a picture.

    Raises:
        SimulatorError: the environment cannot be drawn.
    """
    return _family(environment_id).seen


def example_observation(environment_id: str) -> NDArray[np.float64]:
    """An observation that looks different from its images.

    Raises:
        SimulatorError: the environment cannot be drawn.
    """
    return np.array(_family(environment_id).example)


def check_drawing() -> None:
    """Check that pictures can be drawn here.

    Raises:
        MissingExtraError: pygame is not installed.
    """
    with _quiet_pygame():
        pass


def draw_states(environment_id: str, observations: NDArray) -> list[NDArray[np.uint8]]:
    """Pictures of states by Gymnasium's own renderer, cropped alike to what any of them shows.

    The crop is symmetric about the middle column, so that a mirror image stays one.

    Args:
        environment_id: of a classic-control environment.
        observations: shape `(states, observation)`.

    Returns:
        RGB images of one shape `(height, width, 3)`.

    Raises:
        SimulatorError: the environment cannot be drawn.
        MissingExtraError: pygame is not installed.
    """
    family = _family(environment_id)
    pictures = []
    with _quiet_pygame():
        environment = make_environment(environment_id, render_mode="rgb_array")
        try:
            for observation in observations:
                environment.reset(seed=0)
                environment.unwrapped.state = family.state_of(observation)  # pyright: ignore[reportAttributeAccessIssue]
                pictures.append(np.asarray(environment.render()))
        finally:
            environment.close()
    rows, columns = _shown(pictures)
    return [picture[rows, columns] for picture in pictures]


def _shown(pictures: list[NDArray]) -> tuple[slice, slice]:
    """The rows and columns in which something is drawn, with a margin; lines from edge to edge do not count."""
    height, width, _ = pictures[0].shape
    drawn = np.any([np.abs(p.astype(int) - p[0, 0]).sum(axis=2) > 30 for p in pictures], axis=0)
    drawn &= ~(drawn.mean(axis=1) > 0.95)[:, None]
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    margin = height // 16
    reach = int(np.abs(columns - (width - 1) / 2).max()) + margin
    top, bottom = max(int(rows[0]) - margin, 0), min(int(rows[-1]) + margin, height)
    reach = min(max(reach, (bottom - top) * 3 // 4), width // 2)
    return slice(top, bottom), slice(width // 2 - reach, width // 2 + reach)


def _family(environment_id: str) -> _Family:
    family = _FAMILIES.get(_class_of(environment_id))
    if family is None:
        raise SimulatorError(f"The states of {environment_id} cannot be drawn; those of CartPole, Pendulum and Acrobot can be.")
    return family


def _class_of(environment_id: str) -> str:
    try:
        return str(environment_spec(environment_id)[0].entry_point).rpartition(":")[2]
    except SymmdpError:
        return ""


@contextmanager
def _quiet_pygame() -> Iterator[None]:
    """Import pygame, with which Gymnasium draws, and let it draw without banner, warnings, window or sound device."""
    before = {name: os.environ.get(name) for name in _QUIET}
    os.environ.update(_QUIET)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pygame imports the deprecated pkg_resources
            with extra("The mirror-image figure"):
                import pygame  # noqa: F401
            yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
