"""Representations known by name: of letters, of plane and space, and the sign characters."""

import math
from itertools import permutations
from typing import Literal

import numpy as np
import scipy  # which loads its parts when they are first used
from numpy.typing import NDArray

from symmdp import groups
from symmdp.errors import RepresentationError
from symmdp.groups import Group
from symmdp.groups._polyhedral import CUBE, ICOSAHEDRON, TETRAHEDRON
from symmdp.representations._constructors import trivial
from symmdp.representations._representation import Representation


def letters(group: Group) -> Representation:
    """The permutation representation of `symmetric(n)` or `alternating(n)` on its `n` letters, `ρ(g) e_x = e_{g(x)}`.

    Raises:
        RepresentationError: the group is none of these (an isomorphic one with other element numbers is another).
    """
    images = _letters_of(group)
    if images is None:
        raise RepresentationError(
            f"letters() needs groups.symmetric(n) or groups.alternating(n) with their own numbering; got {group!r}. For the "
            "letters of a subgroup restrict them; for another permutation group use cosets() or Representation(...)."
        )
    source = np.argsort(images, axis=1)
    return Representation._of_signed_permutations(group, source, np.ones_like(source), "letters")


def sign(group: Group) -> Representation:
    """The sign `ρ(g) = ±1` of the permutations of `symmetric(n)` (of `alternating(n)`: trivial).

    Raises:
        RepresentationError: the group is none of these; `determinant(rep)` gives the sign character of any representation.
    """
    return _renamed(determinant(letters(group)), "sign")


def standard(group: Group) -> Representation:
    """The standard representation of `symmetric(n)` or `alternating(n)`: the letters with sum zero, dimension `n - 1`.

    Orthogonal, in Helmert's basis; `letters ≅ trivial + standard`. Irreducible over the complex numbers for `n ≥ 4`
    (`symmetric(n)`: for `n ≥ 2`).

    Raises:
        RepresentationError: the group is none of these, or has one letter.
    """
    natural = letters(group)
    if natural.dim == 1:
        raise RepresentationError(f"{group!r} acts on one letter; its standard representation would have dimension 0.")
    basis = scipy.linalg.helmert(natural.dim)
    return Representation._of_matrices(group, basis @ natural.matrices @ basis.T, "standard")


def plane(group: Group, frequency: int = 1) -> Representation:
    """The plane of `cyclic(n)` or `dihedral(n)`: `r` turns it by `2π·frequency/n`, `s` is the reflection `(x, y) ↦ (x, -y)`.

    Multiples of 90° are exact, so that the planes of `C4` and `D4` are signed permutations. `dihedral(1)` is the same
    value as `cyclic(2)`, whose generator turns by 180°.

    Raises:
        RepresentationError: the group is none of these (an isomorphic one with other element numbers is another).
    """
    for n, build in ((group.order, groups.cyclic), (group.order // 2, groups.dihedral)):
        if n >= 1 and group == build(n):
            turns = np.stack([_turn(frequency * k, n) for k in range(n)])
            matrices = turns if group.order == n else np.concatenate([turns, turns @ np.diag([1, -1])])
            return Representation(group, matrices, "plane" if frequency == 1 else f"plane (frequency {frequency})")
    raise RepresentationError(
        f"plane() needs groups.cyclic(n) or groups.dihedral(n) with their own numbering; got {group!r}. Use "
        "Representation.from_generators with the matrices of its generators."
    )


def flip(group: Group, coordinate: Literal["x", "y"]) -> Representation:
    """The plane on which a group of two elements mirrors one coordinate: `"x"` exchanges left and right, `"y"` up and down.

    As the action on pixels, `flip(groups.cyclic(2), "x")` mirrors images as `numpy.fliplr` does, and `"y"` as `flipud`.

    Raises:
        RepresentationError: the group has not two elements, or the coordinate is none of the two.
    """
    if coordinate not in ("x", "y"):
        raise RepresentationError(f'A flip mirrors the coordinate "x" or "y"; got {coordinate!r}.')
    if group.order != 2:
        raise RepresentationError(
            f"A flip generates a group of two elements, groups.cyclic(2); got {group!r}. Use plane(), or "
            "Representation.from_generators with the matrices of its generators."
        )
    signs = (-1, 1) if coordinate == "x" else (1, -1)
    return Representation(group, np.stack([np.eye(2), np.diag(signs)]), f"flip of {coordinate}")


def rotations(group: Group) -> Representation:
    """The rotation matrices, 3 × 3, of `tetrahedral()`, `octahedral()` or `icosahedral()`.

    Raises:
        RepresentationError: the group is none of these (an isomorphic one with other element numbers is another).
    """
    solids = {12: (groups.tetrahedral, TETRAHEDRON), 24: (groups.octahedral, CUBE), 60: (groups.icosahedral, ICOSAHEDRON)}
    if group.order in solids:
        build, matrices = solids[group.order]
        solid = build()
        if group == solid:
            every = Representation.from_generators(solid, [np.array(m) for m in matrices]).matrices
            return Representation(group, every, "rotations")
    raise RepresentationError(
        f"rotations() needs groups.tetrahedral(), octahedral() or icosahedral() with their own numbering; got {group!r}. Use "
        "Representation.from_generators with the matrices of its generators."
    )


def determinant(rep: Representation) -> Representation:
    """The sign character `g ↦ det ρ(g) = ±1` of a representation, one-dimensional."""
    if not rep.group.generators:
        return trivial(rep.group)
    images = [np.array([[np.linalg.slogdet(np.array(rep(s), dtype=np.float64)).sign]]) for s in rep.group.generators]
    name = f"det({rep.name})"
    return Representation.from_generators(rep.group, images, name)


def _letters_of(group: Group) -> NDArray | None:
    """The permutations that the elements of `symmetric(n)` or `alternating(n)` stand for, shape `(|G|, n)`."""
    for n in range(1, 8):
        if math.factorial(n) == group.order:
            build = groups.symmetric
        elif n > 2 and math.factorial(n) // 2 == group.order:
            build = groups.alternating
        else:
            continue
        every = np.array(list(permutations(range(n))))
        if build is groups.alternating:
            above = np.triu(np.ones((n, n), dtype=bool), 1)
            inversions = ((every[:, :, None] > every[:, None, :]) & above).sum(axis=(1, 2))
            every = every[inversions % 2 == 0]
        # The numbering is the lexicographic one exactly when every product with a generator is.
        if all((every[:, every[s]] == every[group.cayley_table[:, s]]).all() for s in group.generators):
            return every
    return None


def _turn(k: int, n: int) -> NDArray:
    if 4 * k % n == 0:
        cosine, sine = ((1, 0), (0, 1), (-1, 0), (0, -1))[4 * k // n % 4]
    else:
        cosine, sine = math.cos(2 * math.pi * k / n), math.sin(2 * math.pi * k / n)
    return np.array([[cosine, -sine], [sine, cosine]], dtype=np.float64)


def _renamed(rep: Representation, name: str) -> Representation:
    return Representation._of_matrices(rep.group, np.array(rep.matrices), name)
