from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from symmdp.cli._console import console
from symmdp.cli._words import in_words

if TYPE_CHECKING:
    from symmdp.mdp import Symmetry

_WIDEST_NAME = 36
_LONGEST_LINE = 90


@dataclass(frozen=True)
class List:
    """List the environments whose symmetry is known."""

    def run(self) -> int:
        """Print the table."""
        from rich import box
        from rich.table import Table

        from symmdp.catalogue import entries

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        table.add_column("environment", overflow="fold", max_width=_WIDEST_NAME)
        table.add_column("group")
        table.add_column("status")
        table.add_column("measured error", justify="right")
        table.add_column("what its generators do")
        for entry in entries():
            error = "–" if entry.error is None or math.isnan(entry.error) else f"{entry.error:.1e}" if entry.error else "0"
            if entry.symmetry is None:
                table.add_row(entry.name, "–", entry.status, error, entry.notes)
            else:
                table.add_row(entry.name, entry.symmetry.group.name, entry.status, error, _short(entry.symmetry))
        console().print(table)
        console().print("symmdp show ID says what happens to each coordinate.", markup=False)
        return 0


def _short(symmetry: Symmetry) -> str:
    """What the generators do where that is said in a line each, and the symmetry's name where it is not."""
    words = in_words(symmetry)
    return words if all(len(line) <= _LONGEST_LINE for line in words.split("\n")) else symmetry.name
