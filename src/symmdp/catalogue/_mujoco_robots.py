"""The symmetries of the ant and of the humanoid."""

from __future__ import annotations

import math

import numpy as np

from symmdp.catalogue._fields import (
    INERTIA,
    PSEUDOVECTOR,
    QUATERNION,
    VECTOR,
    WRENCH,
    Field,
    field,
    of_bodies,
    signed_permutation,
    symmetry_of_fields,
)
from symmdp.groups import cyclic, dihedral
from symmdp.mdp import Symmetry

_POSE = ("quaternion w", "quaternion x", "quaternion y", "quaternion z")
_WRENCH = ("torque x", "torque y", "torque z", "force x", "force y", "force z")

# The ant: legs 1 … 4 counterclockwise from the front left one. Its torso looks the same after a quarter turn, so that
# "which leg is leg 1" is a matter of naming: the turn r keeps the ant where it is in the world and renames frame and legs.
_HALF = math.sqrt(0.5)
_RIGHT = [[_HALF, 0, 0, _HALF], [0, _HALF, -_HALF, 0], [0, _HALF, _HALF, 0], [-_HALF, 0, 0, _HALF]]  # q · (½√2, 0, 0, −½√2)
_TURN_FRAME = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
_LEGS = ("hip 1", "ankle 1", "hip 2", "ankle 2", "hip 3", "ankle 3", "hip 4", "ankle 4")
_DRIVEN = (*_LEGS[6:], *_LEGS[:6])  # the actuators begin with leg 4
_LEGS_TURN = signed_permutation([6, 7, 0, 1, 2, 3, 4, 5], [1, 1, 1, -1, 1, 1, 1, -1])
_LEGS_MIRROR = signed_permutation([6, 7, 4, 5, 2, 3, 0, 1], [-1, 1] * 4)
_DRIVE_TURN = signed_permutation([6, 7, 0, 1, 2, 3, 4, 5], [1, -1, 1, 1, 1, -1, 1, 1])
_DRIVE_MIRROR = signed_permutation([2, 3, 0, 1, 6, 7, 4, 5], [-1, 1] * 4)
_ANT_BODIES = ("torso", *(f"{part} {leg}" for leg in range(1, 5) for part in ("leg", "thigh", "shin")))
_BODIES_TURN = [0, *(1 + (k - 3) % 12 for k in range(12))]
_BODIES_MIRROR = [0, *(1 + 3 * (3 - k // 3) + k % 3 for k in range(12))]


def _ant_fields() -> tuple[list[Field], list[Field]]:
    observation = [
        field("z", [1], [1]),
        field(_POSE, _RIGHT, QUATERNION),
        field(_LEGS, _LEGS_TURN, _LEGS_MIRROR),
        field("vx vy vz", [1, 1, 1], VECTOR),
        field("ωx ωy ωz", _TURN_FRAME, PSEUDOVECTOR),
        field([f"{joint} speed" for joint in _LEGS], _LEGS_TURN, _LEGS_MIRROR),
        of_bodies(_ANT_BODIES, _WRENCH, (_BODIES_TURN, np.ones(6)), (_BODIES_MIRROR, WRENCH)),
    ]
    return observation, [field([f"{joint} torque" for joint in _DRIVEN], _DRIVE_TURN, _DRIVE_MIRROR)]


def _ant() -> Symmetry:
    names = ["identity", *(f"turn {90 * k}°" for k in range(1, 8))]
    names += [f"mirror, turn {90 * k}°" if k else "mirror" for k in range(8)]
    return symmetry_of_fields(dihedral(8), *_ant_fields(), name="quarter turns and mirrors", element_names=names)


def _ant_mirror() -> Symmetry:
    observation, action = ([Field(part.names, part.matrices[1:]) for part in fields] for fields in _ant_fields())
    return symmetry_of_fields(cyclic(2), observation, action, name="left–right mirror", element_names=("identity", "mirror"))


ANT, ANT_MIRROR = _ant(), _ant_mirror()

_SIDES = ("right", "left")
_LEG = ("hip x", "hip z", "hip y", "knee")
_ARM = ("shoulder 1", "shoulder 2", "elbow")
_LIMBS = tuple(f"{side} {joint}" for limb in (_LEG, _ARM) for side in _SIDES for joint in limb)
_JOINTS = ("abdomen z", "abdomen y", "abdomen x", *_LIMBS)
_MOTORS = ("abdomen y", "abdomen z", "abdomen x", *_LIMBS)
_SOURCE = [0, 1, 2, 7, 8, 9, 10, 3, 4, 5, 6, 14, 15, 16, 11, 12, 13]
_LIMB_SIGNS = [1] * 8 + [-1, -1, 1] * 2
_JOINTS_MIRROR = signed_permutation(_SOURCE, [-1, 1, -1, *_LIMB_SIGNS])
_MOTORS_MIRROR = signed_permutation(_SOURCE, [1, -1, -1, *_LIMB_SIGNS])
_HUMANOID_BODIES = (
    *("torso", "lower waist", "pelvis"),
    *(f"{side} {part}" for side in _SIDES for part in ("thigh", "shin", "foot")),
    *(f"{side} {part}" for side in _SIDES for part in ("upper arm", "lower arm")),
)
_BODIES = [0, 1, 2, 6, 7, 8, 3, 4, 5, 11, 12, 9, 10]
_INERTIA = tuple(f"inertia {c}" for c in ("xx", "yy", "zz", "xy", "xz", "yz", "x", "y", "z", "mass"))
_VELOCITY = ("ωx", "ωy", "ωz", "vx", "vy", "vz")

HUMANOID = symmetry_of_fields(
    cyclic(2),
    [
        field("z", [1]),
        field(_POSE, QUATERNION),
        field(_JOINTS, _JOINTS_MIRROR),
        field("vx vy vz", VECTOR),
        field("ωx ωy ωz", PSEUDOVECTOR),
        field([f"{joint} speed" for joint in _JOINTS], _JOINTS_MIRROR),
        of_bodies(_HUMANOID_BODIES, _INERTIA, (_BODIES, INERTIA)),
        of_bodies(_HUMANOID_BODIES, _VELOCITY, (_BODIES, WRENCH)),
        field([f"{joint} actuator force" for joint in _JOINTS], _JOINTS_MIRROR),
        of_bodies(_HUMANOID_BODIES, _WRENCH, (_BODIES, WRENCH)),
    ],
    [field([f"{joint} torque" for joint in _MOTORS], _MOTORS_MIRROR)],
    name="left–right mirror",
    element_names=("identity", "mirror"),
)
"""The same for Humanoid and HumanoidStandup: their observations have the same fields."""
