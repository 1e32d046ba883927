from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from symmdp.experiments import Run

MethodName = Literal[
    "equivariant", "plain", "random-basis", "nullspace-basis", "augmentation", "mirror-loss", "canonicalization"
]
"""The names of `symmdp.training.METHODS`, which is not loaded for a help text."""


def sizes(runs: Sequence[Run]) -> list[str]:
    """How the parameter counts of the methods that a table lists were matched, a line for each."""
    from symmdp.training import method_named

    lines = []
    for run in runs:
        widths = " × ".join(map(str, run.hidden)) or "none"
        lines.append(f"{run.method}: {run.parameters:,} parameters, hidden widths {widths}; {method_named(run.method).size}")
    return lines
