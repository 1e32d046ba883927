"""A tuned comparison that is killed, told to stop, loses a process or fills the disk is resumed, to the same numbers."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from symmdp.cli import main

COMMAND = [sys.executable, "-c", "import sys; from symmdp.cli import main; sys.exit(main())"]
METHODS = ("equivariant", "plain")
NEW = ["compare", "CartPole-v1", "--variant", "sample-efficient", "--methods", *METHODS, "--seeds", "2", "--steps", "1024"]
NEW += ["--hidden", "8", "--evaluation-every", "500", "--evaluation-episodes", "2", "--solved-at", "100"]
NEW += ["--tune", "--rates", "0.01", "0.03", "--tuning-seeds", "2"]
TABLES = ("episodes.csv", "metrics.csv", "evaluations.csv")
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")


def numbers(directory: Path) -> dict[str, bytes]:
    """Whatever training and tuning found out, but for times; and no temporary file."""
    names = (*TABLES, "tuning.json", "results.csv")
    found = {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.name in names}
    assert len(found) == 2 * len(METHODS) * len(TABLES) + len(METHODS) + 1
    assert not list(directory.rglob(".*.tmp"))
    return found


def start(directory: Path) -> "subprocess.Popen[str]":
    """The command that begins the comparison, or goes on with it, in a group of its own."""
    begun = (directory / "config.json").exists()
    arguments = ["compare", "CartPole-v1", "--resume", str(directory)] if begun else [*NEW, "--directory", str(directory)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*COMMAND, *arguments],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def finish(directory: Path) -> None:
    process = start(directory)
    _, error = process.communicate(timeout=300)
    assert (process.returncode, error) == (0, "")


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    """Until the table has rows besides its head."""
    while not path.exists() or path.read_bytes().count(b"\n") < 2:
        assert process.poll() is None
        time.sleep(0.01)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    directory = tmp_path_factory.mktemp("comparisons") / "unbroken"
    finish(directory)
    return numbers(directory)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_ended_at_any_moment(tmp_path: Path, unbroken: dict[str, bytes], number: signal.Signals) -> None:
    """The whole group of processes, several times in a row, each time at another random moment."""
    rng, directory, ended = np.random.default_rng(time.time_ns()), tmp_path / "c", 0
    for _ in range(3):
        process = start(directory)
        time.sleep(rng.uniform(2, 12))
        ended += process.poll() is None
        os.killpg(process.pid, number)
        _, error = process.communicate(timeout=120)
        # SIGTERM that comes while nothing is trained yet, or no longer, ends it at once.
        assert process.returncode in ((0, 130, -number) if number == signal.SIGTERM else (0, -number)), error
        assert "Traceback" not in error
    assert ended
    finish(directory)
    assert numbers(directory) == unbroken


def workers_of(parent: int) -> list[int]:
    """The processes that train, oldest first."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            own = int(stat.read_text().rpartition(")")[2].split()[1]) == parent
            if own and b"spawn_main" in (stat.parent / "cmdline").read_bytes():
                found.append(int(stat.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return sorted(found)


@needs_proc
@pytest.mark.slow
def test_a_process_that_dies_while_it_tunes(tmp_path: Path, unbroken: dict[str, bytes]) -> None:
    directory = tmp_path / "c"
    process = start(directory)
    wait_for(directory / "tuning/equivariant/metrics.csv", process)
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)
    out, error = process.communicate(timeout=120)
    assert (process.returncode, out) == (2, "")
    assert error.startswith("symmdp: error: The process that trained equivariant policies for CartPole-v1 died (exit code -9).")
    assert error.endswith(f"resume the comparison in {directory}.\n")
    assert len(error.splitlines()) == 1
    assert not (directory / "tuning/equivariant/tuning.json").exists()
    finish(directory)
    assert numbers(directory) == unbroken


@pytest.mark.slow
def test_the_disk_fills_while_a_choice_is_written(
    tmp_path: Path, unbroken: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    directory, failed = tmp_path / "c", []

    class Full(io.FileIO):
        def write(self, content) -> int:
            super().write(content[: len(content) // 2])
            failed.append(self.name)
            raise OSError(28, os.strerror(28))

    def fills(path, mode):
        return Full(path, mode) if "tuning.json" in str(path) else open(path, mode)

    monkeypatch.setattr("symmdp.training._run_directory.open", fills, raising=False)
    assert main([*NEW, "--directory", str(directory)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("symmdp: error: Cannot write to ")
    assert "No space left on device" in line
    assert line.endswith(f"resume the comparison in {directory}.")
    assert len(failed) == 1
    assert not list(directory.rglob("*tuning.json*"))
    monkeypatch.undo()
    assert main(["compare", "CartPole-v1", "--resume", str(directory)]) == 0
    assert numbers(directory) == unbroken
