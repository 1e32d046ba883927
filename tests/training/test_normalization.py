"""Normalised observations and rewards in training: exact moments, kept symmetries, rows by themselves, and resumed runs."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from symmdp import symmetry_of
from symmdp.errors import OptionError, ShapeError, SymmetryError
from symmdp.policies import ActorCritic
from symmdp.testing import equivariance_error
from symmdp.training import METHODS, Training, TrainingOptions, load_policy, preset, train, training_of
from symmdp.training._checkpoint import load_checkpoint
from symmdp.training._evaluation_policy import StackedActor
from symmdp.training._reward_scale import RewardScale

SHORT = TrainingOptions(
    total_steps=512,
    environments=4,
    rollout_steps=32,
    epochs=2,
    minibatch=64,
    hidden=(16, 16),
    normalize_observations=True,
    normalize_rewards=True,
)


def trained(environment_id: str, method: str, seeds: list[int], updates: int = 3, **options: object) -> Training:
    training = training_of(environment_id, symmetry_of(environment_id), replace(SHORT, **options), seeds, method)
    for _ in range(updates):
        training.update()
    return training


def equivariance_of(policy: ActorCritic, environment_id: str) -> float:
    symmetry = symmetry_of(environment_id)
    action = symmetry.require_action_representation()
    cast = policy.double()
    return equivariance_error(lambda s: cast(s)[0], symmetry.observation, action, dtype=torch.float64)


@pytest.mark.parametrize("environment_id", ["CartPole-v1", "Pendulum-v1", "Acrobot-v1"])
def test_equivariant_policies_remain_so_and_plain_ones_normalise_each_coordinate(environment_id: str) -> None:
    training = trained(environment_id, "equivariant", [0, 3])
    for row in range(2):
        policy = training.stack.policy(row)
        assert policy.observation_scale is not None
        assert not torch.allclose(policy.observation_scale, torch.ones(()), atol=0.05), "something was learnt"
        assert equivariance_of(policy, environment_id) <= 1e-12
        assert policy.observation_center is not None
        policy.observation_center = policy.observation_center + 0.1
        assert equivariance_of(policy, environment_id) > 1e-4, "negative control: a mean that the group moves"


@pytest.mark.parametrize("method", ["equivariant", "plain"])
def test_statistics_are_those_of_all_that_was_seen_and_for_equivariant_policies_of_its_images(method: str) -> None:
    training, seen = trained("Pendulum-v1", method, [0, 3], updates=0), []
    rollout = training.sampler.rollout

    def watched():
        batch, episodes = rollout()
        seen.append(batch.observation.double())
        return batch, episodes

    training.sampler.rollout = watched
    for _ in range(3):
        training.update()
    data = torch.cat(seen, dim=1)
    if method == "equivariant":
        data = torch.cat([data @ torch.tensor(symmetry_of("Pendulum-v1").observation(g)).double().T for g in (0, 1)], dim=1)
    module = training.stack.module
    assert module.observation_center is not None
    assert module.observation_scale is not None
    torch.testing.assert_close(module.observation_center.squeeze(1).double(), data.mean(dim=1), atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(
        module.observation_scale.squeeze(1).double(), (data.var(dim=1, correction=0) + 1e-4).sqrt(), atol=1e-6, rtol=1e-6
    )


@pytest.mark.parametrize("method", [method.name for method in METHODS])
def test_a_row_does_not_depend_on_the_others(method: str) -> None:
    both, alone = trained("CartPole-v1", method, [0, 3]), trained("CartPole-v1", method, [3])
    assert torch.equal(both.stack.flat[1], alone.stack.flat[0])
    for name in ("observation_center", "observation_scale"):
        assert torch.equal(getattr(both.stack.module, name)[1], getattr(alone.stack.module, name)[0])


@pytest.mark.parametrize("method", [method.name for method in METHODS])
def test_evaluations_normalise_too(method: str) -> None:
    training = trained("Pendulum-v1", method, [0, 3, 5])
    x = np.random.default_rng(0).standard_normal((3, 7, 3)).astype(np.float32)
    actor = StackedActor(training.stack.module)
    with torch.no_grad():
        expected, _ = training.stack.module(torch.from_numpy(x))
    np.testing.assert_allclose(actor(x), expected.numpy(), atol=1e-5)
    kept = np.array([2, 0])
    actor.keep(kept)
    np.testing.assert_allclose(actor(x[kept]), expected.numpy()[kept], atol=1e-5)
    for row in range(3):
        with torch.no_grad():
            own, _ = training.stack.policy(row)(torch.from_numpy(x[row]))
        np.testing.assert_allclose(own, expected[row], atol=1e-5)


@pytest.mark.parametrize("environment_id", ["CartPole-v1", "Pendulum-v1"])
def test_a_stopped_run_goes_on_to_the_bit_and_gives_its_policies(tmp_path: Path, environment_id: str) -> None:
    symmetry, calls = symmetry_of(environment_id), iter([False, False, True])
    train(environment_id, symmetry, SHORT, [0, 3], tmp_path / "whole")
    assert not train(environment_id, symmetry, SHORT, [0, 3], tmp_path / "stopped", stop=lambda: next(calls)).finished
    assert train(environment_id, symmetry, SHORT, [0, 3], tmp_path / "stopped", resume=True).finished
    one, other = (load_checkpoint(tmp_path / name / "checkpoint.pt")["training"] for name in ("whole", "stopped"))
    assert torch.equal(one["policies"], other["policies"])
    assert one["statistics"] == other["statistics"]
    policy = load_policy(tmp_path / "stopped", 3, symmetry)
    counted = json.loads(one["statistics"][1])
    assert counted["count"] == 512
    assert policy.observation_scale is not None
    assert not torch.allclose(policy.observation_scale, torch.ones(()), atol=0.05)
    assert equivariance_of(policy, environment_id) <= 1e-12
    again = training_of(
        environment_id, symmetry, replace(SHORT, normalize_observations=False), [7], "equivariant"
    ).stack.policy(0)
    with pytest.raises(RuntimeError, match=r"Missing key.*observation_center"):
        policy.load_state_dict(again.state_dict())
    again.load_state_dict(policy.state_dict())
    plain = policy.float().to_plain()
    x = torch.randn(5, symmetry.observation.dim, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(plain(x)[0], policy(x)[0])
    torch.testing.assert_close(again(x), policy(x))


@pytest.mark.parametrize(
    ("mean", "deviation", "error", "message"),
    [
        ([0.1, 0, 0], [1, 1, 1], None, None),
        ([0, 0.1, 0], [1, 1, 1], SymmetryError, r"moves the mean of .* by 0\.2"),
        ([0, 0, 0], [1, 2, 3], None, None),
        ([0, 0, 0], [1, 0, 3], OptionError, "positive"),
        ([0, float("nan"), 0], [1, 1, 3], OptionError, "finite"),
        ([0, 0], [1, 1], ShapeError, r"of the shape \(3,\)"),
    ],
)
def test_a_policy_is_normalised_by_what_the_group_leaves_unchanged(mean, deviation, error, message) -> None:
    policy = trained("Pendulum-v1", "equivariant", [0], updates=0).stack.policy(0)
    x, numbers = (
        torch.randn(5, 3, generator=torch.Generator().manual_seed(0)),
        [torch.tensor(v).float() for v in (mean, deviation)],
    )
    before = policy(x)
    if error is not None:
        with pytest.raises(error, match=message):
            policy.normalize(*numbers)
        torch.testing.assert_close(policy(x), before)
        return
    policy.normalize(*numbers)
    torch.testing.assert_close(policy(x * numbers[1] + numbers[0]), before)
    assert equivariance_of(policy, "Pendulum-v1") <= 1e-12


def test_coordinates_that_change_places_have_one_deviation() -> None:
    policy = training_of("Walker2d-v5", symmetry_of("Walker2d-v5"), SHORT, [0], "equivariant").stack.policy(0)
    deviation = torch.ones(17)
    deviation[2] = 3.0
    with pytest.raises(SymmetryError, match=r"mixes .* whose deviations .* differ"):
        policy.normalize(torch.zeros(17), deviation)
    deviation[5] = 3.0
    policy.normalize(torch.zeros(17), deviation)
    assert equivariance_of(policy, "Walker2d-v5") <= 1e-12


def test_a_run_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    """Its options lack those that it did not know, and has what they do by default."""
    options, symmetry = replace(SHORT, normalize_observations=False, normalize_rewards=False), symmetry_of("CartPole-v1")
    calls = iter([False, True])
    train("CartPole-v1", symmetry, options, [0], tmp_path / "run", stop=lambda: next(calls))
    config = json.loads((tmp_path / "run/config.json").read_text())
    for name in ("normalize_observations", "normalize_rewards"):
        del config["options"][name]
    (tmp_path / "run/config.json").write_text(json.dumps(config))
    with pytest.raises(OptionError, match="normalize_observations = False, not True"):
        train("CartPole-v1", symmetry, replace(options, normalize_observations=True), [0], tmp_path / "run", resume=True)
    assert train("CartPole-v1", symmetry, options, [0], tmp_path / "run", resume=True).finished


def test_images_are_not_normalised() -> None:
    options = replace(preset("symmdp/GridWorld-v0"), normalize_observations=True)
    with pytest.raises(
        OptionError, match=r"normalize_observations is for vectors; symmdp/GridWorld-v0 shows images, of shape \(1, 21, 21\)"
    ):
        training_of("symmdp/GridWorld-v0", symmetry_of("symmdp/GridWorld-v0"), options, [0], "equivariant")


@pytest.mark.parametrize("value", [1, None, "yes"])
@pytest.mark.parametrize("name", ["normalize_observations", "normalize_rewards"])
def test_options_are_true_or_false(name: str, value: object) -> None:
    with pytest.raises(OptionError, match=f"{name} must be True or False"):
        TrainingOptions.from_dict(asdict(SHORT) | {name: value})


def returns_one_by_one(rewards: np.ndarray, done: np.ndarray, discount: float) -> np.ndarray:
    """`R_t = γ R_{t−1} + r_t` of each environment, one after the other."""
    seen = np.zeros(rewards.shape)
    for column in range(rewards.shape[1]):
        running = 0.0
        for t in range(len(rewards)):
            running = discount * running + rewards[t, column]
            seen[t, column] = running
            if done[t, column]:
                running = 0.0
    return seen


@pytest.mark.parametrize("discount", [0.0, 0.9, 1.0])
def test_rewards_are_divided_by_the_deviation_of_discounted_returns(discount: float) -> None:
    rng = np.random.default_rng(0)
    rewards = (1e4 + rng.standard_normal((60, 6)) * [1, 1, 1, 100, 100, 100]).astype(np.float32)
    done = rng.random((60, 6)) < 0.1
    scale, parts = RewardScale(2, 3, discount), []
    for start in (0, 13, 37):
        end = {0: 13, 13: 37, 37: 60}[start]
        parts.append((end, scale(rewards[start:end], done[start:end])))
        saved = scale.saved()
        scale = RewardScale(2, 3, discount)
        scale.restore(saved)
    returns, start = returns_one_by_one(rewards.astype(np.float64), done, discount), 0
    for end, scaled in parts:
        deviation = np.repeat([returns[:end, :3].std(), returns[:end, 3:].std()], 3)
        np.testing.assert_allclose(scaled, rewards[start:end] / deviation, rtol=1e-5)
        start = end
