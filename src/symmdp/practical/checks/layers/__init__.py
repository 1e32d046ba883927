"""Checks of notebook 2, *Equivariant layers*."""

from symmdp.practical.checks.layers._exercises import EXERCISES

__all__ = ["EXERCISES"]
