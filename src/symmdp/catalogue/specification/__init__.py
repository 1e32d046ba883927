"""Symmetries declared as data: a TOML file, or the same as nested mappings in Python."""
