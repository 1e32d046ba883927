"""What a symmetry is declared with, checked: representations, fixed points and names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symmdp.errors import GroupMismatchError, ShapeError, SymmetryError
from symmdp.groups import Group
from symmdp.mdp._affine import shape_of
from symmdp.representations import Representation


def check_representation(group: Group, rep: object, what: str) -> None:
    """Raise SymmetryError unless it is a representation, and GroupMismatchError unless it is one of the group."""
    if not isinstance(rep, Representation):
        raise SymmetryError(f"The {what} argument is a Representation of {group.name}; got {type(rep).__name__}.")
    if rep.group != group:
        raise GroupMismatchError(
            f"The {what} representation {rep!r} is one of another group than {group!r}. Build it over the same Group."
        )


def checked_center(center: ArrayLike | None, rep: object, what: str) -> NDArray[np.float64] | None:
    """The fixed point as a vector that cannot be written to; None where there is none, or nothing with a fixed point.

    Raises:
        SymmetryError: it is not of finite real numbers.
        ShapeError: it does not have the size of the representation.
    """
    if center is None or not isinstance(rep, Representation):
        return None
    try:
        array = np.array(center, dtype=np.float64)
    except (TypeError, ValueError):
        raise SymmetryError(f"The {what} must be real numbers; got {center!r}.") from None
    if array.shape not in {(rep.dim,), shape_of(rep)}:
        raise ShapeError(f"The {what} has shape {array.shape}; expected {shape_of(rep)}, a number for each coordinate.")
    array = array.ravel()
    if not np.isfinite(array).all():
        raise SymmetryError(f"The {what} must be finite; got {array}.")
    array.flags.writeable = False
    return array


def checked_names(names: Sequence[str] | None, count: int | None, what: str) -> tuple[str, ...] | None:
    """The names; SymmetryError unless they are strings, and as many as `count` where that is known."""
    if names is None:
        return None
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise SymmetryError(f"The {what} are a sequence of strings; got {names!r}.")
    if count is not None and len(names) != count:
        raise SymmetryError(f"Expected {count} {what}; got {len(names)}: {', '.join(names)}.")
    return tuple(names)
