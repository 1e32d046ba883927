"""Evaluations: that they are episodes of the environment, touch nothing, and do not depend on the company."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch

from symmdp import symmetry_of
from symmdp.errors import RunDirectoryError
from symmdp.experiments import Evaluations
from symmdp.policies import ActorCritic
from symmdp.training import Training, TrainingOptions, train, training_of
from symmdp.training._checkpoint import load_checkpoint
from symmdp.training._evaluation_environments import (
    EpisodeBatch,
    _CartPoleEpisodes,
    _SeparateEpisodes,
    _StackedEpisodes,
    episode_batch,
)
from symmdp.training._evaluation_policy import StackedActor
from symmdp.training._stack import PolicyStack

SHORT = TrainingOptions(
    total_steps=1024,
    environments=4,
    rollout_steps=32,
    epochs=2,
    minibatch=64,
    hidden=(16, 16),
    evaluation_every=250,
    evaluation_episodes=6,
)
KINDS = {"CartPole-v1": _CartPoleEpisodes, "Acrobot-v1": _SeparateEpisodes, "Pendulum-v1": _SeparateEpisodes}


def streams(count: int) -> list[np.random.Generator]:
    return [np.random.default_rng([7, k]) for k in range(count)]


def test_the_cartpole_of_evaluations_is_gymnasiums() -> None:
    """Step by step against the single environment, through the last step of each episode."""
    batch = episode_batch("CartPole-v1", 5)
    assert isinstance(batch, _CartPoleEpisodes)
    observation = batch.begin(streams(3))
    states, rng = batch._state.copy(), np.random.default_rng(0)
    singles = [[gym.make("CartPole-v1") for _ in range(5)] for _ in range(3)]
    for row, of_row in enumerate(singles):
        for e, single in enumerate(of_row):
            single.reset(seed=0)
            single.unwrapped.state = states[:, row, e].copy()
    live, steps = np.ones((3, 5), bool), 0
    while live.any():
        # Pushed towards the side to which the pole falls: long episodes beside short ones.
        careful = (observation[..., 2] + 0.5 * observation[..., 3] + 0.1 * observation[..., 0] > 0).astype(int)
        actions = np.where(np.arange(5) < 3, careful, rng.integers(2, size=(3, 5)))
        observation, rewards, ended = batch.step(actions)
        steps += 1
        for row, e in np.argwhere(live):
            wanted, reward, terminated, truncated, _ = singles[row][e].step(int(actions[row, e]))
            np.testing.assert_allclose(observation[row, e], wanted, atol=1e-6)
            assert rewards[row, e] == reward
            assert ended[row, e] == (terminated or truncated)
        live &= ~ended
    assert steps == 500  # a careful one was cut by the time limit


@pytest.mark.parametrize("kind", [_CartPoleEpisodes, _SeparateEpisodes, _StackedEpisodes])
def test_rows_that_are_dropped_change_nothing_for_the_others(kind: type) -> None:
    def make() -> EpisodeBatch:
        return kind(4, 500) if kind is _CartPoleEpisodes else kind("CartPole-v1", 4)

    whole, part = make(), make()
    np.testing.assert_array_equal(whole.begin(streams(3)), part.begin(streams(3)))
    rng, rows = np.random.default_rng(1), np.arange(3)
    live = np.ones((3, 4), bool)
    for t in range(30):
        actions = rng.integers(2, size=(3, 4))
        if t == 5:
            rows = np.array([0, 2])
            part.keep(rows)
        if t == 9:
            rows = np.array([2])
            part.keep(np.array([1]))
        wanted, found = whole.step(actions), part.step(actions[rows])
        for a, b in zip(wanted, found, strict=True):
            np.testing.assert_array_equal(a[rows][live[rows]], b[live[rows]])
        live &= ~wanted[2]
    assert not live.all()
    again = part.begin(streams(3))  # dropped rows come back
    np.testing.assert_array_equal(again, make().begin(streams(3)))


def test_the_default_for_each_environment() -> None:
    for environment_id, kind in KINDS.items():
        assert type(episode_batch(environment_id, 2)) is kind


@pytest.mark.parametrize("environment_id", ["CartPole-v1", "Pendulum-v1"])
@pytest.mark.parametrize("activation", [torch.tanh, torch.relu, torch.sin])
def test_the_actor_of_evaluations_is_the_policy(environment_id: str, activation) -> None:
    """In NumPy for known functions, and otherwise (sine) as the module is; of all rows, and of some."""
    environment, symmetry = gym.make(environment_id), symmetry_of(environment_id)
    policies = []
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        policy = ActorCritic(
            symmetry.restrict_to_trivial(),
            environment.observation_space,
            environment.action_space,
            (8, 7),
            activation=activation,
            generator=generator,
            dtype=torch.float32,
        )
        with torch.no_grad():
            for parameter in policy.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.3)
        policies.append(policy)
    stack = PolicyStack(policies)
    observation = np.random.default_rng(0).standard_normal((3, 5, *environment.observation_space.shape)).astype(np.float32)
    actor = StackedActor(stack.module)
    assert (actor._layers is None) == (activation is torch.sin)
    with torch.no_grad():
        wanted = stack.module(torch.from_numpy(observation))[0].numpy()
    np.testing.assert_allclose(actor(observation), wanted, atol=2e-6)
    actor.keep(np.array([0, 2]))
    actor.keep(np.array([1]))
    np.testing.assert_allclose(actor(observation[2:]), wanted[2:], atol=2e-6)
    assert np.abs(wanted[2] - wanted[0]).max() > 0.1  # rows that differ: the wrong one would be seen


def slow_evaluation(training: Training, row: int, environment_id: str) -> tuple[list[float], list[int]]:
    """Deterministic episodes one after another with the row's policy, from the same first states."""
    policy, options = training.stack.policy(row), training.options
    batch = episode_batch(environment_id, options.evaluation_episodes)
    from symmdp.training._streams import stream

    source = stream(training.rows[row].seed, "evaluation", training.sampler.steps)
    returns, lengths = [], []
    if isinstance(batch, _CartPoleEpisodes):
        states = source.uniform(-0.05, 0.05, size=(4, options.evaluation_episodes))
    else:
        seeds = source.integers(2**31, size=options.evaluation_episodes)
    for e in range(options.evaluation_episodes):
        environment = gym.make(environment_id)
        if isinstance(batch, _CartPoleEpisodes):
            environment.reset(seed=0)
            environment.unwrapped.state = states[:, e].copy()
            observation = states[:, e].astype(np.float32)
        else:
            observation, _ = environment.reset(seed=int(seeds[e]))
        total, length, over = 0.0, 0, False
        while not over:
            action = policy.act(torch.as_tensor(observation, dtype=torch.float32), deterministic=True).numpy()
            if isinstance(environment.action_space, gym.spaces.Box):
                action = np.clip(action, environment.action_space.low, environment.action_space.high)
            observation, reward, terminated, truncated, _ = environment.step(action)
            total, length, over = total + float(reward), length + 1, terminated or truncated
        returns.append(total)
        lengths.append(length)
    return returns, lengths


