"""Environments whose state can be set: one file for each family."""
