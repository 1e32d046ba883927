"""Rows of a stack: learning rates of their own, no influence on each other, and what happens when one diverges."""

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from symmdp import symmetry_of
from symmdp.errors import CheckpointError, OptionError
from symmdp.experiments import Evaluations, MethodResult, Run, result_table
from symmdp.experiments._table import result_row
from symmdp.training import Training, TrainingOptions, load_policy, read_failures, train, training_of
from symmdp.training._checkpoint import load_checkpoint
from symmdp.training._row import rows_of
from symmdp.training._row_adam import RowAdam

SHORT = TrainingOptions(total_steps=1024, environments=4, rollout_steps=32, epochs=2, minibatch=64, hidden=(16, 16))
# Rewarding entropy at an absurd rate: the standard deviation doubles and doubles, until it is infinite.
ABSURD = replace(SHORT, total_steps=8192, epochs=4, entropy_coefficient=0.1, anneal=False)


def one_by_one(start: torch.Tensor, gradients: list[torch.Tensor], rates: list[list[float]]) -> torch.Tensor:
    """torch's plain Adam, a row at a time."""
    rows = []
    for i, row in enumerate(start):
        parameter = torch.nn.Parameter(row.clone().double())
        optimizer = torch.optim.Adam([parameter], eps=1e-5)
        for gradient, rate in zip(gradients, rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate[i]
            parameter.grad = gradient[i].double()
            optimizer.step()
        rows.append(parameter.detach())
    return torch.stack(rows)


@pytest.mark.parametrize("width", [1, 7, 64, 301])
def test_adam_by_rows_is_adam(width: int) -> None:
    generator = torch.Generator().manual_seed(width)
    start = torch.randn(3, width, generator=generator)
    gradients = [torch.randn(3, width, generator=generator) for _ in range(20)]
    rates = [[1e-3 * (1 - k / 20), 1e-2 * (1 - k / 20), 0.0] for k in range(20)]
    matrix = start.clone()
    adam = RowAdam(matrix)
    for gradient, rate in zip(gradients, rates, strict=True):
        adam.gradient.copy_(gradient)
        adam.step(rate)
    torch.testing.assert_close(matrix.double(), one_by_one(start, gradients, rates), atol=1e-6, rtol=1e-5)
    assert torch.equal(matrix[2], start[2])
    assert not torch.allclose(matrix[:2].double(), one_by_one(start, gradients, [r[::-1] for r in rates])[:2], atol=1e-4)


@pytest.mark.parametrize("width", [1, 7, 64, 301])
def test_a_row_of_adam_does_not_depend_on_the_others_to_the_bit(width: int) -> None:
    generator = torch.Generator().manual_seed(width)
    start, gradients = torch.randn(5, width, generator=generator), torch.randn(10, 5, width, generator=generator)
    together = start.clone()
    adam = RowAdam(together)
    for gradient in gradients:
        adam.gradient.copy_(gradient)
        adam.step([1e-3] * 5)
    for row in range(5):
        alone = start[row : row + 1].clone()
        adam = RowAdam(alone)
        for gradient in gradients:
            adam.gradient.copy_(gradient[row : row + 1])
            adam.step([1e-3])
        assert torch.equal(alone[0], together[row])


@pytest.mark.parametrize("environment_id", ["CartPole-v1", "Pendulum-v1", "Acrobot-v1"])
@pytest.mark.parametrize("algorithm", ["ppo", "a2c", "reinforce"])
@pytest.mark.parametrize("policy", ["equivariant", "plain"])
def test_a_row_of_a_grid_is_the_row_trained_alone(environment_id: str, algorithm: str, policy: str) -> None:
    """To the bit: the first row, one between, and the last, at which an array's remainder lies."""
    symmetry, options = symmetry_of(environment_id), replace(SHORT, algorithm=algorithm)
    grid = training_of(environment_id, symmetry, options, [2, 7, 9], policy, [1e-3, 1e-2])
    lone = {(0, 1e-3): 2, (4, 1e-2): 7, (5, 1e-2): 9}
    alone = {
        row: training_of(environment_id, symmetry, replace(options, learning_rate=rate), [seed], policy)
        for (row, rate), seed in lone.items()
    }
    for _ in range(3):
        episodes, _ = grid.update()
        for row, training in alone.items():
            wanted = [(e.step, e.length, e.total) for e in training.update()[0]]
            assert [(e.step, e.length, e.total) for e in episodes if e.row == row] == wanted
            assert torch.equal(grid.stack.flat[row], training.stack.flat[0])
    assert not torch.equal(grid.stack.flat[1], grid.stack.flat[4])  # one seed, two rates


def test_rates_start_from_the_same_policy_in_the_same_world() -> None:
    grid = Training("CartPole-v1", symmetry_of("CartPole-v1"), SHORT, [2, 7], [1e-3, 1e-2])
    assert torch.equal(grid.stack.flat[0], grid.stack.flat[2])
    batch, _ = grid.sampler.rollout()
    assert torch.equal(batch.observation[1], batch.observation[3])
    assert torch.equal(batch.action[1], batch.action[3])


@pytest.mark.parametrize("policy", ["random-basis", "nullspace-basis"])
def test_the_rates_of_a_seed_share_its_bases(tmp_path: Path, policy: str) -> None:
    """Equal to the rows trained alone but for rounding: one product with a basis serves all rates of its seed."""
    symmetry, rates = symmetry_of("CartPole-v1"), [1e-3, 1e-2]
    options = replace(SHORT, total_steps=256)
    grid = training_of("CartPole-v1", symmetry, options, [2, 7], policy, rates)
    first, second, again, _ = grid.stack.templates
    assert first is again
    assert first is not second
    train("CartPole-v1", symmetry, options, [2, 7], tmp_path / "run", policy=policy, learning_rates=rates)
    s = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    for seed in (2, 7):
        for rate in rates:
            lone = tmp_path / f"{seed}-{rate}"
            train("CartPole-v1", symmetry, options, [seed], lone, policy=policy, learning_rates=[rate])
            wanted = load_policy(lone, seed, symmetry)
            got = load_policy(tmp_path / "run", seed, symmetry, rate)
            torch.testing.assert_close(got(s), wanted(s), rtol=1e-3, atol=1e-4)
    assert not torch.equal(load_policy(tmp_path / "run", 2, symmetry, 1e-3)(s)[0], got(s)[0])


@pytest.mark.parametrize("rates", [[1e-3, 1e-3], [2.0], [-1e-3], [math.nan]])
def test_bad_rates(rates: list[float]) -> None:
    with pytest.raises(OptionError, match="Learning rates must be different numbers from 0 to 1"):
        rows_of([0], rates)


def grid_run(directory: Path, **arguments):
    symmetry = symmetry_of("CartPole-v1")
    options = replace(SHORT, evaluation_every=500, evaluation_episodes=3, solved_at=60.0)
    return train("CartPole-v1", symmetry, options, [0, 3], directory, learning_rates=[1e-3, 1e-2], **arguments)


def test_a_run_over_a_grid(tmp_path: Path) -> None:
    assert grid_run(tmp_path / "run").finished
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert config["learning_rates"] == [1e-3, 1e-2]
    for name in ("metrics.csv", "episodes.csv"):
        rows = list(csv.DictReader((tmp_path / "run" / name).read_text().splitlines()))
        assert {(row["seed"], row["learning_rate"]) for row in rows} == {(s, r) for s in "03" for r in ("0.001", "0.01")}
    with pytest.raises(OptionError, match=r"Give one of the run's learning rates, 0.001, 0.01; got None"):
        Run.load(tmp_path / "run")
    with pytest.raises(OptionError, match=r"got 0\.5"):
        Run.load(tmp_path / "run", 0.5)
    symmetry = symmetry_of("CartPole-v1")
    for rate in (1e-3, 1e-2):
        options = replace(SHORT, evaluation_every=500, evaluation_episodes=3, solved_at=60.0, learning_rate=rate)
        train("CartPole-v1", symmetry, options, [0, 3], tmp_path / str(rate))
        found, alone = Run.load(tmp_path / "run", rate), Run.load(tmp_path / str(rate))
        assert found.learning_rate == alone.learning_rate == rate
        for a, b in zip(found.episodes, alone.episodes, strict=True):
            np.testing.assert_array_equal(a.steps, b.steps)
            np.testing.assert_array_equal(a.returns, b.returns)
        evaluations = Evaluations.load(tmp_path / "run").of(rate)
        np.testing.assert_array_equal(evaluations.returns, Evaluations.load(tmp_path / str(rate)).returns)
        policy, twin = load_policy(tmp_path / "run", 3, symmetry, rate), load_policy(tmp_path / str(rate), 3, symmetry)
        assert all(torch.equal(a, b) for a, b in zip(policy.parameters(), twin.parameters(), strict=True))
    with pytest.raises(OptionError, match=r"0.001, 0.01; got None"):
        load_policy(tmp_path / "run", 3, symmetry)
    with pytest.raises(OptionError, match=r"learning_rates \[0.001, 0.01\], not \[0.001, 0.1\]"):
        train("CartPole-v1", symmetry, options, [0, 3], tmp_path / "run", learning_rates=[1e-3, 0.1], resume=True)


def test_a_checkpoint_of_other_rates_is_refused(tmp_path: Path) -> None:
    grid_run(tmp_path / "run")
    path = tmp_path / "run/checkpoint.pt"
    contents = load_checkpoint(path)
    contents["learning_rates"][0] = 0.5
    torch.save(contents, path)
    with pytest.raises(CheckpointError, match="its learning rates are"):
        grid_run(tmp_path / "run", resume=True)


def diverging(directory: Path, rates: list[float], **arguments):
    options = replace(ABSURD, evaluation_every=1000, evaluation_episodes=2, solved_at=-2000.0)
    return train(
        "Pendulum-v1",
        symmetry_of("Pendulum-v1"),
        options,
        [0, 1],
        directory,
        learning_rates=rates,
        checkpoint_every=0,
        **arguments,
    )


def test_a_row_that_diverges_stands_still_and_spares_the_others(tmp_path: Path) -> None:
    symmetry = symmetry_of("Pendulum-v1")
    both = Training("Pendulum-v1", symmetry, ABSURD, [0, 1], [1e-3, 1.0])
    good = Training("Pendulum-v1", symmetry, ABSURD, [0, 1], [1e-3])
    kept: dict[int, torch.Tensor] = {}
    while both.updates < ABSURD.updates:
        both.update()
        good.update()
        assert torch.equal(both.stack.flat[:2], good.stack.flat)
        assert both.stack.flat.isfinite().all()
        for row in both.learner.failures:
            kept.setdefault(row, both.stack.flat[row].clone())
            assert torch.equal(both.stack.flat[row], kept[row])
    assert set(kept) <= {2, 3}
    assert 2 in kept  # the negative control: it does diverge
    assert both.learner.failures[2] in ("the loss is not finite", "the gradient is not finite")
    assert {evaluation.row for evaluation in both.evaluate()} == {0, 1, 2, 3} - set(kept)


def test_what_a_run_says_of_a_failure(tmp_path: Path) -> None:
    summary = diverging(tmp_path / "run", [1e-3, 1.0])
    assert summary.finished
    failure = summary.failures[0]
    assert (failure.seed, failure.learning_rate) == (0, 1.0)
    assert "diverged with learning rate 1 at step" in str(failure)
    assert read_failures(tmp_path / "run") == summary.failures
    run = Run.load(tmp_path / "run", 1.0)
    assert failure in run.failures
    assert math.isnan(run.episodes[0].returns[-1])
    assert run.episodes[0].steps[-1] == failure.step
    # It reached the (low) threshold before, and counts as not solved all the same.
    result = MethodResult.of(run)
    assert result.failures == run.failures
    assert math.isinf(result.steps_to_solve[0])
    assert math.isnan(result.final_returns[0])
    assert f"{len(result.failures)}/{len(run.seeds)}" in result_row(result, True, False)
    assert result_table([result]).row_count == 1
    good = MethodResult.of(Run.load(tmp_path / "run", 1e-3))
    assert (good.failures, good.solved) == ((), 2)
    # Its evaluations stay in the table, as no number.
    evaluations = Evaluations.load(tmp_path / "run")
    row = list(zip(evaluations.seeds, evaluations.learning_rates, strict=True)).index((0, 1.0))
    np.testing.assert_array_equal(np.isnan(evaluations.returns[row]), evaluations.steps >= failure.step)
    assert np.isfinite(evaluations.returns[:2]).all()
    assert not list((tmp_path / "run").glob(".*"))


@pytest.mark.slow
def test_a_failure_survives_interruption(tmp_path: Path) -> None:
    diverging(tmp_path / "unbroken", [1e-3, 1.0])
    failed_at = read_failures(tmp_path / "unbroken")[0].step
    for at in (failed_at - 128, failed_at, failed_at + 256):
        path, calls = tmp_path / f"stopped at {at}", iter(range(10**6))
        stopped = diverging(path, [1e-3, 1.0], stop=lambda calls=calls, at=at: next(calls) * 128 >= at)
        assert stopped.steps == at
        assert bool(read_failures(path)) == (at >= failed_at)
        # What a killed process wrote after its checkpoint is found again, not kept.
        (path / "failures.json").write_text('{"failures": []}')
        assert diverging(path, [1e-3, 1.0], resume=True).finished
        for name in ("failures.json", "episodes.csv", "metrics.csv", "evaluations.csv"):
            assert (path / name).read_text() == (tmp_path / "unbroken" / name).read_text()


def test_a_poisoned_gradient_is_a_failure() -> None:
    """Finite losses with a gradient that is not."""
    training = Training("CartPole-v1", symmetry_of("CartPole-v1"), SHORT, [0, 1, 2])
    training.update()
    before = training.stack.flat.clone()
    gradient = training.stack.gradient

    def poisoned(loss: torch.Tensor) -> torch.Tensor:
        found = gradient(loss)
        found[1, 3] = math.inf
        return found

    training.stack.gradient = poisoned
    training.update()
    assert training.learner.failures == {1: "the gradient is not finite"}
    training.stack.gradient = gradient
    training.update()
    assert torch.equal(training.stack.flat[1], before[1])
    assert (training.stack.flat[[0, 2]] != before[[0, 2]]).any(dim=1).all()
