"""The command line, thin: parse, call, print."""

from symmdp.cli._main import main

__all__ = ["main"]
