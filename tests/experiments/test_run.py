import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from symmdp.errors import RunDirectoryError
from symmdp.experiments import Run


def test_reads_what_training_writes(tmp_path: Path, write_run: Callable[..., Path]) -> None:
    rows = [(9, 4, 9, 9.0), (12, 1, 12, 12.0), (30, 4, 21, 21.0)]
    run = Run.load(write_run(tmp_path / "run", seeds=[4, 1], episodes=rows))
    assert (run.environment_id, run.method, run.seeds, run.threshold) == ("CartPole-v1", "equivariant", (4, 1), 475)
    assert run.episodes[0].steps.tolist() == [9, 30]
    assert run.episodes[0].returns.tolist() == [9, 21]
    assert run.episodes[1].returns.tolist() == [12]
    assert (run.seconds, run.rate) == (12.5, 7200)


def test_a_diverged_seed_is_read(tmp_path: Path, write_run: Callable[..., Path]) -> None:
    run = Run.load(write_run(tmp_path / "run", seeds=[0], episodes=[(9, 0, 9, math.nan)]))
    assert math.isnan(run.episodes[0].returns[0])


def test_values_are_frozen(tmp_path: Path, write_run: Callable[..., Path]) -> None:
    run = Run.load(write_run(tmp_path / "run"))
    with pytest.raises(ValueError, match="read-only"):
        run.episodes[0].returns[0] = 1


@pytest.mark.parametrize("name", ["config.json", "timing.json", "episodes.csv"])
def test_names_the_file_that_is_missing(tmp_path: Path, write_run: Callable[..., Path], name: str) -> None:
    (write_run(tmp_path / "run") / name).unlink()
    with pytest.raises(RunDirectoryError, match=name):
        Run.load(tmp_path / "run")


def test_no_directory(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="no run directory"):
        Run.load(tmp_path / "absent")


@pytest.mark.parametrize(
    ("tail", "message"),
    [
        ("40,0,9", "truncated"),
        ("40,0,9\n", "Line 3"),
        ("40,7,9,9.0\n", "Line 3"),
        ("40,0,9,nine\n", "Line 3"),
        ("3,0,9,9.0\n", "Line 3"),
        ("40,0,9,9.0,1\n", "Line 3"),
    ],
)
def test_damaged_episodes(tmp_path: Path, write_run: Callable[..., Path], tail: str, message: str) -> None:
    directory = write_run(tmp_path / "run", seeds=[0], episodes=[(9, 0, 9, 9.0)])
    with open(directory / "episodes.csv", "a") as file:
        file.write(tail)
    with pytest.raises(RunDirectoryError, match=message):
        Run.load(directory)


def test_foreign_columns(tmp_path: Path, write_run: Callable[..., Path]) -> None:
    directory = write_run(tmp_path / "run")
    (directory / "episodes.csv").write_text("r,l,t\n1,2,3\n")
    with pytest.raises(RunDirectoryError, match="columns"):
        Run.load(directory)


@pytest.mark.parametrize("content", ["[]", "{", json.dumps({"seeds": [0]}), "\x00"])
def test_foreign_config(tmp_path: Path, write_run: Callable[..., Path], content: str) -> None:
    directory = write_run(tmp_path / "run")
    (directory / "config.json").write_text(content)
    with pytest.raises(RunDirectoryError):
        Run.load(directory)
