"""Steps per second of Grid World: its vectorised environment, against as many single ones in Gymnasium's SyncVectorEnv.

One thread, random actions drawn beforehand, restarts included; the two take turns within a round.
"""

import argparse
import statistics
import time

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv

import symmdp  # noqa: F401  # registers the environment
from _record import record

ENVIRONMENT = "symmdp/GridWorld-v0"
STEPS = {"vectorised": 500_000, "one by one": 5_000}  # about as many of all environments together in a round


def steps_per_second(envs: VectorEnv, steps: int) -> float:
    """Steps of all environments, in one round."""
    actions = np.random.default_rng(0).integers(5, size=(steps, envs.num_envs))
    began = time.perf_counter()
    for action in actions:
        envs.step(action)
    return steps * envs.num_envs / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    rows = []
    for count in (1, 16, 256, 4096):
        sides = {
            "vectorised": gym.make_vec(ENVIRONMENT, count, vectorization_mode="vector_entry_point"),
            "one by one": gym.make_vec(ENVIRONMENT, count, vectorization_mode="sync"),
        }
        for envs in sides.values():
            envs.reset(seed=0)
            steps_per_second(envs, 5)
        for i in range(rounds):
            found = {name: steps_per_second(envs, max(4, STEPS[name] // max(count, 16))) for name, envs in sides.items()}
            row = {f"{name} (steps/s)": round(value) for name, value in found.items()}
            rows.append(
                {"environments": count, "round": i, **row, "ratio": round(found["vectorised"] / found["one by one"], 2)}
            )
        these = rows[-rounds:]
        print(f"{count:5d} environments:", end=" ")
        for key in ("vectorised (steps/s)", "one by one (steps/s)", "ratio"):
            print(f"{key} {statistics.median(row[key] for row in these):,.6g}", end="  ")
        print(flush=True)
    print(f"raw results: {record('environments', rows)}")


if __name__ == "__main__":
    main()