@pytest.mark.parametrize("environment_id", ["CartPole-v1", "Pendulum-v1"])
def test_evaluations_are_episodes_of_the_environment(environment_id: str) -> None:
    options = replace(SHORT, evaluation_deterministic=True, evaluation_episodes=4)
    training = Training(environment_id, symmetry_of(environment_id), options, [3, 8])
    for _ in range(3):
        training.update()
    for evaluation in training.evaluate():
        returns, lengths = slow_evaluation(training, evaluation.row, environment_id)
        assert evaluation.lengths.tolist() == lengths
        np.testing.assert_allclose(evaluation.returns, returns, rtol=1e-3)


def test_actions_are_sampled_from_the_policy() -> None:
    """The first step of many episodes, against the probabilities of the first states; taking the mode is told apart."""
    environment_id = "CartPole-v1"
    options = replace(SHORT, evaluation_episodes=4000)
    training = Training(environment_id, symmetry_of(environment_id).restrict_to_trivial(), options, [0])
    taken: list[np.ndarray] = []
    probabilities: list[np.ndarray] = []

    class Spy(_CartPoleEpisodes):
        def begin(self, streams: list[np.random.Generator]) -> np.ndarray:
            observation = super().begin(streams)
            logits = training.stack.module(torch.from_numpy(observation))[0]
            probabilities.append(logits.softmax(-1)[..., 1].detach().numpy())
            return observation

        def step(self, actions: np.ndarray):
            taken.append(actions)
            return super().step(actions)

    policy = training.stack.policy(0)
    with torch.no_grad():
        next(reversed(list(policy.actor.parameters()))).copy_(torch.tensor([0.0, 1.0]))  # the bias of the logits
    training.stack.flat.copy_(torch.nn.utils.parameters_to_vector(policy.parameters()).detach().unsqueeze(0))
    training.stack.refresh()
    training.evaluator._environments = Spy(options.evaluation_episodes, 500)
    training.evaluate()
    p = probabilities[0]
    deviation = np.sqrt((p * (1 - p)).sum())
    assert abs(taken[0].sum() - p.sum()) < 4 * deviation
    assert (p > 0.5).sum() - p.sum() > 20 * deviation  # the negative control: the mode


