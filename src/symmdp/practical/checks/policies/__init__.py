"""Checks of notebook 3, *Deep equivariant policies*."""

from symmdp.practical.checks.policies._exercises import EXERCISES

__all__ = ["EXERCISES"]
