from __future__ import annotations

from symmdp.practical._exercise import Exercise

EXERCISES: tuple[Exercise, ...] = ()
