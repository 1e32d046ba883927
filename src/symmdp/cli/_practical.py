from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from symmdp.cli._console import console
from symmdp.errors import OptionError

if TYPE_CHECKING:
    from symmdp.practical.grading import Grade


@dataclass(frozen=True)
class BuildNotebooks:
    """Build the notebooks: for students, with blank exercises, and the solutions, executed."""

    only: tyro.conf.UseAppendAction[tuple[int, ...]] = ()
    """Build this notebook (1 to 4) and no other; may be given more than once."""
    folder: Annotated[Path, tyro.conf.arg(metavar="FOLDER")] = Path("practical")
    """Gets student/ and solution/."""
    no_execute: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Leave the solutions without outputs."""

    def run(self) -> int:
        """Build them."""
        from symmdp.practical import build

        for path in build(self.folder, self.only, run=not self.no_execute):
            console().print(f"written to {path}", markup=False)
        return 0


@dataclass(frozen=True)
class GradeNotebooks:
    """Grade notebooks: points for each exercise, and why they were lost.

    Each notebook runs in a process of its own, with the original checks in place of those that it holds; but it may do
    whatever you may do, so do not run notebooks of people you do not trust. The exit status is 1 where a file is no notebook
    of the practical, or could not be run to its end.
    """

    notebooks: Annotated[
        tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="NOTEBOOK [NOTEBOOK …]", help_behavior_hint="")
    ]
    """Files of the students."""
    output: Annotated[Path, tyro.conf.arg(metavar="CSV")] = Path("grades.csv")
    """Gets a row for each exercise, and one with the total of each notebook."""
    timeout: float = 300.0
    """Seconds for a notebook."""
    cell_timeout: float = 120.0
    """Seconds for one cell, which is then interrupted."""
    memory: int = 4096
    """MiB for a notebook."""

    def run(self) -> int:
        """Grade them."""
        from symmdp.practical.grading import Limits, grade, write_sheet

        limits = Limits(notebook=self.timeout, cell=self.cell_timeout, memory=self.memory)
        if not self.notebooks:
            raise OptionError("Give at least one notebook to grade.")
        for path in self.notebooks:
            if not path.is_file():
                raise OptionError(f"There is no file {str(path)!r}.")
        grades: list[Grade] = []
        write_sheet(grades, self.output)  # first, so that what cannot be written is said before the wait
        for path in self.notebooks:
            print(f"grading {path}", file=sys.stderr, flush=True)
            grades.append(grade(path, limits))
            write_sheet(grades, self.output)
            _print(grades[-1])
        console().print(f"written to {self.output}", markup=False)
        return 0 if all(found.complete for found in grades) else 1


def _print(grade: Grade) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    out = console()
    out.print(f"\n{grade.path}: {grade.earned} of {grade.possible} points", style="bold", markup=False)
    for note in grade.notes:
        out.print(note, markup=False)
    if not grade.marks:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("exercise", no_wrap=True)
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("why points were lost")
    for mark in grade.marks:
        table.add_row(mark.exercise, f"{mark.earned} / {mark.possible}", Text(mark.reason))
    out.print(table)


@dataclass(frozen=True)
class Practical:
    """Build the notebooks of the practical, or grade what students made of them."""

    command: (
        Annotated[BuildNotebooks, tyro.conf.subcommand("build", prefix_name=False)]
        | Annotated[GradeNotebooks, tyro.conf.subcommand("grade", prefix_name=False)]
    )

    def run(self) -> int:
        """Run the command."""
        return self.command.run()
