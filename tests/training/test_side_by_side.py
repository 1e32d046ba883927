import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from symmdp import symmetry_of
from symmdp.errors import OptionError, RunDirectoryError, WorkerError
from symmdp.training import Job, TrainingOptions, train, train_side_by_side
from symmdp.training._checkpoint import load_checkpoint

OPTIONS = TrainingOptions(total_steps=512, environments=4, rollout_steps=32, epochs=1, minibatch=64, hidden=(8,))
LONG = replace(OPTIONS, total_steps=100_000)
SYMMETRY = symmetry_of("CartPole-v1")


def policies_in(directory: Path) -> torch.Tensor:
    return load_checkpoint(directory / "checkpoint.pt")["training"]["policies"]


class Log:
    """Keeps what it is told, and calls back at the first update."""

    def __init__(self, at_first_update=lambda: None) -> None:
        self.told: list[tuple] = []
        self.at_first_update = at_first_update

    def start(self, label: str, total: int) -> None:
        self.told.append(("start", label, total))

    def update(self, step: int, mean_return: float | None) -> None:
        if not any(what == "update" for what, *_ in self.told):
            self.at_first_update()
        self.told.append(("update", step))

    def stop(self) -> None:
        self.told.append(("stop",))


def test_the_results_are_those_of_train(tmp_path: Path) -> None:
    logs: list[Log] = []

    def progress() -> Log:
        logs.append(Log())
        return logs[-1]

    jobs = [
        Job("CartPole-v1", SYMMETRY, OPTIONS, (0, 1), tmp_path / "equivariant"),
        Job("CartPole-v1", SYMMETRY, OPTIONS, (0, 1), tmp_path / "plain", policy="plain"),
    ]
    summaries = train_side_by_side(jobs, progress)
    assert [summary.directory.name for summary in summaries] == ["equivariant", "plain"]
    assert all(summary.finished and summary.steps == 512 for summary in summaries)
    for job, log in zip(jobs, logs, strict=True):
        alone = tmp_path / f"{job.policy} alone"
        train("CartPole-v1", SYMMETRY, OPTIONS, [0, 1], alone, policy=job.policy)
        assert torch.equal(policies_in(job.directory), policies_in(alone))
        updates = [("update", 128 * k) for k in range(1, 5)]
        assert log.told == [("start", f"CartPole-v1 {job.policy}", 512), *updates, ("stop",)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_with_a_checkpoint(tmp_path: Path, number: signal.Signals) -> None:
    jobs = [Job("CartPole-v1", SYMMETRY, LONG, (k,), tmp_path / str(k)) for k in range(2)]
    first = iter([lambda: os.kill(os.getpid(), number), lambda: None])
    summaries = train_side_by_side(jobs, lambda: Log(next(first)))
    assert not any(summary.finished for summary in summaries)
    assert all((tmp_path / str(k) / "checkpoint.pt").exists() for k in range(2))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_ends_the_others_and_is_raised(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/mine.txt").write_text("mine")
    jobs = [
        Job("CartPole-v1", SYMMETRY, LONG, (0,), tmp_path / "good"),
        Job("CartPole-v1", SYMMETRY, OPTIONS, (0,), tmp_path / "taken"),
    ]
    with pytest.raises(RunDirectoryError, match="never overwritten"):
        train_side_by_side(jobs)
    assert load_checkpoint(tmp_path / "good/checkpoint.pt")["training"]["updates"] < LONG.updates
    with pytest.raises(OptionError, match="Seeds must be different"):
        train_side_by_side([Job("CartPole-v1", SYMMETRY, OPTIONS, (), tmp_path / "none")])


def test_no_more_processes_than_workers(tmp_path: Path) -> None:
    import multiprocessing

    together: list[int] = []

    class Counting(Log):
        def update(self, step: int, mean_return: float | None) -> None:
            together.append(len(multiprocessing.active_children()))

    jobs = [Job("CartPole-v1", SYMMETRY, OPTIONS, (k,), tmp_path / str(k)) for k in range(3)]
    summaries = train_side_by_side(jobs, Counting, workers=1)
    assert [summary.directory.name for summary in summaries] == ["0", "1", "2"]
    assert all(summary.finished for summary in summaries)
    # One that has said that it is done may take a moment to end.
    assert max(together) <= 2
    assert together.count(1) >= len(together) // 2
    with pytest.raises(OptionError, match="at least 1; got 0"):
        train_side_by_side(jobs, workers=0)


def test_what_had_not_begun_does_not_begin_after_a_signal(tmp_path: Path) -> None:
    jobs = [Job("CartPole-v1", SYMMETRY, LONG, (k,), tmp_path / str(k)) for k in range(3)]
    summaries = train_side_by_side(jobs, lambda: Log(lambda: os.kill(os.getpid(), signal.SIGTERM)), workers=1)
    assert not any(summary.finished for summary in summaries)
    assert summaries[0].steps > 0
    assert [summary.steps for summary in summaries[1:]] == [0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["0"]


def test_a_process_that_dies_is_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    import multiprocessing

    def kill_one() -> None:
        # The first to be started, which has just made its first update.
        first = min(child.pid for child in multiprocessing.active_children() if child.pid is not None)
        os.kill(first, signal.SIGKILL)

    options = replace(LONG, total_steps=8_192)
    jobs = [Job("CartPole-v1", SYMMETRY, options, (k,), tmp_path / str(k)) for k in range(2)]
    logs = iter([Log(kill_one), Log()])
    with pytest.raises(WorkerError, match=r"died \(exit code -9\).*resume"):
        train_side_by_side(jobs, lambda: next(logs))
    survivors = [k for k in range(2) if (tmp_path / str(k) / "checkpoint.pt").exists()]
    assert len(survivors) == 1
    jobs = [replace(job, resume=True) for job in jobs]
    assert all(summary.finished for summary in train_side_by_side(jobs))


@pytest.mark.slow
def test_jobs_that_follow_others(tmp_path: Path) -> None:
    """Of two first jobs each has a successor, which begins after the other first one; a signal keeps both from beginning."""

    def then(job: Job) -> Job | None:
        return None if job.directory.name.endswith("b") else replace(job, directory=Path(f"{job.directory}b"))

    begun: list[str] = []

    class Labels(Log):
        def start(self, label: str, total: int) -> None:
            begun.append(label)

    jobs = [Job("CartPole-v1", SYMMETRY, OPTIONS, (0,), tmp_path / name, policy=name) for name in ("plain", "equivariant")]
    summaries = train_side_by_side(jobs, Labels, workers=1, then=then)
    assert [label.split()[1] for label in begun] == ["plain", "equivariant"] * 2
    assert [summary.directory.name for summary in summaries] == ["plainb", "equivariantb"]
    assert all(summary.finished for summary in summaries)
    jobs = [replace(job, directory=tmp_path / f"again-{job.policy}") for job in jobs]
    stopped = train_side_by_side(jobs, lambda: Log(lambda: os.kill(os.getpid(), signal.SIGINT)), workers=1, then=then)
    assert not any(summary.finished for summary in stopped)
    assert [path.name for path in tmp_path.glob("again*")] == ["again-plain"]
