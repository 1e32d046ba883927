"""The state of MuJoCo's data as JSON: from which a simulation goes on, and what an environment reads before its next step."""

from __future__ import annotations

from typing import Any

import numpy as np

# What `mj_step` starts from, and after it positions, inertias and forces of bodies: these belong to the state before the
# last integration, so they cannot be computed again from the one after it.
_FIELDS = (
    *("qpos", "qvel", "act", "ctrl", "qacc", "qacc_warmstart", "qfrc_applied", "xfrc_applied", "mocap_pos", "mocap_quat"),
    *("xpos", "xquat", "xmat", "xipos", "ximat", "geom_xpos", "geom_xmat", "site_xpos", "site_xmat", "subtree_com"),
    *("cinert", "cvel", "cacc", "cfrc_int", "cfrc_ext", "qfrc_actuator", "qfrc_constraint", "actuator_force", "sensordata"),
)


def mujoco_data(environment: Any) -> Any | None:
    """MuJoCo's data of an environment that holds it as `gymnasium.envs.mujoco.MujocoEnv` does; None of any other."""
    data = getattr(environment, "data", None)
    return (
        data if all(isinstance(getattr(data, name, None), np.ndarray) for name in ("qpos", "qvel", "qacc_warmstart")) else None
    )


def mujoco_state(data: Any) -> dict[str, Any]:
    """The fields, and the time."""
    return {"time": float(data.time)} | {name: getattr(data, name).tolist() for name in _FIELDS}


def restore_mujoco_state(data: Any, state: dict[str, Any]) -> None:
    """Set data of the same model to what `mujoco_state` gave."""
    data.time = state["time"]
    for name in _FIELDS:
        getattr(data, name)[:] = np.array(state[name], dtype=np.float64).reshape(getattr(data, name).shape)
