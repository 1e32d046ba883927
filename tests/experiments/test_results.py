import csv
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from symmdp.experiments import MethodResult, Run, headline, result_table, write_results
from symmdp.experiments._number import mean_digits
from symmdp.experiments._results import improvements, results_csv

WriteRun = Callable[..., Path]


def result(tmp_path: Path, write_run: WriteRun, method: str, **options: object) -> MethodResult:
    return MethodResult.of(Run.load(write_run(tmp_path / method, method, **options)))


def shown(*results: MethodResult) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(result_table(results))
    return capture.get()


def solving_at(*steps: int | None, window: int = 10) -> list[tuple[int, int, int, float]]:
    """Ten episodes a seed, the last of them at `steps`; of return 500, or 0 where the seed never solves."""
    return [
        ((step or 1000) - window + k + 1, seed, 1, 0.0 if step is None else 500.0)
        for seed, step in enumerate(steps)
        for k in range(window)
    ]


def test_numbers_of_a_run(tmp_path: Path, write_run: WriteRun) -> None:
    found = result(tmp_path, write_run, "plain", seeds=range(4), episodes=solving_at(100, 200, 300, None))
    assert found.steps_to_solve == (100, 200, 300, math.inf)
    assert found.quartiles == (100, 200, 300)
    assert found.solved == 3
    assert found.final_returns == (500, 500, 500, 0)
    assert found.final_return == 500


def test_headline_says_the_ratio_of_medians(tmp_path: Path, write_run: WriteRun) -> None:
    a = result(tmp_path, write_run, "equivariant", seeds=range(3), episodes=solving_at(100, 100, 100))
    b = result(tmp_path, write_run, "plain", seeds=range(3), episodes=solving_at(250, 250, 250))
    assert headline([a, b]) == (
        "The equivariant policy solves it in 0.40 × the plain policy's steps (medians; 95 % interval 0.40 to 0.40)."
    )
    assert headline([a]) == ""


def test_headline_does_not_hide_an_unsolved_median(tmp_path: Path, write_run: WriteRun) -> None:
    a = result(tmp_path, write_run, "equivariant", seeds=range(3), episodes=solving_at(100, 100, None))
    b = result(tmp_path, write_run, "plain", seeds=range(3), episodes=solving_at(250, None, None))
    assert headline([a, b]).endswith("in 100 steps; the median plain seed not in 30,000 steps.")
    assert "the median equivariant seed not" in headline([MethodResult(**{**vars(b), "method": "equivariant"}), a])
    assert headline([b, b]) == "Neither method's median seed solves it in 30,000 steps."


def test_headline_without_a_threshold_compares_returns(tmp_path: Path, write_run: WriteRun) -> None:
    episodes = solving_at(100, 100)
    a = result(tmp_path, write_run, "equivariant", seeds=range(2), episodes=episodes, threshold=None)
    b = result(tmp_path, write_run, "plain", seeds=range(2), episodes=episodes, threshold=None)
    assert headline([a, b]) == "Final return: equivariant 500.0, plain 500.0 (interquartile means)."
    assert "0/2" not in shown(a)


def test_table_shows_every_number(tmp_path: Path, write_run: WriteRun) -> None:
    text = shown(
        result(tmp_path, write_run, "equivariant", seeds=range(4), episodes=solving_at(100, 1200, 1300, None)),
        result(tmp_path, write_run, "plain", seeds=range(4), episodes=solving_at(250, None, None, None)),
    )
    for expected in ("4,547", "1,200 [100 – 1,300]", "3/4", "unsolved [250 – never]", "1/4", "12.5", "7,200"):
        assert expected in text


def test_a_single_seed_has_no_interval(tmp_path: Path, write_run: WriteRun) -> None:
    assert "500.0 [– – –]" in shown(result(tmp_path, write_run, "plain", seeds=[0], episodes=solving_at(100)))


