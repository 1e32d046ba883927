"""Which positions and velocities the observation of a MuJoCo environment stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.envs.mujoco.inverted_double_pendulum_v4 import InvertedDoublePendulumEnv as InvertedDoublePendulumV4
from gymnasium.envs.mujoco.inverted_double_pendulum_v5 import InvertedDoublePendulumEnv
from gymnasium.envs.mujoco.pusher_v4 import PusherEnv as PusherV4
from gymnasium.envs.mujoco.pusher_v5 import PusherEnv
from gymnasium.envs.mujoco.reacher_v4 import ReacherEnv as ReacherV4
from gymnasium.envs.mujoco.reacher_v5 import ReacherEnv
from numpy.typing import NDArray

from symmdp.errors import SimulatorError
from symmdp.mdp.simulators._mujoco_engine import mujoco

_PROBE = 1e-3  # velocities so small that no environment clips them


@dataclass(frozen=True)
class Layout:
    """Where positions and velocities stand in an observation; those that it leaves out are zero.

    Attributes:
        position: the coordinate that shows each `qpos`, −1 where there is none, shape `(nq,)`.
        velocity: likewise for each `qvel`, shape `(nv,)`.
        sines: pairs of coordinates that show sine and cosine of a `qpos`, by its index.
        origin: what a shown position is measured from, shape `(nq,)`.
    """

    position: NDArray[np.int64]
    velocity: NDArray[np.int64]
    sines: dict[int, tuple[int, int]]
    origin: NDArray[np.float64]

    def decode(self, observation: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The positions and velocities that an observation stands for."""
        observation = np.asarray(observation, dtype=np.float64)
        qpos = np.where(self.position >= 0, observation[self.position] - self.origin, 0.0)
        for i, (sine, cosine) in self.sines.items():
            qpos[i] = np.arctan2(observation[sine], observation[cosine])
        return qpos, np.where(self.velocity >= 0, observation[self.velocity], 0.0)


def layout_of(env: Any) -> Layout:
    """The layout of an environment's observation.

    Raises:
        SimulatorError: observations do not begin with positions (less the first ones) and velocities.
    """
    nq, nv = env.model.nq, env.model.nv
    if isinstance(env, InvertedDoublePendulumEnv | InvertedDoublePendulumV4):
        return _layout([0, -1, -1], [5, 6, 7], {1: (1, 3), 2: (2, 4)})
    if isinstance(env, ReacherEnv | ReacherV4):
        return _layout([-1, -1, 4, 5], [6, 7, -1, -1], {0: (2, 0), 1: (3, 1)})
    if isinstance(env, PusherEnv | PusherV4):
        base = [env.model.body(name).pos[axis] for name in ("object", "goal") for axis in (1, 0)]
        return _layout([*range(7), 18, 17, 21, 20], [*range(7, 14), *[-1] * 4], {}, [*[0.0] * 7, *base])
    qpos = env.model.qpos0 + _PROBE * np.arange(1, nq + 1)
    qvel = _PROBE * np.arange(1, nv + 1) / nv
    mujoco.mj_resetData(env.model, env.data)
    env.set_state(qpos, qvel)
    shown = np.asarray(env._get_obs(), dtype=np.float64).ravel()
    for skipped in range(min(3, nq)):
        if np.array_equal(shown[: nq - skipped + nv], np.concatenate([qpos[skipped:], qvel])):
            left = nq - skipped
            return _layout([*[-1] * skipped, *range(left)], list(range(left, left + nv)))
    raise SimulatorError(
        f"{type(env).__name__} observes {len(shown)} numbers that do not begin with the {nq} positions (less the first one or "
        f"two) and the {nv} velocities of its model. Pass simulator=, an object with the methods of symmdp.mdp.Simulator."
    )


def _layout(
    position: list[int],
    velocity: list[int],
    sines: dict[int, tuple[int, int]] | None = None,
    origin: list[float] | None = None,
) -> Layout:
    start = np.zeros(len(position)) if origin is None else np.array(origin)
    return Layout(np.array(position), np.array(velocity), sines or {}, start)
