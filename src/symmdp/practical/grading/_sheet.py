from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from symmdp.practical.grading._grade import Grade
from symmdp.training._run_directory import write_atomically

COLUMNS = ("file", "notebook", "exercise", "earned", "possible", "reason")


def write_sheet(grades: Sequence[Grade], path: Path) -> None:
    """Write a CSV of points, as a whole or not at all: a row for each exercise, and one with the total of each notebook.

    Raises:
        OSError: it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for grade in grades:
        file = _plain(str(grade.path))
        for mark in grade.marks:
            writer.writerow([file, grade.notebook, mark.exercise, mark.earned, mark.possible, _plain(mark.reason)])
        writer.writerow([file, grade.notebook, "total", grade.earned, grade.possible, _plain("; ".join(grade.notes))])
    write_atomically(path, text.getvalue().encode())


def _plain(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
