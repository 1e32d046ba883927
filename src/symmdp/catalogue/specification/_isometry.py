"""What a generator does to space, and which parts change places."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symmdp.catalogue.specification._checks import check_keys
from symmdp.catalogue.specification._kinds import AXES, DeclaredField, Isometry
from symmdp.errors import SpecificationError

ISOMETRIES = ("mirror", "turn", "space")


def isometry_of(generator: Mapping[str, Any], name: str) -> Isometry:
    """The isometry of `mirror = "y"`, `turn = { axis = "z", degrees = 90 }` or `space = [[…], …]`.

    With `frame = "body"` or `"world"` it moves the frames of bodies, or the world, alone.

    Raises:
        SpecificationError: it says something else, or two of them.
    """
    given = [key for key in ISOMETRIES if key in generator]
    if len(given) > 1:
        raise SpecificationError(f"{name!r} has {' and '.join(given)}; one of them says what happens to space.")
    matrix = np.eye(3)
    if "mirror" in generator:
        reversed_axis = _axis(generator["mirror"], f"the mirror of {name!r}")
        matrix = np.diag([-1.0 if axis == reversed_axis else 1.0 for axis in AXES])
    elif "turn" in generator:
        matrix = _turn(generator["turn"], name)
    elif "space" in generator:
        matrix = _space(generator["space"], name)
    frame = generator.get("frame")
    if frame not in (None, "world", "body") or (frame and not given):
        raise SpecificationError(
            f"the frame of {name!r} is 'world' or 'body', beside {', '.join(ISOMETRIES)}; got {frame!r}. Without it both move."
        )
    return Isometry(np.eye(3) if frame == "body" else matrix, np.eye(3) if frame == "world" else matrix)


def swaps_of(generator: Mapping[str, Any], name: str, parts: Sequence[str]) -> dict[str, str]:
    """Which part takes the place of which: `a ↦ b` where `a` goes to the place of `b`.

    Cycles of parts, `[["left leg", "right leg"]]`; or of patterns, `[["left *", "right *"]]`, where the star stands for any
    text, the same in all.

    Raises:
        SpecificationError: `swap` is no list of lists of parts, or one is unknown or in two of them.
    """
    swap = generator.get("swap", [])
    good = isinstance(swap, list) and all(
        isinstance(cycle, list) and len(cycle) >= 2 and all(isinstance(part, str) for part in cycle) for cycle in swap
    )
    if not good:
        raise SpecificationError(
            f"the swap of {name!r} lists pairs of fields, such as [['left leg', 'right leg']]; got {swap!r}."
        )
    found: dict[str, str] = {}
    for cycle in (cycle for pattern in swap for cycle in _without_star(pattern, name, parts)):
        for here, there in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
            if here not in parts:
                known = ", ".join(dict.fromkeys(parts))
                raise SpecificationError(f"the swap of {name!r} names the field {here!r}; the fields are {known}.")
            if here in found:
                raise SpecificationError(f"the swap of {name!r} names the field {here!r} twice.")
            found[here] = there
    return found


def _without_star(cycle: list[str], name: str, parts: Sequence[str]) -> list[list[str]]:
    """The cycles that a pattern stands for: one for each text that the star in its first entry can be."""
    if not any("*" in part for part in cycle):
        return [cycle]
    if any(part.count("*") != 1 for part in cycle):
        raise SpecificationError(f"in the swap of {name!r}, either all of {cycle} have one star or none has.")
    before, after = cycle[0].split("*")
    stars = [
        part[len(before) : len(part) - len(after)]
        for part in dict.fromkeys(parts)
        if len(part) > len(before) + len(after) and part.startswith(before) and part.endswith(after)
    ]
    if not stars:
        raise SpecificationError(f"the swap of {name!r} has the pattern {cycle[0]!r}, which no field has.")
    return [[part.replace("*", star) for part in cycle] for star in stars]


def fields_matrix(
    fields: Sequence[DeclaredField], isometry: Isometry, swaps: Mapping[str, str], own: Mapping[str, NDArray]
) -> NDArray:
    """The matrix of a generator on all fields of one side.

    Args:
        fields: in their order.
        isometry: of space.
        swaps: which part goes to the place of which.
        own: matrices of fields that the isometry does not move in the way of their kind, by their labels.

    Raises:
        SpecificationError: a field goes where it does not fit, or where there is none.
    """
    ends = np.cumsum([field.size for field in fields])
    places = {(field.part, field.name): (field, end) for field, end in zip(fields, ends, strict=True)}
    matrix = np.zeros((ends[-1], ends[-1]))
    for field, end in zip(fields, ends, strict=True):
        part = swaps.get(field.part, field.part)
        if (part, field.name) not in places:
            raise SpecificationError(
                f"{field.label!r} would take the place of {f'{part} {field.name}'.strip()!r}, which is not on its side: "
                "observations change places with observations, and actions with actions."
            )
        target, there = places[part, field.name]
        block = own[field.label] if field.label in own else field.block(target, isometry)
        matrix[there - target.size : there, end - field.size : end] = block
    rounded = np.rint(matrix)
    near = np.abs(matrix - rounded) < 1e-12
    return rounded.astype(np.int64) if near.all() else np.where(near, rounded, matrix)


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
