"""One side of a declaration: what is observed, or what acts."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from symmdp.catalogue.specification._checks import check_keys
from symmdp.catalogue.specification._fields import Anatomy, declared_fields
from symmdp.catalogue.specification._images import image_shape, plane_matrix
from symmdp.catalogue.specification._isometry import fields_matrix, isometry_of, swaps_of
from symmdp.catalogue.specification._kinds import DeclaredField
from symmdp.errors import SpecificationError
from symmdp.groups import Group
from symmdp.representations import Representation, image

_MOST = 4096  # coordinates
_FORMS = ("moves", "permutation", "signs", "matrix")


class Side:
    """The table `[observation]` or `[action]`: names, a size, fields or an image; and a centre.

    Attributes:
        what: "observation" or "action".
        names: of the coordinates, where they have any.
        size: their number; 2 for images, whose plane is moved.
        fields: of named fields; empty where the side has none.
        shape: of images; None where the side has vectors.
        center: the fixed point, or None.
    """

    def __init__(self, contents: Mapping[str, Any], what: str, anatomy: Anatomy):
        table = contents.get(what)
        if not isinstance(table, Mapping):
            raise SpecificationError(f"the file needs a table [{what}] with names, with fields, or with a size.")
        kinds = ("names", "size", "fields", "image") if what == "observation" else ("names", "size", "fields")
        check_keys(table, (*kinds, "center"), f"[{what}]")
        self.what = what
        self.names: tuple[str, ...] | None = None
        self.fields: tuple[DeclaredField, ...] = ()
        self.shape: tuple[int, int, int] | None = None
        if "image" in table:
            self.shape, self.size = image_shape(table, what), 2
        elif "fields" in table:
            self.fields = self._declared_fields(table, anatomy)
            self.names = tuple(name for field in self.fields for name in field.coordinates)
            self.size = len(self.names)
        else:
            self.names, self.size = self._named_or_sized(table)
        if self.names is not None and len(set(self.names)) < len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise SpecificationError(f"[{what}] has the name {twice!r} twice.")
        if not 1 <= self.size <= _MOST:
            raise SpecificationError(f"[{what}] has {self.size} coordinates; it may have {_MOST}.")
        self.center = None if "center" not in table else self._center(table["center"])

    def _named_or_sized(self, table: Mapping[str, Any]) -> tuple[tuple[str, ...] | None, int]:
        names, size = table.get("names"), table.get("size")
        if names is not None and (
            not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names)
        ):
            raise SpecificationError(f"the names of [{self.what}] are a list of strings; got {names!r}.")
        if size is None and names is None:
            raise SpecificationError(f"[{self.what}] needs names, or a size.")
        size = len(cast(list, names)) if size is None else size
        if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= _MOST:
            raise SpecificationError(f"the size of [{self.what}] is an integer, 1 to {_MOST}; got {size!r}.")
        if names is not None and len(names) != size:
            raise SpecificationError(f"[{self.what}] has {len(names)} names and size {size}; leave the size out.")
        return None if names is None else tuple(names), size

    def _declared_fields(self, table: Mapping[str, Any], anatomy: Anatomy) -> tuple[DeclaredField, ...]:
        if "names" in table or "size" in table:
            raise SpecificationError(f"[{self.what}] has fields, so names and size follow from them; leave those out.")
        return declared_fields(table["fields"], self.what, anatomy)

    def _center(self, center: object) -> NDArray[np.float64]:
        if self.shape is not None:
            raise SpecificationError("images have no center; leave it out.")
        if isinstance(center, Mapping):
            array = np.zeros(self.size)
            for name, value in center.items():
                array[self._index(name, "center")] = self._number(value)
            return array
        if not isinstance(center, list) or len(center) != self.size:
            raise SpecificationError(f"the center of [{self.what}] lists {self.size} numbers; got {center!r}.")
        return np.array([self._number(value) for value in center])

    def _number(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SpecificationError(f"the center of [{self.what}] has numbers; got {value!r}.")
        return float(value)

    def representation(self, group: Group, matrices: list[NDArray]) -> Representation:
        """The representation of the group whose generators have these matrices.

        Raises:
            RepresentationError: they do not satisfy the group's relations, or do not move the pixels onto pixels.
        """
        declared = Representation.from_generators(group, matrices, "declared")
        if self.shape is None:
            return declared
        channels, height, width = self.shape
        return image(channels * group.trivial, declared, height, width)

    def matrix(self, generator: Mapping[str, Any], name: str, parts: tuple[str, ...]) -> NDArray:
        """The matrix of a generator: the identity where it says nothing.

        Args:
            generator: its table.
            name: of the generator.
            parts: of the fields of both sides, which its swap may name.
        """
        where = f"{self.what} of {name!r}"
        table = generator.get(self.what)
        if self.shape is not None:
            return plane_matrix(table, where)
        if table is not None and not isinstance(table, Mapping):
            raise SpecificationError(f"{where} is a table with {', '.join(_FORMS)}; got {table!r}.")
        if self.fields and (table is None or set(table) <= {"fields"}):
            own = self._own_blocks({} if table is None else table.get("fields", {}), where)
            return fields_matrix(self.fields, isometry_of(generator, name), swaps_of(generator, name, parts), own)
        if table is None:
            return np.eye(self.size, dtype=np.int64)
        check_keys(table, _FORMS, where)
        return self._stated(table, where)

    def _own_blocks(self, table: object, where: str) -> dict[str, NDArray]:
        if not isinstance(table, Mapping):
            raise SpecificationError(f"the fields in {where} are a table of signs or matrices; got {table!r}.")
        sizes, found = {field.label: field.size for field in self.fields}, {}
        check_keys(table, tuple(sizes), f"the fields in {where}")
        for field, given in table.items():
            size, what = sizes[field], f"{field!r} in {where}"
            if isinstance(given, list) and given and not isinstance(given[0], list):
                found[field] = np.diag(self._signs(given, size, what))
            else:
                found[field] = self._whole(given, size, what)
        return found

    def _stated(self, table: Mapping[str, Any], where: str) -> NDArray:
        """A matrix from moves, from signs and a permutation, or given whole."""
        if "matrix" in table:
            if len(table) > 1:
                raise SpecificationError(f"{where} has a matrix, so nothing else can be given with it.")
            return self._whole(table["matrix"], self.size, f"the matrix in {where}")
        if "moves" in table:
            if len(table) > 1:
                raise SpecificationError(f"{where} has moves, so nothing else can be given with them.")
            target, sign = self._moves(table["moves"], where)
        else:
            target = self._integers(table.get("permutation", list(range(self.size))), f"the permutation in {where}")
            sign = self._integers(table.get("signs", [1] * self.size), f"the signs in {where}")
        if sorted(target) != list(range(self.size)):
            missing = sorted(set(range(self.size)) - set(target))[0]
            raise SpecificationError(f"in {where} nothing goes to {self._name(missing)}: coordinates must change places.")
        if not set(sign) <= {1, -1}:
            raise SpecificationError(f"the signs in {where} are 1 or -1; got {sign}.")
        matrix = np.zeros((self.size, self.size), dtype=np.int64)
        matrix[target, range(self.size)] = sign
        return matrix

    def _moves(self, moves: object, where: str) -> tuple[list[int], list[int]]:
        if not isinstance(moves, Mapping):
            raise SpecificationError(f"the moves in {where} are a table such as {{ x = '-x' }}; got {moves!r}.")
        target, sign = list(range(self.size)), [1] * self.size
        for name, goal in moves.items():
            found = re.fullmatch(r"\s*([-−+]?)\s*(.*?)\s*", goal) if isinstance(goal, str) else None
            if found is None:
                raise SpecificationError(f"{name} in {where} goes to a name, with a sign or without; got {goal!r}.")
            i = self._index(name, where)
            target[i] = self._index(found[2], where)
            sign[i] = -1 if found[1] in ("-", "−") and found[1] else 1
        return target, sign

    def _index(self, name: str, where: str) -> int:
        known = self.names or tuple(str(i) for i in range(self.size))
        if name in known:
            return known.index(name)
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known[:12])}{', …' if len(known) > 12 else ''}."
        raise SpecificationError(f"{where} names {name!r}, which [{self.what}] does not have; {hint}")

    def _name(self, i: int) -> str:
        return repr(self.names[i]) if self.names else f"coordinate {i}"

    def _integers(self, values: object, what: str) -> list[int]:
        good = isinstance(values, list) and all(isinstance(v, int) and not isinstance(v, bool) for v in values)
        if not good or len(cast(list, values)) != self.size:
            raise SpecificationError(f"{what} lists {self.size} integers; got {values!r}.")
        return cast(list[int], values)

    def _signs(self, values: object, size: int, what: str) -> list[int]:
        if not isinstance(values, list) or len(values) != size or not all(v in (1, -1) and type(v) is int for v in values):
            raise SpecificationError(f"{what} has {size} signs, 1 or -1, or is a matrix; got {values!r}.")
        return values

    def _whole(self, rows: object, size: int, what: str) -> NDArray:
        try:
            matrix = np.array(rows)
            square = matrix.shape == (size, size) and matrix.dtype.kind in "if" and np.isfinite(matrix).all()
        except ValueError:
            square, matrix = False, np.zeros(0)
        if not square:
            raise SpecificationError(f"{what} has {size} rows of {size} numbers; got {rows!r}.")
        return matrix
