"""Gymnasium's Box2D environments."""

from __future__ import annotations

from symmdp.catalogue._entry import CatalogueEntry
from symmdp.catalogue._fields import field, signed_permutation, symmetry_of_fields
from symmdp.groups import cyclic
from symmdp.mdp import Symmetry

_ENGINE = "gymnasium 1.2.2, Box2D 2.3.10"
_MIRRORED = ("identity", "mirror")

_LANDER = [
    field("x y ẋ ẏ θ θ̇", [-1, 1, -1, 1, -1, -1]),
    field(("leg 0 touches", "leg 1 touches"), signed_permutation([1, 0], [1, 1])),
]
_ENGINES = ("none", "left engine", "main engine", "right engine")
_LANDER_NOTES = (
    "the mirror image: the legs change places, and the engines at the sides. Engines, terrain and the first push are random, "
    "with the same law as their mirror images, but for the order in which the solver visits the two legs"
)


def _lander(continuous: bool) -> Symmetry:
    if continuous:
        action = field(("main engine", "side engines"), [1, -1])
    else:
        action = field(_ENGINES, signed_permutation([0, 3, 2, 1], [1, 1, 1, 1]))
    return symmetry_of_fields(cyclic(2), _LANDER, [action], name="left–right mirror", element_names=_MIRRORED)


_LEG = ("hip", "hip speed", "knee", "knee speed", "touches")


def _walker(name: str, hip: float) -> Symmetry:
    """The legs change places, about hips at ±`hip` rad."""
    legs = [f"{part} {leg}" for leg in "01" for part in _LEG]
    swap = signed_permutation([*range(5, 10), *range(5)], [1] * 10)
    center = [0.0] * 24
    center[4], center[9] = hip, -hip
    return symmetry_of_fields(
        cyclic(2),
        [
            field(("hull angle", "hull spin", "ẋ", "ẏ"), [1] * 4),
            field(legs, swap),
            field([f"lidar {i}" for i in range(10)], [1] * 10),
        ],
        [field(("hip 0 torque", "knee 0 torque", "hip 1 torque", "knee 1 torque"), signed_permutation([2, 3, 0, 1], [1] * 4))],
        name=name,
        element_names=("identity", "exchange"),
        observation_center=center if hip else None,
    )


BOX2D = (
    CatalogueEntry(
        environment_id="LunarLander-v3",
        status="in distribution",
        symmetry=_lander(continuous=False),
        error=0.018,
        engine=_ENGINE,
        notes=_LANDER_NOTES,
    ),
    CatalogueEntry(
        environment_id="LunarLander-v3",
        options={"continuous": True},
        status="in distribution",
        symmetry=_lander(continuous=True),
        error=0.014,
        engine=_ENGINE,
        notes=_LANDER_NOTES,
    ),
    CatalogueEntry(
        environment_id="BipedalWalker-v3",
        status="approximate",
        symmetry=_walker("exchange of the legs", 0.0),
        error=31.0,
        median_error=0.084,
        engine=_ENGINE,
        notes="the two legs change places, but the angles of the hips are measured from −0.05 and +0.05 rad; an exchange about "
        "these (in alternatives) is nearer: what is left are the hips' limits, and the order in which the solver visits joints",
        breaks=("observation", "reward", "termination", "initial states"),
        alternatives=(_walker("exchange of the legs about the hips' zeros", 0.05),),
    ),
)
