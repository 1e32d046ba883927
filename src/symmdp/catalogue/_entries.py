from __future__ import annotations

import difflib
from functools import cache
from typing import Any

from symmdp.catalogue._entry import CatalogueEntry
from symmdp.catalogue._known import known_entries
from symmdp.errors import NoSymmetryError, UnknownEnvironmentError
from symmdp.mdp import Symmetry, environment_name, parse_environment_name

_FAMILIES = ("classic_control", "mujoco")


@cache
def _all_entries() -> tuple[CatalogueEntry, ...]:
    from symmdp.catalogue._grid_world import GRID_WORLD

    known = [entry for family in _FAMILIES for entry in known_entries(family)]
    return (*known, *GRID_WORLD)


def entries() -> tuple[CatalogueEntry, ...]:
    """All entries."""
    return _all_entries()


def entry_of(environment_id: str, **options: Any) -> CatalogueEntry:
    """What the catalogue knows about an environment.

    Args:
        environment_id: of Gymnasium, with its version; or with options too, as in `LunarLander-v3 (continuous=True)`.
        options: those of `gymnasium.make`.

    Raises:
        UnknownEnvironmentError: it has no entry, or none for these options; the message names those that are near.
    """
    environment_id, in_name = parse_environment_name(environment_id)
    options = in_name | options
    found = [entry for entry in entries() if entry.environment_id == environment_id]
    for entry in found:
        if dict(entry.options) == options:
            return entry
    declare = "declare its Symmetry and check it with symmdp.mdp.verify."
    if found:
        given = environment_name(environment_id, options)
        known = ", ".join(entry.name for entry in found)
        raise UnknownEnvironmentError(
            f"The catalogue has no entry for {given}: options may change what is observed and what is symmetric. It knows "
            f"{known}. For these options, {declare}"
        )
    ids = [entry.environment_id for entry in entries()]
    near = difflib.get_close_matches(str(environment_id), dict.fromkeys(ids), n=3, cutoff=0.6)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"It knows {', '.join(dict.fromkeys(ids))}."
    raise UnknownEnvironmentError(
        f"The catalogue has no entry for {environment_id!r}. {hint} To use another environment, {declare}"
    )


def symmetry_of(environment_id: str, **options: Any) -> Symmetry:
    """The known symmetry of an environment.

    Args:
        environment_id: of Gymnasium, with its version; or with options too, as in `LunarLander-v3 (continuous=True)`.
        options: those of `gymnasium.make`.

    Raises:
        UnknownEnvironmentError: the catalogue has no entry for it, or none for these options.
        NoSymmetryError: it is known to have none.
    """
    entry = entry_of(environment_id, **options)
    if entry.symmetry is None:
        raise NoSymmetryError(f"{entry.name} has no symmetry: {entry.notes}. Train plain networks instead.")
    return entry.symmetry