def test_written_results_hold_every_seed_and_are_valid_json(tmp_path: Path, write_run: WriteRun) -> None:
    diverged = [*solving_at(100, None), (50, 2, 9, math.nan)]
    found = result(tmp_path, write_run, "plain", seeds=range(4), episodes=diverged)
    write_results(tmp_path, "CartPole-v1", [found])
    with open(tmp_path / "results.csv") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["method", "seed", "learning_rate", "steps_to_solve", "final_return", "area_under_curve", "diverged_at", "measured_by"],
        ["plain", "0", "0.003", "100", "500.0", "500.0", "", "training episodes"],
        ["plain", "1", "0.003", "unsolved", "0.0", "0.0", "", "training episodes"],
        ["plain", "2", "0.003", "unsolved", "nan", "nan", "", "training episodes"],
        ["plain", "3", "0.003", "unsolved", "nan", "nan", "", "training episodes"],
    ]

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    summary = json.loads((tmp_path / "results.json").read_text(), parse_constant=refuse)["methods"][0]
    assert summary["steps_to_solve"] == {
        "median": "unsolved",
        "quartiles": [100, "unsolved"],
        "interval_95": [100, "unsolved"],
    }
    assert summary["median_reaches_threshold"]["step"] == "unsolved"
    assert summary["area_under_curve"]["interquartile_mean"] is None  # half of the seeds failed
    assert summary["solved"] == 1


def test_headline_is_about_the_best_of_many_baselines(tmp_path: Path, write_run: WriteRun) -> None:
    steps = {"equivariant": 100, "plain": 400, "augmentation": 200, "mirror-loss": None}
    results = [
        result(tmp_path, write_run, method, seeds=range(3), episodes=solving_at(*[at] * 3)) for method, at in steps.items()
    ]
    assert headline(results) == (
        "The equivariant policy solves it in 0.50 × the steps of augmentation, the best of 3 baselines "
        "(medians; 95 % interval 0.50 to 0.50)."
    )
    assert headline([results[0], results[3], results[3]]) == (
        "The median equivariant seed solves it in 100 steps; that of no other method (2 tried) in 30,000 steps."
    )
    assert headline([results[3]] * 3) == "No method's median seed solves it in 30,000 steps."
    free = [
        result(tmp_path / "free", write_run, method, seeds=range(3), episodes=solving_at(*[at] * 3), threshold=None)
        for method, at in {"equivariant": 100, "plain": None, "augmentation": 200}.items()
    ]
    assert headline(free) == (
        "Final return: equivariant 500.0, augmentation 500.0 (interquartile means; the latter is the best of 2 baselines)."
    )


def test_a_diverged_seed_never_solves_and_is_the_worst(tmp_path: Path, write_run: WriteRun) -> None:
    directory = write_run(tmp_path / "plain", "plain", seeds=range(4), episodes=solving_at(100, 200, 300, 400))
    whole = MethodResult.of(Run.load(directory))
    failures = [{"seed": 1, "learning_rate": 0.003, "step": 250, "reason": "the loss is not a number"}]
    (directory / "failures.json").write_text(json.dumps({"failures": failures}))
    found = MethodResult.of(Run.load(directory))
    assert found.steps_to_solve == (100, math.inf, 300, 400)
    assert math.isnan(found.final_returns[1])
    assert math.isnan(found.areas[1])
    assert (whole.solved, found.solved, len(found.seeds)) == (4, 3, 4)
    assert (whole.quartiles[1], found.quartiles[1]) == (200, 300)
    assert (whole.median_reaches, found.median_reaches) == (300, 400)
    assert "1/4" in shown(found)
    assert "diverged" not in shown(whole)
    assert results_csv([found]).splitlines()[2] == "plain,1,0.003,unsolved,nan,nan,250,training episodes"


def test_evaluations_are_the_measure_where_there_are_any(tmp_path: Path, write_run: WriteRun) -> None:
    directory = write_run(tmp_path / "plain", "plain", seeds=[0, 1], episodes=solving_at(100, 100))
    rows = ["step,seed,learning_rate,episodes,return_mean", "0,0,0.003,5,0", "0,1,0.003,5,0", "1000,0,0.003,5,480"]
    rows += ["1000,1,0.003,5,100", "2000,0,0.003,5,300", "2000,1,0.003,5,500"]
    (directory / "evaluations.csv").write_text("\n".join(rows) + "\n")
    found = MethodResult.of(Run.load(directory))
    assert found.evaluated
    assert found.steps_to_solve == (1000, 2000)
    assert found.final_returns == (300, 500)
    assert found.areas == (pytest.approx((240 + 390) / 2), pytest.approx((50 + 300) / 2))
    assert found.median_reaches == math.inf  # never both at once


