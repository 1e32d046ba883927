"""Returns in Atari's Pong while policies are trained with PPO: every episode of every seed.

Options are those of the preset, which anneals nothing: a run of any length is the beginning of a longer one. Each method
trains its seeds in a process of its own. Ctrl-C stops with a checkpoint, and the same command goes on from there; it records
what was trained so far. Prints the mean return of each seed's last 20 episodes. A row is one episode.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from _record import record
from symmdp import symmetry_of
from symmdp.experiments import Run
from symmdp.training import Job, preset, train_side_by_side

ENVIRONMENT = "symmdp/Pong-v0"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="of the runs; where it has some, they go on")
    parser.add_argument("--methods", nargs="+", default=["equivariant", "plain"])
    parser.add_argument("--rates", nargs="+", type=float, default=[], help="of each method; those of the preset by default")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=2_000_000)
    arguments = parser.parse_args()
    options = replace(preset(ENVIRONMENT), total_steps=arguments.steps)
    rates = arguments.rates or [options.learning_rate] * len(arguments.methods)
    jobs = [
        Job(
            ENVIRONMENT,
            symmetry_of(ENVIRONMENT),
            replace(options, learning_rate=rate),
            tuple(range(arguments.seeds)),
            arguments.directory / method,
            policy=method,
            resume=(arguments.directory / method).exists(),
        )
        for method, rate in zip(arguments.methods, rates, strict=True)
    ]
    summaries = train_side_by_side(jobs)
    rows: list[dict[str, object]] = []
    for job, summary in zip(jobs, summaries, strict=True):
        rate = job.options.learning_rate
        for seed, episodes in zip(job.seeds, Run.load(job.directory).episodes, strict=True):
            last = f"{np.mean(episodes.returns[-20:]):.1f}" if len(episodes.returns) else "no episode"
            print(f"{job.policy}, seed {seed}: {last} after {summary.steps:,} steps")
            rows += [
                {"method": job.policy, "learning_rate": rate, "seed": seed, "step": step, "return": value}
                for step, value in zip(episodes.steps.tolist(), episodes.returns.tolist(), strict=True)
            ]
    print(f"raw results: {record('pong', rows)}")


if __name__ == "__main__":
    main()
