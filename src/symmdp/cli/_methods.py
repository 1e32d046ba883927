from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from symmdp.experiments import Run, Tuning

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


def chosen_rates(tunings: Mapping[str, Tuning]) -> list[str]:
    """The learning rate of each method as tuning chose it, and what is doubtful about it, a line for each."""
    lines = []
    for method, tuning in tunings.items():
        seeds = f"{len(tuning.seeds)} other seed{'' if len(tuning.seeds) == 1 else 's'}"
        seeds += f" in {tuning.seconds:,.1f} s" if math.isfinite(tuning.seconds) else ""
        remark = f"; {tuning.remark}" if tuning.remark else ""
        lines.append(f"{method}: learning rate {tuning.chosen:g}, chosen from {len(tuning.rates)} on {seeds}{remark}")
    return lines
