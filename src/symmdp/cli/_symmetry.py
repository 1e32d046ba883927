from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from symmdp.errors import MissingExtraError, SpaceMismatchError, UnknownEnvironmentError

if TYPE_CHECKING:
    from symmdp.catalogue import CatalogueEntry
    from symmdp.mdp import Symmetry

SymmetryFile = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: the catalogue's)")]


def symmetry_for(environment_id: str, file: Path | None) -> Symmetry:
    """The symmetry that a TOML file declares; without one that of the catalogue.

    Raises:
        SpecificationError: the file declares none, or one of another environment.
        UnknownEnvironmentError: no file, and the catalogue has no entry.
        NoSymmetryError: no file, and the environment is known to have none.
    """
    from symmdp.catalogue import load_symmetry, symmetry_of

    return symmetry_of(environment_id) if file is None else load_symmetry(file, environment_id)


def check_fits(environment_id: str, symmetry: Symmetry) -> None:
    """Compare the sizes of a declared symmetry with those of the environment, where the packages to make it are installed.

    Raises:
        SpaceMismatchError: the sizes differ.
        UnknownEnvironmentError: Gymnasium has no such environment.
    """
    from symmdp.mdp import make_environment

    if (entry := _prepared(environment_id)) is not None:
        _check_like(symmetry, entry)
        return
    try:
        made = make_environment(environment_id)
    except MissingExtraError:
        return
    with made:
        symmetry.check_spaces(made.observation_space, made.action_space)


def _prepared(environment_id: str) -> CatalogueEntry | None:
    """The entry of an environment whose symmetry acts on other observations than its own."""
    from symmdp.catalogue import entry_of

    try:
        entry = entry_of(environment_id)
    except UnknownEnvironmentError:
        return None
    return entry if entry.preprocessing else None


def _check_like(symmetry: Symmetry, entry: CatalogueEntry) -> None:
    """The sizes of images and actions are those of the catalogue's symmetry; there may be other numbers of frames."""
    known = entry.symmetry
    if known is None:
        raise AssertionError(f"observations of {entry.name} are prepared for a symmetry")
    sizes, expected = ((*s.observation_shape[1:], getattr(s.action, "dim", None)) for s in (symmetry, known))
    if sizes[:-1] != expected[:-1] or sizes[-1] not in (None, expected[-1]):
        raise SpaceMismatchError(
            f"The symmetry of {entry.name} acts on observations of shape {known.observation_shape} ({entry.preprocessing}) and "
            f"{expected[-1]} actions; the one declared has observations of shape {symmetry.observation_shape} and "
            f"{'actions that depend on the state' if sizes[-1] is None else f'{sizes[-1]} actions'}."
        )
