"""Checks of notebook 4, *Beyond the practical*."""

from symmdp.practical.checks.beyond._exercises import EXERCISES

__all__ = ["EXERCISES"]
