"""Comparisons that choose the learning rate of each method first."""

import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from symmdp.catalogue import symmetry_of
from symmdp.errors import OptionError
from symmdp.experiments import TUNING_SEEDS, Comparison, Run, Setup, Tuning, TuningGrid, compare, load_tuning, tune
from symmdp.training import TrainingOptions, train

SYMMETRY = symmetry_of("CartPole-v1")
OPTIONS = TrainingOptions(
    total_steps=512,
    environments=4,
    rollout_steps=32,
    epochs=1,
    minibatch=64,
    hidden=(8,),
    solved_at=15.0,
    evaluation_every=128,
    evaluation_episodes=2,
)
METHODS = ("equivariant", "plain")
GRID = TuningGrid(rates=(0.02, 0.001, 0.1), seeds=(1000, 1001), steps=256)


class Interrupt:
    """Progress that sends a signal to this process when the first method reports its first update."""

    def __init__(self, number: signal.Signals) -> None:
        self.number, self.sent = number, False

    def __call__(self) -> "Interrupt":
        return self

    def start(self, label: str, total: int) -> None:
        pass

    def update(self, step: int, mean_return: float | None) -> None:
        if not self.sent:
            self.sent = True
            os.kill(os.getpid(), self.number)

    def stop(self) -> None:
        pass


def tuned(
    directory: Path, *, methods: tuple[str, ...] = METHODS, options: TrainingOptions = OPTIONS, **arguments
) -> Comparison:
    return compare("CartPole-v1", SYMMETRY, options, [0, 3], directory, methods=methods, tune=GRID, **arguments)


def numbers(directory: Path) -> dict[str, bytes]:
    """Whatever training and tuning found out, but for times."""
    names = ("episodes.csv", "metrics.csv", "evaluations.csv", "tuning.json", "results.csv")
    found = {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.name in names}
    assert len(found) == 2 * len(METHODS) * 3 + len(METHODS) + 1
    return found


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tuned") / "c"
    assert tuned(directory).finished
    return directory


