from __future__ import annotations

import difflib
import math
from functools import cache
from typing import Any

from symmdp.catalogue._entry import CatalogueEntry, mirror
from symmdp.errors import NoSymmetryError, UnknownEnvironmentError
from symmdp.mdp import Symmetry, environment_name, parse_environment_name

_ENGINE = "gymnasium 1.2.2"
_MOUNTAIN_CAR_NOTES = (
    "the interior dynamics obey the affine mirror x → −π/3 − x, v → −v, but the inelastic wall on the left, the goal on the "
    "right and the range of initial positions break it"
)

_ENTRIES = (
    CatalogueEntry(
        environment_id="CartPole-v1",
        status="exact",
        symmetry=mirror(
            name="left–right mirror",
            observation=(-1, -1, -1, -1),
            observation_names=("x", "ẋ", "θ", "θ̇"),
            action=(1, 1),
            action_source=(1, 0),
            action_names=("left", "right"),
        ),
        error=0.0,
        engine=_ENGINE,
        notes="the mirror image of cart and pole; left and right change places",
    ),
    CatalogueEntry(
        environment_id="Pendulum-v1",
        status="exact",
        symmetry=mirror(
            name="left–right mirror",
            observation=(1, -1, -1),
            observation_names=("cos θ", "sin θ", "θ̇"),
            action=(-1,),
            action_names=("torque",),
        ),
        error=2.0e-15,
        engine=_ENGINE,
        notes="the mirror image of the pendulum; the torque changes sign",
    ),
    CatalogueEntry(
        environment_id="Acrobot-v1",
        status="exact",
        symmetry=mirror(
            name="left–right mirror",
            observation=(1, -1, 1, -1, -1, -1),
            observation_names=("cos θ₁", "sin θ₁", "cos θ₂", "sin θ₂", "θ̇₁", "θ̇₂"),
            action=(1, 1, 1),
            action_source=(2, 1, 0),
            action_names=("torque −1", "torque 0", "torque +1"),
        ),
        error=8.5e-15,
        engine=_ENGINE,
        notes="the mirror image of both links; the torque changes sign",
    ),
    CatalogueEntry(
        environment_id="MountainCar-v0",
        status="none",
        symmetry=None,
        candidate=mirror(
            name="mirror of the valley",
            observation=(-1, -1),
            observation_names=("x", "v"),
            observation_center=(-math.pi / 6, 0.0),
            action=(1, 1, 1),
            action_source=(2, 1, 0),
            action_names=("left", "none", "right"),
        ),
        error=2.2,
        engine=_ENGINE,
        notes=_MOUNTAIN_CAR_NOTES,
    ),
    CatalogueEntry(
        environment_id="MountainCarContinuous-v0",
        status="none",
        symmetry=None,
        candidate=mirror(
            name="mirror of the valley",
            observation=(-1, -1),
            observation_names=("x", "v"),
            observation_center=(-math.pi / 6, 0.0),
            action=(-1,),
            action_names=("force",),
        ),
        error=6.4,
        engine=_ENGINE,
        notes=_MOUNTAIN_CAR_NOTES,
    ),
)


@cache
def _all_entries() -> tuple[CatalogueEntry, ...]:
    from symmdp.catalogue._box2d import BOX2D
    from symmdp.catalogue._grid_world import GRID_WORLD
    from symmdp.catalogue._mujoco import MUJOCO  # building its large representations takes a tenth of a second

    return (*_ENTRIES, *GRID_WORLD, *MUJOCO, *BOX2D)


def entries() -> tuple[CatalogueEntry, ...]:
    """All entries."""
    return _all_entries()


def entry_of(environment_id: str, **options: Any) -> CatalogueEntry:
    """What the catalogue knows about an environment.

    Args:
        environment_id: of Gymnasium, with its version; or with options too, as in `LunarLander-v3 (continuous=True)`.
        options: those of `gymnasium.make`.

    Raises:
        UnknownEnvironmentError: it has no entry, or none for these options; the message names those that are near.
    """
    environment_id, in_name = parse_environment_name(environment_id)
    options = in_name | options
    found = [entry for entry in entries() if entry.environment_id == environment_id]
    for entry in found:
        if dict(entry.options) == options:
            return entry
    declare = "declare its Symmetry and check it with symmdp.mdp.verify."
    if found:
        given = environment_name(environment_id, options)
        known = ", ".join(entry.name for entry in found)
        raise UnknownEnvironmentError(
            f"The catalogue has no entry for {given}: options may change what is observed and what is symmetric. It knows "
            f"{known}. For these options, {declare}"
        )
    ids = [entry.environment_id for entry in entries()]
    near = difflib.get_close_matches(str(environment_id), dict.fromkeys(ids), n=3, cutoff=0.6)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"It knows {', '.join(dict.fromkeys(ids))}."
    raise UnknownEnvironmentError(
        f"The catalogue has no entry for {environment_id!r}. {hint} To use another environment, {declare}"
    )


def symmetry_of(environment_id: str, **options: Any) -> Symmetry:
    """The known symmetry of an environment.

    Args:
        environment_id: of Gymnasium, with its version; or with options too, as in `LunarLander-v3 (continuous=True)`.
        options: those of `gymnasium.make`.

    Raises:
        UnknownEnvironmentError: the catalogue has no entry for it, or none for these options.
        NoSymmetryError: it is known to have none.
    """
    entry = entry_of(environment_id, **options)
    if entry.symmetry is None:
        raise NoSymmetryError(f"{entry.name} has no symmetry: {entry.notes}. Train plain networks instead.")
    return entry.symmetry
