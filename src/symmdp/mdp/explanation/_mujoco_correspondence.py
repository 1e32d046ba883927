"""Which body, joint, geom and actuator of a MuJoCo model an element of a group takes to which."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.simulators._mujoco import MujocoSimulator
from symmdp.mdp.simulators._mujoco_engine import mujoco
from symmdp.representations import Representation

_SIMPLE = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)


@dataclass(frozen=True)
class Correspondence:
    """The images of all parts of a model under one element, and the isometry `x ↦ M x + t` of space that takes them there.

    Attributes:
        joint: the image of each joint; −1 where there is none, as in all that follow.
        joint_sign: whether it turns the other way; NaN where that is not known.
        body: the image of each body.
        geom: the image of each geom.
        actuator: the image of each actuator.
        actuator_sign: whether its control changes sign.
        matrix: `M`, one of the 48 symmetries of the axes: the one that fits the joints' axes and anchors best.
        offset: `t`.
        data: the model at the pose next to its reference pose that the element leaves as it is.
        turned: names of joints that the element turns by an angle, so that there is no such pose.
    """

    joint: NDArray[np.int64]
    joint_sign: NDArray[np.float64]
    body: NDArray[np.int64]
    geom: NDArray[np.int64]
    actuator: NDArray[np.int64]
    actuator_sign: NDArray[np.float64]
    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]
    data: Any
    turned: tuple[str, ...]


def correspondence(simulator: MujocoSimulator, symmetry: Symmetry, g: int) -> Correspondence:
    """The images of all parts of the simulator's model under element `g`."""
    model, action = simulator.model, symmetry.action
    joint, joint_sign = _joints(simulator, symmetry.observation(g))
    data = mujoco.MjData(model)
    data.qpos[:] = _own_image(simulator, symmetry, joint, joint_sign)
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    if isinstance(action, Representation):
        actuator, actuator_sign = _moves(action(g), np.arange(model.nu))
    else:
        actuator, actuator_sign = np.arange(model.nu), np.full(model.nu, np.nan)
    matrix, offset = _isometry(model, data, joint, joint_sign)
    body = _bodies(model, data, joint, matrix, offset)
    geom = np.full(model.ngeom, -1)
    for b in range(model.nbody):
        own = np.flatnonzero(model.geom_bodyid == b)
        others = np.flatnonzero(model.geom_bodyid == body[b]) if body[b] >= 0 else own[:0]
        near = _distances(data.geom_xpos[own] @ matrix.T + offset, data.geom_xpos[others])
        near += 1e3 * (model.geom_type[own][:, None] != model.geom_type[others])
        # Geoms about the same centre, such as two bars of a cross, differ in direction.
        axes = data.geom_xmat.reshape(-1, 3, 3)[:, :, 2]
        near += 1 - np.abs(axes[own] @ matrix.T @ axes[others].T)
        _match(geom, own, others, near)
    return Correspondence(
        joint,
        joint_sign,
        body,
        geom,
        actuator,
        actuator_sign,
        matrix,
        offset,
        data,
        _turned(simulator, symmetry.observation(g)),
    )


def _joints(simulator: MujocoSimulator, matrix: NDArray) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The image of each joint, read off the velocities (or positions) that are observed; a free joint is its own image."""
    model, layout = simulator.model, simulator.layout
    observed = np.full(model.njnt, -1)
    for j in range(model.njnt):
        if model.jnt_type[j] in _SIMPLE:
            velocity = layout.velocity[model.jnt_dofadr[j]]
            observed[j] = velocity if velocity >= 0 else layout.position[model.jnt_qposadr[j]]
    return _moves(matrix, observed)


def _moves(matrix: NDArray, coordinate: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Where `matrix` moves each of the parts that have these coordinates (−1: none); itself where it mixes them."""
    image, sign = np.arange(len(coordinate)), np.full(len(coordinate), np.nan)
    for i, column in enumerate(coordinate):
        rows = np.flatnonzero(np.abs(matrix[:, column]) > 1e-9) if column >= 0 else []
        target = np.flatnonzero(coordinate == rows[0]) if len(rows) == 1 else []
        if len(target) == 1:
            image[i], sign[i] = target[0], np.sign(matrix[rows[0], column])
    return image, sign


