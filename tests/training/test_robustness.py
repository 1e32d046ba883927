"""Runs that are killed, fill the disk, or whose process dies: what was finished is kept, the rest is resumed, to the bit."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from symmdp import symmetry_of
from symmdp.errors import CheckpointError, RunDirectoryError, WorkerError
from symmdp.experiments import Evaluations, load_tuning, tune
from symmdp.training import Job, TrainingOptions, train, train_side_by_side
from symmdp.training._checkpoint import load_checkpoint

SYMMETRY = symmetry_of("CartPole-v1")
SHORT = TrainingOptions(
    total_steps=2048,
    environments=4,
    rollout_steps=32,
    epochs=1,
    minibatch=64,
    hidden=(8, 8),
    evaluation_every=200,
    evaluation_episodes=3,
)
SEEDS, RATES = [0, 3], [1e-3, 1e-2]
TABLES = ("metrics.csv", "episodes.csv", "evaluations.csv")

KILLED = """
import sys
from pathlib import Path
from symmdp import symmetry_of
from symmdp.experiments import tune
from symmdp.training import TrainingOptions, train
options = TrainingOptions.from_dict({options})
arguments = "CartPole-v1", symmetry_of("CartPole-v1"), options, {seeds}
if sys.argv[2] == "tune":
    tune(*arguments, {rates}, Path(sys.argv[1]), checkpoint_every=0)
else:
    train(*arguments, Path(sys.argv[1]), checkpoint_every=0, learning_rates={rates})
"""


def run(directory: Path, options: TrainingOptions = SHORT, **arguments):
    return train("CartPole-v1", SYMMETRY, options, SEEDS, directory, learning_rates=RATES, **arguments)


def assert_same(one: Path, other: Path) -> None:
    for name in TABLES:
        assert (one / name).read_bytes() == (other / name).read_bytes()
    policies = [load_checkpoint(path / "checkpoint.pt")["training"]["policies"] for path in (one, other)]
    assert torch.equal(*policies)
    assert not list(one.glob(".*.tmp"))


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "unbroken"
    run(path)
    return path


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """A limit on the size of files stands in for the full disk: a write fails half way."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.slow
@pytest.mark.parametrize("command", ["train", "tune"])
def test_killed_at_any_moment(tmp_path: Path, unbroken: Path, command: str) -> None:
    """With a grid and evaluations, several times in a row, each time at another random moment."""
    script = KILLED.format(options=asdict(SHORT), seeds=SEEDS, rates=RATES)
    again = script.replace("checkpoint_every=0", "checkpoint_every=0, resume=True")
    rng, path, kills = np.random.default_rng(time.time_ns()), tmp_path / "killed", 0
    for attempt in range(3):
        code = again if (path / "config.json").exists() else script
        process = subprocess.Popen([sys.executable, "-c", code, str(path), command], env={**os.environ, "OMP_NUM_THREADS": "1"})
        while not path.exists() or (attempt > 0 and not (path / "checkpoint.pt").exists()):
            assert process.poll() is None
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.3) if attempt == 0 else rng.uniform(1, 4))
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
    assert kills >= 1
    begun = (path / "config.json").exists()
    if command == "tune":
        assert tune("CartPole-v1", SYMMETRY, SHORT, SEEDS, RATES, path, resume=begun).finished
        assert load_tuning(path).rates == (1e-3, 1e-2)
    else:
        assert run(path, resume=begun).finished
    assert_same(path, unbroken)


def test_what_a_kill_leaves_before_the_first_file_is_no_run(tmp_path: Path, unbroken: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/.config.json.1.tmp").write_text('{"half')
    assert run(tmp_path / "run").finished
    assert_same(tmp_path / "run", unbroken)


@pytest.mark.parametrize("size", [0, 200, 2_000, 5_000, 8_000])
def test_a_full_disk(tmp_path: Path, unbroken: Path, size: int) -> None:
    """At each size another file is the first that cannot be written; then there is room again."""
    path = tmp_path / "run"
    with files_of_at_most(size), pytest.raises((RunDirectoryError, CheckpointError), match=r"Cannot write .*resume"):
        run(path, checkpoint_every=0)
    for name in TABLES if size >= 2_000 else ():
        assert (path / name).stat().st_size > 0
    begun = (path / "config.json").exists()
    assert begun == (size > 200)
    assert run(path, resume=begun).finished
    assert_same(path, unbroken)


def test_two_processes_do_not_go_on_with_one_run(tmp_path: Path, unbroken: Path) -> None:
    path, calls = tmp_path / "run", iter(range(100))
    assert not run(path, stop=lambda: next(calls) == 3).finished
    before = {name: (path / name).read_bytes() for name in TABLES}
    holds = "import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX); print(flush=True); input()"
    other = subprocess.Popen([sys.executable, "-c", holds, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout is not None
    other.stdout.readline()
    with pytest.raises(RunDirectoryError, match=r"Another process trains in .*--resume"):
        run(path, resume=True)
    assert {name: (path / name).read_bytes() for name in TABLES} == before
    other.kill()
    other.communicate()
    assert run(path, resume=True).finished  # the lock ended with it
    assert_same(path, unbroken)


def test_the_disk_fills_while_evaluations_are_written(tmp_path: Path, unbroken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from symmdp.training._run_directory import RunDirectory

    append, calls = RunDirectory.append_evaluations, iter(range(100))

    def fills(self, rows) -> None:
        if next(calls) == 3:
            with open(self.path / "evaluations.csv", "ab") as file:
                file.write(b"640,0,0.00")  # half a line
            raise OSError(28, os.strerror(28))
        append(self, rows)

    monkeypatch.setattr(RunDirectory, "append_evaluations", fills)
    with pytest.raises(RunDirectoryError, match=r"No space left on device\. What was finished is kept"):
        run(tmp_path / "run", checkpoint_every=0)
    monkeypatch.undo()
    assert run(tmp_path / "run", resume=True).finished
    assert_same(tmp_path / "run", unbroken)


@pytest.mark.slow
def test_a_process_that_dies_in_a_grid_is_resumed(tmp_path: Path) -> None:
    import multiprocessing

    options = replace(SHORT, total_steps=4096)

    class Kills:
        def __init__(self, kill: bool) -> None:
            self.kill = kill

        def start(self, label: str, total: int) -> None:
            pass

        def update(self, step: int, mean_return: float | None) -> None:
            if self.kill:
                self.kill = False
                os.kill(min(c.pid for c in multiprocessing.active_children() if c.pid is not None), signal.SIGKILL)

        def stop(self) -> None:
            pass

    jobs = [Job("CartPole-v1", SYMMETRY, options, (k,), tmp_path / str(k), learning_rates=tuple(RATES)) for k in range(2)]
    logs = iter([Kills(True), Kills(False)])
    with pytest.raises(WorkerError, match="resume"):
        train_side_by_side(jobs, lambda: next(logs))
    jobs = [replace(job, resume=True) for job in jobs]
    assert all(summary.finished for summary in train_side_by_side(jobs))
    for k in range(2):
        train("CartPole-v1", SYMMETRY, options, [k], tmp_path / f"alone {k}", learning_rates=RATES)
        assert_same(tmp_path / str(k), tmp_path / f"alone {k}")
        assert Evaluations.load(tmp_path / str(k)).learning_rates == (1e-3, 1e-2)
