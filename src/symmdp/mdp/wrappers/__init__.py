"""Environments under Gymnasium's wrappers: their symmetry, and wrappers of our own."""
