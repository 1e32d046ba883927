"""Kinds of fields: how a few coordinates that belong together are moved by an isometry of space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symmdp.catalogue.specification._checks import check_keys, checked_text
from symmdp.errors import SpecificationError

KINDS = ("scalar", "pseudoscalar", "vector", "pseudovector", "quaternion", "hinges", "slides")
AXES = "xyz"
_QUATERNION = "wxyz"
_MOST = 4096


@dataclass(frozen=True)
class DeclaredField:
    """Coordinates next to each other, of one kind.

    Under an isometry `x ↦ O x` of space, a *scalar* stays, a *pseudoscalar* is multiplied by `det O`, a *vector* by `O`, a
    *pseudovector* (angular velocity, torque) by `det O · O`, and a *quaternion* (w, x, y, z), the orientation of a body whose
    own frame is moved as well, by `1 ⊕ det O · O`. *Hinges* are angles, speeds or torques of joints about given axes of the
    body: each by `det O · (Oa)·a'`; *slides* are joints along axes: `(Oa)·a'`. There, `a` is the axis of a joint and `a'`
    that of the joint that takes its place.

    Attributes:
        name: of the field.
        kind: one of `KINDS`.
        size: the number of coordinates.
        axes: of vectors, pseudovectors, hinges and slides, one letter for each coordinate.
        components: their names; empty where the field is its one coordinate.
    """

    name: str
    kind: str
    size: int
    axes: str
    components: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the coordinates."""
        return tuple(f"{self.name} {component}" for component in self.components) or (self.name,)

    def block(self, target: DeclaredField, isometry: NDArray[np.float64]) -> NDArray[np.float64]:
        """The matrix by which `isometry` takes this field to where `target` stands, shape `(size, size)`.

        Raises:
            SpecificationError: the fields are not of one kind and size, or axes go where the target has none.
        """
        if (self.kind, self.size) != (target.kind, target.size):
            raise SpecificationError(
                f"{self.name!r} ({self.kind}, {self.size}) and {target.name!r} ({target.kind}, {target.size}) cannot change "
                "places: they differ in kind or size."
            )
        determinant = float(np.rint(np.linalg.det(isometry)))
        if self.kind == "scalar":
            return np.eye(self.size)
        if self.kind == "pseudoscalar":
            return determinant * np.eye(self.size)
        if self.kind == "quaternion":
            block = np.eye(4)
            block[1:, 1:] = determinant * isometry
            return block
        from_axes, to_axes = (np.eye(3)[[AXES.index(axis) for axis in axes]] for axes in (self.axes, target.axes))
        block = to_axes @ isometry @ from_axes.T
        if self.kind in ("hinges", "slides"):
            block = np.diag(np.diag(block))
        if self.kind in ("hinges", "pseudovector"):
            block = determinant * block
        if not np.allclose(block @ block.T, np.eye(self.size), atol=1e-9):
            raise SpecificationError(
                f"the isometry moves the axes {self.axes} of {self.name!r} elsewhere than to the axes {target.axes} of "
                f"{target.name!r}. Say with swap which field takes its place, or give its own signs or matrix in fields."
            )
        return block


def declared_field(table: object, where: str) -> DeclaredField:
    """A field from its table: name, kind, and what the kind needs.

    Raises:
        SpecificationError: the table says something else.
    """
    if not isinstance(table, Mapping):
        raise SpecificationError(f"{where} is a table such as {{ name = 'torso', kind = 'quaternion' }}; got {table!r}.")
    check_keys(table, ("name", "kind", "size", "axes", "components"), where)
    name = checked_text(table.get("name"), f"the name of {where}")
    kind = checked_text(table.get("kind", "scalar"), f"the kind of {name!r}")
    if kind not in KINDS:
        raise SpecificationError(f"the kind of {name!r} is one of {', '.join(KINDS)}; got {kind!r}.")
    axes = _axes(table, name, kind)
    size = _size(table, name, kind, axes)
    components = table.get("components", _usual_components(kind, size, axes))
    if not _are_names(components, size):
        raise SpecificationError(f"the components of {name!r} are a list of {size} different names; got {components!r}.")
    return DeclaredField(name, kind, size, axes, tuple(components))


def _axes(table: Mapping[str, Any], name: str, kind: str) -> str:
    if kind not in ("vector", "pseudovector", "hinges", "slides"):
        if "axes" in table:
            raise SpecificationError(f"{name!r} is a {kind}, which has no axes.")
        return ""
    axes = table.get("axes", AXES if kind.endswith("vector") else None)
    if not isinstance(axes, str) or not 1 <= len(axes) <= _MOST or not set(axes) <= set(AXES):
        raise SpecificationError(
            f"the axes of {name!r} are letters x, y and z, one for each of its coordinates, such as 'xzyy'; got {axes!r}."
        )
    if kind.endswith("vector") and len(set(axes)) < len(axes):
        raise SpecificationError(f"{name!r} is one {kind}, so its axes differ; got {axes!r}.")
    return axes


def _size(table: Mapping[str, Any], name: str, kind: str, axes: str) -> int:
    if kind not in ("scalar", "pseudoscalar"):
        if "size" in table:
            raise SpecificationError(f"the size of {name!r} follows from its kind; leave it out.")
        return len(axes) or 4
    size = table.get("size", len(table["components"]) if isinstance(table.get("components"), list) else 1)
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= _MOST:
        raise SpecificationError(f"the size of {name!r} is an integer, 1 to {_MOST}; got {size!r}.")
    return size


def _usual_components(kind: str, size: int, axes: str) -> list[str]:
    if kind == "quaternion":
        return list(_QUATERNION)
    if kind.endswith("vector"):
        return list(axes)
    return [] if size == 1 else [str(i + 1) for i in range(size)]


def _are_names(components: object, size: int) -> bool:
    if not isinstance(components, list) or not all(isinstance(name, str) and name for name in components):
        return False
    return len(components) == len(set(components)) and len(components) in ({size, 0} if size == 1 else {size})
