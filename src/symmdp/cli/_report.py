from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from symmdp.cli._console import console


@dataclass(frozen=True)
class Report:
    """Write a page on a run, a comparison, or a folder of them.

    `report.html` in that folder holds results, figures, options, versions and commands, and loads nothing from elsewhere.
    What is not finished is reported as far as it is.
    """

    directory: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")]
    """What `symmdp train` or `symmdp compare` wrote, or a folder of such folders."""

    def run(self) -> int:
        """Write the page, and print each verdict."""
        from symmdp.experiments.report import write_report

        path, verdicts = write_report(self.directory)
        for verdict in verdicts:
            console().print(verdict, markup=False)
        console().print(f"written to {path}", markup=False)
        return 0
