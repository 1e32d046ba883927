from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from symmdp.cli._console import console


@dataclass(frozen=True)
class Build:
    """Build the notebooks: for students, with blank exercises, and the solutions, executed."""

    only: tyro.conf.UseAppendAction[tuple[int, ...]] = ()
    """Build only this notebook (1 to 4); may be given more than once."""
    folder: Annotated[Path, tyro.conf.arg(metavar="FOLDER")] = Path("practical")
    """Gets student/ and solution/."""
    no_execute: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Leave the solutions without outputs."""

    def run(self) -> int:
        """Build them."""
        from symmdp.practical import build

        out = console()
        for path in build(self.folder, self.only, run=not self.no_execute):
            out.print(f"written to {path}", markup=False)
        return 0


@dataclass(frozen=True)
class Practical:
    """Build the notebooks of the practical, or grade what students made of them."""

    command: Annotated[Build, tyro.conf.subcommand("build", prefix_name=False)]

    def run(self) -> int:
        """Run the command."""
        return self.command.run()
