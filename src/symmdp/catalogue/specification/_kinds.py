"""Kinds of fields: how a few coordinates that belong together are moved by an isometry of space."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from symmdp.errors import SpecificationError

KINDS = ("scalar", "pseudoscalar", "vector", "pseudovector", "inertia", "quaternion", "hinges", "slides")
AXES = "xyz"
_PAIRS = sorted(combinations_with_replacement(range(3), 2), key=lambda pair: (pair[0] != pair[1], pair))


@dataclass(frozen=True, eq=False)
class Isometry:
    """An isometry of the world, `W`, and one of the frames that bodies carry with them, `B`: orthogonal, shape `(3, 3)`.

    The same for both where a scene is turned or mirrored as a whole. An isometry of the frame alone gives the body's own axes
    other names: a vector in the world stays where it is, and the orientation `R` of the body becomes `R B⁻¹`.
    """

    world: NDArray[np.float64]
    body: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DeclaredField:
    """Coordinates next to each other, of one kind.

    Under an isometry `O` of the frame in which the field is given, a *scalar* stays, a *pseudoscalar* is multiplied by `det O`,
    a *vector* by `O`, a *pseudovector* (angular velocity, torque) by `det O · O`; an *inertia* (xx, yy, zz, xy, xz, yz) is a
    symmetric tensor, `T ↦ O T Oᵀ`. A *quaternion* (w, x, y, z) is the orientation `R` of a body, `R ↦ W R B⁻¹`. *Hinges* are
    angles, speeds or torques of joints about given axes: each by `det O · (Oa)·a'`; *slides* are joints along axes:
    `(Oa)·a'`. There, `a` is the axis of a joint and `a'` that of the joint that takes its place.

    Attributes:
        part: what changes places with others: of the field alone, or of all fields of one body or joint.
        name: of the field among those of the part; empty where the part is all that it needs.
        kind: one of `KINDS`.
        size: the number of coordinates.
        axes: unit vectors, one for each coordinate, shape `(size, 3)`; of vectors, pseudovectors, hinges and slides.
        frame: "world" or "body": where its directions are given.
        coordinates: the names of the coordinates.
    """

    part: str
    name: str
    kind: str
    size: int
    axes: NDArray[np.float64]
    frame: str
    coordinates: tuple[str, ...]

    @property
    def label(self) -> str:
        """What a declaration calls it."""
        return f"{self.part} {self.name}".strip()

    def block(self, target: DeclaredField, isometry: Isometry) -> NDArray[np.float64]:
        """The matrix by which `isometry` takes this field to where `target` stands, shape `(size, size)`.

        Raises:
            SpecificationError: the fields are not of one kind and size, axes go where the target has none, or a mirror leaves
                the frame of a body as it is.
        """
        if (self.kind, self.size) != (target.kind, target.size):
            raise SpecificationError(
                f"{self.label!r} ({self.kind}, {self.size}) and {target.label!r} ({target.kind}, {target.size}) cannot change "
                "places: they differ in kind or size."
            )
        matrix = isometry.body if self.frame == "body" else isometry.world
        determinant = float(np.rint(np.linalg.det(matrix)))
        if self.kind == "scalar":
            return np.eye(self.size)
        if self.kind == "pseudoscalar":
            return determinant * np.eye(self.size)
        if self.kind == "inertia":
            return _on_symmetric_tensors(matrix)
        if self.kind == "quaternion":
            return _on_quaternions(isometry, self.label)
        block = target.axes @ matrix @ self.axes.T
        if self.kind in ("hinges", "slides"):
            block = np.diag(np.diag(block))
        if self.kind in ("hinges", "pseudovector"):
            block = determinant * block
        if not np.allclose(block @ block.T, np.eye(self.size), atol=1e-9):
            raise SpecificationError(
                f"the isometry moves the axes of {self.label!r} elsewhere than to those of {target.label!r}. Say with swap "
                "which field takes its place, or give its own signs or matrix in fields."
            )
        return block


def _on_symmetric_tensors(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """`T ↦ O T Oᵀ` on (xx, yy, zz, xy, xz, yz)."""
    block = np.zeros((6, 6))
    for column, (i, j) in enumerate(_PAIRS):
        tensor = np.zeros((3, 3))
        tensor[i, j] = tensor[j, i] = 1.0
        moved = matrix @ tensor @ matrix.T
        block[:, column] = [moved[pair] for pair in _PAIRS]
    return block


def _on_quaternions(isometry: Isometry, label: str) -> NDArray[np.float64]:
    """`R ↦ W R B⁻¹` as `q ↦ q_W q q_B⁻¹`; of mirrors, `−W` and `−B` do the same and are rotations."""
    from scipy.spatial.transform import Rotation  # a quarter of a second; few declarations need it

    signs = [float(np.rint(np.linalg.det(matrix))) for matrix in (isometry.world, isometry.body)]
    if signs[0] != signs[1]:
        raise SpecificationError(
            f"{label!r} is the orientation of a body, which is mirrored together with the body's own frame; leave frame out."
        )
    world, body = (
        Rotation.from_matrix(sign * matrix).as_quat(canonical=True, scalar_first=True)
        for sign, matrix in zip(signs, (isometry.world, isometry.body), strict=True)
    )
    basis = np.eye(4)
    inverse = body * [1, -1, -1, -1]
    return np.stack([_quaternion_product(_quaternion_product(world, q), inverse) for q in basis], axis=1)


def _quaternion_product(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    vector = p[0] * q[1:] + q[0] * p[1:] + np.cross(p[1:], q[1:])
    return np.array([p[0] * q[0] - p[1:] @ q[1:], *vector])
