"""What a generator does to space, and which fields change places."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symmdp.catalogue.specification._checks import check_keys
from symmdp.catalogue.specification._kinds import AXES, DeclaredField
from symmdp.errors import SpecificationError

ISOMETRIES = ("mirror", "turn", "space")


def isometry_of(generator: Mapping[str, Any], name: str) -> NDArray[np.float64]:
    """The orthogonal matrix `O` of `mirror = "y"`, `turn = { axis = "z", degrees = 90 }` or `space = [[…], …]`.

    Raises:
        SpecificationError: it says something else, or two of them.
    """
    given = [key for key in ISOMETRIES if key in generator]
    if len(given) > 1:
        raise SpecificationError(f"{name!r} has {' and '.join(given)}; one of them says what happens to space.")
    if "mirror" in generator:
        return np.diag([-1.0 if axis == _axis(generator["mirror"], f"the mirror of {name!r}") else 1.0 for axis in AXES])
    if "turn" in generator:
        return _turn(generator["turn"], name)
    if "space" in generator:
        return _space(generator["space"], name)
    return np.eye(3)


def swaps_of(generator: Mapping[str, Any], name: str, known: Sequence[str]) -> dict[str, str]:
    """Which field takes the place of which: `a ↦ b` where `a` goes to the place of `b`.

    Raises:
        SpecificationError: `swap` is no list of lists of fields, or one is unknown or in two of them.
    """
    swap = generator.get("swap", [])
    good = isinstance(swap, list) and all(isinstance(cycle, list) and len(cycle) >= 2 for cycle in swap)
    if not good:
        raise SpecificationError(
            f"the swap of {name!r} lists pairs of fields, such as [['left leg', 'right leg']]; got {swap!r}."
        )
    found: dict[str, str] = {}
    for cycle in swap:
        for here, there in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
            if here not in known:
                raise SpecificationError(f"the swap of {name!r} names the field {here!r}; the fields are {', '.join(known)}.")
            if here in found:
                raise SpecificationError(f"the swap of {name!r} names the field {here!r} twice.")
            found[here] = there
    return found


def fields_matrix(
    fields: Sequence[DeclaredField], isometry: NDArray[np.float64], swaps: Mapping[str, str], own: Mapping[str, NDArray]
) -> NDArray:
    """The matrix of a generator on all fields of one side.

    Args:
        fields: in their order.
        isometry: of space.
        swaps: which field goes to the place of which.
        own: matrices of fields that the isometry does not move in the way of their kind.

    Raises:
        SpecificationError: a field goes where it does not fit, or to the other side.
    """
    starts = dict(zip((field.name for field in fields), np.cumsum([0, *(field.size for field in fields)]), strict=False))
    by_name = {field.name: field for field in fields}
    size = sum(field.size for field in fields)
    matrix = np.zeros((size, size))
    for field in fields:
        place = swaps.get(field.name, field.name)
        if place not in by_name:
            raise SpecificationError(
                f"{field.name!r} and {place!r} cannot change places: one is observed, the other an action."
            )
        target = by_name[place]
        block = own[field.name] if field.name in own else field.block(target, isometry)
        matrix[starts[place] : starts[place] + target.size, starts[field.name] : starts[field.name] + field.size] = block
    rounded = np.rint(matrix)
    return rounded.astype(np.int64) if np.abs(matrix - rounded).max() < 1e-12 else matrix


def _axis(value: object, what: str) -> str:
    if not isinstance(value, str) or value not in tuple(AXES):
        raise SpecificationError(f"{what} is the axis that it reverses or turns about: 'x', 'y' or 'z'; got {value!r}.")
    return value


def _turn(turn: object, name: str) -> NDArray[np.float64]:
    if not isinstance(turn, Mapping):
        raise SpecificationError(f"the turn of {name!r} is a table such as {{ axis = 'z', degrees = 90 }}; got {turn!r}.")
    check_keys(turn, ("axis", "degrees"), f"the turn of {name!r}")
    axis, degrees = _axis(turn.get("axis"), f"the axis of {name!r}"), turn.get("degrees")
    if isinstance(degrees, bool) or not isinstance(degrees, int | float) or not math.isfinite(degrees):
        raise SpecificationError(f"the degrees of {name!r} are a number; got {degrees!r}.")
    quarters, rest = divmod(degrees, 90)
    angle = math.radians(degrees)
    # Quarter turns are exact, so that signs and places stay integers.
    c, s = (math.cos(angle), math.sin(angle)) if rest else [(1, 0), (0, 1), (-1, 0), (0, -1)][int(quarters) % 4]
    k = AXES.index(axis)
    i, j = (k + 1) % 3, (k + 2) % 3
    matrix = np.eye(3)
    matrix[[i, i, j, j], [i, j, i, j]] = c, -s, s, c
    return matrix


def _space(rows: object, name: str) -> NDArray[np.float64]:
    try:
        matrix = np.array(rows, dtype=np.float64)
    except (TypeError, ValueError):
        matrix = np.zeros(0)
    if matrix.shape != (3, 3) or not np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-9):
        raise SpecificationError(f"the space of {name!r} is an orthogonal matrix, 3 rows of 3 numbers; got {rows!r}.")
    return matrix