@pytest.mark.parametrize(("environment_id", "policy"), [("CartPole-v1", "plain"), ("Pendulum-v1", "equivariant")])
def test_training_is_the_same_with_evaluations_or_without(tmp_path: Path, environment_id: str, policy: str) -> None:
    symmetry = symmetry_of(environment_id)
    for name, every in (("with", 250), ("without", None)):
        options = replace(SHORT, evaluation_every=every)
        train(environment_id, symmetry, options, [0, 3], tmp_path / name, policy=policy)
    for table in ("metrics.csv", "episodes.csv"):
        assert (tmp_path / "with" / table).read_text() == (tmp_path / "without" / table).read_text()
    found = [load_checkpoint(tmp_path / name / "checkpoint.pt")["training"]["policies"] for name in ("with", "without")]
    assert torch.equal(*found)
    assert not (tmp_path / "without/evaluations.csv").exists()


def evaluated(environment_id: str, seeds: Sequence[int], rates: Sequence[float], policy: str) -> Training:
    return training_of(environment_id, symmetry_of(environment_id), replace(SHORT, hidden=(9, 9)), seeds, policy, rates)


@pytest.mark.parametrize("environment_id", ["CartPole-v1", "Pendulum-v1"])
@pytest.mark.parametrize("policy", ["equivariant", "plain"])
def test_what_an_evaluation_finds_does_not_depend_on_the_company(environment_id: str, policy: str) -> None:
    together = evaluated(environment_id, [2, 7, 9], [1e-3, 1e-2], policy)
    alone = evaluated(environment_id, [7], [1e-2], policy)
    for training in (together, alone):
        training.update()
    (wanted,) = alone.evaluate()
    found = together.evaluate()[4]
    np.testing.assert_array_equal(found.returns, wanted.returns)
    np.testing.assert_array_equal(found.lengths, wanted.lengths)
    assert len({tuple(evaluation.returns) for evaluation in together.evaluate()}) == 6


def test_evaluations_of_many_rows_in_separate_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than environments are held for: they take turns, with the same results."""
    training = Training("Pendulum-v1", symmetry_of("Pendulum-v1"), SHORT, [0, 1, 2])
    wanted = [evaluation.returns for evaluation in training.evaluate()]
    monkeypatch.setattr("symmdp.training._evaluation_environments._MOST_SEPARATE", 8)
    training = Training("Pendulum-v1", symmetry_of("Pendulum-v1"), SHORT, [0, 1, 2])
    found = [evaluation.returns for evaluation in training.evaluate()]
    assert training.evaluator._environments is not None
    assert training.evaluator._environments.most_rows == 1
    np.testing.assert_array_equal(found, wanted)


def test_the_table_of_evaluations(tmp_path: Path) -> None:
    train("CartPole-v1", symmetry_of("CartPole-v1"), SHORT, [0, 3], tmp_path / "run")
    rows = list(csv.DictReader((tmp_path / "run/evaluations.csv").read_text().splitlines()))
    # Before the first update, and after each that reaches another multiple of 250 steps.
    assert [row["step"] for row in rows] == [str(s) for s in (0, 256, 512, 768, 1024) for _ in range(2)]
    assert [row["seed"] for row in rows] == ["0", "3"] * 5
    for row in rows:
        assert row["episodes"] == "6"
        assert row["learning_rate"] == "0.001"
        assert float(row["return_min"]) <= float(row["return_mean"]) <= float(row["return_max"])
        assert row["return_mean"] == row["length_mean"]  # CartPole pays 1 a step
    found = Evaluations.load(tmp_path / "run")
    assert found.steps.tolist() == [0, 256, 512, 768, 1024]
    assert found.seeds == (0, 3)
    assert found.returns[1, 2] == float(rows[5]["return_mean"])
    assert found.of(0.001).returns.shape == (2, 5)


def test_evaluations_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="holds no evaluations; train with evaluation_every"):
        Evaluations.load(tmp_path)
    train("CartPole-v1", symmetry_of("CartPole-v1"), SHORT, [0], tmp_path / "run")
    path = tmp_path / "run/evaluations.csv"
    text = path.read_text()
    for damaged, message in ((text[:-20], "no whole table"), ("x,y\n", "must begin with the columns")):
        path.write_text(damaged)
        with pytest.raises(RunDirectoryError, match=message):
            Evaluations.load(tmp_path / "run")
