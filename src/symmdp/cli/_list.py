from __future__ import annotations

import math
from dataclasses import dataclass

from symmdp.cli._console import console
from symmdp.cli._words import in_words


@dataclass(frozen=True)
class List:
    """List the environments whose symmetry is known."""

    def run(self) -> int:
        """Print the table."""
        from rich import box
        from rich.table import Table

        from symmdp.catalogue import entries

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        table.add_column("environment", no_wrap=True)
        table.add_column("group")
        table.add_column("status")
        table.add_column("measured error", justify="right")
        table.add_column("what its generators do")
        for entry in entries():
            error = "–" if entry.error is None or math.isnan(entry.error) else f"{entry.error:.1e}" if entry.error else "0"
            if entry.symmetry is None:
                table.add_row(entry.name, "–", entry.status, error, entry.notes)
            else:
                table.add_row(entry.name, entry.symmetry.group.name, entry.status, error, in_words(entry.symmetry))
        console().print(table)
        return 0