def test_each_method_trains_with_the_rate_that_was_best_on_other_seeds(unbroken: Path, tmp_path: Path) -> None:
    for method in METHODS:
        found = load_tuning(unbroken / "tuning" / method)
        assert (found.rates, found.seeds) == ((0.001, 0.02, 0.1), (1000, 1001))
        assert found.chosen == found.rates[found.scores.index(max(found.scores))]
        run = Run.load(unbroken / method)
        assert (run.learning_rate, run.seeds, run.total_steps) == (found.chosen, (0, 3), 512)
        assert Run.load(unbroken / "tuning" / method, 0.02).total_steps == 256
    # It is what `tune` finds.
    alone = tune(
        "CartPole-v1", SYMMETRY, replace(OPTIONS, total_steps=256), GRID.seeds, GRID.rates, tmp_path / "t", policy="plain"
    )
    found = load_tuning(unbroken / "tuning" / "plain")
    assert (alone.scores, alone.chosen) == (found.scores, found.chosen)
    # And what `train` reaches with that rate, but with no other.
    for rate in found.rates:
        train("CartPole-v1", SYMMETRY, OPTIONS, [0, 3], tmp_path / f"{rate}", policy="plain", learning_rates=[rate])
        same = (tmp_path / f"{rate}" / "evaluations.csv").read_bytes() == (unbroken / "plain/evaluations.csv").read_bytes()
        assert same == (rate == found.chosen)
    assert Setup.load(unbroken).tuning == GRID
    assert "Score of each learning rate" in (unbroken / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_had_not_finished_goes_on_to_the_same_numbers(unbroken: Path, tmp_path: Path) -> None:
    """One method is tuned, the other's grid is trained but has no score, and neither has been trained."""
    broken = tmp_path / "c"
    shutil.copytree(unbroken, broken)
    for name in METHODS:
        shutil.rmtree(broken / name)
    (broken / "tuning" / "plain" / "tuning.json").unlink()
    (broken / "results.csv").unlink()
    again = tuned(broken, resume=True)
    assert again.finished
    assert dict(again.tunings) == {method: load_tuning(broken / "tuning" / method) for method in METHODS}
    assert again.report == broken / "report.html"
    assert numbers(broken) == numbers(unbroken)
    with pytest.raises(OptionError, match="tuning"):
        compare("CartPole-v1", SYMMETRY, OPTIONS, [0, 3], broken, resume=True)
    other = replace(GRID, steps=128)
    with pytest.raises(OptionError, match="tuning"):
        compare("CartPole-v1", SYMMETRY, OPTIONS, [0, 3], broken, tune=other, resume=True)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_time_and_again(unbroken: Path, tmp_path: Path, number: signal.Signals) -> None:
    """One process at a time, stopped soon after it begins: while it tunes and while it trains, for either method."""
    broken = tmp_path / "c"
    calls = 1
    while not tuned(broken, resume=calls > 1, workers=1, progress=Interrupt(number)).finished:
        assert not (broken / "results.csv").exists()
        calls += 1
    assert 4 <= calls < 40  # no job begins after a signal
    assert numbers(broken) == numbers(unbroken)


@pytest.mark.slow
def test_a_method_that_always_diverges_is_an_error_and_the_others_are_kept(tmp_path: Path) -> None:
    options = replace(OPTIONS, mirror_coefficient=1e300)  # infinite in float32
    message = r"mirror-loss: the median seed diverged with every rate of the grid, 0\.001, 0\.02, 0\.1\. It was not trained"
    with pytest.raises(OptionError, match=message):
        tuned(tmp_path / "c", methods=("equivariant", "mirror-loss"), options=options)
    assert Run.load(tmp_path / "c" / "equivariant").finished
    assert not (tmp_path / "c" / "mirror-loss").exists()
    assert load_tuning(tmp_path / "c" / "tuning" / "mirror-loss").chosen is None
    page = (tmp_path / "c" / "report.html").read_text(encoding="utf-8")
    assert "mirror-loss was not trained: the median seed diverged with every rate" in page
    before = (tmp_path / "c" / "equivariant" / "episodes.csv").read_bytes()
    with pytest.raises(OptionError, match=message):
        tuned(tmp_path / "c", methods=("equivariant", "mirror-loss"), options=options, resume=True)
    assert (tmp_path / "c" / "equivariant" / "episodes.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("chosen", "remark"),
    [
        (0.1, "0.1 is the lowest rate of the grid; a lower one may be better."),
        (0.2, ""),
        (0.3, "0.3 is the highest rate of the grid; a higher one may be better."),
        (None, "the median seed diverged with every rate of the grid, 0.1, 0.2, 0.3."),
    ],
)
def test_a_choice_at_the_edge_is_remarked_on(chosen: float | None, remark: str) -> None:
    assert Tuning(Path("t"), True, (0.1, 0.2, 0.3), (1.0, 2.0, 3.0), chosen).remark == remark


@pytest.mark.parametrize(
    "values",
    [
        {"rates": (0.1,)},
        {"rates": (0.1, 0.1)},
        {"rates": (0.1, 0.0)},
        {"rates": (0.1, float("nan"))},
        {"seeds": ()},
        {"seeds": (3, 3)},
        {"seeds": (-1,)},
        {"steps": 0},
    ],
)
def test_bad_grids(values: dict) -> None:
    with pytest.raises(OptionError, match="|".join(values) + "|Seeds"):
        TuningGrid(**values)


def test_bad_comparisons_write_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "c"
    with pytest.raises(OptionError, match="not both"):
        tuned(directory, learning_rates={"plain": 0.1})
    with pytest.raises(OptionError, match="1001 is one of both"):
        compare("CartPole-v1", SYMMETRY, OPTIONS, [0, 1001], directory, tune=GRID)
    assert not directory.exists()


def test_the_usual_grid_is_apart_from_the_usual_seeds() -> None:
    TuningGrid().check_apart(range(25))
    assert TuningGrid().seeds == TUNING_SEEDS
    assert json.loads(json.dumps(TuningGrid().rates)) == sorted(TuningGrid().rates)
