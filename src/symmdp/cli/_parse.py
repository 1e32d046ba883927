from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Sequence
from typing import Any

import tyro

from symmdp.errors import OptionError


def parse(app: Any, commands: Sequence[str], arguments: Sequence[str]) -> Any:
    """The command that the arguments name; an exit status where there is none to run (help, or a mistake).

    tyro reports a mistake as a box of many lines, and exits with status 2; here it becomes one line.

    Args:
        app: a union of commands, for tyro.
        commands: their names.
        arguments: to parse.

    Raises:
        OptionError: there is no such command.
    """
    if arguments and not arguments[0].startswith("-") and arguments[0] not in commands:
        raise OptionError(f"There is no command {arguments[0]!r}; the commands are {', '.join(commands)}.")
    box = io.StringIO()
    description = "Policies that respect the symmetries of their MDP by construction. `symmdp --version` prints the version."
    try:
        with contextlib.redirect_stderr(box):
            return tyro.cli(app, prog="symmdp", description=description, args=list(arguments))
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 2
        if status:
            asked = " ".join(["symmdp", *arguments[:1]]) if arguments[:1] and arguments[0] in commands else "symmdp"
            print(f"symmdp: error: {_one_line(box.getvalue())}. See: {asked} --help", file=sys.stderr)
        return status


def _one_line(box: str) -> str:
    """The message of tyro's box: up to the line that divides it from the hints below."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip("│╭╮╰╯ ") for line in box.splitlines()]
    if len(lines) > 1 and re.fullmatch("-+", lines[1]):  # where the terminal has no frames: a title, and a rule below it
        del lines[:2]
    message: list[str] = []
    for line in lines:
        if message and re.fullmatch(r"[─\s]+|-+", line):
            break
        if line and "─" not in line:
            message.append(line)
    # tyro lists `None`, which an option that is not given holds, and every type that it tried.
    text = " ".join(message).partition(". Got errors")[0]
    return re.sub(r"\{None\}\||'None', |, 'None'", "", text).rstrip(".")
