from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from symmdp.errors import MissingExtraError, SymmdpError

_EXTRA = ("tyro", "rich", "matplotlib", "pygame")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit status.

    0: it did what it should. 1: `verify` rejected a symmetry. 2: bad input, one line on stderr. 130: interrupted.
    141: the reader of the output has gone.

    Args:
        arguments: those of the process when not given.
    """
    _print_what_the_terminal_lacks()
    try:
        status = _run(sys.argv[1:] if arguments is None else list(arguments))
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Python flushes once more when it exits; let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (SymmdpError, OSError) as error:
        return _fail(error)
    except KeyboardInterrupt:
        print("symmdp: interrupted", file=sys.stderr)
        return 130


def _run(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        from importlib.metadata import version

        print(f"symmdp {version('symmdp')}")
        return 0
    try:
        from symmdp.cli._commands import parse

        command = parse(arguments)
        return command if isinstance(command, int) else command.run()
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRA:
            raise
        raise MissingExtraError(
            f"The command line needs {package}, which is not installed. Try: pip install 'symmdp[experiments]'"
        ) from None


def _print_what_the_terminal_lacks() -> None:
    """Where the output cannot spell a character (θ in ASCII), print a question mark in its place."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _fail(error: Exception) -> int:
    print(f"symmdp: error: {' '.join(str(error).split())}", file=sys.stderr)
    return 2
