from __future__ import annotations

from rich.console import Console


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704  (called while BrokenPipeError is handled; main answers it)


def console() -> Console:
    """Standard output; where it is no terminal, as wide as the content, so that nothing is cut."""
    found = _Console(highlight=False)
    if not found.is_terminal:
        found.width = 240
    return found
