"""Evaluations on Grid World, which look policies up in a table: equal to playing every episode by itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from symmdp.catalogue import grid_world_symmetry
from symmdp.catalogue.environments._grid_world_law import GridWorldLaw
from symmdp.policies import Convolutions
from symmdp.training import Training, TrainingOptions
from symmdp.training._evaluation import Evaluation
from symmdp.training._evaluation_environments import (
    _GridWorldEpisodes,
    _SeparateEpisodes,
    _StackedEpisodes,
    episode_batch,
)
from symmdp.training._streams import stream
from symmdp.training.methods._named import METHODS, method_named

OPTIONS = TrainingOptions(
    total_steps=128,
    environments=4,
    rollout_steps=16,
    epochs=1,
    minibatch=32,
    hidden=(16,),
    convolutions=Convolutions((8, 8), (3, 3), (3, 1)),
    evaluation_every=64,
    evaluation_episodes=3,
    evaluation_deterministic=True,
)
SEEDS = [0, 3]


def played_alone(training: Training, row: int, step: int) -> tuple[list[float], list[int]]:
    """Returns and lengths of the row's episodes, one state at a time through a policy of its own."""
    law, policy, episodes = GridWorldLaw(), training.stack.policy(row), OPTIONS.evaluation_episodes
    source = np.random.default_rng(stream(training.rows[row].seed, "evaluation", step).integers(2**63))
    states = law.start(source.random(episodes))
    returns, lengths, live = [0.0] * episodes, [0] * episodes, [True] * episodes
    for _ in range(100):
        draws = source.random(episodes)
        for e in np.flatnonzero(live):
            action = policy.act(torch.from_numpy(law.images(states[e : e + 1])), deterministic=True).numpy()
            following, caught = law.step(states[e : e + 1], action, draws[e : e + 1])
            states[e] = following[0]
            returns[e] += 1.0 if caught[0] else -0.1
            lengths[e] += 1
            live[e] = not caught[0]
    return returns, lengths


@pytest.mark.parametrize("name", [method.name for method in METHODS])
def test_equals_episodes_played_alone(name: str) -> None:
    training = Training("symmdp/GridWorld-v0", grid_world_symmetry(), OPTIONS, SEEDS, (), method_named(name))
    training.update()
    found = training.evaluate()
    for row, evaluation in enumerate(found):
        returns, lengths = played_alone(training, row, training.sampler.steps)
        np.testing.assert_array_equal(evaluation.lengths, lengths)
        np.testing.assert_allclose(evaluation.returns, returns, atol=1e-9)


def test_the_same_on_average_as_environments_stepped_one_by_one() -> None:
    options = replace(OPTIONS, evaluation_episodes=150, evaluation_deterministic=False)
    training = Training("symmdp/GridWorld-v0", grid_world_symmetry(), options, SEEDS)

    def pooled(found: list[Evaluation]) -> np.ndarray:
        return np.concatenate([evaluation.lengths for evaluation in found])

    quick = pooled(training.evaluate())
    training.evaluator._environments = _SeparateEpisodes("symmdp/GridWorld-v0", 150)
    slow = pooled(training.evaluate())
    error = np.hypot(quick.std(), slow.std()) / np.sqrt(len(quick))
    assert abs(quick.mean() - slow.mean()) < 4 * error
    assert not np.array_equal(quick, slow)  # their random numbers are others, so the test compares something


def test_a_row_does_not_depend_on_its_company() -> None:
    options = replace(OPTIONS, evaluation_deterministic=False)
    both = Training("symmdp/GridWorld-v0", grid_world_symmetry(), options, SEEDS).evaluate()
    (alone,) = Training("symmdp/GridWorld-v0", grid_world_symmetry(), options, SEEDS[1:]).evaluate()
    np.testing.assert_array_equal(both[1].lengths, alone.lengths)
    np.testing.assert_array_equal(both[1].returns, alone.returns)


def test_where_observations_are_many_they_are_not_tabulated() -> None:
    assert isinstance(episode_batch("symmdp/GridWorld-v0", 2), _GridWorldEpisodes)
    assert isinstance(episode_batch("symmdp/GridWorld-v0 (size=41)", 2), _StackedEpisodes)
