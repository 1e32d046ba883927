"""P-values by simulation that end early where nothing is found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_DRAWS = 4999  # so that the smallest p-value is 2e-4
_ENOUGH = 20  # exceedances, after which no p-value is small
_FIRST, _CHUNK = 50, 500  # drawn at once: at first, and at most


def exceedance_p_values(observed: NDArray[np.float64], draw: Callable[[int], NDArray[np.float64]]) -> NDArray[np.float64]:
    """The p-value of each observed statistic, of as many draws under the null hypothesis as it takes, and 4,999 at most.

    `p = h / l` where the `h`-th draw as large as the observed statistic is the `l`-th of all (`h = 20`), and
    `(1 + number as large) / 5000` where fewer are as large. Either way `P(p ≤ α) ≤ α` for every `α`, as it is of a fixed
    number of draws: a statistic that is nothing is known to be none after some fifty of them.

    Args:
        observed: statistics, shape `(k,)`.
        draw: of a number `m`: so many independent draws, shape `(m, k)`, or `(m, 1)` of the largest of all statistics.

    Source: Besag and Clifford 1991, section 2 (sequential Monte Carlo p-values).
    """
    p_values, as_large, drawn = np.zeros(len(observed)), np.zeros(len(observed), dtype=np.int64), 0
    least = observed * (1 - 1e-5)  # rounding of single precision
    while drawn < _DRAWS and not p_values.all():
        size = min(max(drawn, _FIRST), _CHUNK, _DRAWS - drawn)
        so_far = as_large + (draw(size) >= least).cumsum(axis=0)
        ended = (p_values == 0) & (so_far[-1] >= _ENOUGH)
        p_values[ended] = _ENOUGH / (drawn + 1 + (so_far[:, ended] >= _ENOUGH).argmax(axis=0))
        as_large, drawn = so_far[-1], drawn + size
    return np.where(p_values > 0, p_values, (1 + as_large) / (1 + _DRAWS))
