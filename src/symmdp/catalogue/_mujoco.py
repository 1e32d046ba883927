"""Gymnasium's MuJoCo environments: observations with default options, actions in the order of the actuators."""

from __future__ import annotations

import math

from symmdp.catalogue._entry import CatalogueEntry
from symmdp.catalogue._fields import (
    VECTOR,
    Field,
    field,
    signed_permutation,
    symmetry_of_fields,
)
from symmdp.catalogue._mujoco_robots import ANT, ANT_MIRROR, HUMANOID
from symmdp.groups import cyclic, dihedral
from symmdp.mdp import Symmetry

_ENGINE = "gymnasium 1.2.2, MuJoCo 3.3.7"
_MIRRORED = ("identity", "mirror")


def _mirror(observation: list[Field], action: list[Field], name: str = "left–right mirror", center=None) -> Symmetry:
    return symmetry_of_fields(cyclic(2), observation, action, name=name, element_names=_MIRRORED, observation_center=center)


_UPRIGHT = ([field("x θ ẋ θ̇", [-1, -1, -1, -1])], [field("force", [-1])])
_INVERTED_PENDULUM = _mirror(*_UPRIGHT)
_LEANING_PENDULUM = _mirror(
    *_UPRIGHT,
    name="left–right mirror about the upright pole",
    # The pole leans by atan(0.001 / 0.6) in the model, so that it stands upright at this angle.
    center=[0.0, -math.atan2(0.0005, 0.3), 0.0, 0.0],
)
_INVERTED_DOUBLE_PENDULUM = _mirror(
    [
        field(("x", "sin θ₁", "sin θ₂", "cos θ₁", "cos θ₂"), [-1, -1, -1, 1, 1]),
        field(("ẋ", "θ̇₁", "θ̇₂", "constraint force"), [-1, -1, -1, -1]),
    ],
    [field("force", [-1])],
)

_TURN, _FLIP = [[0, -1], [1, 0]], [1, -1]
_PAIRS = [[0, 0, -1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]]  # (cos θ₀, cos θ₁, sin θ₀, sin θ₁)


def _reacher(rotations: bool) -> Symmetry:
    rows = [
        (("cos θ₀", "cos θ₁", "sin θ₀", "sin θ₁"), _PAIRS, [1, 1, -1, -1]),
        (("target x", "target y"), _TURN, _FLIP),
        (("θ̇₀", "θ̇₁"), [1, 1], [-1, -1]),
        (("tip − target x", "tip − target y"), _TURN, _FLIP),
    ]
    action = (("torque 0", "torque 1"), [1, 1], [-1, -1])
    if not rotations:
        return _mirror([field(names, flip) for names, _, flip in rows], [field(action[0], action[2])])
    return symmetry_of_fields(
        dihedral(4),
        [field(*row) for row in rows],
        [field(*action)],
        name="quarter turns and mirrors",
        element_names=[f"turn {90 * k}°" if k else "identity" for k in range(4)]
        + [f"mirror, turn {90 * k}°" for k in range(4)],
    )


_SWIMMER = _mirror(
    [
        field(("heading", "joint 1", "joint 2"), [-1] * 3),
        field(("ẋ", "ẏ", "turning", "joint 1 speed", "joint 2 speed"), [1, *[-1] * 4]),
    ],
    [field(("torque 1", "torque 2"), [-1, -1])],
)


def _legs(
    body: tuple[str, ...], legs: tuple[tuple[str, ...], tuple[str, ...]], moves: list[int], sign: int
) -> tuple[list[Field], list[Field]]:
    """Observation and action of a planar walker with two legs that change places; `body` is x, z, pitch."""
    n = len(legs[0])
    names = [*legs[0], *legs[1]]
    swap = signed_permutation([*range(n, 2 * n), *range(n)], [sign] * 2 * n)
    observation = [
        field(body[1:], moves[1:]),
        field(names, swap),
        field([f"{part} speed" for part in body], moves),
        field([f"{part} speed" for part in names], swap),
    ]
    return observation, [field([f"{part} torque" for part in names], swap)]