def evaluated(tmp_path: Path, write_run: WriteRun, method: str, *reached: int | None, total_steps: int = 4000) -> MethodResult:
    """Seeds whose evaluations, every 1,000 steps, are at 500 from the given step on."""
    seeds = range(len(reached))
    options = {"seeds": seeds, "episodes": solving_at(*[100] * len(reached)), "total_steps": total_steps}
    directory = write_run(tmp_path / method, method, threshold=500.0, **options)
    rows = ["step,seed,learning_rate,episodes,return_mean"]
    for step in range(0, total_steps + 1, 1000):
        for seed, at in zip(seeds, reached, strict=True):
            rows.append(f"{step},{seed},0.003,5,{500 if at is not None and step >= at else 20}")
    (directory / "evaluations.csv").write_text("\n".join(rows) + "\n")
    return MethodResult.of(Run.load(directory))


def test_evaluations_are_what_headline_and_table_are_about(tmp_path: Path, write_run: WriteRun) -> None:
    a = evaluated(tmp_path, write_run, "equivariant", 1000, 1000, 1000)
    b = evaluated(tmp_path, write_run, "plain", 2000, 2000, 2000)
    never = evaluated(tmp_path, write_run, "augmentation", 3000, None, None)
    at_once = evaluated(tmp_path, write_run, "mirror-loss", 0, 0, 0)
    assert a.median_steps == a.median_reaches == 1000
    assert headline([a, b]) == (
        "The median evaluation of equivariant reaches 500 in 1,000 steps [95 %: 1,000 – 1,000], "
        "0.50 × the 2,000 [95 %: 2,000 – 2,000] of plain."
    )
    assert headline([a, b, never]).endswith("of plain, the best of 2 baselines.")
    assert "against 0 [95 %: 0 – 0] of mirror-loss" in headline([a, at_once])
    assert headline([a, never]) == (
        "The median evaluation of equivariant reaches 500 in 1,000 steps [95 %: 1,000 – 1,000]; "
        "that of augmentation not in 4,000 steps."
    )
    assert headline([never, a]).endswith("; that of augmentation not in 4,000 steps.")
    assert headline([a, never, never]).endswith("that of no other method (2 tried) in 4,000 steps.")
    assert headline([never, never]) == "Neither method's median evaluation reaches 500 in 4,000 steps."
    text = shown(a, b, never)
    for expected in ("median evaluation", "at 500 [95 % interval]", "1,000 [1,000 – 1,000]", "final evaluation", "unsolved ["):
        assert expected in text
    for expected in ("area under curve", "440.0 [440.0 – 440.0]", "seconds of training", "12.5 + 3.5"):
        assert expected in text
    assert "area under curve" not in shown(result(tmp_path, write_run, "canonicalization"))
    assert "steps to solve" not in text
    # The training episodes of all of them solve it in 100 steps, which nothing of this may show.
    assert "100 [" not in text
    assert results_csv([a]).splitlines()[1] == "equivariant,0,0.003,1000,500.0,440.0,,evaluations"
    write_results(tmp_path, "CartPole-v1", [a, never])
    summary = json.loads((tmp_path / "results.json").read_text())
    assert summary["headline"] == headline([a, never])
    assert summary["methods"][0]["measured_by"] == "evaluations"
    assert (summary["methods"][0]["seconds"], summary["methods"][0]["evaluation_seconds"]) == (12.5, 3.5)
    assert summary["methods"][0]["median_reaches_threshold"] == {"step": 1000, "interval_95": [1000, 1000]}
    assert summary["methods"][1]["median_reaches_threshold"]["step"] == "unsolved"


def test_improvements_compare_the_first_method_with_each_other(tmp_path: Path, write_run: WriteRun) -> None:
    a = result(tmp_path, write_run, "equivariant", seeds=range(3), episodes=solving_at(100, 100, None))
    b = result(tmp_path, write_run, "plain", seeds=range(3), episodes=solving_at(250, None, None))
    found = improvements([a, b])
    assert list(found) == ["plain"]
    assert found["plain"]["final_return"][0] == pytest.approx((4 + 0.5 * (2 * 1 + 1 * 2)) / 9)


@pytest.mark.parametrize(
    ("mean", "interval", "digits"),
    [
        (0.741, (0.712, 0.76), 3),
        (-4.4, (-9.9, 0.1), 3),
        (9.0, (8.0, 12.0), 1),
        (500.0, (500.0, 500.0), 1),
        (0.5, (-math.inf, 0.6), 3),
    ],
)
def test_small_means_have_more_decimals(mean: float, interval: tuple[float, float], digits: int) -> None:
    assert mean_digits(mean, interval) == digits
