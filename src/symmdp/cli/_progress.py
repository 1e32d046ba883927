from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class RichProgress:
    """A progress bar on standard error for `symmdp.training.train`; silent where that is no terminal.

    Args:
        console: where to draw; standard error when not given.
    """

    def __init__(self, console: Console | None = None):
        self._console = console or Console(stderr=True)
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def start(self, label: str, total: int) -> None:
        """A run of `total` environment steps begins."""
        if not self._console.is_terminal:
            return
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps  return {task.fields[shown]}"),
            TimeRemainingColumn(),
            console=self._console,
        )
        self._task = self._bar.add_task(label, total=total, shown="–")
        self._bar.start()

    def update(self, step: int, mean_return: float | None) -> None:
        """`step` environment steps are done; the mean over seeds of the recent return."""
        if self._bar is not None and self._task is not None:
            shown = "–" if mean_return is None else f"{mean_return:.1f}"
            self._bar.update(self._task, completed=step, shown=shown)

    def stop(self) -> None:
        """The run has ended, or was stopped."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = self._task = None
