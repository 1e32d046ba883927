"""Stacks, rollouts and runs on images: equal to single policies, the same each time, and resumed to the bit."""

import copy
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete

from symmdp import Symmetry, groups, symmetry_of
from symmdp.catalogue import grid_world_symmetry, pong_symmetry
from symmdp.errors import OptionError
from symmdp.policies import ActorCritic, Convolutions
from symmdp.testing import equivariance_error
from symmdp.training import Batch, PolicyStack, Training, TrainingOptions, load_policy, ppo_loss, preset, train, training_of
from symmdp.training._checkpoint import load_checkpoint
from symmdp.training._environments import stacked_environments

GRID = "symmdp/GridWorld-v0"
SMALL = Convolutions((8, 8), (3, 3), (3, 1))
SHORT = TrainingOptions(
    total_steps=512, environments=4, rollout_steps=16, epochs=2, minibatch=32, hidden=(16,), convolutions=SMALL
)
SEEDS = [0, 3]
needs_atari = pytest.mark.skipif(find_spec("ale_py") is None, reason="Pong needs the extra atari")


def error_of(policy: ActorCritic, symmetry: Symmetry) -> float:
    """Of logits and values, over all elements, in float64."""
    cast, shape = policy.to(torch.float64), symmetry.observation_shape
    observation, action = symmetry.on_vectors.observation, symmetry.require_action_representation()
    actor = equivariance_error(lambda s: cast(s.unflatten(-1, shape))[0], observation, action, dtype=torch.float64)
    critic = equivariance_error(
        lambda s: cast.value(s.unflatten(-1, shape))[:, None], observation, symmetry.group.trivial, dtype=torch.float64
    )
    return max(actor, critic)


@pytest.mark.parametrize("trivial", [False, True], ids=["D4", "trivial"])
@pytest.mark.parametrize("convolutions", [SMALL, replace(SMALL, pool="max"), replace(SMALL, shared=False)])
@pytest.mark.parametrize("kind", [np.float32, np.uint8])
def test_a_stack_is_its_policies(kind: type, convolutions: Convolutions, trivial: bool) -> None:
    """Outputs and gradients of the loss, policy by policy."""
    symmetry = grid_world_symmetry()
    symmetry = symmetry.restrict_to_trivial() if trivial else symmetry
    space = Box(0, 255, symmetry.observation_shape, dtype=kind)
    policies = [
        ActorCritic(symmetry, space, Discrete(5), (16,), convolutions=convolutions, generator=torch.Generator().manual_seed(i))
        for i in range(3)
    ]
    stack, generator = PolicyStack(policies), torch.Generator().manual_seed(7)
    shape = (3, 6, *symmetry.observation_shape)
    s = torch.randint(256, shape, generator=generator, dtype=torch.uint8)
    s = s if kind == np.uint8 else s.float() / 64
    action = torch.randint(5, (3, 6), generator=generator).float()
    draws = [torch.randn(3, 6, generator=generator) for _ in range(3)]
    batch = Batch(s, action, *draws, torch.ones(3, 6))
    loss, _ = ppo_loss(stack.module, batch, SHORT)
    gradient = stack.gradient(loss.sum())
    for i, policy in enumerate(policies):
        for together, alone in zip(stack.module(s), policy(s[i]), strict=True):
            torch.testing.assert_close(together[i], alone, atol=1e-5, rtol=1e-4)
        row = Batch(*(value[i : i + 1] for value in vars(batch).values()))
        single = PolicyStack([policy])
        alone = single.gradient(ppo_loss(single.module, row, SHORT)[0].sum())[0]
        torch.testing.assert_close(alone, gradient[i], atol=1e-4, rtol=1e-3)
        # And through the policy itself, whose parameters are free ones.
        outputs = policy(s[i])
        own = torch.autograd.grad(outputs[0].square().sum() + outputs[1].sum(), list(policy.parameters()))
        outputs = stack.module(s)
        joint = stack.gradient(outputs[0][i].square().sum() + outputs[1][i].sum())
        torch.testing.assert_close(joint[i], torch.cat([g.flatten() for g in own]), atol=1e-3, rtol=1e-3)
        assert joint[(i + 1) % 3].abs().max() == 0
    copy = stack.policy(1)
    torch.testing.assert_close(copy(s[1])[0], policies[1](s[1])[0])


