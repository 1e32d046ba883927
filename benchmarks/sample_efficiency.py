"""Environment steps until the median policy is as good as it can be for the first time: each method at its best learning rate.

The experiments are CartPole-v1 (all 500 steps), and symmdp/GridWorld-v0 (a return of 0.7), both with the preset
"sample-efficient"; and Grid World once more with the network of the paper. Every 500 steps each policy plays 25 episodes beside
its training, with sampled actions. A rate is chosen from the grid for each method alone, on seeds that the results do not use,
by the area under the median curve. A row is one evaluation of one seed.
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


@dataclass(frozen=True)
class Experiment:
    """What is trained: until which return, and with which learning rates and seeds."""

    environment_id: str
    options: TrainingOptions
    threshold: float
    rates: tuple[float, ...]
    seeds: int


_CARTPOLE = preset("CartPole-v1", variant="sample-efficient")
_GRID_WORLD = preset("symmdp/GridWorld-v0", variant="sample-efficient")
_PAPER = replace(preset("symmdp/GridWorld-v0"), total_steps=_GRID_WORLD.total_steps)
_GRID_RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
EXPERIMENTS = {
    "cartpole": Experiment("CartPole-v1", _CARTPOLE, 500.0, (1e-3, 3e-3, 1e-2, 3e-2, 1e-1), 25),
    "grid_world": Experiment("symmdp/GridWorld-v0", _GRID_WORLD, 0.7, _GRID_RATES, 20),
    "grid_world_paper_network": Experiment("symmdp/GridWorld-v0", _PAPER, 0.7, _GRID_RATES, 20),
}


def curves(
    method: str, experiment: Experiment, options: TrainingOptions, tuning_seeds: Sequence[int], seeds: Sequence[int]
) -> tuple[float, Evaluations]:
    """The chosen rate, and the evaluations of the seeds with it."""
    environment_id = experiment.environment_id
    symmetry = symmetry_of(environment_id)
    with tempfile.TemporaryDirectory() as folder:
        tuned = tune(environment_id, symmetry, options, tuning_seeds, experiment.rates, Path(folder) / "tuning", policy=method)
        scores = ", ".join(f"{rate:g}: {score:.3g}" for rate, score in zip(tuned.rates, tuned.scores, strict=True))
        print(f"{method}: area under the median by learning rate: {scores}", flush=True)
        if tuned.chosen is None:
            raise AssertionError("tune() finished, or raised")
        train(environment_id, symmetry, options, seeds, Path(folder) / "run", policy=method, learning_rates=[tuned.chosen])
        return tuned.chosen, Evaluations.load(Path(folder) / "run")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", nargs="?", default="cartpole", choices=list(EXPERIMENTS))
    parser.add_argument("--methods", nargs="+", default=["equivariant", "plain", "random-basis", "nullspace-basis"])
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--tuning-seeds", type=int, default=10)
    parser.add_argument("--steps", type=int)
    arguments = parser.parse_args()
    experiment = EXPERIMENTS[arguments.experiment]
    steps, seeds = arguments.steps or experiment.options.total_steps, arguments.seeds or experiment.seeds
    options = replace(experiment.options, total_steps=steps, evaluation_every=500, evaluation_episodes=25)
    rows: list[dict[str, object]] = []
    for method in arguments.methods:
        began = time.perf_counter()
        tuning_seeds = range(1000, 1000 + arguments.tuning_seeds)
        rate, found = curves(method, experiment, options, tuning_seeds, range(seeds))
        first, (low, high) = median_reaches(found.returns, found.steps, experiment.threshold)
        last = float(np.median(found.returns[:, -1]))
        seconds = time.perf_counter() - began
        print(
            f"{method}: rate {rate:g}, median first at {experiment.threshold:g} by {first:,.0f} steps (95 % interval "
            f"{low:,.0f} to {high:,.0f}), in the end {last:.3g}; {seconds:.0f} s",
            flush=True,
        )
        for seed, of_seed in zip(found.seeds, found.returns.tolist(), strict=True):
            rows += [
                {"method": method, "learning_rate": rate, "seed": seed, "step": step, "return": round(value, 4)}
                for step, value in zip(found.steps.tolist(), of_seed, strict=True)
            ]
    print(f"raw results: {record(f'sample_efficiency_{arguments.experiment}', rows)}")


if __name__ == "__main__":
    main()
