"""Training in MuJoCo: a simulation that was saved goes on to the bit, and so does a run."""

import json
from dataclasses import replace
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch

from symmdp import symmetry_of
from symmdp.training import preset, train
from symmdp.training._checkpoint import load_checkpoint
from symmdp.training._snapshot import restore_snapshot, snapshot

pytest.importorskip("mujoco")


def steps_of(environment: gym.Env, actions: list[np.ndarray]) -> list[tuple]:
    """Observations, rewards and ends, with a reset after each end."""
    found = []
    for action in actions:
        observation, reward, terminated, truncated, _ = environment.step(action)
        found.append((observation, reward, terminated, truncated))
        if terminated or truncated:
            found.append((environment.reset()[0], 0.0, False, False))
    return found


@pytest.mark.parametrize("name", ["Ant-v5", "Humanoid-v5", "InvertedPendulum-v5", "Reacher-v5", "Swimmer-v5", "Walker2d-v5"])
def test_a_saved_simulation_goes_on_to_the_bit(name: str) -> None:
    one, other = gym.make(name), gym.make(name)
    one.reset(seed=1)
    other.reset(seed=9)
    rng, space = np.random.default_rng(0), one.action_space
    assert isinstance(space, gym.spaces.Box)
    actions = [rng.uniform(space.low, space.high).astype(np.float32) for _ in range(90)]
    steps_of(other, actions[:20])
    steps_of(one, actions[20:27])
    restore_snapshot(other, json.loads(json.dumps(snapshot(one))))
    expected, found = (steps_of(environment, actions[27:]) for environment in (one, other))
    assert len(expected) == len(found) >= 63
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_array_equal(a[0], b[0])
        assert a[1:] == b[1:]
    one.close()
    other.close()


def test_a_stopped_run_goes_on_to_the_bit(tmp_path: Path) -> None:
    options = replace(
        preset("Swimmer-v5"), total_steps=512, environments=2, rollout_steps=64, minibatch=64, epochs=2, hidden=(16, 16)
    )
    symmetry, calls = symmetry_of("Swimmer-v5"), iter([False, False, True])
    train("Swimmer-v5", symmetry, options, [0, 3], tmp_path / "whole")
    assert not train("Swimmer-v5", symmetry, options, [0, 3], tmp_path / "stopped", stop=lambda: next(calls)).finished
    assert train("Swimmer-v5", symmetry, options, [0, 3], tmp_path / "stopped", resume=True).finished
    one, other = (load_checkpoint(tmp_path / name / "checkpoint.pt")["training"]["policies"] for name in ("whole", "stopped"))
    assert torch.equal(one, other)
