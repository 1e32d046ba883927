"""Every evaluation of a comparison: environment steps until the median policy is as good as it can be for the first time.

Trains nothing: docs/reproduction.md has the `symmdp compare` commands, in which every 500 steps each policy plays 25 episodes
beside its training, and which choose a learning rate for each method. A row is one evaluation of one seed.
"""

import argparse
from pathlib import Path

import numpy as np

from _record import record
from symmdp.experiments import Evaluations, Run
from symmdp.experiments._curve_statistics import median_reaches
from symmdp.experiments._run import read_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", choices=["cartpole", "grid_world"])
    parser.add_argument("directory", type=Path, help="of the comparison")
    arguments = parser.parse_args()
    rows: list[dict[str, object]] = []
    for method in read_json(arguments.directory, "config.json")["methods"]:
        run, found = Run.load(arguments.directory / method), Evaluations.load(arguments.directory / method)
        if run.threshold is None:
            parser.error(f"{arguments.directory} was compared without --solved-at")
        first, (low, high) = median_reaches(found.returns, found.steps, run.threshold)
        print(
            f"{method}: rate {run.learning_rate:g}, median first at {run.threshold:g} by {first:,.0f} steps (95 % interval "
            f"{low:,.0f} to {high:,.0f}), in the end {np.median(found.returns[:, -1]):.3g}"
        )
        for seed, of_seed in zip(found.seeds, found.returns.tolist(), strict=True):
            rows += [
                {"method": method, "learning_rate": run.learning_rate, "seed": seed, "step": step, "return": round(value, 4)}
                for step, value in zip(found.steps.tolist(), of_seed, strict=True)
            ]
    print(f"raw results: {record(f'sample_efficiency_{arguments.experiment}', rows)}")


if __name__ == "__main__":
    main()
