"""Environment steps per second of PPO on CartPole-v1: all seeds at once here, against Stable-Baselines3.

The same hyper-parameters (this project's preset) and the same networks on both sides; the sides take turns within a run.
Steps are transitions: steps that Gymnasium's autoreset spends on a reset do not count for us.

    sb3            one seed in one process, with the faster of one and two threads
    sb3, 2 at once two seeds in two processes, one thread each: what two cores give by plain parallelism
    plain          20 seeds at once in one thread, the very network that Stable-Baselines3 trains
    equivariant    20 seeds at once in one thread, equivariant networks of the same width
    both at once   the two in two processes, as `symmdp compare` trains them
"""

import argparse
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import torch

from _record import record
from symmdp import symmetry_of
from symmdp.training import Training, TrainingOptions, preset

ENVIRONMENT = "CartPole-v1"


def stable_baselines3(options: TrainingOptions, steps: int, threads: int) -> float:
    """Steps per second of one seed, after a first update to warm up."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env

    torch.set_num_threads(threads)
    model = PPO(
        "MlpPolicy",
        make_vec_env(ENVIRONMENT, options.environments, seed=0),
        n_steps=options.rollout_steps,
        batch_size=options.minibatch,
        n_epochs=options.epochs,
        learning_rate=lambda remaining: options.learning_rate * remaining,
        gamma=options.discount,
        gae_lambda=options.gae_lambda,
        clip_range=options.clip_range,
        ent_coef=options.entropy_coefficient,
        vf_coef=options.value_coefficient,
        max_grad_norm=options.max_gradient_norm,
        policy_kwargs={"net_arch": {"pi": list(options.hidden), "vf": list(options.hidden)}, "activation_fn": torch.nn.Tanh},
        device="cpu",
        seed=0,
    )
    model.learn(options.batch)
    began, before = time.perf_counter(), model.num_timesteps
    model.learn(steps, reset_num_timesteps=False)
    return (model.num_timesteps - before) / (time.perf_counter() - began)


def two_processes(options: TrainingOptions, steps: int) -> float:
    """Steps per second of two seeds in two processes of one thread, summed."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        return sum(pool.map(stable_baselines3, [options] * 2, [steps] * 2, [1] * 2))


def all_at_once(options: TrainingOptions, policy: str, seeds: int, updates: int) -> float:
    """Steps per second of all seeds, summed, after a first update to warm up."""
    torch.set_num_threads(1)
    symmetry = symmetry_of(ENVIRONMENT)
    if policy == "plain":
        symmetry = symmetry.restrict_to_trivial()
    training = Training(ENVIRONMENT, symmetry, options, range(seeds))
    training.update()
    began, before = time.perf_counter(), training.sampler.transitions
    for _ in range(updates):
        training.update()
    return (training.sampler.transitions - before) / (time.perf_counter() - began)


def both_at_once(options: TrainingOptions, seeds: int, updates: int) -> float:
    """Steps per second of a comparison: plain and equivariant, each in a process of its own, summed."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        return sum(pool.map(all_at_once, [options] * 2, ["plain", "equivariant"], [seeds] * 2, [updates] * 2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=8192, help="of Stable-Baselines3 in a round")
    parser.add_argument("--updates", type=int, default=40, help="of all seeds at once in a round")
    arguments = parser.parse_args()
    options = replace(preset(ENVIRONMENT), total_steps=1_000_000)
    rows = []
    for number in range(arguments.rounds):
        row: dict[str, object] = {"round": number}
        sb3 = max(stable_baselines3(options, arguments.steps, threads) for threads in (1, 2))
        speeds = {"sb3": sb3, "sb3, 2 at once": two_processes(options, arguments.steps)}
        for policy in ("plain", "equivariant"):
            speeds[policy] = all_at_once(options, policy, arguments.seeds, arguments.updates)
        speeds["both at once"] = both_at_once(options, arguments.seeds, arguments.updates)
        for name, speed in speeds.items():
            row[f"{name} (steps/s)"] = round(speed)
            row[f"{name} / sb3"] = round(speed / sb3, 2)
        rows.append(row)
        print("  ".join(f"{name}: {speed:,.0f} steps/s ({speed / sb3:.1f} ×)" for name, speed in speeds.items()), flush=True)
    for name in ("sb3, 2 at once", "plain", "equivariant", "both at once"):
        ratios = [float(str(row[f"{name} / sb3"])) for row in rows]
        print(f"{name:15s} median {statistics.median(ratios):.1f} × Stable-Baselines3 (from {min(ratios)} to {max(ratios)})")
    print(f"raw results: {record('training', rows)}")


if __name__ == "__main__":
    main()
