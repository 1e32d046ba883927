"""The known environments, as the TOML files in `known/` list them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from symmdp.catalogue._entry import CatalogueEntry
from symmdp.catalogue.specification._checks import check_keys
from symmdp.catalogue.specification._declaration import declared_symmetry
from symmdp.errors import SpecificationError
from symmdp.mdp import Symmetry

_KEYS = (
    *("id", "options", "status", "symmetry", "candidate", "alternatives", "breaks"),
    *("error", "median_error", "engine", "notes"),
)


def known_entries(family: str) -> tuple[CatalogueEntry, ...]:
    """The entries of `known/{family}.toml`.

    The file has symmetries by name, each declared as `declared_symmetry` reads it, or `like` another one with some tables
    of its own; and environments, which refer to them.

    Raises:
        SpecificationError: the file has an unknown key, or a symmetry is no symmetry.
    """
    file = resources.files("symmdp.catalogue") / "known" / f"{family}.toml"
    return entries_from(tomllib.loads(file.read_text(encoding="utf-8")), f"{family}.toml")


def entries_from(contents: Mapping[str, Any], name: str) -> tuple[CatalogueEntry, ...]:
    """The entries of a file's contents.

    Raises:
        SpecificationError: see `known_entries`.
    """
    check_keys(contents, ("engine", "symmetries", "environments"), name)
    declarations = contents["symmetries"]
    symmetries = {key: declared_symmetry(_whole(key, declarations)) for key in declarations}
    return tuple(_entry(table, symmetries, contents["engine"], name) for table in contents["environments"])


def _whole(name: str, declarations: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A declaration with what it takes over from the one that it is like."""
    own = dict(declarations[name])
    if "like" not in own:
        return own
    whole = _whole(own.pop("like"), declarations)
    for key, value in own.items():
        both = key in ("observation", "action") and isinstance(whole.get(key), Mapping)
        whole[key] = {**whole[key], **value} if both else value
    return whole


def _entry(table: Mapping[str, Any], symmetries: Mapping[str, Symmetry], engine: str, file: str) -> CatalogueEntry:
    check_keys(table, _KEYS, f"{table.get('id')} in {file}")

    def named(name: str) -> Symmetry:
        if name not in symmetries:
            raise SpecificationError(f"{table['id']} in {file} names the symmetry {name!r}, which is not there.")
        return symmetries[name]

    return CatalogueEntry(
        environment_id=table["id"],
        options=table.get("options", {}),
        status=table["status"],
        symmetry=named(table["symmetry"]) if "symmetry" in table else None,
        candidate=named(table["candidate"]) if "candidate" in table else None,
        alternatives=tuple(named(name) for name in table.get("alternatives", ())),
        breaks=tuple(table.get("breaks", ())),
        error=float(table["error"]),
        median_error=table.get("median_error"),
        engine=table.get("engine", engine),
        notes=table["notes"],
    )
