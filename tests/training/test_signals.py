"""Signals to a whole group of processes, and the death of the parent: every process ends, with a last checkpoint."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from symmdp.training._checkpoint import load_checkpoint
from symmdp.training._session import interrupts
from symmdp.training._side_by_side import _blocking_interrupts

TRAINS = """
import multiprocessing, sys
from pathlib import Path
from symmdp import symmetry_of
from symmdp.training import Job, TrainingOptions, train_side_by_side
options = TrainingOptions(total_steps=10**8, environments=4, rollout_steps=32, epochs=1, minibatch=64, hidden=(8,))
class Says:
    def start(self, label, total):
        print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    def update(self, step, mean_return):
        pass
    def stop(self):
        pass
jobs = [Job("CartPole-v1", symmetry_of("CartPole-v1"), options, (k,), Path(sys.argv[1]) / str(k)) for k in range(2)]
print(*(summary.finished for summary in train_side_by_side(jobs, Says, workers=2)))
"""
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def alive(process: int) -> bool:
    """Whether it runs; one that has ended and is not waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def steps(run: Path) -> int:
    lines = (run / "metrics.csv").read_text().splitlines() if (run / "metrics.csv").exists() else []
    return int(lines[-1].split(",")[0]) if len(lines) > 2 else 0


def begun(folder: Path) -> tuple[subprocess.Popen[str], set[int]]:
    """A parent in a group of its own, and its two processes; both have trained for a while."""
    command = [sys.executable, "-c", TRAINS, str(folder)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert parent.stdout is not None
    workers: set[int] = set()
    while len(workers) < 2:
        line = parent.stdout.readline()
        assert line, parent.stderr and parent.stderr.read()
        workers |= set(map(int, line.split()))
    until(lambda: all(steps(folder / str(k)) > 0 for k in range(2)))
    assert all(map(alive, workers))
    return parent, workers


def assert_no_step_is_lost(folder: Path) -> None:
    """The last checkpoint is of the last update: those of every ten seconds would be older."""
    for k in range(2):
        updates = load_checkpoint(folder / str(k) / "checkpoint.pt")["training"]["updates"]
        assert updates * 128 == steps(folder / str(k)) > 0


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_group_ends_all_with_a_checkpoint(tmp_path: Path, number: signal.Signals) -> None:
    parent, workers = begun(tmp_path)
    os.killpg(parent.pid, number)
    out, error = parent.communicate(timeout=60)
    assert (parent.returncode, out.splitlines()[-1], error) == (0, "False False", "stopping after this update …\n")
    assert not any(map(alive, workers))
    assert_no_step_is_lost(tmp_path)


@needs_proc
@pytest.mark.slow
def test_processes_end_with_a_checkpoint_when_their_parent_dies(tmp_path: Path) -> None:
    parent, workers = begun(tmp_path)
    parent.kill()
    until(lambda: not any(map(alive, workers)))
    _, error = parent.communicate(timeout=60)
    assert error == ""
    assert_no_step_is_lost(tmp_path)


def test_a_signal_while_a_process_starts_is_not_lost() -> None:
    with interrupts() as received:
        with _blocking_interrupts():
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)  # another thread, of a library, blocks nothing
            child = "import signal; print(*map(int, signal.pthread_sigmask(signal.SIG_BLOCK, [])))"
            blocked = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True).stdout.split()
            assert {int(number) for number in blocked} == {signal.SIGINT, signal.SIGTERM}
            assert received == []
        assert received == [signal.SIGTERM]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()


def test_an_ignored_signal_stays_ignored_and_the_other_is_heeded() -> None:
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts() as received:
            os.kill(os.getpid(), signal.SIGINT)
            assert received == []
            os.kill(os.getpid(), signal.SIGTERM)
            assert received == [signal.SIGTERM]
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, previous)
