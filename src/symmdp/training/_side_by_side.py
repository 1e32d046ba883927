from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from symmdp.errors import OptionError, SymmdpError, WorkerError
from symmdp.mdp import Symmetry
from symmdp.training._options import TrainingOptions
from symmdp.training._session import Progress, TrainingSummary, interrupts
from symmdp.training._train import train

_PATIENCE = 30.0
"""Seconds that a process has for its last checkpoint after the parent has failed."""


@dataclass(frozen=True)
class Job:
    """The arguments of one call of `train`."""

    environment_id: str
    symmetry: Symmetry
    options: TrainingOptions
    seeds: tuple[int, ...]
    directory: Path
    policy: str = "equivariant"
    resume: bool = False
    learning_rates: tuple[float, ...] = ()


def train_side_by_side(
    jobs: Sequence[Job],
    progress: Callable[[], Progress] | None = None,
    *,
    workers: int | None = None,
    then: Callable[[Job], Job | None] | None = None,
) -> tuple[TrainingSummary, ...]:
    """Train several runs at once, each in a process of its own with one thread; the results are those of `train`.

    As many as there are cores train at a time, and the next begins when one ends. Ctrl-C and SIGTERM end those that train
    with a checkpoint, and the others do not begin, whether the signal comes to this process alone or to its whole group. A
    run that fails ends the others likewise, and its error is raised; so does the death of this process. Call it from a
    script under `if __name__ == "__main__":`, as all that starts processes.

    Args:
        jobs: the runs, each with its own directory.
        progress: gives each run what is told how far it is.
        workers: processes at a time; the number of cores when not given.
        then: gives the job that follows one that has finished, or None; it waits until the others have begun.

    Returns:
        A summary for each job, or for the last that follows it; of one that did not begin, with no step.

    Raises:
        OptionError: fewer than one worker.
        WorkerError: a process died; what it had finished is kept, and can be resumed.
        SymmdpError: whatever `train` raises.
    """
    most = _cores() if workers is None else workers
    if most < 1:
        raise OptionError(f"workers is the number of processes at a time, at least 1; got {workers}.")
    waiting, started = deque(enumerate(jobs)), list[_Worker]()
    summaries: dict[int, TrainingSummary] = {}
    with interrupts() as interrupted:
        try:
            while True:
                running = {worker.connection: worker for worker in started if worker.running}
                stopping = bool(interrupted) or any(worker.error for worker in started)
                while waiting and len(running) < most and not stopping:
                    worker = _start(*waiting.popleft(), progress)
                    started.append(worker)
                    running[worker.connection] = worker
                if not running:
                    break
                for connection in wait(list(running), timeout=0.2):
                    worker = running[connection]  # pyright: ignore[reportArgumentType]
                    worker.receive()
                    if worker.summary is not None:
                        summaries[worker.place] = worker.summary
                        following = then(worker.job) if then is not None and worker.summary.finished else None
                        if following is not None:
                            waiting.append((worker.place, following))
                if interrupted or any(worker.error for worker in started):
                    for worker in started:
                        worker.ask_to_stop()
        except KeyboardInterrupt:  # the second signal
            for worker in started:
                worker.kill()
            raise
        finally:
            for worker in started:
                worker.hang_up()
            for worker in started:
                worker.close()
    for worker in started:
        if worker.error is not None:
            raise worker.error
    summaries |= {place: TrainingSummary(job.directory, False, 0, 0.0) for place, job in waiting}
    return tuple(summaries[place] for place in range(len(jobs)))


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start(place: int, job: Job, progress: Callable[[], Progress] | None) -> _Worker:
    context = get_context("spawn")
    with _blocking_interrupts():  # which a process inherits; the parent alone answers to signals
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, job), daemon=True)
        process.start()
        theirs.close()
    return _Worker(place, job, process, ours, progress() if progress else None)


class _Worker:
    """The parent's view of one process."""

    def __init__(self, place: int, job: Job, process: BaseProcess, connection: Connection, progress: Progress | None):
        self.place, self.job, self.connection, self._process, self._progress = place, job, connection, process, progress
        self.summary: TrainingSummary | None = None
        self.error: SymmdpError | None = None
        self._asked = False

    @property
    def running(self) -> bool:
        return self.summary is None and self.error is None

    def receive(self) -> None:
        try:
            kind, *contents = self.connection.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            self.error = WorkerError(
                f"The process that trained {self.job.policy} policies for {self.job.environment_id} died (exit code "
                f"{self._process.exitcode}). What it had finished is kept in {self.job.directory}; resume it."
            )
            return
        if kind == "summary":
            self.summary = contents[0]
        elif kind == "error":
            self.error = contents[0]
        elif self._progress is not None:
            getattr(self._progress, kind)(*contents)

    def ask_to_stop(self) -> None:
        if self.running and not self._asked:
            self._asked = True
            with suppress(BrokenPipeError, ConnectionResetError):  # it died; receive() says so
                self.connection.send("stop")

    def hang_up(self) -> None:
        if self._progress is not None:
            self._progress.stop()
        self.connection.close()  # a process that still trains notices, and ends with a checkpoint

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        if self.running:
            self._process.join(_PATIENCE)
            self._process.kill()
        self._process.join()


class _Report:
    """The process's side: a Progress that reports to the parent, and learns from it when to stop, or that it has gone."""

    def __init__(self, connection: Connection):
        self._connection, self._alone = connection, False

    def send(self, kind: str, *contents: object) -> None:
        try:
            self._connection.send((kind, *contents))
        except (BrokenPipeError, ConnectionResetError):
            self._alone = True

    def start(self, label: str, total: int) -> None:
        self.send("start", label, total)

    def update(self, step: int, mean_return: float | None) -> None:
        self.send("update", step, mean_return)

    def stop(self) -> None:
        pass  # the parent stops what it shows when the process ends

    def told_to_stop(self) -> bool:
        return self._alone or self._connection.poll()  # there is something to read too when the other end is closed


def _work(connection: Connection, job: Job) -> None:
    report = _Report(connection)
    try:
        summary = train(
            job.environment_id,
            job.symmetry,
            job.options,
            job.seeds,
            job.directory,
            policy=job.policy,
            progress=report,
            resume=job.resume,
            stop=report.told_to_stop,
            learning_rates=job.learning_rates,
        )
        report.send("summary", summary)
    except SymmdpError as error:
        report.send("error", error)


@contextmanager
def _blocking_interrupts() -> Iterator[None]:
    """Hold SIGINT and SIGTERM back: a process that starts meanwhile never receives them, this one does afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # would start with the process otherwise, and let both through when it has
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)