def test_rollouts_keep_images_as_they_are() -> None:
    training = Training(GRID, symmetry_of(GRID), SHORT, SEEDS)
    first = training.sampler._observation.copy()
    batch, _ = training.sampler.rollout()
    assert batch.observation.shape == (2, 64, 1, 21, 21)
    np.testing.assert_array_equal(batch.observation[:, :4].flatten(0, 1), first)
    assert set(batch.observation.unique().tolist()) == {0.0, 1.0}
    # A minibatch holds each transition once, its image beside its own scalars.
    numbered = replace(batch, advantage=batch.observation.flatten(2).sum(-1))
    parts = list(training.learner._minibatches(numbered))
    assert len(parts) == 4
    for part in parts:
        torch.testing.assert_close(part.advantage, part.observation.flatten(2).sum(-1))
    for epoch in (parts[:2], parts[2:]):
        rows = torch.cat([part.log_probability for part in epoch], dim=1)
        assert torch.equal(rows.sort(1).values, batch.log_probability.sort(1).values)


@pytest.mark.parametrize("policy", ["equivariant", "plain"])
def test_training_keeps_the_symmetry(tmp_path: Path, policy: str) -> None:
    symmetry = symmetry_of(GRID)
    before = training_of(GRID, symmetry, SHORT, SEEDS, policy)
    untrained = error_of(before.stack.policy(0), symmetry)
    train(GRID, symmetry, SHORT, SEEDS, tmp_path / "run", policy=policy)  # pyright: ignore[reportArgumentType]
    assert (load_checkpoint(tmp_path / "run/checkpoint.pt")["training"]["policies"] - before.stack.flat).abs().max() > 1e-4
    errors = [error_of(load_policy(tmp_path / "run", seed, symmetry), symmetry) for seed in SEEDS]
    if policy == "equivariant":
        assert max(untrained, *errors) <= 1e-12
    else:
        assert min(untrained, *errors) > 1e-4  # the negative control


def test_other_groups_train_too() -> None:
    """C4, of which no turn but the half one is its own inverse."""
    symmetry = grid_world_symmetry(groups.cyclic(4))
    training = Training(GRID, symmetry, SHORT, [1])
    for _ in range(2):
        training.update()
    assert error_of(training.stack.policy(0), symmetry) <= 1e-12


def test_a_plain_run_has_matched_sizes(tmp_path: Path) -> None:
    symmetry, options = symmetry_of(GRID), replace(SHORT, convolutions=Convolutions((16, 32), (3, 3), (3, 1)), hidden=(64,))
    equivariant, plain = (training_of(GRID, symmetry, options, [0], policy) for policy in ("equivariant", "plain"))
    assert abs(plain.stack.count - equivariant.stack.count) < 0.05 * equivariant.stack.count
    assert plain.options.convolutions is not None
    assert plain.options.convolutions.channels != (16, 32)
    saved = asdict(options)
    assert TrainingOptions.from_dict(saved) == options
    assert TrainingOptions.from_dict(asdict(SHORT) | {"convolutions": None}).convolutions is None


