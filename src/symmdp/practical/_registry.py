from __future__ import annotations

from difflib import get_close_matches

from symmdp.errors import OptionError
from symmdp.practical._exercise import Exercise
from symmdp.practical.checks.beyond import EXERCISES as BEYOND
from symmdp.practical.checks.layers import EXERCISES as LAYERS
from symmdp.practical.checks.policies import EXERCISES as POLICIES
from symmdp.practical.checks.symmetry import EXERCISES as SYMMETRY

EXERCISES: tuple[Exercise, ...] = (*SYMMETRY, *LAYERS, *POLICIES, *BEYOND)
"""All exercises, in the order of the notebooks."""


def exercise_named(name: str) -> Exercise:
    """The exercise of this name.

    Raises:
        OptionError: there is none.
    """
    for exercise in EXERCISES:
        if exercise.name == name:
            return exercise
    close = get_close_matches(str(name), [exercise.name for exercise in EXERCISES], n=1)
    raise OptionError(f"There is no exercise {name!r}." + (f" Did you mean {close[0]!r}?" if close else ""))


def exercises_of(notebook: int) -> tuple[Exercise, ...]:
    """The exercises of a notebook, in order.

    Args:
        notebook: its place, from 1.
    """
    return tuple(exercise for exercise in EXERCISES if exercise.notebook == notebook)
