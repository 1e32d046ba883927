"""Frozen lakes: the turns and mirrors that keep a map."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from symmdp.catalogue._entry import CatalogueEntry
from symmdp.catalogue._grid_world import D4_NAMES
from symmdp.errors import NoSymmetryError, OptionError
from symmdp.groups import dihedral
from symmdp.mdp import Symmetry
from symmdp.representations import Representation, image, plane

_ACTIONS = ("left", "down", "right", "up")
_DIRECTIONS = np.array([[-1, 0], [0, -1], [1, 0], [0, 1]])  # (x, y), x to the right and y up
SYMMETRIC_LAKE = ["HFSFH", "FFFFF", "SFGFS", "FFFFF", "HFSFH"]


def frozen_lake_symmetry(desc: Sequence[str], *, starts: bool = True) -> Symmetry:
    """The symmetry of a frozen lake: the turns and mirrors, all of those in `D4`, that keep its map.

    The cells go with the map, and `K_g` takes the move along `d` to the one along `ρ(g) d`, whether the ice is slippery or
    not. `r` turns by a quarter, anticlockwise, and `s` mirrors up and down; a map that is no square has half turns and
    mirrors alone.

    Args:
        desc: the rows of the map, of the letters S, F, H and G, as `FrozenLake-v1` takes them.
        starts: whether cells where episodes start must go to such cells; if not, they count as frozen ones, and the symmetry
            may break the distribution of initial states.

    Raises:
        OptionError: the rows are no map.
        NoSymmetryError: nothing but the identity keeps the map.
    """
    cells = _cells(desc)
    kept = _kept(cells, starts)
    if len(kept) == 1:
        raise NoSymmetryError(
            f"No turn and no mirror keeps the map {list(desc)}: it has no symmetry among those of the square."
        )
    return lake_under(
        cells.shape, kept, "turns and mirrors of the map" if len(kept) == 8 else "those of the square that keep the map"
    )


def lake_entry(environment_id: str, options: Mapping[str, Any]) -> CatalogueEntry | None:
    """The entry of a frozen lake with a map of the user's own, the option `desc`; None for other environments.

    Raises:
        OptionError: the rows are no map.
    """
    if environment_id not in {"FrozenLake-v1", "FrozenLake8x8-v1"} or options.get("desc") is None:
        return None
    engine = f"gymnasium {gym.__version__}"
    strict, loose = (_kept(_cells(options["desc"]), starts) for starts in (True, False))
    if len(loose) == 1:
        why = "no turn and no mirror keeps the map"
        return CatalogueEntry(environment_id, "none", None, math.nan, engine, why, options=options)
    notes = "the turns and mirrors that keep the map, and the four moves with them"
    symmetry = frozen_lake_symmetry(options["desc"], starts=len(strict) > 1)
    if len(strict) == 1:
        notes += "; episodes start in cells whose images are others"
        breaks = ("initial states",)
        return CatalogueEntry(environment_id, "exact", symmetry, math.nan, engine, notes, breaks=breaks, options=options)
    larger = (frozen_lake_symmetry(options["desc"], starts=False),) if len(loose) > len(strict) else ()
    return CatalogueEntry(environment_id, "exact", symmetry, math.nan, engine, notes, alternatives=larger, options=options)


def lake_under(shape: tuple[int, ...], kept: Sequence[int], name: str) -> Symmetry:
    """The symmetry under the elements of `D4` that are kept."""
    subgroup = dihedral(4).subgroup(*dihedral(4).generators_of(kept))
    whole = len(kept) == 8
    group = dihedral(4) if whole else subgroup.group
    moved = plane(dihedral(4)) if whole else plane(dihedral(4)).restrict(subgroup)
    height, width = shape
    actions = [(_DIRECTIONS[:, None] == _DIRECTIONS @ moved(g).T).all(axis=-1).astype(int) for g in group]
    return Symmetry(
        group,
        image(group.trivial, moved, height, width).on_vectors,
        Representation(group, actions, "moves"),
        observation_names=[f"cell ({i}, {j})" for i in range(height) for j in range(width)],
        action_names=_ACTIONS,
        element_names=[D4_NAMES[g] for g in subgroup.embedding],
        name=name,
    )


def _cells(desc: Sequence[str]) -> NDArray[np.str_]:
    listed = isinstance(desc, Iterable) and not isinstance(desc, str | bytes)
    rows = [row.decode(errors="replace") if isinstance(row, bytes) else row for row in desc] if listed else []
    if (
        not rows
        or any(not isinstance(row, str) or not row for row in rows)
        or len({len(row) for row in rows}) > 1
        or any(letter not in "SFHG" for row in rows for letter in row)
    ):
        raise OptionError(
            f"The map of a frozen lake is a list of rows of one length, of the letters S, F, H and G; got {desc!r}. "
            f"For example: {SYMMETRIC_LAKE}."
        )
    return np.array([list(row) for row in rows])


def _kept(cells: NDArray[np.str_], starts: bool) -> list[int]:
    """The elements of `D4` that keep a map."""
    if not starts:
        cells = np.where(cells == "S", "F", cells)
    return [g for g in dihedral(4) if np.array_equal(_moved(cells, g), cells)]


def _moved(cells: NDArray[np.str_], g: int) -> NDArray[np.str_]:
    """The map after element `g = r^k s^m`, number `k + 4 m` of `D4`: `s` comes first."""
    return np.rot90(np.flipud(cells) if g >= 4 else cells, g % 4)
