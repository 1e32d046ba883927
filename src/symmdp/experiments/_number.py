from __future__ import annotations

import math


def number(value: float, digits: int = 1) -> str:
    """A number for people: `∞`, `failed` for minus infinity, `–` for NaN."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "failed"
    return f"{value:,.{digits}f}"
