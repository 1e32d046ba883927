from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from symmdp.errors import OptionError


@dataclass(frozen=True)
class Row:
    """One policy of a stack. Its random streams depend on the seed alone, so rates are compared on common random numbers."""

    seed: int
    learning_rate: float


def rows_of(seeds: Sequence[int], learning_rates: Sequence[float]) -> tuple[Row, ...]:
    """The grid of learning rates and seeds, all seeds of the first rate first.

    Raises:
        OptionError: no seeds, or one twice, or a negative one; likewise rates, which are at most 1.
    """
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise OptionError(f"Seeds must be different integers of at least 0, and there must be one; got {list(seeds)}.")
    rates = [float(rate) for rate in learning_rates]
    if not rates or len(set(rates)) < len(rates) or not all(math.isfinite(rate) and 0 <= rate <= 1 for rate in rates):
        raise OptionError(f"Learning rates must be different numbers from 0 to 1, and there must be one; got {rates}.")
    return tuple(Row(int(seed), rate) for rate in rates for seed in seeds)
