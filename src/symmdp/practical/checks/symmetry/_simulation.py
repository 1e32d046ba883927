from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from symmdp.practical._answers import fail, first_match, function, number

_Step = Callable[[NDArray[np.float64], int], tuple[NDArray[np.float64], float, bool]]
_A = np.array([[1.0, 0.1, 0.0, 0.0], [0.0, 1.0, -0.2, 0.0], [0.0, 0.0, 1.0, 0.1], [0.0, 0.0, 0.4, 1.0]])
_B = np.array([0.0, 0.3, 0.0, -0.5])


def _world(wind: float = 0.0, bonus: float = 0.0, cliff: float = 9.0) -> _Step:
    """A linear cart, symmetric unless there is a wind, a bonus for being right, or a cliff on the right."""

    def step(state: NDArray[np.float64], action: int) -> tuple[NDArray[np.float64], float, bool]:
        state = np.asarray(state, dtype=np.float64)
        following = _A @ state + _B * (2 * int(action) - 1) + wind * np.array([0.0, 1.0, 0.0, 0.0])
        return following, 1.0 + bonus * float(following[0] > 0), bool(following[0] > cliff or following[0] < -9.0)

    return step


def _mirror(state: NDArray[np.float64], action: int) -> tuple[NDArray[np.float64], int]:
    return -np.asarray(state, dtype=np.float64), 1 - int(action)


def _error(
    step: _Step,
    states: NDArray[np.float64],
    *,
    mirrored_action: bool = True,
    mirrored_next: bool = True,
    rewards: bool = True,
    flags: bool = True,
    actions: tuple[int, ...] = (0, 1),
    absolute: bool = True,
) -> float:
    """The slow reference; each option leaves something out that students leave out."""
    worst = 0.0
    for state in states:
        for action in actions:
            image, moved = _mirror(state, action)
            a, reward_a, end_a = step(state, action)
            b, reward_b, end_b = step(image, moved if mirrored_action else action)
            parts = [*((-a if mirrored_next else a) - b)]
            parts += [reward_a - reward_b] if rewards else []
            parts += [float(end_a) - float(end_b)] if flags else []
            worst = max(worst, *(np.abs(parts) if absolute else parts))
    return float(worst)


def symmetry_error(answer: object) -> str:
    """A function that measures how far a simulator is from being symmetric."""
    asked = function(answer, "symmetry_error")
    states = np.random.default_rng(1).normal(size=(7, 4))
    worlds = {
        "a symmetric cart": _world(),
        "a cart in a wind to the left": _world(wind=-0.07),
        "a cart in a wind to the right": _world(wind=0.07),
        "a cart with a bonus for being right": _world(bonus=0.25),
        "a cart with a bonus for being left": _world(bonus=-0.25),
        "a cart with a cliff on the right": _world(cliff=0.5),
    }
    for name, step in worlds.items():
        right = _error(step, states)
        found = number(asked(step, _mirror, states), f"your error of {name}")
        if np.isclose(found, right, rtol=1e-5, atol=1e-7):
            continue
        said = first_match(
            found,
            {
                "the action is not mirrored: step the image with K a, not with a": _error(step, states, mirrored_action=False),
                "the next state is not mirrored: compare L T(s, a) with T(L s, K a)": _error(step, states, mirrored_next=False),
                "neither the action nor the next state is mirrored": _error(
                    step, states, mirrored_action=False, mirrored_next=False
                ),
                "the reward is not compared": _error(step, states, rewards=False),
                "whether the episode ends is not compared": _error(step, states, flags=False),
                "only next states are compared, not rewards and ends of episodes": _error(
                    step, states, rewards=False, flags=False
                ),
                "differences are not taken absolutely, so that negative ones count for nothing": _error(
                    step, states, absolute=False
                ),
                "only action 0 is tried": _error(step, states, actions=(0,)),
                "only action 1 is tried": _error(step, states, actions=(1,)),
                "only the first state is tried": _error(step, states[:1]),
                "only the last state is tried": _error(step, states[-1:]),
            },
        )
        fail(f"For {name} your error is {found:.4g}; it is {right:.4g}." + (f" It seems that {said}." if said else ""))
    return "It is zero for a symmetric cart, and sees a wind, a one-sided reward and a one-sided end."
