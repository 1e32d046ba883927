from __future__ import annotations

import difflib
from functools import cache
from typing import Any

from symmdp.catalogue._entry import CatalogueEntry
from symmdp.catalogue._known import known_entries
from symmdp.errors import NoSymmetryError, UnknownEnvironmentError
from symmdp.mdp import Symmetry, environment_name, parse_environment_name, unusual_options

_NO_ROLE = ("render_mode", "max_episode_steps", "disable_env_checker")  # options of any environment; they keep its MDP


@cache
def _all_entries() -> tuple[CatalogueEntry, ...]:
    from symmdp.catalogue._atari import ATARI
    from symmdp.catalogue._grid_world import GRID_WORLD
    from symmdp.catalogue._toy_text import TOY_TEXT

    classic_control, box2d, mujoco = (known_entries(family) for family in ("classic_control", "box2d", "mujoco"))
    return (*classic_control, *TOY_TEXT, *GRID_WORLD, *box2d, *mujoco, *ATARI)


def entries() -> tuple[CatalogueEntry, ...]:
    """All entries."""
    return _all_entries()


def entry_of(environment_id: str, **options: Any) -> CatalogueEntry:
    """What the catalogue knows about an environment.

    Args:
        environment_id: of Gymnasium, with its version; or with options too, as in `LunarLander-v3 (continuous=True)`.
        options: those of `gymnasium.make`; how it is rendered, and a time limit, play no role, nor do options that are what
            the environment has without them.

    Raises:
        UnknownEnvironmentError: it has no entry, or none for these options; the message names those that are near.
    """
    if not isinstance(environment_id, str):
        raise UnknownEnvironmentError(
            f"The catalogue is asked by ids, such as 'CartPole-v1'; got {type(environment_id).__name__}. Of an environment, "
            "give env.spec.id, with the options that it was made with."
        )
    environment_id, in_name = parse_environment_name(environment_id)
    options = {key: value for key, value in (in_name | options).items() if key not in _NO_ROLE}
    found = [entry for entry in entries() if entry.environment_id == environment_id]
    for entry in found:
        if dict(entry.options) == options:
            return entry
    if found and options:
        unusual = unusual_options(environment_id, options)
        for entry in found:
            if unusual_options(environment_id, entry.options) == unusual:
                return entry
    if (own := _of_own_map(environment_id, options)) is not None:
        return own
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


def _of_own_map(environment_id: str, options: dict[str, Any]) -> CatalogueEntry | None:
    from symmdp.catalogue._frozen_lake import lake_entry

    return lake_entry(environment_id, options)


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
