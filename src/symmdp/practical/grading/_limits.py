from __future__ import annotations

import math
from dataclasses import dataclass

from symmdp.errors import OptionError


@dataclass(frozen=True)
class Limits:
    """What a notebook may use while it is graded.

    Args:
        notebook: seconds for all cells together.
        cell: seconds for one cell; then it is interrupted, and the next one runs.
        memory: MiB of the kernel's process (where the system can limit it).
        output: KiB that one cell may print or show.

    Raises:
        OptionError: one is not positive.
    """

    notebook: float = 300.0
    cell: float = 120.0
    memory: int = 4096
    output: int = 256

    def __post_init__(self) -> None:
        for name, unit in (("notebook", "seconds"), ("cell", "seconds"), ("memory", "MiB"), ("output", "KiB")):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise OptionError(f"The limit {name} must be a positive number of {unit}; got {value}.")
