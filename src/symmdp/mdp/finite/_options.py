"""Options that several functions of finite MDPs have."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symmdp.errors import OptionError


def check_tolerance(tolerance: Any, default: float) -> None:
    """Raise OptionError unless it is a finite number of at least 0."""
    if not (isinstance(tolerance, int | float | np.floating) and math.isfinite(tolerance) and tolerance >= 0):
        raise OptionError(f"tolerance must be a number of at least 0; got {tolerance!r}. The default is {default:g}.")
