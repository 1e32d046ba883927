"""Returns of equivariant and plain policies in two MuJoCo tasks, at equal steps: interquartile means over seeds.

Each method at its own learning rate, the best of {1e-4, 3e-4, 1e-3, 3e-3} on five seeds that the results do not use. Training
episodes are counted, with sampled actions: those that end in the last tenth of the steps. Ctrl-C stops with a checkpoint, and
the same command goes on from there. A row is one episode.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from _record import record
from symmdp import symmetry_of
from symmdp.experiments import Run, interquartile_mean
from symmdp.training import Job, preset, train_side_by_side

RATES = {
    "Swimmer-v5": {"equivariant": 3e-3, "plain": 3e-3},
    "Walker2d-v5": {"equivariant": 3e-4, "plain": 1e-3},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="of the runs; where it has some, they go on")
    parser.add_argument("--tasks", nargs="+", default=list(RATES), choices=list(RATES))
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=300_000)
    parser.add_argument("--workers", type=int, help="processes at a time; as many as there are cores by default")
    arguments = parser.parse_args()
    jobs = []
    for task in arguments.tasks:
        for method, rate in RATES[task].items():
            options = replace(preset(task), total_steps=arguments.steps, learning_rate=rate)
            directory = arguments.directory / f"{task}-{method}"
            seeds = tuple(range(arguments.seeds))
            jobs.append(Job(task, symmetry_of(task), options, seeds, directory, method, resume=directory.exists()))
    summaries = train_side_by_side(jobs, workers=arguments.workers)
    rows: list[dict[str, object]] = []
    for job, summary in zip(jobs, summaries, strict=True):
        found = Run.load(job.directory).episodes
        last = [float(np.mean(of_seed.returns[of_seed.steps > 0.9 * summary.steps])) for of_seed in found]
        mean, (low, high) = interquartile_mean(last)
        each = ", ".join(f"{value:.0f}" for value in last)
        print(
            f"{job.environment_id}, {job.policy}: {mean:.0f} ({low:.0f} to {high:.0f}) by {summary.steps:,} steps; each {each}"
        )
        rows += [
            {
                "environment": job.environment_id,
                "method": job.policy,
                "learning_rate": job.options.learning_rate,
                "seed": seed,
                "step": step,
                "return": round(value, 2),
            }
            for seed, of_seed in zip(job.seeds, found, strict=True)
            for step, value in zip(of_seed.steps.tolist(), of_seed.returns.tolist(), strict=True)
        ]
    print(f"raw results: {record('locomotion', rows)}")


if __name__ == "__main__":
    main()
