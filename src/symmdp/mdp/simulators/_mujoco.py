"""Gymnasium's MuJoCo environments, and classes derived from them, as simulators."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from symmdp.mdp.simulators._environment_simulator import EnvironmentSimulator
from symmdp.mdp.simulators._mujoco_engine import mujoco
from symmdp.mdp.simulators._mujoco_layout import Layout, layout_of
from symmdp.mdp.simulators._simulator import Transition

_TRIES = 6
_DEEPER = 0.01  # how much farther than in the state it started from a sampled pose may push bodies into each other
_ANGLE, _LENGTH, _SPEED = 0.3, 0.05, 1.0  # standard deviations of what has no limits, in rad, m, and rad/s or m/s


class MujocoSimulator(EnvironmentSimulator):
    """A MuJoCo environment; its state is `(qpos, qvel, act)`, set as a reset sets it.

    A step depends on more: on the forces that the solver starts from, and rewards and observations on positions and contact
    forces that MuJoCo leaves from within the last step. `set_state` clears all of these, so that a transition is a function
    of state and action, to the bit.

    What an observation leaves out (the place on the ground) or clips (fast velocities) is no part of the state: `get_state`
    returns the state that the observation stands for.
    """

    library = f"MuJoCo {mujoco.__version__}"

    def __init__(self, env: Any):
        super().__init__(env)
        self._layout = layout_of(env)

    @property
    def model(self) -> Any:
        """The `mujoco.MjModel`."""
        return self._env.model

    @property
    def layout(self) -> Layout:
        """Where positions and velocities stand in an observation."""
        return self._layout

    def get_state(self) -> NDArray[np.float64]:
        return np.concatenate([*self._layout.decode(self.observe()), self._env.data.act])

    def set_state(self, state: NDArray[np.float64]) -> None:
        model, data = self._env.model, self._env.data
        mujoco.mj_resetData(model, data)
        data.qpos[:], data.qvel[:], data.act[:] = np.split(state, [model.nq, model.nq + model.nv])
        mujoco.mj_forward(model, data)
        # What the solver starts the step from would remember the control of zero that this call was made with.
        data.qacc_warmstart[:] = 0

    def state_of(self, observation: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([*self._layout.decode(observation), np.zeros(self._env.model.na)])

    def observe(self) -> NDArray[np.float64]:
        return np.array(self._env._get_obs(), dtype=np.float64).ravel()

    def step(self, action: int | NDArray[np.float64]) -> Transition:
        observation, reward, terminated, _, _ = self._env.step(action)
        return np.asarray(observation, dtype=np.float64).ravel(), float(reward), bool(terminated)

    def sample_states(self, count: int, reached: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
        """Between a state that was reached and a random pose within the joints' limits.

        A random pose as such would stand in the floor, so one that pushes bodies deeper into each other than the state
        it started from is drawn closer to that state.
        """
        nq, nv = self._env.model.nq, self._env.model.nv
        found = []
        for start in reached[generator.integers(len(reached), size=count)]:
            qpos = self._pose(start[:nq], generator)
            qvel = start[nq : nq + nv] * generator.uniform(0, 1) + _SPEED * generator.normal(size=nv)
            self.set_state(np.concatenate([qpos, qvel, start[nq + nv :]]))
            found.append(self.get_state())
        return np.array(found).reshape(count, len(reached[0]))

    def _pose(self, start: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
        model = self._env.model
        allowed = self._deepest(start) - _DEEPER
        away = self._away(start, generator)
        for fraction in generator.uniform(0, 1) * 0.5 ** np.arange(_TRIES):
            pose = start.copy()
            mujoco.mj_integratePos(model, pose, away, fraction)
            if self._deepest(pose) >= allowed:
                return pose
        return start

    def _away(self, start: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
        """The way from `start` to a random pose, as a velocity."""
        model = self._env.model
        way = _ANGLE * generator.normal(size=model.nv)
        for j in range(model.njnt):
            dof, q = model.jnt_dofadr[j], model.jnt_qposadr[j]
            kind = model.jnt_type[j]
            if kind == mujoco.mjtJoint.mjJNT_FREE:
                way[dof : dof + 3] *= _LENGTH / _ANGLE
            elif model.jnt_limited[j] and kind != mujoco.mjtJoint.mjJNT_BALL:
                way[dof] = generator.uniform(*model.jnt_range[j]) - start[q]
            elif kind == mujoco.mjtJoint.mjJNT_SLIDE:
                way[dof] *= _LENGTH / _ANGLE
        return way

    def _deepest(self, qpos: NDArray[np.float64]) -> float:
        """The distance of the deepest contact, negative where bodies overlap."""
        model, data = self._env.model, self._env.data
        mujoco.mj_resetData(model, data)
        data.qpos[:] = qpos
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_collision(model, data)
        return min((float(contact.dist) for contact in data.contact[: data.ncon]), default=0.0)


def simulator(env: gym.Env) -> MujocoSimulator:
    """The simulator of a MuJoCo environment."""
    return MujocoSimulator(env)
