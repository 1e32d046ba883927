"""The known symmetries of public environments, as data: what holds, how exactly, and where there is none."""

from symmdp.catalogue._entries import entries, entry_of, symmetry_of
from symmdp.catalogue._entry import CatalogueEntry, Status

__all__ = ["CatalogueEntry", "Status", "entries", "entry_of", "symmetry_of"]
