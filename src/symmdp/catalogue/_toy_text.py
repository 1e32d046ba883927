"""Toy text: a frozen lake with a symmetric map, and tables that look symmetric and are not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from symmdp.catalogue._entry import CatalogueEntry
from symmdp.catalogue._frozen_lake import SYMMETRIC_LAKE, frozen_lake_symmetry, lake_under
from symmdp.groups import cyclic
from symmdp.mdp import Symmetry
from symmdp.representations import Representation

_ENGINE = "gymnasium 1.2.2"
_TAXI_PLACES = ("R", "G", "Y", "B")


def _none(environment_id: str, candidate: Symmetry, error: float, notes: str, **options: object) -> CatalogueEntry:
    return CatalogueEntry(environment_id, "none", None, error, _ENGINE, notes, candidate=candidate, options=options)


def _permutation(
    states: NDArray[np.int64], actions: Sequence[int], states_named: Sequence[str], actions_named: Sequence[str], name: str
) -> Symmetry:
    """C2, whose reflection takes state `s` to `states[s]` and action `a` to `actions[a]`."""
    group = cyclic(2)
    return Symmetry(
        group,
        Representation.from_generators(group, [states], "states"),
        Representation.from_generators(group, [np.array(actions)], "actions"),
        observation_names=states_named,
        action_names=actions_named,
        element_names=("identity", "mirror"),
        name=name,
    )


def _cliff() -> Symmetry:
    cells = np.arange(48).reshape(4, 12)
    names = [f"cell ({i}, {j})" for i in range(4) for j in range(12)]
    return _permutation(cells[:, ::-1].ravel(), (0, 3, 2, 1), names, ("up", "right", "down", "left"), "left–right mirror")


def _taxi() -> Symmetry:
    """The up–down mirror of the grid: it takes R to Y and back, and G next to B."""
    row, column, passenger, destination = (axis.ravel() for axis in np.indices((5, 5, 5, 4)))
    place = np.array([2, 3, 0, 1, 4])
    states = (((4 - row) * 5 + column) * 5 + place[passenger]) * 4 + place[destination]
    inside = (*(f"at {place}" for place in _TAXI_PLACES), "in the taxi")
    names = [
        f"taxi ({i}, {j}), passenger {inside[p]}, to {_TAXI_PLACES[d]}"
        for i, j, p, d in zip(row, column, passenger, destination, strict=True)
    ]
    actions = ("down", "up", "right", "left", "pick up", "drop off")
    return _permutation(states, (1, 0, 2, 3, 4, 5), names, actions, "up–down mirror")


_DIAGONAL = 7  # the mirror in x = −y, which keeps the corners with the start and the goal
_LAKE_NOTES = (
    "no turn and no mirror keeps the map: the one in its diagonal keeps start and goal, but not the holes; nor has the table "
    "any other automorphism that renames actions alike in all states"
)
_CLIFF_NOTES = "the mirror takes the start to the goal: one is where falls from the cliff lead, the other ends the episode"
_TAXI_NOTES = (
    "the mirror does not keep the walls, nor take G to B; nor has the table any other automorphism that renames actions alike "
    "in all states"
)

TOY_TEXT = (
    *(
        CatalogueEntry(
            environment_id="FrozenLake-v1",
            status="exact",
            symmetry=frozen_lake_symmetry(SYMMETRIC_LAKE),
            error=0.0,
            engine=_ENGINE,
            notes="the map turns and mirrors, and the four moves with it",
            options={"desc": SYMMETRIC_LAKE, **slippery},
        )
        for slippery in ({}, {"is_slippery": False})
    ),
    _none("FrozenLake-v1", lake_under((4, 4), (0, _DIAGONAL), "mirror in the diagonal"), 1.0, _LAKE_NOTES),
    _none("FrozenLake-v1", lake_under((4, 4), (0, _DIAGONAL), "mirror in the diagonal"), 1.0, _LAKE_NOTES, is_slippery=False),
    _none("FrozenLake-v1", lake_under((8, 8), (0, _DIAGONAL), "mirror in the diagonal"), 1.0, _LAKE_NOTES, map_name="8x8"),
    _none("FrozenLake8x8-v1", lake_under((8, 8), (0, _DIAGONAL), "mirror in the diagonal"), 1.0, _LAKE_NOTES),
    _none("CliffWalking-v1", _cliff(), 1.0, _CLIFF_NOTES),
    _none("CliffWalkingSlippery-v1", _cliff(), 1.0, _CLIFF_NOTES),
    _none("Taxi-v3", _taxi(), 1.0, _TAXI_NOTES),
)
