"""The known symmetries of public environments, as data: what holds, how exactly, and where there is none."""

from symmdp.catalogue import environments
from symmdp.catalogue._atari import breakout_symmetry, pong_symmetry
from symmdp.catalogue._entries import entries, entry_of, symmetry_of
from symmdp.catalogue._entry import CatalogueEntry, Status
from symmdp.catalogue._frozen_lake import frozen_lake_symmetry
from symmdp.catalogue._grid_world import grid_world_symmetry
from symmdp.catalogue.specification._declaration import declared_symmetry
from symmdp.catalogue.specification._file import load_symmetry

__all__ = [
    "CatalogueEntry",
    "Status",
    "breakout_symmetry",
    "declared_symmetry",
    "entries",
    "entry_of",
    "environments",
    "frozen_lake_symmetry",
    "grid_world_symmetry",
    "load_symmetry",
    "pong_symmetry",
    "symmetry_of",
]
