"""Numbers as the report spells them."""

from __future__ import annotations

from symmdp.experiments._number import number


def interval(bounds: tuple[float, float], digits: int = 1) -> str:
    """A bootstrap interval of returns or shares."""
    return f"[{number(bounds[0], digits)} – {number(bounds[1], digits)}]".replace("-", "−")


def signed(value: float, digits: int = 1) -> str:
    """A return or a share."""
    return number(value, digits).replace("-", "−")


def plain(value: object) -> str:
    """An option's value, as JSON would not spell it."""
    if isinstance(value, list):
        return " ".join(plain(item) for item in value)
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    return f"{value:g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
