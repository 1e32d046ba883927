"""The practical: notebooks that are built from sources, exercises that check themselves, and their grading."""

from symmdp.practical._build import build, find_sources, sources_folder
from symmdp.practical._check import check
from symmdp.practical._exercise import NOTEBOOKS, Exercise
from symmdp.practical._faulty_cart_poles import faulty_cart_pole
from symmdp.practical._registry import EXERCISES, exercise_named, exercises_of
from symmdp.practical._source import Source, read_source

__all__ = [
    "EXERCISES",
    "NOTEBOOKS",
    "Exercise",
    "Source",
    "build",
    "check",
    "exercise_named",
    "exercises_of",
    "faulty_cart_pole",
    "find_sources",
    "read_source",
    "sources_folder",
]
