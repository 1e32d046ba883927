"""Numbers as the report spells them."""

from __future__ import annotations

import math

from symmdp.experiments._number import number


def steps(value: float) -> str:
    """Environment steps; infinitely many are never made."""
    return "–" if math.isnan(value) else f"{value:,.0f}" if math.isfinite(value) else "unsolved"


def bounded(value: float, interval: tuple[float, float]) -> str:
    """A return with its interval."""
    return f"{number(value)} [{number(interval[0])} – {number(interval[1])}]".replace("-", "−")


def bounded_steps(value: float, interval: tuple[float, float]) -> str:
    """Steps with their interval."""
    return f"{steps(value)} [{steps(interval[0])} – {steps(interval[1])}]"


def plain(value: object) -> str:
    """An option's value, as JSON would not spell it."""
    if isinstance(value, list):
        return " ".join(plain(item) for item in value)
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    return f"{value:g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
