"""Environment steps until the median policy is as good as it can be for the first time: each method at its best learning rate.

The experiments are CartPole-v1 (all 500 steps), and symmdp/GridWorld-v0 (a return of 0.7), both with the preset
"sample-efficient". Every 500 steps each policy plays 25 episodes beside its training, with sampled actions. A rate is chosen
from the grid for each method alone, on seeds that the results do not use, by the area under the median curve. A row is one
evaluation of one seed.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from _record import record
from symmdp import symmetry_of
from symmdp.experiments import Evaluations, tune
from symmdp.experiments._curve_statistics import median_reaches
from symmdp.training import TrainingOptions, preset, train
from symmdp.training._run_directory import RunDirectory


@dataclass(frozen=True)
class Experiment:
    """What is trained: until which return, and with which learning rates and seeds."""

    environment_id: str
    options: TrainingOptions
    threshold: float
    rates: tuple[float, ...]
    seeds: int
    methods: tuple[str, ...]


_RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
_METHODS = ("equivariant", "plain", "random-basis", "nullspace-basis")
EXPERIMENTS = {
    "cartpole": Experiment(
        "CartPole-v1", preset("CartPole-v1", variant="sample-efficient"), 500.0, (*_RATES, 1e-1, 3e-1), 25, _METHODS
    ),
    "grid_world": Experiment(
        "symmdp/GridWorld-v0", preset("symmdp/GridWorld-v0", variant="sample-efficient"), 0.7, _RATES, 20, _METHODS
    ),
}


def trained(
    method: str,
    experiment: Experiment,
    options: TrainingOptions,
    rates: Sequence[float],
    tuning_seeds: int,
    seeds: int,
    folder: Path,
) -> Evaluations | None:
    """The evaluations of the seeds with the best of the rates; None when interrupted."""
    environment_id, symmetry = experiment.environment_id, symmetry_of(experiment.environment_id)
    (chosen,) = rates if len(rates) == 1 else (None,)
    if chosen is None:
        tuning, of = folder / "tuning", range(1000, 1000 + tuning_seeds)
        tuned = tune(environment_id, symmetry, options, of, rates, tuning, policy=method, resume=tuning.exists())
        scores = ", ".join(f"{rate:g}: {score:.3g}" for rate, score in zip(tuned.rates, tuned.scores, strict=True))
        print(f"{method}: area under the median by learning rate: {scores}", flush=True)
        chosen = tuned.chosen
    if chosen is None:
        return None
    run, resume = folder / "run", (folder / "run").exists()
    arguments = {"policy": method, "learning_rates": [chosen], "resume": resume}
    summary = train(environment_id, symmetry, options, range(seeds), run, **arguments)
    return Evaluations.load(run) if summary.finished else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", nargs="?", default="cartpole", choices=list(EXPERIMENTS))
    parser.add_argument("--directory", type=Path, help="of the runs; where it has some, they go on; a temporary one by default")
    parser.add_argument("--compared", type=Path, help="record what `symmdp compare` left in this folder, and train nothing")
    parser.add_argument("--methods", nargs="+")
    parser.add_argument("--rates", nargs="+", type=float, help="the grid; one rate is taken without tuning")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--tuning-seeds", type=int, default=10)
    parser.add_argument("--steps", type=int)
    arguments = parser.parse_args()
    experiment = EXPERIMENTS[arguments.experiment]
    steps, seeds = arguments.steps or experiment.options.total_steps, arguments.seeds or experiment.seeds
    options = replace(experiment.options, total_steps=steps, evaluation_every=500, evaluation_episodes=25)
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as temporary:
        for method in arguments.methods or experiment.methods:
            began, folder = time.perf_counter(), (arguments.directory or Path(temporary)) / method
            rates = arguments.rates or experiment.rates
            if arguments.compared:
                run, found = arguments.compared / method, Evaluations.load(arguments.compared / method)
            else:
                run, found = folder / "run", trained(method, experiment, options, rates, arguments.tuning_seeds, seeds, folder)
            if found is None:
                raise SystemExit(f"interrupted; the same command goes on where --directory is given ({arguments.directory})")
            rate = RunDirectory.open(run).config["learning_rates"][0]
            first, (low, high) = median_reaches(found.returns, found.steps, experiment.threshold)
            last = float(np.median(found.returns[:, -1]))
            print(
                f"{method}: rate {rate:g}, median first at {experiment.threshold:g} by {first:,.0f} steps (95 % interval "
                f"{low:,.0f} to {high:,.0f}), in the end {last:.3g}; {time.perf_counter() - began:.0f} s",
                flush=True,
            )
            for seed, of_seed in zip(found.seeds, found.returns.tolist(), strict=True):
                rows += [
                    {"method": method, "learning_rate": rate, "seed": seed, "step": step, "return": round(value, 4)}
                    for step, value in zip(found.steps.tolist(), of_seed, strict=True)
                ]
    name = f"sample_efficiency_{arguments.experiment}"
    print(f"raw results: {record(name, rows)}")


if __name__ == "__main__":
    main()
