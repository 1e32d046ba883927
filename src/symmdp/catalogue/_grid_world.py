"""Grid World: its images turn and mirror under D4, and the four moves with them."""

from symmdp.catalogue._entry import CatalogueEntry
from symmdp.catalogue.environments._grid_world_law import ACTIONS, DIRECTIONS
from symmdp.groups import Group, cyclic, dihedral
from symmdp.mdp import Symmetry
from symmdp.representations import Representation, image, plane

_TURNS = ("identity", "quarter turn", "half turn", "three-quarter turn")
_MIRRORS = ("up–down mirror", "mirror in x = y", "left–right mirror", "mirror in x = −y")
D4_NAMES = (*_TURNS, *_MIRRORS)
"""What the elements of `dihedral(4)` do to an image."""


def grid_world_symmetry(group: Group | None = None, *, size: int = 7, cell: int = 3) -> Symmetry:
    """The symmetry of a Grid World: `r` turns the image by a quarter, anticlockwise, and `s` mirrors it up and down.

    The moves follow: `K_g` takes the move along `d` to the one along `ρ(g) d`, and noop to itself.

    Args:
        group: `dihedral(4)`, which it is when not given, `cyclic(4)`, or another group that `symmdp.representations.plane`
            moves by quarter turns.
        size: as of `symmdp.catalogue.environments.GridWorld`.
        cell: as of `GridWorld`.

    Raises:
        RepresentationError: the group does not act on images in this way.
    """
    group = dihedral(4) if group is None else group
    moved = plane(group)
    actions = [(DIRECTIONS[:, None] == DIRECTIONS @ moved(g).T).all(axis=-1).astype(int) for g in group]
    side = size * cell
    names = D4_NAMES[: group.order] if group in (cyclic(4), dihedral(4)) else None
    return Symmetry(
        group,
        image(group.trivial, moved, side, side),
        Representation(group, actions, "moves"),
        observation_names=[f"pixel ({i}, {j})" for i in range(side) for j in range(side)],
        action_names=ACTIONS,
        element_names=names,
        name="turns and mirrors of the image" if group == dihedral(4) else "turns of the image",
    )


GRID_WORLD = (
    CatalogueEntry(
        environment_id="symmdp/GridWorld-v0",
        status="exact",
        symmetry=grid_world_symmetry(),
        error=0.0,
        engine="gymnasium 1.2.2",
        notes="the image turns and mirrors, and the four moves with it; the next image is random, and its law is exact",
        alternatives=(grid_world_symmetry(cyclic(4)),),
    ),
)
