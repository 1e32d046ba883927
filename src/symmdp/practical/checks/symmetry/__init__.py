"""Checks of notebook 1, *Symmetry of an MDP*."""

from symmdp.practical.checks.symmetry._exercises import EXERCISES

__all__ = ["EXERCISES"]
