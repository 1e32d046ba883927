from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
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
