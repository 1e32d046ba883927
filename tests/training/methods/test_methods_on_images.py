"""Every method on Grid World, whose observations are images: it trains, is evaluated, and goes on where it stopped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from symmdp.catalogue import grid_world_symmetry
from symmdp.experiments import Evaluations
from symmdp.policies import ActorCritic, Convolutions
from symmdp.testing import equivariance_error
from symmdp.training import METHODS, Training, TrainingOptions, load_policy, train
from symmdp.training._checkpoint import load_checkpoint

GRID = "symmdp/GridWorld-v0"
SYMMETRY = grid_world_symmetry()
OPTIONS = TrainingOptions(
    total_steps=384,
    environments=4,
    rollout_steps=16,
    epochs=2,
    minibatch=32,
    hidden=(16,),
    convolutions=Convolutions((8, 8), (3, 3), (3, 1)),
    evaluation_every=128,
    evaluation_episodes=3,
)
SEEDS = [0, 3]
NAMES = [method.name for method in METHODS]


def error_of(policy: ActorCritic) -> float:
    cast, shape = policy.to(torch.float64), SYMMETRY.observation_shape
    observation, action = SYMMETRY.on_vectors.observation, SYMMETRY.require_action_representation()
    return equivariance_error(lambda s: cast(s.unflatten(-1, shape))[0], observation, action, dtype=torch.float64)


@pytest.mark.parametrize("name", NAMES)
def test_trains_and_resumes_to_the_bit(name: str, tmp_path: Path) -> None:
    whole = train(GRID, SYMMETRY, OPTIONS, SEEDS, tmp_path / "whole", policy=name)
    assert whole.finished
    assert not whole.failures
    asked = iter([False, False, True])
    broken = tmp_path / "broken"
    assert not train(GRID, SYMMETRY, OPTIONS, SEEDS, broken, policy=name, stop=lambda: next(asked)).finished
    assert train(GRID, SYMMETRY, OPTIONS, SEEDS, broken, policy=name, resume=True).finished
    policies = [load_checkpoint(run / "checkpoint.pt")["training"]["policies"] for run in (tmp_path / "whole", broken)]
    assert torch.equal(*policies)
    for table in ("episodes.csv", "evaluations.csv", "metrics.csv"):
        assert (broken / table).read_bytes() == (tmp_path / "whole" / table).read_bytes()
    evaluations = Evaluations.load(broken)
    assert evaluations.steps.tolist() == [0, 128, 256, 384]
    assert np.isfinite(evaluations.returns).all()
    symmetric = next(method.respects_symmetry for method in METHODS if method.name == name)
    assert (error_of(load_policy(broken, 3, SYMMETRY)) < 1e-5) == symmetric


def test_the_policies_change_and_differ_between_methods() -> None:
    """A negative control: no method leaves its policies as they were, or trains like plain ones."""
    found = {}
    for method in METHODS:
        training = Training(GRID, SYMMETRY, replace(OPTIONS, evaluation_every=None), SEEDS, (), method)
        before = training.stack.flat.clone()
        training.update()
        found[method.name] = training.stack.flat
        assert (training.stack.flat != before).any(dim=1).all()
    for name in ("augmentation", "mirror-loss"):
        assert found[name].shape == found["plain"].shape
        assert not torch.equal(found[name], found["plain"])