@pytest.mark.parametrize("policy", ["equivariant", "plain"])
def test_a_stopped_run_ends_as_the_unbroken_one(tmp_path: Path, policy) -> None:
    symmetry, asked = symmetry_of(GRID), iter([False, False, True])
    options = replace(SHORT, convolutions=replace(SMALL, pool="max"))
    train(GRID, symmetry, options, SEEDS, tmp_path / "stopped", policy=policy, stop=lambda: next(asked))
    assert load_checkpoint(tmp_path / "stopped/checkpoint.pt")["training"]["updates"] == 2
    assert train(GRID, symmetry, options, SEEDS, tmp_path / "stopped", policy=policy, resume=True).finished
    train(GRID, symmetry, options, SEEDS, tmp_path / "unbroken", policy=policy)
    stopped, unbroken = (load_checkpoint(tmp_path / name / "checkpoint.pt")["training"] for name in ("stopped", "unbroken"))
    assert torch.equal(stopped["policies"], unbroken["policies"])
    for name in ("metrics.csv", "episodes.csv"):
        assert (tmp_path / "stopped" / name).read_text() == (tmp_path / "unbroken" / name).read_text()
    other = replace(SHORT, convolutions=replace(SMALL, pool="mean"))  # of as many parameters
    with pytest.raises(OptionError, match="run to resume has convolutions"):
        train(GRID, symmetry, other, SEEDS, tmp_path / "stopped", policy=policy, resume=True)


def test_a_seed_does_not_depend_on_its_company() -> None:
    symmetry = symmetry_of(GRID)
    together, alone = (Training(GRID, symmetry, SHORT, seeds) for seeds in ([2, 7, 9], [7]))
    for _ in range(2):
        episodes = [e.total for e in together.update()[0] if e.row == 1]
        assert episodes == [e.total for e in alone.update()[0]]
        torch.testing.assert_close(together.stack.flat[1], alone.stack.flat[0], atol=1e-4, rtol=1e-3)


@needs_atari
def test_pong_trains_and_resumes_to_the_bit() -> None:
    options = replace(
        SHORT, environments=2, rollout_steps=8, minibatch=8, convolutions=Convolutions((4, 8)), hidden=(16,), total_steps=64
    )
    name, symmetry = "symmdp/Pong-v0 (engine='ale')", pong_symmetry()
    whole = Training(name, symmetry, options, SEEDS)
    whole.update()
    saved = copy.deepcopy(whole.saved())
    broken = Training(name, symmetry, options, SEEDS)
    broken.restore(saved)
    assert whole.sampler._observation.dtype == np.uint8
    for _ in range(2):
        whole.update()
        broken.update()
    assert torch.equal(whole.stack.flat, broken.stack.flat)
    np.testing.assert_array_equal(whole.sampler._observation, broken.sampler._observation)
    assert error_of(whole.stack.policy(0), symmetry) <= 1e-12


@needs_atari
def test_what_a_seed_sees_in_pong_does_not_depend_on_its_company() -> None:
    together, alone = (stacked_environments("symmdp/Pong-v0", seeds, 1) for seeds in ([3, 7], [7]))
    np.testing.assert_array_equal(together.reset()[1:], alone.reset())
    actions = np.random.default_rng(0).integers(6, size=(20, 2))
    for step in actions:
        for a, b in zip(together.step(step), alone.step(step[1:]), strict=True):
            np.testing.assert_array_equal(a[1:], b)


@pytest.mark.parametrize(("name", "size"), [(GRID, 21), ("symmdp/Pong-v0", 80)])
def test_presets_fit_their_images(name: str, size: int) -> None:
    options = preset(name)
    symmetry = grid_world_symmetry() if name == GRID else pong_symmetry()
    space = Box(0, 1, symmetry.observation_shape)
    action = symmetry.require_action_representation()
    policy = ActorCritic(symmetry, space, Discrete(action.dim), options.hidden, convolutions=options.convolutions)
    assert policy(torch.zeros(2, *symmetry.observation_shape))[0].shape == (2, action.dim)
    assert symmetry.observation_shape[1:] == (size, size)


@pytest.mark.slow
def test_grid_world_is_learned() -> None:
    options = replace(preset(GRID), total_steps=16_384)
    training = training_of(GRID, symmetry_of(GRID), options, [1000, 1001, 1002], "equivariant")
    totals: list[list[float]] = [[], [], []]
    while training.updates < options.updates:
        for episode in training.update()[0]:
            totals[episode.row].append(episode.total)
    first, last = (np.median([np.mean(t[part]) for t in totals]) for part in (slice(20), slice(-100, None)))
    assert first < 0
    assert last > 0.65
