from __future__ import annotations

import math
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from symmdp.training._checkpoint import check_belongs, load_checkpoint, save_checkpoint
from symmdp.training._events import events_writer
from symmdp.training._failures import Failure, failures_as_json
from symmdp.training._rollout import Episode
from symmdp.training._run_directory import METRICS, RunDirectory, alone, writing
from symmdp.training._training import Training


class Progress(Protocol):
    """Is told how far a run is."""

    def start(self, label: str, total: int) -> None:
        """A run of `total` environment steps begins."""
        ...

    def update(self, step: int, mean_return: float | None) -> None:
        """`step` environment steps are done; the mean over seeds of the recent return."""
        ...

    def stop(self) -> None:
        """The run has ended, or was stopped."""
        ...


@dataclass(frozen=True)
class TrainingSummary:
    """How a call of `train` ended.

    Attributes:
        directory: the run directory.
        finished: whether the run is complete; otherwise it was interrupted, and can be resumed.
        steps: environment steps of each seed so far.
        seconds: spent in training, over all sessions.
        failures: the rows that diverged.
    """

    directory: Path
    finished: bool
    steps: int
    seconds: float
    failures: tuple[Failure, ...] = ()


class Session:
    """One stretch of a run, from its start or a checkpoint to its end or an interruption.

    Args:
        run: where it is recorded.
        training: what is trained.
        label: what to call it in the progress report.
        progress: is told how far the run is.
        checkpoint_every: seconds between checkpoints.
        stop: asked after each update whether to end, as Ctrl-C does.
    """

    def __init__(
        self,
        run: RunDirectory,
        training: Training,
        label: str,
        *,
        progress: Progress | None,
        checkpoint_every: float,
        stop: Callable[[], bool] | None,
    ):
        self._run, self._training, self._label = run, training, label
        self._progress, self._checkpoint_every = progress, checkpoint_every
        self._stop = stop or (lambda: False)
        self._rows = training.rows
        # Where seeds are trained with several rates, the rate is a column of the tables.
        grid = len({row.learning_rate for row in self._rows}) > 1
        self._rate = [[row.learning_rate] if grid else [] for row in self._rows]
        self._recent = [deque[float](maxlen=training.options.solved_window) for _ in self._rows]
        self._finished = [0 for _ in self._rows]
        self._failures: dict[int, Failure] = {}
        self._evaluated: int | None = None  # the step of the last evaluation
        self._seconds = self._evaluation_seconds = 0.0

    def go(self, resume: bool) -> TrainingSummary:
        """Train to the end, or until interrupted; the last checkpoint is written in either case."""
        with writing(self._run.path), alone(self._run.path):
            return self._go(resume)

    def _go(self, resume: bool) -> TrainingSummary:
        if resume:
            self._load()
        training, options = self._training, self._training.options
        last_checkpoint = time.monotonic()
        if self._progress is not None:
            self._progress.start(self._label, options.updates * options.batch)
        try:
            with interrupts() as interrupted, events_writer(self._run.path, training.sampler.steps) as events:
                self._evaluate_if_due(events)
                while training.updates < options.updates and not interrupted and not self._stop():
                    began = time.perf_counter()
                    episodes, diagnostics = training.update()
                    self._record(episodes, diagnostics, events)
                    self._seconds += time.perf_counter() - began
                    self._evaluate_if_due(events)
                    if time.monotonic() - last_checkpoint >= self._checkpoint_every:
                        self._save()
                        last_checkpoint = time.monotonic()
                self._save()
        finally:
            if self._progress is not None:
                self._progress.stop()
        finished = training.updates == options.updates
        failures = tuple(self._failures.values())
        return TrainingSummary(self._run.path, finished, training.sampler.steps, self._seconds, failures)

    def _record(self, episodes: list[Episode], diagnostics: dict[str, torch.Tensor], events: Any) -> None:
        step, rows = self._training.sampler.steps, self._rows
        table: list[list[object]] = []
        for e in episodes:
            if e.row not in self._failures:
                self._recent[e.row].append(e.total)
                self._finished[e.row] += 1
                table.append([e.step, rows[e.row].seed, e.length, e.total, *self._rate[e.row]])
        for row, reason in self._training.learner.failures.items():
            if row not in self._failures:
                self._failures[row] = Failure(rows[row].seed, rows[row].learning_rate, step, reason)
                self._recent[row].clear()
                self._recent[row].append(math.nan)
                # The last that is heard of it: whatever is averaged over it is not a number.
                table.append([step, rows[row].seed, 0, math.nan, *self._rate[row]])
                self._write_failures()
        self._run.append_episodes(table)
        means = [float(np.mean(r)) if r else None for r in self._recent]
        columns = {name: values.tolist() for name, values in diagnostics.items()}
        self._run.append_metrics(
            [step, row.seed, "" if means[i] is None else means[i], self._finished[i]]
            + [f"{columns[name][i]:.6g}" if name in columns else "" for name in METRICS[4:]]
            + self._rate[i]
            for i, row in enumerate(rows)
        )
        going = [i for i in range(len(rows)) if i not in self._failures]
        known = [mean for i in going if (mean := means[i]) is not None]
        mean_return = float(np.mean(known)) if known else None
        if mean_return is not None:
            events.add_scalar("return/mean", mean_return, step)
            events.add_scalar("return/median", float(np.median(known)), step)
        for name, values in columns.items() if going else ():
            events.add_scalar(f"losses/{name}", float(np.mean([values[i] for i in going])), step)
        if self._progress is not None:
            self._progress.update(step, mean_return)

    def _evaluate_if_due(self, events: Any) -> None:
        """Evaluate before the first update, and after each that reaches another multiple of `evaluation_every`."""
        every, step = self._training.options.evaluation_every, self._training.sampler.steps
        if every is None or (self._evaluated is not None and step // every == self._evaluated // every):
            return
        began = time.perf_counter()
        found = {evaluation.row: evaluation for evaluation in self._training.evaluate()}
        table: list[list[object]] = []
        for i, row in enumerate(self._rows):
            common = [step, row.seed, row.learning_rate]
            if i in found:
                returns, lengths = found[i].returns, found[i].lengths
                shown = (returns.mean(), returns.std(), returns.min(), returns.max(), lengths.mean())
                table.append([*common, len(returns), *map(float, shown)])
            else:
                table.append([*common, 0, *[math.nan] * 5])  # it failed: every table has all rows
        self._run.append_evaluations(table)
        if found:
            means = [evaluation.returns.mean() for evaluation in found.values()]
            events.add_scalar("evaluation/mean", float(np.mean(means)), step)
            events.add_scalar("evaluation/median", float(np.median(means)), step)
        self._evaluated = step
        self._evaluation_seconds += time.perf_counter() - began

    def _save(self) -> None:
        contents = {
            "training": self._training.saved(),
            "seeds": [row.seed for row in self._rows],
            "learning_rates": [row.learning_rate for row in self._rows],
            "recent": [list(recent) for recent in self._recent],
            "finished": self._finished,
            "tables": self._run.lengths(),
            "seconds": self._seconds,
            "evaluated": self._evaluated,
            "evaluation_seconds": self._evaluation_seconds,
            "failures": [[row, *astuple(failure)] for row, failure in self._failures.items()],
        }
        save_checkpoint(self._run.checkpoint, contents)
        steps = self._training.sampler.transitions
        timing = {
            "seconds": self._seconds,
            "transitions": steps,
            "transitions_per_second": steps / max(self._seconds, 1e-9),
            "evaluation_seconds": self._evaluation_seconds,
        }
        self._run.write_json("timing.json", timing)

    def _load(self) -> None:
        self._run.remove_leftovers()
        if not self._run.checkpoint.exists():  # killed before the first one: start anew
            self._run.clear_tables()
            self._write_failures()
            return
        contents = load_checkpoint(self._run.checkpoint)
        check_belongs(contents, self._rows, self._training.stack.flat.shape)
        self._run.cut(contents["tables"])
        self._training.restore(contents["training"])
        for recent, values in zip(self._recent, contents["recent"], strict=True):
            recent.extend(values)
        self._finished, self._seconds = contents["finished"], contents["seconds"]
        self._evaluated, self._evaluation_seconds = contents["evaluated"], contents["evaluation_seconds"]
        self._failures = {row: Failure(*values) for row, *values in contents["failures"]}
        self._write_failures()

    def _write_failures(self) -> None:
        """Write the failures so far, in place of what a killed process found after its last checkpoint."""
        if self._failures:
            self._run.write_json("failures.json", failures_as_json(self._failures.values()))
        else:
            (self._run.path / "failures.json").unlink(missing_ok=True)


@contextmanager
def interrupts() -> Iterator[list[int]]:
    """A list that is empty until SIGINT or SIGTERM comes; a second one interrupts at once.

    One that is ignored stays ignored, as SIGINT is in a script's background.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def note(number: int, _: object) -> None:
        received.append(number)
        if len(received) > 1:
            raise KeyboardInterrupt
        print("stopping after this update …", file=sys.stderr)

    heeded = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) is not signal.SIG_IGN]
    previous = {number: signal.signal(number, note) for number in heeded}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