_BODY = ("x", "z", "pitch")
_WALKER = _mirror(
    *_legs(_BODY, (("thigh", "leg", "foot"), ("left thigh", "left leg", "left foot")), [1, 1, 1], 1),
    name="exchange of the legs",
)
_CHEETAH = _mirror(
    *_legs(_BODY, (("back thigh", "back shin", "back foot"), ("front thigh", "front shin", "front foot")), [-1, 1, -1], -1),
    name="front–back mirror",
)
_HOPPER = _mirror(
    [
        field(("z", "pitch", "thigh", "leg", "foot"), [1, -1, -1, -1, -1]),
        field(("x speed", "z speed", "pitch speed", "thigh speed", "leg speed", "foot speed"), [-1, 1, -1, -1, -1, -1]),
    ],
    [field(("thigh torque", "leg torque", "foot torque"), [-1, -1, -1])],
    name="front–back mirror",
)
_ARM = ("shoulder pan", "shoulder lift", "upper arm roll", "elbow", "forearm roll", "wrist flex", "wrist roll")
_ARM_SIGNS = [-1, 1, -1, 1, -1, 1, -1]
_PUSHER = _mirror(
    [
        field(_ARM, _ARM_SIGNS),
        field([f"{joint} speed" for joint in _ARM], _ARM_SIGNS),
        *(field([f"{thing} {axis}" for axis in "xyz"], VECTOR) for thing in ("fingertip", "object", "goal")),
    ],
    [field([f"{joint} torque" for joint in _ARM], _ARM_SIGNS)],
    center=[*[0.0] * 14, *(0.0, -0.6, 0.0) * 3],  # the shoulder stands at y = −0.6
)


def _none(environment: str, candidate: Symmetry, error: float, notes: str) -> CatalogueEntry:
    return CatalogueEntry(environment, "none", None, error, _ENGINE, notes, candidate=candidate)


MUJOCO = (
    CatalogueEntry(
        environment_id="InvertedPendulum-v5",
        status="approximate",
        symmetry=_INVERTED_PENDULUM,
        error=4.7e-3,
        median_error=2.3e-3,
        engine=_ENGINE,
        notes="the mirror image of cart and pole, but the pole of the model leans by 0.001 on a length of 0.6; a mirror about "
        "the angle where it is upright (in alternatives) is exact for the dynamics, but not for the end of the episode at "
        "|θ| > 0.2 and the reset",
        breaks=("observation",),
        alternatives=(_LEANING_PENDULUM,),
    ),
    CatalogueEntry(
        environment_id="InvertedDoublePendulum-v5",
        status="approximate",
        symmetry=_INVERTED_DOUBLE_PENDULUM,
        error=8.0e-7,
        median_error=6.1e-7,
        engine=_ENGINE,
        notes="the mirror image of cart and poles; gravity has a component of 1e-5 to the side",
    ),
    CatalogueEntry(
        environment_id="Reacher-v5",
        status="exact",
        symmetry=_reacher(rotations=True),
        error=1.1e-15,
        engine=_ENGINE,
        notes="rotations and mirror images of the plane, of which these are the quarter turns; a reset turns the arm towards "
        "+x, so that the mirror alone (in alternatives) keeps initial states",
        breaks=("initial states",),
        alternatives=(_reacher(rotations=False),),
    ),
    CatalogueEntry(
        environment_id="Swimmer-v5",
        status="exact",
        symmetry=_SWIMMER,
        error=0.0,
        engine=_ENGINE,
        notes="the mirror image along the x axis",
    ),
    _none("Hopper-v5", _HOPPER, 12.7, "the foot points forward, and forward motion is rewarded"),
    _none("HalfCheetah-v5", _CHEETAH, 8.2, "front and back legs differ, and forward motion is rewarded"),
    _none(
        "Pusher-v5",
        _PUSHER,
        14.3,
        "the arm is a right one: the limits of its shoulder, and where the object lies, have no mirror image",
    ),
    CatalogueEntry(
        environment_id="Walker2d-v5",
        status="exact",
        symmetry=_WALKER,
        error=2.8e-14,
        engine=_ENGINE,
        notes="the two legs change places",
    ),
    _none("Walker2d-v4", _WALKER, 1.4, "the right foot has friction 0.9 and the left one 1.9; Walker2d-v5 mends it"),
    CatalogueEntry(
        environment_id="Ant-v5",
        status="exact",
        symmetry=ANT,
        error=3.3e-12,
        engine=_ENGINE,
        notes="r gives frame and legs the names of their neighbours, σ is the mirror image along the x axis: D4 on actions, "
        "and on observations D8, its double cover, since r⁴ = −1 on the quaternion; a reset faces +x, so that σ alone (in "
        "alternatives) keeps initial states",
        breaks=("initial states",),
        alternatives=(ANT_MIRROR,),
    ),
    CatalogueEntry(
        environment_id="Humanoid-v5",
        status="approximate",
        symmetry=HUMANOID,
        error=5.0,
        median_error=0.022,
        engine=_ENGINE,
        notes="the mirror image, but the right hip has another armature and the right knee no spring, and the PGS solver "
        "visits contacts in an order that has no mirror image",
        breaks=("observation", "reward"),
    ),
    CatalogueEntry(
        environment_id="HumanoidStandup-v5",
        status="approximate",
        symmetry=HUMANOID,
        error=8.2,
        median_error=0.021,
        engine=_ENGINE,
        notes="the mirror image, but with the defects of Humanoid-v5, and the left hip bends farther than the right one",
        breaks=("observation", "reward"),
    ),
)
