"""What every method of a comparison owes: its properties before and after training, seeds that do not meet, resuming."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from symmdp import symmetry_of
from symmdp.errors import OptionError, SpaceMismatchError
from symmdp.policies import ActorCritic
from symmdp.testing import equivariance_error
from symmdp.training import METHODS, Batch, Training, TrainingOptions, load_policy, method_named, preset, train, training_of
from symmdp.training._checkpoint import load_checkpoint
from symmdp.training._losses import log_probability, policy_gradient_loss, ppo_loss

SHORT = TrainingOptions(
    total_steps=1024, environments=4, rollout_steps=32, epochs=2, minibatch=64, hidden=(16, 16), solved_at=475.0
)
NAMES = [method.name for method in METHODS]
ENVIRONMENTS = ["CartPole-v1", "Pendulum-v1", "Acrobot-v1"]


def training(name: str, environment_id: str = "CartPole-v1", seeds=(0, 3), **options) -> Training:
    return training_of(environment_id, symmetry_of(environment_id), replace(SHORT, **options), list(seeds), name)


def error_of(policy: ActorCritic, environment_id: str) -> float:
    """How far a policy and its value are from equivariant, relative."""
    symmetry, cast = symmetry_of(environment_id), policy.double()
    trivial = symmetry.group.trivial
    return max(
        equivariance_error(lambda s: cast(s)[0], symmetry.observation, symmetry.action, dtype=torch.float64),
        equivariance_error(lambda s: cast.value(s)[:, None], symmetry.observation, trivial, dtype=torch.float64),
    )


def test_the_names() -> None:
    assert NAMES == [
        "equivariant",
        "plain",
        "random-basis",
        "nullspace-basis",
        "augmentation",
        "mirror-loss",
        "canonicalization",
    ]
    assert method_named("plain") == METHODS[1]
    assert hash(method_named("plain")) == hash(METHODS[1])
    with pytest.raises(OptionError, match=r"no method 'nullspace'.*Did you mean 'nullspace-basis'"):
        method_named("nullspace")


@pytest.mark.parametrize("environment_id", ENVIRONMENTS)
@pytest.mark.parametrize("name", NAMES)
def test_symmetric_by_construction_or_not_before_and_after_training(name: str, environment_id: str) -> None:
    run = training(name, environment_id, seeds=[0])
    before = run.stack.flat.clone()
    errors = [error_of(run.stack.policy(0), environment_id)]
    for _ in range(2):
        run.update()
    errors.append(error_of(run.stack.policy(0), environment_id))
    assert (run.stack.flat - before).abs().max() > 1e-4
    if method_named(name).respects_symmetry:
        assert max(errors) <= 1e-10
    else:
        assert min(errors) > 1e-3  # the negative control


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_matched(name: str) -> None:
    for environment_id in ENVIRONMENTS:
        wanted = training("equivariant", environment_id, hidden=(64, 64)).stack.count
        found = training(name, environment_id, hidden=(64, 64)).stack.count
        if name == "random-basis":
            assert found == wanted
        elif name == "nullspace-basis":
            # The value has no bias in the complement, nor has what actions have in common.
            assert wanted - 4 <= found < wanted
        else:
            assert abs(found - wanted) <= 0.03 * wanted
    assert method_named(name).size


@pytest.mark.parametrize("environment_id", ["CartPole-v1", "Pendulum-v1"])
@pytest.mark.parametrize("name", NAMES)
def test_a_stack_is_its_policies(name: str, environment_id: str) -> None:
    run = training(name, environment_id, seeds=[5, 2, 7])
    run.update()
    generator = torch.Generator().manual_seed(1)
    s = torch.randn(3, 11, run.stack.module.symmetry.observation.dim, generator=generator)
    parameters, value = run.stack.module(s)
    for row in range(3):
        alone = run.stack.policy(row)
        assert sum(p.numel() for p in alone.parameters()) == run.stack.count
        torch.testing.assert_close(parameters[row], alone(s[row])[0])
        torch.testing.assert_close(value[row], alone.value(s[row]))


@pytest.mark.parametrize("augmentation", ["all", "random"])
@pytest.mark.parametrize("environment_id", ["CartPole-v1", "Pendulum-v1"])
@pytest.mark.parametrize("name", NAMES)
def test_a_seed_does_not_depend_on_its_company(name: str, environment_id: str, augmentation: str) -> None:
    if augmentation == "random" and name != "augmentation":
        return
    together, alone = (training(name, environment_id, seeds, augmentation=augmentation) for seeds in ([2, 7, 9], [7]))
    assert torch.equal(together.stack.flat[1], alone.stack.flat[0])
    for _ in range(2):
        episodes = [e.total for e in together.update()[0] if e.row == 1]
        assert episodes == pytest.approx([e.total for e in alone.update()[0]], rel=1e-3)
        torch.testing.assert_close(together.stack.flat[1], alone.stack.flat[0], atol=1e-4, rtol=1e-3)
    assert not torch.allclose(together.stack.flat[0], together.stack.flat[1], atol=1e-2)


@pytest.mark.parametrize("algorithm", ["ppo", "reinforce"])
@pytest.mark.parametrize("name", NAMES)
def test_an_interrupted_run_resumes_to_the_bit(tmp_path: Path, name: str, algorithm: str) -> None:
    options = replace(SHORT, algorithm=algorithm, augmentation="random")
    asked = iter([False, False, True])

    def run(directory: str, **arguments):
        symmetry = symmetry_of("CartPole-v1")
        return train("CartPole-v1", symmetry, options, [0, 3], tmp_path / directory, policy=name, **arguments)

    assert not run("broken", stop=lambda: next(asked)).finished
    assert run("broken", resume=True).finished
    assert run("whole").finished
    policies = [load_checkpoint(tmp_path / which / "checkpoint.pt")["training"]["policies"] for which in ("broken", "whole")]
    assert torch.equal(*policies)
    for table in ("metrics.csv", "episodes.csv"):
        assert (tmp_path / "broken" / table).read_bytes() == (tmp_path / "whole" / table).read_bytes()
    # The policy that is loaded is the one that was trained.
    loaded = load_policy(tmp_path / "whole", 3, symmetry_of("CartPole-v1"))
    again = training_of("CartPole-v1", symmetry_of("CartPole-v1"), options, [0, 3], name)
    again.restore(load_checkpoint(tmp_path / "whole" / "checkpoint.pt")["training"])
    s = torch.randn(2, 9, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(again.stack.module(s)[0][1], loaded(s[1])[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_learns(name: str) -> None:
    run = training_of(
        "CartPole-v1", symmetry_of("CartPole-v1"), replace(preset("CartPole-v1"), total_steps=12_288), [0, 1], name
    )
    totals: list[list[float]] = [[], []]
    while run.updates < run.options.updates:
        for episode in run.update()[0]:
            totals[episode.row].append(episode.total)
    for total in totals:
        assert np.mean(total[:20]) < 30  # chance is about 20
        assert np.mean(total[-30:]) > (40 if name == "nullspace-basis" else 60)  # its critic's value is a constant


def stack_and_batch(name: str, environment_id: str) -> tuple[Training, Batch]:
    run = training(name, environment_id, seeds=[5, 2])
    with torch.no_grad():
        run.stack.flat.add_(torch.randn(run.stack.flat.shape, generator=torch.Generator().manual_seed(8)), alpha=0.2)
    run.stack.refresh()
    return run, run.sampler.rollout()[0]


def gradients(policy: ActorCritic, loss: torch.Tensor) -> torch.Tensor:
    return nn.utils.parameters_to_vector(
        torch.autograd.grad(loss, list(policy.parameters()), materialize_grads=True, allow_unused=True)
    )


@pytest.mark.parametrize("environment_id", ["CartPole-v1", "Pendulum-v1"])
@pytest.mark.parametrize("name", ["random-basis", "nullspace-basis", "canonicalization"])
@pytest.mark.parametrize("algorithm", ["ppo", "reinforce"])
def test_gradients_of_a_stack_are_those_of_each_policy(name: str, environment_id: str, algorithm: str) -> None:
    run, batch = stack_and_batch(name, environment_id)
    loss_of = ppo_loss if algorithm == "ppo" else policy_gradient_loss
    loss, _ = loss_of(run.stack.module, batch, SHORT)
    found = run.stack.gradient(loss.sum())
    for row in range(2):
        policy = run.stack.policy(row)
        part = Batch(**{field: getattr(batch, field)[row : row + 1] for field in Batch.__dataclass_fields__})
        wanted, _ = loss_of(policy, part, SHORT)
        torch.testing.assert_close(found[row], gradients(policy, wanted[0]), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", ["canonicalization", "random-basis"])
def test_the_sampler_records_the_log_probabilities_of_its_actions(name: str) -> None:
    run, batch = stack_and_batch(name, "CartPole-v1")
    for row in range(2):
        policy = run.stack.policy(row)
        wanted, _ = log_probability(policy, policy(batch.observation[row])[0], batch.action[row])
        torch.testing.assert_close(batch.log_probability[row], wanted.detach(), atol=1e-5, rtol=1e-4)


def test_options_of_methods_are_checked() -> None:
    for wrong in (
        {"augmentation": "some"},
        {"mirror_stop_gradient": "both"},
        {"mirror_coefficient": -1.0},
        {"activation": "sin"},
    ):
        with pytest.raises(OptionError, match=next(iter(wrong))):
            replace(SHORT, **wrong)


def test_every_method_takes_the_activation() -> None:
    """Only the null space has one of its own."""
    s = torch.randn(1, 30, 4, generator=torch.Generator().manual_seed(0))
    for name in NAMES:
        tanh, relu = (training(name, seeds=[0], activation=which).stack.module(s)[0] for which in ("tanh", "relu"))
        assert torch.equal(tanh, relu) == (name == "nullspace-basis")


def test_spaces_that_do_not_fit_are_refused_by_every_method() -> None:
    for name in NAMES:
        with pytest.raises(SpaceMismatchError):
            training_of("Pendulum-v1", symmetry_of("CartPole-v1"), SHORT, [0], name)
