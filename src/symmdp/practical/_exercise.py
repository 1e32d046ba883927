from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

NOTEBOOKS = (
    "1_symmetry_of_an_mdp",
    "2_equivariant_layers",
    "3_deep_equivariant_policies",
    "4_beyond_the_practical",
)
"""The notebooks of the practical, in order, by the names of their sources."""


@dataclass(frozen=True)
class Exercise:
    """An exercise whose answer can be checked.

    Args:
        name: what `check` and the grader call it, in lower case with hyphens.
        notebook: its place among the notebooks, from 1.
        points: what the right answer is worth; all or none.
        title: what is asked, in a few words, for the table of points.
        check: takes the student's answers; raises `WrongAnswerError` through `fail`, with what is wrong in words, or returns a
            sentence that says what was found right.
    """

    name: str
    notebook: int
    points: int
    title: str
    check: Callable[..., str]