def _own_image(
    simulator: MujocoSimulator, symmetry: Symmetry, joint: NDArray[np.int64], sign: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The reference pose, averaged over the powers of the element; free joints stay."""
    model, layout, center = simulator.model, simulator.layout, symmetry.observation_center
    qpos, known = model.qpos0.copy(), np.flatnonzero(~np.isnan(sign))
    at, to = model.jnt_qposadr[known], model.jnt_qposadr[joint[known]]
    middle = np.zeros(model.nq)
    if center is not None:
        middle = np.where(layout.position >= 0, center[layout.position] - layout.origin, 0.0)
    poses = [qpos]
    for _ in range(2 * len(known) - 1):  # a signed cycle of k joints comes back after 2k steps at most
        following = poses[-1].copy()
        following[to] = sign[known] * (poses[-1][at] - middle[at]) + middle[to]
        poses.append(following)
        if np.array_equal(following, qpos):
            poses.pop()
            break
    return np.mean(poses, axis=0)


def _turned(simulator: MujocoSimulator, matrix: NDArray) -> tuple[str, ...]:
    model, found = simulator.model, []
    for j in range(model.njnt):
        if int(model.jnt_qposadr[j]) in simulator.layout.sines:
            sine, cosine = simulator.layout.sines[int(model.jnt_qposadr[j])]
            if abs(matrix[sine, cosine]) > 1e-9 or abs(matrix[cosine, sine]) > 1e-9 or matrix[cosine, cosine] < 0:
                found.append(model.joint(j).name)
    return tuple(found)


def _isometry(
    model: Any, data: Any, joint: NDArray[np.int64], sign: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`M` and `t`: slides have polar axes, `M a = ± a'`, and hinges axial ones, `det(M) M a = ± a'`."""
    known = np.flatnonzero(~np.isnan(sign))
    axes, anchors = data.xaxis, data.xanchor
    is_hinge = model.jnt_type[known] == mujoco.mjtJoint.mjJNT_HINGE
    best = (np.inf, np.eye(3), np.zeros(3))
    for matrix in _axis_symmetries():
        turn = np.where(is_hinge, np.linalg.det(matrix), 1.0) * sign[known]
        wrong = turn[:, None] * (axes[known] @ matrix.T) - axes[joint[known]]
        hinges = known[is_hinge]  # a slide may be anchored anywhere
        moved, target = anchors[hinges] @ matrix.T, anchors[joint[hinges]]
        offset = np.median(target - moved, axis=0) if len(hinges) else np.zeros(3)
        cost = np.abs(wrong).sum() + np.abs(moved + offset - target).sum()
        cost += np.abs(matrix @ model.opt.gravity - model.opt.gravity).sum()
        cost += 1e-6 * np.abs(matrix - np.eye(3)).sum()  # decides nothing but ties: of equal fits, the one that moves least
        if cost < best[0]:
            best = (cost, matrix, offset)
    return best[1], best[2]


def _axis_symmetries() -> list[NDArray[np.float64]]:
    """The 48 signed permutations of three axes."""
    return [np.diag(signs) @ np.eye(3)[list(p)] for p in permutations(range(3)) for signs in product((1.0, -1.0), repeat=3)]


def _bodies(
    model: Any, data: Any, joint: NDArray[np.int64], matrix: NDArray[np.float64], offset: NDArray[np.float64]
) -> NDArray[np.int64]:
    """A body follows its first joint; bodies without joints go to the nearest ones on the image of their parent."""
    image = np.full(model.nbody, -1)
    image[0] = 0
    for parent in range(model.nbody):
        children = np.flatnonzero((model.body_parentid == parent) & (np.arange(model.nbody) > 0))
        for child in children[model.body_jntnum[children] > 0]:
            image[child] = model.jnt_bodyid[joint[model.body_jntadr[child]]]
        own = children[model.body_jntnum[children] == 0]
        if image[parent] >= 0:
            is_child = (model.body_parentid == image[parent]) & (np.arange(model.nbody) > 0) & (model.body_jntnum == 0)
            others = np.flatnonzero(is_child)
            _match(image, own, others, _distances(data.xipos[own] @ matrix.T + offset, data.xipos[others]))
    return image


def _distances(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.linalg.norm(a[:, None] - b[None], axis=-1)


def _match(image: NDArray[np.int64], own: NDArray[np.int64], others: NDArray[np.int64], cost: NDArray[np.float64]) -> None:
    """Give each of `own` one of `others` as its image, at the least cost."""
    from scipy.optimize import linear_sum_assignment  # half a second; only explanations pay it

    rows, columns = linear_sum_assignment(cost)
    image[own[rows]] = others[columns]
