"""Symmetries of observations that are made of named fields: a few coordinates that move together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symmdp.groups import Group
from symmdp.mdp import Symmetry
from symmdp.representations import Representation

# Signs of the reflection y → −y.
VECTOR = (1, -1, 1)
PSEUDOVECTOR = (-1, 1, -1)
QUATERNION = (1, -1, 1, -1)
WRENCH = (*PSEUDOVECTOR, *VECTOR)
INERTIA = (1, 1, 1, -1, 1, -1, *VECTOR, 1)  # xx, yy, zz, xy, xz, yz, first moment, mass


@dataclass(frozen=True)
class Field:
    """Coordinates next to each other that each generator moves among themselves.

    Attributes:
        names: of the coordinates.
        matrices: one for each generator of the group.
    """

    names: tuple[str, ...]
    matrices: tuple[NDArray[np.float64], ...]


def field(names: str | Sequence[str], *moves: ArrayLike) -> Field:
    """A field from what each generator does to it: signs (a vector) or a matrix.

    `names` may be one string of names, with blanks between them.
    """
    names = tuple(names.split() if isinstance(names, str) else names)
    arrays = (np.asarray(move, dtype=np.float64) for move in moves)
    return Field(names, tuple(np.diag(array) if array.ndim == 1 else array for array in arrays))


def signed_permutation(source: Sequence[int], sign: Sequence[int]) -> NDArray[np.float64]:
    """The matrix of `new[i] = sign[i] * old[source[i]]`."""
    return np.diag(np.asarray(sign, dtype=np.float64)) @ np.eye(len(sign))[list(source)]


def of_bodies(bodies: Sequence[str], components: Sequence[str], *moves: tuple[Sequence[int], ArrayLike]) -> Field:
    """The same components for each body: a generator permutes bodies, `new[b] = S old[source[b]]`.

    Args:
        bodies: their names.
        components: what each body has.
        moves: `source` and the signs `S` of the components, for each generator.
    """
    names = [f"{component} {body}" for body in bodies for component in components]
    return field(names, *(np.kron(np.eye(len(bodies))[list(source)], np.diag(np.asarray(s))) for source, s in moves))


def symmetry_of_fields(
    group: Group,
    observation: Sequence[Field],
    action: Sequence[Field],
    *,
    name: str,
    element_names: Sequence[str] | None = None,
    observation_center: Sequence[float] | None = None,
) -> Symmetry:
    """The symmetry whose generators move each field by its own matrix."""
    return Symmetry(
        group,
        Representation.from_generators(group, _blocks(observation), name),
        Representation.from_generators(group, _blocks(action), name),
        observation_center=observation_center,
        observation_names=[coordinate for part in observation for coordinate in part.names],
        action_names=[coordinate for part in action for coordinate in part.names],
        element_names=element_names,
        name=name,
    )


def _blocks(fields: Sequence[Field]) -> list[NDArray[np.float64]]:
    """The block-diagonal matrix of each generator."""
    size = sum(len(part.names) for part in fields)
    found = []
    for blocks in zip(*(part.matrices for part in fields), strict=True):
        matrix, start = np.zeros((size, size)), 0
        for block in blocks:
            matrix[start : start + len(block), start : start + len(block)] = block
            start += len(block)
        found.append(matrix)
    return found
