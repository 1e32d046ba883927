"""Environment steps until the median policy balances the pole for all 500 steps: each method at its best learning rate.

CartPole-v1 with the preset "sample-efficient": every 500 steps each policy plays 25 episodes beside its training, with sampled
actions. A rate is chosen from the grid for each method alone, on seeds that the
results do not use, by the area under the median curve. A row is one evaluation of one seed.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from _record import record
from symmdp import symmetry_of
from symmdp.experiments import Evaluations, tune
from symmdp.experiments._curve_statistics import median_reaches
from symmdp.training import TrainingOptions, preset, train

ENVIRONMENT = "CartPole-v1"
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)


def curves(
    method: str, options: TrainingOptions, tuning_seeds: Sequence[int], seeds: Sequence[int]
) -> tuple[float, Evaluations]:
    """The chosen rate, and the evaluations of the seeds with it."""
    symmetry = symmetry_of(ENVIRONMENT)
    with tempfile.TemporaryDirectory() as folder:
        tuned = tune(ENVIRONMENT, symmetry, options, tuning_seeds, RATES, Path(folder) / "tuning", policy=method)
        scores = ", ".join(f"{rate:g}: {score:.0f}" for rate, score in zip(tuned.rates, tuned.scores, strict=True))
        print(f"{method}: area under the median by learning rate: {scores}", flush=True)
        if tuned.chosen is None:
            raise AssertionError("tune() finished, or raised")
        train(ENVIRONMENT, symmetry, options, seeds, Path(folder) / "run", policy=method, learning_rates=[tuned.chosen])
        return tuned.chosen, Evaluations.load(Path(folder) / "run")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", default=["equivariant", "plain", "random-basis", "nullspace-basis"])
    parser.add_argument("--seeds", type=int, default=25)
    parser.add_argument("--tuning-seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=12_000)
    arguments = parser.parse_args()
    options = preset(ENVIRONMENT, variant="sample-efficient")
    options = replace(options, total_steps=arguments.steps, evaluation_every=500, evaluation_episodes=25)
    rows: list[dict[str, object]] = []
    for method in arguments.methods:
        began = time.perf_counter()
        tuning_seeds = range(1000, 1000 + arguments.tuning_seeds)
        rate, found = curves(method, options, tuning_seeds, range(arguments.seeds))
        first, (low, high) = median_reaches(found.returns, found.steps, 500.0)
        last = float(np.median(found.returns[:, -1]))
        seconds = time.perf_counter() - began
        print(
            f"{method}: rate {rate:g}, median first at 500 by {first:,.0f} steps (95 % interval {low:,.0f} to {high:,.0f}), "
            f"in the end {last:.0f}; {seconds:.0f} s",
            flush=True,
        )
        for seed, of_seed in zip(found.seeds, found.returns.tolist(), strict=True):
            rows += [
                {"method": method, "learning_rate": rate, "seed": seed, "step": step, "return": round(value, 2)}
                for step, value in zip(found.steps.tolist(), of_seed, strict=True)
            ]
    print(f"raw results: {record('sample_efficiency', rows)}")


if __name__ == "__main__":
    main()
