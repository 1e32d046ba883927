"""The parameters of a MuJoCo model that differ from those of its image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.explanation._explanation import ParameterDifference
from symmdp.mdp.explanation._mujoco_correspondence import Correspondence, correspondence
from symmdp.mdp.simulators._mujoco import MujocoSimulator
from symmdp.mdp.simulators._mujoco_engine import mujoco

_TOLERANCE = 1e-9  # relative to the parameter
_ROUNDING = 1e-13  # of places that should be at the origin
_JOINT = ("type", "stiffness", "margin", "limited", "solref", "solimp")
_DOF = ("armature", "damping", "frictionloss")
_BODY = ("mass", "gravcomp")
_GEOM = (
    "type",
    "size",
    "friction",
    "condim",
    "contype",
    "conaffinity",
    "margin",
    "gap",
    "solref",
    "solimp",
    "solmix",
    "priority",
)
_ACTUATOR = ("gainprm", "biasprm", "gaintype", "biastype", "dyntype", "dynprm", "ctrllimited", "forcelimited")

_Found = tuple[str, int, int, str, Any, Any, Any]
"""Kind, index, image, parameter, value, expected value of the image, its value."""


def explain_model(
    simulator: MujocoSimulator, symmetry: Symmetry
) -> tuple[tuple[tuple[str, str, str, str], ...], tuple[ParameterDifference, ...], tuple[str, ...]]:
    """Images, differences and notes of an `Explanation`; each pair of parts is compared once."""
    model = simulator.model
    images: list[tuple[str, str, str, str]] = []
    differences: list[ParameterDifference] = []
    moves_parts, turned = False, dict[str, tuple[str, ...]]()
    for g in symmetry.group.generators:
        found = correspondence(simulator, symmetry, g)
        if found.turned:
            turned[symmetry.element_name(g)] = found.turned
        element, seen = symmetry.element_name(g), set[tuple[str, int, int, str]]()
        for kind in ("body", "joint", "geom", "actuator"):
            for i, image in enumerate(getattr(found, kind)):
                name = _name(model, kind, int(image)) if image >= 0 else "none"
                images.append((element, kind, _name(model, kind, i), name))
                moves_parts |= int(image) != i
        for kind, i, image, parameter, value, expected, actual in _compare(model, found):
            if (kind, image, i, parameter) in seen or _same(expected, actual):
                continue
            seen.add((kind, i, image, parameter))
            names = (_name(model, kind, i), _name(model, kind, image))
            plain = [entry if isinstance(entry, str) else _plain(entry) for entry in (value, expected, actual)]
            differences.append(ParameterDifference(element, kind, names[0], parameter, plain[0], names[1], plain[1], plain[2]))
    notes = ()
    if model.opt.solver == mujoco.mjtSolver.mjSOL_PGS and moves_parts:
        notes = (
            f"The PGS solver visits contacts one after the other, {model.opt.iterations} times: the image of its result is "
            "not its result for the image.",
        )
    for names in turned.values():
        notes += (f"No pose is its own image under a turn of {', '.join(names)}: places and directions were not compared.",)
    return tuple(images), tuple(differences), notes


def _compare(model: Any, found: Correspondence) -> Iterator[_Found]:
    yield from _options(model, found)
    yield from _joints(model, found)
    yield from _bodies(model, found)
    yield from _geoms(model, found)
    yield from _actuators(model, found)


def _options(model: Any, found: Correspondence) -> Iterator[_Found]:
    for parameter in ("gravity", "wind"):
        vector = getattr(model.opt, parameter)
        yield "option", 0, 0, parameter, vector, found.matrix @ vector, vector


def _joints(model: Any, found: Correspondence) -> Iterator[_Found]:
    data = found.data
    for j, image in enumerate(found.joint):
        for parameter in _JOINT:
            values = getattr(model, f"jnt_{parameter}")
            yield "joint", j, image, parameter, values[j], values[j], values[image]
        for parameter in _DOF:
            values = getattr(model, f"dof_{parameter}")
            dofs = [slice(model.jnt_dofadr[k], model.jnt_dofadr[k] + _DOFS[int(model.jnt_type[j])]) for k in (j, image)]
            yield "joint", j, image, parameter, values[dofs[0]], values[dofs[0]], values[dofs[1]]
        sign = found.joint_sign[j]
        if np.isnan(sign) or model.jnt_type[j] != model.jnt_type[image]:
            continue
        if model.jnt_limited[j] and model.jnt_limited[image]:
            limits = model.jnt_range
            yield "joint", j, image, "range", limits[j], np.sort(sign * limits[j]), limits[image]
        spring = model.qpos_spring[model.jnt_qposadr]
        if model.jnt_stiffness[j] or model.jnt_stiffness[image]:
            yield "joint", j, image, "springref", spring[j], sign * spring[j], spring[image]
        if found.turned:
            continue
        is_hinge = model.jnt_type[j] == mujoco.mjtJoint.mjJNT_HINGE
        turn = sign * (np.linalg.det(found.matrix) if is_hinge else 1.0)
        yield "joint", j, image, "axis", data.xaxis[j], turn * found.matrix @ data.xaxis[j], data.xaxis[image]
        if is_hinge:  # a slide may be anchored anywhere
            moved = found.matrix @ data.xanchor[j] + found.offset
            yield "joint", j, image, "anchor", data.xanchor[j], moved, data.xanchor[image]


def _bodies(model: Any, found: Correspondence) -> Iterator[_Found]:
    data, matrix = found.data, found.matrix
    frames = data.ximat.reshape(-1, 3, 3)
    inertia = frames @ (model.body_inertia[:, :, None] * frames.transpose(0, 2, 1))
    for b, image in _pairs(found.body):
        for parameter in _BODY:
            values = getattr(model, f"body_{parameter}")
            yield "body", b, image, parameter, values[b], values[b], values[image]
        if found.turned or b == 0:  # the world has geoms but no mass
            continue
        moved = matrix @ data.xipos[b] + found.offset
        yield "body", b, image, "centre of mass", data.xipos[b], moved, data.xipos[image]
        turned = matrix @ inertia[b] @ matrix.T
        yield "body", b, image, "inertia", _six(inertia[b]), _six(turned), _six(inertia[image])


def _geoms(model: Any, found: Correspondence) -> Iterator[_Found]:
    data, matrix = found.data, found.matrix
    axes = data.geom_xmat.reshape(-1, 3, 3)[:, :, 2]
    for k, image in _pairs(found.geom):
        for parameter in _GEOM:
            values = getattr(model, f"geom_{parameter}")
            yield "geom", k, image, parameter, values[k], values[k], values[image]
        if found.turned or model.geom_contype[k] == model.geom_conaffinity[k] == 0:
            continue  # what touches nothing has no place; what it weighs is the body's
        place, moved, target = data.geom_xpos[k], matrix @ data.geom_xpos[k] + found.offset, data.geom_xpos[image]
        if model.geom_type[k] == mujoco.mjtGeom.mjGEOM_PLANE:
            place, moved, target = axes[k] @ place, matrix @ axes[k] @ moved, axes[image] @ target
        yield "geom", k, image, "position", place, moved, target
        if model.geom_type[k] != mujoco.mjtGeom.mjGEOM_SPHERE:
            turned = matrix @ axes[k]
            turned = turned if turned @ axes[image] >= 0 else -turned  # both ends of a capsule are alike
            yield "geom", k, image, "direction", axes[k], turned, axes[image]


def _actuators(model: Any, found: Correspondence) -> Iterator[_Found]:
    for k, image in enumerate(found.actuator):
        for parameter in _ACTUATOR:
            values = getattr(model, f"actuator_{parameter}")
            yield "actuator", k, image, parameter, values[k], values[k], values[image]
        sign = found.actuator_sign[k]
        if np.isnan(sign):
            continue
        for parameter in ("ctrlrange", "forcerange"):
            values = getattr(model, f"actuator_{parameter}")
            yield "actuator", k, image, parameter, values[k], np.sort(sign * values[k]), values[image]
        if model.actuator_trntype[k] != mujoco.mjtTrn.mjTRN_JOINT:
            continue
        joint, driven = model.actuator_trnid[[k, image], 0]
        own, wanted, actual = (_name(model, "joint", int(j)) for j in (joint, found.joint[joint], driven))
        yield "actuator", k, image, "joint", own, wanted, actual
        if driven == found.joint[joint] and not np.isnan(found.joint_sign[joint]):
            gear = model.actuator_gear[:, 0]
            yield "actuator", k, image, "gear", gear[k], sign * found.joint_sign[joint] * gear[k], gear[image]


_DOFS = {
    int(mujoco.mjtJoint.mjJNT_FREE): 6,
    int(mujoco.mjtJoint.mjJNT_BALL): 3,
    int(mujoco.mjtJoint.mjJNT_SLIDE): 1,
    int(mujoco.mjtJoint.mjJNT_HINGE): 1,
}
_OBJECTS = {
    "body": mujoco.mjtObj.mjOBJ_BODY,
    "joint": mujoco.mjtObj.mjOBJ_JOINT,
    "geom": mujoco.mjtObj.mjOBJ_GEOM,
    "actuator": mujoco.mjtObj.mjOBJ_ACTUATOR,
}


def _name(model: Any, kind: str, i: int) -> str:
    if kind == "option":
        return "model"
    name = mujoco.mj_id2name(model, _OBJECTS[kind], i)
    if name:
        return name
    if kind == "actuator" and model.actuator_trntype[i] == mujoco.mjtTrn.mjTRN_JOINT:
        return f"{i} ({_name(model, 'joint', int(model.actuator_trnid[i, 0]))})"
    if kind == "geom":
        return f"{i} (on {_name(model, 'body', int(model.geom_bodyid[i]))})"
    return str(i)


def _pairs(image: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    return ((k, int(target)) for k, target in enumerate(image) if target >= 0)


def _six(tensor: NDArray[np.float64]) -> NDArray[np.float64]:
    return tensor[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]]


def _same(expected: Any, found: Any) -> bool:
    if isinstance(expected, str):
        return expected == found
    expected, found = np.atleast_1d(expected).astype(np.float64), np.atleast_1d(found).astype(np.float64)
    if expected.shape != found.shape:
        return False
    scale = max(np.abs(expected).max(initial=0.0), np.abs(found).max(initial=0.0))
    return bool(np.abs(expected - found).max(initial=0.0) <= _TOLERANCE * scale + _ROUNDING)


def _plain(value: Any) -> tuple[float, ...]:
    return tuple(float(number) + 0.0 for number in np.atleast_1d(value))
