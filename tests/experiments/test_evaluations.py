import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from symmdp.errors import RunDirectoryError
from symmdp.experiments import Run
from symmdp.experiments._run_curves import own_steps, plot_steps, returns_at

WriteRun = Callable[..., Path]
HEAD = "step,seed,learning_rate,episodes,return_mean,return_std,return_min,return_max,length_mean"


@pytest.fixture
def directory(tmp_path: Path, write_run: WriteRun) -> Path:
    return write_run(tmp_path / "run", seeds=[4, 1], episodes=[(9, 4, 9, 9.0), (12, 1, 12, 12.0)], total_steps=400)


def write(directory: Path, *rows: str, end: str = "\n") -> None:
    (directory / "evaluations.csv").write_text("\n".join([HEAD, *rows]) + end)


def row(step: int, seed: int, mean: float | str, rate: float = 0.003) -> str:
    return f"{step},{seed},{rate},5,{mean},0,0,0,9"


def failures_of(step: int, *seeds: int) -> str:
    return json.dumps({"failures": [{"seed": s, "learning_rate": 0.003, "step": step, "reason": "NaN"} for s in seeds]})


def test_a_run_without_evaluations_has_none(directory: Path) -> None:
    run = Run.load(directory)
    assert (run.evaluations, run.failures, run.learning_rate, run.finished) == (None, (), 0.003, True)
    write(directory)
    assert Run.load(directory).evaluations is None


def test_reads_evaluations_of_each_seed(directory: Path) -> None:
    write(directory, row(0, 4, 1.5), row(0, 1, 2), row(200, 4, 3), row(200, 1, ""))
    run = Run.load(directory)
    assert run.evaluations is not None
    assert [e.steps.tolist() for e in run.evaluations] == [[0, 200], [0, 200]]
    assert run.evaluations[0].returns.tolist() == [1.5, 3]
    assert math.isnan(run.evaluations[1].returns[1])
    with pytest.raises(ValueError, match="read-only"):
        run.evaluations[0].returns[0] = 9


def test_of_several_learning_rates_the_runs_own_is_taken(directory: Path) -> None:
    write(directory, row(0, 4, 1), row(0, 1, 1), row(0, 4, 7, 0.1), row(0, 1, 7, 0.1))
    failures = [{"seed": seed, "learning_rate": rate, "step": 9, "reason": ""} for seed, rate in ((4, 0.1), (1, 0.003))]
    (directory / "failures.json").write_text(json.dumps({"failures": failures}))
    run = Run.load(directory)
    assert run.evaluations is not None
    assert [float(e.returns[0]) for e in run.evaluations] == [1, 1]
    assert [(failure.seed, failure.step) for failure in run.failures] == [(1, 9)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([row(0, 7, 1)], "Line 2"),
        ([row(0, 4, 1), row(0, 4, 1)], "Line 3"),
        ([row(9, 4, 1), row(3, 4, 1)], "Line 3"),
        (["0,4,0.003,5,nine,0,0,0,9"], "Line 2"),
        (["0,4,0.003"], "Line 2"),
        ([row(0, 4, 1) + ",7"], "Line 2"),
    ],
)
def test_damaged_evaluations(directory: Path, rows: list[str], message: str) -> None:
    write(directory, *rows)
    with pytest.raises(RunDirectoryError, match=message):
        Run.load(directory)


def test_a_line_that_is_being_written(directory: Path) -> None:
    write(directory, row(0, 4, 1), "200,4,0.0", end="")
    with pytest.raises(RunDirectoryError, match="truncated in line 3"):
        Run.load(directory)
    run = Run.load(directory, going_on=True)
    assert run.evaluations is not None
    assert [len(e.steps) for e in run.evaluations] == [1, 0]
    (directory / "evaluations.csv").write_text("a,b\n")
    with pytest.raises(RunDirectoryError, match="must have the columns"):
        Run.load(directory)


@pytest.mark.parametrize("content", ["{", '{"failures": 7}', "[1]", '{"failures": [{"seed": 1}]}', "7"])
def test_damaged_failures(directory: Path, content: str) -> None:
    (directory / "failures.json").write_text(content)
    with pytest.raises(RunDirectoryError, match=r"failures\.json"):
        Run.load(directory)


def test_how_far_a_run_is(directory: Path) -> None:
    metrics = directory / "metrics.csv"
    metrics.write_text("step,seed\n")
    assert Run.load(directory).reached == 0
    metrics.write_text("step,seed\n100,4\n100,1\n20")
    run = Run.load(directory)
    assert (run.reached, run.finished) == (100, False)
    (directory / "failures.json").write_text(failures_of(90, 4, 1))
    assert Run.load(directory).finished  # no seed is left to go on
    metrics.write_text("step,seed\nx,4\n")
    with pytest.raises(RunDirectoryError, match=r"metrics\.csv"):
        Run.load(directory)


def test_curves_are_straight_between_evaluations_and_end_where_a_seed_diverged(directory: Path) -> None:
    write(directory, *(row(step, seed, step + seed) for step in (100, 200, 400) for seed in (4, 1)))
    (directory / "failures.json").write_text(failures_of(300, 1))
    run = Run.load(directory)
    found = returns_at(run, [0, 100, 150, 299, 300, 400])
    np.testing.assert_allclose(found, [[math.nan, 104, 154, 303, 304, 404], [math.nan, 101, 151, 300, math.nan, math.nan]])
    assert own_steps(run).tolist() == plot_steps([run]).tolist() == [100, 200, 400]


def test_curves_of_a_run_that_goes_on_end_where_it_is(directory: Path) -> None:
    (directory / "metrics.csv").write_text("step,seed\n100,4\n100,1\n")
    found = returns_at(Run.load(directory), [0, 10, 100, 101])
    np.testing.assert_allclose(found, [[math.nan, 9, 9, math.nan], [math.nan, math.nan, 12, math.nan]])
    assert plot_steps([Run.load(directory)], 5).tolist() == [0, 100, 200, 300, 400]
