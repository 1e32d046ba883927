from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class RichProgress:
    """Progress bars on standard error, one for each run; silent where that is no terminal.

    Args:
        console: where to draw; standard error when not given.
    """

    def __init__(self, console: Console | None = None):
        self._display = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps  return {task.fields[shown]}"),
            TimeRemainingColumn(),
            console=console or Console(stderr=True),
        )
        self._running = 0

    def bar(self) -> RichBar:
        """A bar for one more run."""
        return RichBar(self)

    @property
    def display(self) -> Progress | None:
        """Where to draw; None where there is no terminal."""
        return self._display if self._display.console.is_terminal else None

    def opened(self) -> None:
        """One more bar is shown."""
        if self._running == 0:
            self._display.start()
        self._running += 1

    def closed(self) -> None:
        """One bar less is shown; the display ends with the last."""
        self._running -= 1
        if self._running == 0:
            self._display.stop()


class RichBar:
    """The bar of one run, for `symmdp.training.train`."""

    def __init__(self, owner: RichProgress):
        self._owner = owner
        self._task: TaskID | None = None

    def start(self, label: str, total: int) -> None:
        """A run of `total` environment steps begins."""
        if self._owner.display is not None:
            self._task = self._owner.display.add_task(label, total=total, shown="–")
            self._owner.opened()

    def update(self, step: int, mean_return: float | None) -> None:
        """`step` environment steps are done; the mean over seeds of the recent return."""
        if self._owner.display is not None and self._task is not None:
            shown = "–" if mean_return is None else f"{mean_return:.1f}"
            self._owner.display.update(self._task, completed=step, shown=shown)

    def stop(self) -> None:
        """The run has ended, or was stopped."""
        if self._task is not None:
            self._task = None
            self._owner.closed()
