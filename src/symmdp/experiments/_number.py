from __future__ import annotations

import math


def number(value: float, digits: int = 1) -> str:
    """A number for people: `∞`, `failed` for minus infinity, `–` for NaN."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "failed"
    return f"{value:,.{digits}f}"


def mean_digits(mean: float, interval: tuple[float, float]) -> int:
    """Decimals of a mean return and its interval: one, but three where all are below 10."""
    return 3 if all(abs(value) < 10 for value in (mean, *interval) if math.isfinite(value)) else 1


def steps(value: float) -> str:
    """Environment steps: `unsolved` for infinitely many, `–` for NaN."""
    return "–" if math.isnan(value) else f"{value:,.0f}" if math.isfinite(value) else "unsolved"


def steps_between(low: float, high: float) -> str:
    """An interval of environment steps, `[low – high]` or `[low – never]`; empty where its lower end is not finite."""
    if not math.isfinite(low):
        return ""
    return f"[{steps(low)} – {'never' if math.isinf(high) else steps(high)}]"
