from __future__ import annotations

import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from symmdp.training._checkpoint import check_belongs, load_checkpoint, save_checkpoint
from symmdp.training._events import events_writer
from symmdp.training._rollout import Episode
from symmdp.training._run_directory import METRICS, RunDirectory
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
    """

    directory: Path
    finished: bool
    steps: int
    seconds: float


class Session:
    """One stretch of a run, from its start or a checkpoint to its end or an interruption.

    Args:
        run: where it is recorded.
        training: what is trained.
        seeds: of the run.
        label: what to call it in the progress report.
        progress: is told how far the run is.
        checkpoint_every: seconds between checkpoints.
        stop: asked after each update whether to end, as Ctrl-C does.
    """

    def __init__(
        self,
        run: RunDirectory,
        training: Training,
        seeds: list[int],
        label: str,
        *,
        progress: Progress | None,
        checkpoint_every: float,
        stop: Callable[[], bool] | None,
    ):
        self._run, self._training, self._seeds, self._label = run, training, seeds, label
        self._progress, self._checkpoint_every = progress, checkpoint_every
        self._stop = stop or (lambda: False)
        self._recent = [deque[float](maxlen=training.options.solved_window) for _ in seeds]
        self._finished = [0 for _ in seeds]
        self._seconds = 0.0

    def go(self, resume: bool) -> TrainingSummary:
        """Train to the end, or until interrupted; the last checkpoint is written in either case."""
        if resume:
            self._load()
        training, options = self._training, self._training.options
        last_checkpoint = time.monotonic()
        if self._progress is not None:
            self._progress.start(self._label, options.updates * options.batch)
        try:
            with interrupts() as interrupted, events_writer(self._run.path, training.sampler.steps) as events:
                while training.updates < options.updates and not interrupted and not self._stop():
                    began = time.perf_counter()
                    episodes, diagnostics = training.update()
                    self._record(episodes, diagnostics, events)
                    self._seconds += time.perf_counter() - began
                    if time.monotonic() - last_checkpoint >= self._checkpoint_every:
                        self._save()
                        last_checkpoint = time.monotonic()
                self._save()
        finally:
            if self._progress is not None:
                self._progress.stop()
        finished = training.updates == options.updates
        return TrainingSummary(self._run.path, finished, training.sampler.steps, self._seconds)

    def _record(self, episodes: list[Episode], diagnostics: dict[str, torch.Tensor], events: Any) -> None:
        for episode in episodes:
            self._recent[episode.row].append(episode.total)
            self._finished[episode.row] += 1
        self._run.append_episodes((e.step, self._seeds[e.row], e.length, e.total) for e in episodes)
        step, means = self._training.sampler.steps, [float(np.mean(r)) if r else None for r in self._recent]
        columns = {name: values.tolist() for name, values in diagnostics.items()}
        self._run.append_metrics(
            [step, seed, "" if means[i] is None else means[i], self._finished[i]]
            + [f"{columns[name][i]:.6g}" if name in columns else "" for name in METRICS[4:]]
            for i, seed in enumerate(self._seeds)
        )
        known = [mean for mean in means if mean is not None]
        mean_return = float(np.mean(known)) if known else None
        if mean_return is not None:
            events.add_scalar("return/mean", mean_return, step)
            events.add_scalar("return/median", float(np.median(known)), step)
        for name, values in columns.items():
            events.add_scalar(f"losses/{name}", float(np.mean(values)), step)
        if self._progress is not None:
            self._progress.update(step, mean_return)

    def _save(self) -> None:
        contents = {
            "training": self._training.saved(),
            "seeds": self._seeds,
            "recent": [list(recent) for recent in self._recent],
            "finished": self._finished,
            "tables": self._run.lengths(),
            "seconds": self._seconds,
        }
        save_checkpoint(self._run.checkpoint, contents)
        steps = self._training.sampler.transitions
        timing = {
            "seconds": self._seconds,
            "transitions": steps,
            "transitions_per_second": steps / max(self._seconds, 1e-9),
        }
        self._run.write_json("timing.json", timing)

    def _load(self) -> None:
        self._run.remove_leftovers()
        if not self._run.checkpoint.exists():  # killed before the first one: start anew
            self._run.clear_tables()
            return
        contents = load_checkpoint(self._run.checkpoint)
        check_belongs(contents, self._seeds, self._training.stack.flat.shape)
        self._run.cut(contents["tables"])
        self._training.restore(contents["training"])
        for recent, values in zip(self._recent, contents["recent"], strict=True):
            recent.extend(values)
        self._finished, self._seconds = contents["finished"], contents["seconds"]


@contextmanager
def interrupts() -> Iterator[list[int]]:
    """A list that is empty until SIGINT or SIGTERM comes; a second one interrupts at once.

    Where SIGINT is ignored, nothing changes.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield received
        return

    def note(number: int, _: object) -> None:
        received.append(number)
        if len(received) > 1:
            raise KeyboardInterrupt
        print("stopping after this update …", file=sys.stderr)

    previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
