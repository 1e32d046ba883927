"""Fields in a declaration: from tables to `DeclaredField`s."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symmdp.catalogue.specification._checks import check_keys, checked_text
from symmdp.catalogue.specification._kinds import AXES, KINDS, DeclaredField
from symmdp.errors import SpecificationError

_MOST = 4096
_KEYS = ("name", "kind", "size", "axes", "components", "coordinates", "frame", "of", "fields")
_COMPONENTS = {"quaternion": ("w", "x", "y", "z"), "inertia": ("xx", "yy", "zz", "xy", "xz", "yz")}
_WITH_AXES = ("vector", "pseudovector", "hinges", "slides")


@dataclass(frozen=True, eq=False)
class Anatomy:
    """What the fields of both sides may refer to.

    Attributes:
        parts: lists of names of bodies or joints, by the name of the list.
        directions: the axis of each joint, a unit vector, by the name of the joint.
    """

    parts: Mapping[str, list[str]]
    directions: Mapping[str, NDArray[np.float64]]


def declared_anatomy(parts: object, axes: object) -> Anatomy:
    """The tables `[parts]`, with lists of names, and `[axes]`, with a letter or a vector for each joint.

    Raises:
        SpecificationError: they say something else.
    """
    if not isinstance(parts, Mapping):
        raise SpecificationError(f"the parts are a table of lists, such as {{ legs = ['left', 'right'] }}; got {parts!r}.")
    if not isinstance(axes, Mapping):
        raise SpecificationError(f"the axes are a table of joints, such as {{ hip = 'z', knee = [0, 1, 0] }}; got {axes!r}.")
    return Anatomy(
        {str(name): _parts(names, f"the parts {name!r}") for name, names in parts.items()},
        {str(joint): _direction(axis, f"the axis of {joint!r}") for joint, axis in axes.items()},
    )


def declared_fields(tables: object, what: str, anatomy: Anatomy) -> tuple[DeclaredField, ...]:
    """The fields of one side, in their order.

    Raises:
        SpecificationError: a table says something else, or two fields have one name.
    """
    if not isinstance(tables, list) or not tables:
        raise SpecificationError(f"the fields of [{what}] are a list of tables; got {tables!r}.")
    found: list[DeclaredField] = []
    for i, table in enumerate(tables):
        found += _fields_of(table, f"field {i} of [{what}]", anatomy)
    keys = [(field.part, field.name) for field in found]
    if len(set(keys)) < len(keys):
        twice = next(field.label for field in found if keys.count((field.part, field.name)) > 1)
        raise SpecificationError(f"[{what}] has the field {twice!r} twice.")
    return tuple(found)


def _fields_of(table: object, where: str, anatomy: Anatomy) -> list[DeclaredField]:
    if not isinstance(table, Mapping):
        raise SpecificationError(f"{where} is a table such as {{ name = 'torso', kind = 'quaternion' }}; got {table!r}.")
    check_keys(table, _KEYS, where)
    if "of" not in table:
        if "fields" in table:
            raise SpecificationError(f"{where} has fields of its own; say of which parts with of = ['left leg', …].")
        name = checked_text(table.get("name"), f"the name of {where}")
        return [_field(table, name, "", anatomy)]
    given = table["of"]
    known = isinstance(given, str) and given in anatomy.parts
    parts = anatomy.parts[given] if known else _parts(given, f"the parts in {where}")
    if "fields" not in table:
        return [_field(table, part, _own_name(table, where), anatomy) for part in parts]
    inner = table["fields"]
    if set(table) != {"of", "fields"} or not isinstance(inner, list) or not all(isinstance(own, Mapping) for own in inner):
        raise SpecificationError(f"{where} has parts (of) and the list of fields that each of them has; got {dict(table)!r}.")
    for own in inner:
        check_keys(own, tuple(key for key in _KEYS if key not in ("of", "fields")), where)
    return [_field(own, part, _own_name(own, where), anatomy) for part in parts for own in inner]


def _parts(given: object, what: str) -> list[str]:
    if not isinstance(given, list) or not given or not all(isinstance(part, str) and part for part in given):
        raise SpecificationError(
            f"{what} are a list of names, such as ['left leg', 'right leg'], or a list's name in [parts]; got {given!r}."
        )
    return given


def _own_name(table: Mapping[str, Any], where: str) -> str:
    return checked_text(table["name"], f"the name in {where}") if "name" in table else ""


def _field(table: Mapping[str, Any], part: str, name: str, anatomy: Anatomy) -> DeclaredField:
    label = f"{part} {name}".strip()
    kind = checked_text(table.get("kind", "scalar"), f"the kind of {label!r}")
    if kind not in KINDS:
        raise SpecificationError(f"the kind of {label!r} is one of {', '.join(KINDS)}; got {kind!r}.")
    axes = _axes(table, label, kind, anatomy.directions.get(part))
    size = _size(table, label, kind, len(axes))
    frame = table.get("frame", "body" if kind == "hinges" else "world")
    if frame not in ("world", "body"):
        raise SpecificationError(f"the frame of {label!r} is 'world' or 'body'; got {frame!r}.")
    return DeclaredField(part, name, kind, size, axes, frame, _coordinates(table, label, kind, size))


def _axes(table: Mapping[str, Any], label: str, kind: str, direction: NDArray[np.float64] | None) -> NDArray[np.float64]:
    if kind not in _WITH_AXES:
        if "axes" in table:
            raise SpecificationError(f"{label!r} is a {kind}, which has no axes.")
        return np.zeros((0, 3))
    joint = kind in ("hinges", "slides")
    axes = table.get("axes", [direction] if joint and direction is not None else None if joint else AXES)
    if not isinstance(axes, str | list) or not 1 <= len(axes) <= _MOST:
        raise SpecificationError(
            f"the axes of {label!r} are letters x, y and z, or vectors, one for each of its coordinates, such as 'xzyy' or "
            f"[[0, 0, 1], [1, 1, 0]], or stand for each joint in the table [axes]; got {axes!r}."
        )
    found = np.array([_direction(axis, f"an axis of {label!r}") for axis in axes])
    if not joint and not np.allclose(found @ found.T, np.eye(len(found)), atol=1e-9):
        raise SpecificationError(f"{label!r} is one {kind}, so its axes differ; got {axes!r}.")
    return found


def _direction(axis: object, what: str) -> NDArray[np.float64]:
    """A unit vector, from a letter or from three numbers."""
    if isinstance(axis, str) and axis in tuple(AXES):
        return np.eye(3)[AXES.index(axis)]
    try:
        vector = np.array(axis, dtype=np.float64)
    except (TypeError, ValueError):
        vector = np.zeros(0)
    if isinstance(axis, str) or vector.shape != (3,) or not np.isfinite(vector).all() or not vector.any():
        raise SpecificationError(f"{what} is 'x', 'y', 'z' or a vector of 3 numbers; got {axis!r}.")
    return vector / np.linalg.norm(vector)


def _size(table: Mapping[str, Any], label: str, kind: str, axes: int) -> int:
    if kind not in ("scalar", "pseudoscalar"):
        if "size" in table:
            raise SpecificationError(f"the size of {label!r} follows from its kind; leave it out.")
        return axes or len(_COMPONENTS[kind])
    named = next((table[key] for key in ("components", "coordinates") if isinstance(table.get(key), list)), None)
    size = table.get("size", 1 if named is None else len(named))
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= _MOST:
        raise SpecificationError(f"the size of {label!r} is an integer, 1 to {_MOST}; got {size!r}.")
    return size


def _coordinates(table: Mapping[str, Any], label: str, kind: str, size: int) -> tuple[str, ...]:
    """Their whole names, or those of the components after the field's."""
    if "coordinates" in table:
        if "of" in table or "components" in table:
            raise SpecificationError(f"{label!r} has coordinates beside of or components; give one of them.")
        return _names(table["coordinates"], size, f"the coordinates of {label!r}")
    if "components" in table:
        components = _names(table["components"], size, f"the components of {label!r}")
    elif kind in _COMPONENTS:
        components = _COMPONENTS[kind]
    elif kind in ("vector", "pseudovector") and size <= 3 and isinstance(table.get("axes", AXES), str):
        components = tuple(table.get("axes", AXES))
    elif size == 1:
        return (label,)
    else:
        components = tuple(str(i + 1) for i in range(size))
    return tuple(f"{label} {component}" for component in components)


def _names(names: object, size: int, what: str) -> tuple[str, ...]:
    good = isinstance(names, list) and all(isinstance(name, str) and name for name in names)
    if not good or len(names) != size or len(set(names)) != size:  # pyright: ignore[reportArgumentType]
        raise SpecificationError(f"{what} are a list of {size} different names; got {names!r}.")
    return tuple(names)  # pyright: ignore[reportArgumentType]
