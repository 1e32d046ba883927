"""Synthetic run directories: what training writes, without the training."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

WriteRun = Callable[..., Path]


def synthetic_episodes(seed: int, solved_at: float, total_steps: int) -> list[tuple[int, int, int, float]]:
    """Episodes of a seed whose return climbs from 20 to 500 about the step `solved_at`."""
    rng = np.random.default_rng(seed)
    rows, step = [], 0
    while True:
        mean = 20 + 480 / (1 + np.exp(-(step - 0.75 * solved_at) / (0.08 * solved_at)))
        length = int(np.clip(mean * rng.normal(1, 0.1), 9, 500))
        step += length
        if step > total_steps:
            return rows
        rows.append((step, seed, length, float(length)))


@pytest.fixture
def write_run() -> WriteRun:
    def write(
        directory: Path,
        method: str = "equivariant",
        *,
        seeds: Sequence[int] = (0, 1, 2),
        episodes: Sequence[tuple[int, int, int, float]] | None = None,
        solved_at: float = 10_000,
        total_steps: int = 30_000,
        threshold: float | None = 475.0,
    ) -> Path:
        if episodes is None:
            episodes = [
                row for seed in seeds for row in synthetic_episodes(seed, solved_at * (1 + 0.05 * (seed % 7)), total_steps)
            ]
        directory.mkdir(parents=True)
        config = {
            "environment_id": "CartPole-v1",
            "method": method,
            "algorithm": "ppo",
            "group": "C2" if method == "equivariant" else "trivial",
            "seeds": list(seeds),
            "options": {
                "algorithm": "ppo",
                "total_steps": total_steps,
                "learning_rate": 0.003,
                "hidden": [64, 64],
                "solved_at": threshold,
            },
            "parameters": 4_547 if method == "equivariant" else 4_531,
            "hidden": [64, 64] if method == "equivariant" else [45, 45],
            "solve": {"threshold": threshold, "episodes": 10},
        }
        (directory / "config.json").write_text(json.dumps(config))
        timing = {"seconds": 12.5, "transitions": 90_000, "transitions_per_second": 7_200.0}
        timing["evaluation_seconds"] = 3.5
        (directory / "timing.json").write_text(json.dumps(timing))
        lines = ["step,seed,length,return", *(",".join(map(str, row)) for row in episodes)]
        (directory / "episodes.csv").write_text("\n".join(lines) + "\n")
        return directory

    return write
