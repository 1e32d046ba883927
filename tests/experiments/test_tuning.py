import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from symmdp import symmetry_of
from symmdp.errors import OptionError, RunDirectoryError
from symmdp.experiments import TUNING_SEEDS, Evaluations, Tuning, load_tuning, tune
from symmdp.experiments._tuning import area_under_median
from symmdp.training import TrainingOptions

SYMMETRY = symmetry_of("CartPole-v1")
SHORT = TrainingOptions(
    total_steps=4096,
    environments=4,
    rollout_steps=32,
    epochs=4,
    minibatch=64,
    hidden=(16, 16),
    evaluation_every=500,
    evaluation_episodes=5,
)
RATES = (1e-2, 1e-5, 1e-3)


def test_the_area_under_the_median() -> None:
    steps = np.array([0, 10, 30])
    curves = np.array([[0.0, 2, 4], [1, 1, 1], [9, 9, 9]])
    assert area_under_median(curves, steps) == pytest.approx((10 * 1.5 + 20 * 3) / 30)  # medians 1, 2, 4
    curves[2, 2] = math.nan  # one of three diverged: it counts as the worst
    assert area_under_median(curves, steps) == pytest.approx((10 * 1.5 + 20 * 1.5) / 30)
    curves[0, 2] = math.nan
    assert area_under_median(curves, steps) == -math.inf


@pytest.mark.parametrize("every", [500, None])
def test_the_best_rate_is_chosen(tmp_path: Path, every: int | None) -> None:
    options = replace(SHORT, evaluation_every=every)
    tuning = tune("CartPole-v1", SYMMETRY, options, rates=RATES, directory=tmp_path / "tuning")
    assert tuning.finished
    assert tuning.rates == (1e-5, 1e-3, 1e-2)
    assert tuning.seeds == TUNING_SEEDS == (1000, 1001, 1002, 1003, 1004)
    assert tuning.chosen == 1e-2
    assert tuning.scores == tuple(sorted(tuning.scores))
    assert tuning.scores[-1] > 1.3 * tuning.scores[0]  # a rate of nearly 0 does not learn
    assert tuning.edge == "highest"
    contents = json.loads((tmp_path / "tuning/tuning.json").read_text())
    assert contents["chosen"] == 1e-2
    assert contents["edge"] == "highest"
    assert load_tuning(tmp_path / "tuning") == tuning
    if every is not None:
        evaluations = Evaluations.load(tmp_path / "tuning").of(1e-3)
        median = np.median(evaluations.returns, axis=0)
        slow = sum(
            (median[k] + median[k + 1]) / 2 * (evaluations.steps[k + 1] - evaluations.steps[k]) for k in range(len(median) - 1)
        )
        assert tuning.scores[1] == pytest.approx(slow / evaluations.steps[-1])


def test_a_tuning_is_resumed(tmp_path: Path) -> None:
    calls = iter(range(10**6))
    begun = tune("CartPole-v1", SYMMETRY, SHORT, [5, 6], RATES, tmp_path / "a", stop=lambda: next(calls) == 7)
    assert not begun.finished
    assert begun.chosen is None
    with pytest.raises(RunDirectoryError, match="no finished tuning"):
        load_tuning(tmp_path / "a")
    with pytest.raises(RunDirectoryError, match="never overwritten"):
        tune("CartPole-v1", SYMMETRY, SHORT, [5, 6], RATES, tmp_path / "a")
    ended = tune("CartPole-v1", SYMMETRY, SHORT, [5, 6], RATES, tmp_path / "a", resume=True)
    assert ended == replace(tune("CartPole-v1", SYMMETRY, SHORT, [5, 6], RATES, tmp_path / "b"), directory=tmp_path / "a")
    assert (tmp_path / "a/tuning.json").read_bytes() == (tmp_path / "b/tuning.json").read_bytes()


@pytest.mark.parametrize(("chosen", "edge"), [(1.0, "lowest"), (2.0, None), (3.0, "highest"), (None, None)])
def test_edges_are_flagged(tmp_path: Path, chosen: float | None, edge: str | None) -> None:
    assert Tuning(tmp_path, True, (1.0, 2.0, 3.0), (0.0, 0.0, 0.0), chosen).edge == edge


def test_every_rate_diverges(tmp_path: Path) -> None:
    options = TrainingOptions(
        total_steps=8192, environments=4, rollout_steps=32, epochs=4, minibatch=64, hidden=(16, 16), entropy_coefficient=0.1,
        anneal=False,
    )  # fmt: skip
    with pytest.raises(OptionError, match=r"diverged with every rate of the grid, 1\. Try lower ones"):
        tune("Pendulum-v1", symmetry_of("Pendulum-v1"), options, [0], [1.0], tmp_path / "tuning")
    found = load_tuning(tmp_path / "tuning")
    assert found.scores == (-math.inf,)
    assert found.chosen is None


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "tuning.json").write_text("{")
    with pytest.raises(RunDirectoryError, match="cannot be read"):
        load_tuning(tmp_path)
