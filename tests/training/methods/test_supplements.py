"""What augmentation and the mirror loss add to a gradient step, against slow references."""

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from torch import nn

from symmdp import Symmetry, groups, symmetry_of
from symmdp.errors import GroupError
from symmdp.mdp import MirrorLoss
from symmdp.policies import ActorCritic
from symmdp.representations import Representation
from symmdp.training import Batch, PolicyStack, TrainingOptions, ppo_loss
from symmdp.training.methods._augmentation import Images
from symmdp.training.methods._mirror_loss import Penalty

C3, D4 = groups.cyclic(3), groups.dihedral(4)
TURN = [[-0.5, -np.sqrt(0.75)], [np.sqrt(0.75), -0.5]]
SYMMETRIES = {
    "mirror": symmetry_of("CartPole-v1"),
    "D4": Symmetry(D4, D4.regular + D4.trivial, D4.regular),
    "pendulum": symmetry_of("Pendulum-v1"),
    "rotation": Symmetry(
        C3,
        Representation.from_generators(C3, [TURN]),
        Representation.from_generators(C3, [TURN]),
        observation_center=[1.0, 2.0],
        action_center=[0.5, -1.0],
    ),
}
DISCRETE = {"mirror": True, "D4": True, "pendulum": False, "rotation": False}


def stack_of(name: str) -> tuple[list[ActorCritic], PolicyStack]:
    symmetry, policies = SYMMETRIES[name], []
    n = symmetry.require_action_representation().dim
    space = Discrete(n) if DISCRETE[name] else Box(-np.inf, np.inf, (n,))
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        spaces = Box(-np.inf, np.inf, (symmetry.observation.dim,)), space
        policy = ActorCritic(symmetry.restrict_to_trivial(), *spaces, (8,), generator=generator, dtype=torch.float64)
        with torch.no_grad():
            for parameter in policy.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64), alpha=0.3)
        policies.append(policy)
    return policies, PolicyStack(policies)


def batch_of(name: str, n: int = 12) -> Batch:
    generator = torch.Generator().manual_seed(9)
    symmetry = SYMMETRIES[name]
    actions = symmetry.require_action_representation().dim

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(3, n, *shape, generator=generator, dtype=torch.float64)

    action = torch.randint(0, actions, (3, n), generator=generator).double() if DISCRETE[name] else draw(actions)
    weight = (torch.rand(3, n, generator=generator) > 0.3).double()
    return Batch(draw(symmetry.observation.dim), action, draw(), draw(), draw(), weight)


@pytest.mark.parametrize("stop_gradient", ["none", "original", "image"])
@pytest.mark.parametrize("name", SYMMETRIES)
def test_the_penalty_is_the_mirror_loss_of_each_seed(name: str, stop_gradient: str) -> None:
    policies, stack = stack_of(name)
    symmetry, batch = SYMMETRIES[name], batch_of(name)
    penalty = Penalty(symmetry, discrete=DISCRETE[name], coefficient=0.3, stop_gradient=stop_gradient)
    found = penalty.loss(stack.module, batch)["mirror_loss"]
    gradient = stack.gradient(found.sum())
    distance = "kl" if DISCRETE[name] else "squared"
    slow = MirrorLoss(symmetry, distance=distance, stop_gradient=stop_gradient)  # pyright: ignore[reportArgumentType]
    for row, policy in enumerate(policies):
        real = batch.observation[row, batch.weight[row] > 0]
        wanted = 0.3 * slow(lambda s: policy(s)[0], real)  # noqa: B023
        torch.testing.assert_close(found[row], wanted)
        assert wanted > 1e-4
        wanted_gradient = torch.autograd.grad(wanted, list(policy.parameters()), materialize_grads=True, allow_unused=True)
        torch.testing.assert_close(gradient[row], nn.utils.parameters_to_vector(wanted_gradient))


@pytest.mark.parametrize("name", SYMMETRIES)
def test_the_penalty_falls_when_it_is_minimised_and_the_policy_becomes_equivariant(name: str) -> None:
    _, stack = stack_of(name)
    batch, symmetry = batch_of(name), SYMMETRIES[name]
    penalty = Penalty(symmetry, discrete=DISCRETE[name], coefficient=1.0, stop_gradient="none")
    optimizer = torch.optim.Adam([stack.flat], lr=0.02)
    values = []
    for _ in range(200):
        value = penalty.loss(stack.module, batch)["mirror_loss"]
        values.append(value.detach())
        stack.flat.grad = stack.gradient(value.sum())
        optimizer.step()
        stack.refresh()
    assert (values[-1] < 0.1 * values[0]).all()


@pytest.mark.parametrize("name", SYMMETRIES)
def test_all_images_of_a_batch(name: str) -> None:
    symmetry, batch = SYMMETRIES[name], batch_of(name)
    found = Images(symmetry, [4, 5, 6], discrete=DISCRETE[name], every=True).batch(batch)
    n, order = 12, symmetry.group.order
    assert found.weight.shape == (3, n * order)
    assert torch.equal(found.observation[:, :n], batch.observation)
    for g in symmetry.group:
        part = slice(n * g, n * (g + 1))
        for row in range(3):
            for t in range(n):
                s = symmetry.transform_observation(g, batch.observation[row, t].numpy())
                action = batch.action[row, t].numpy()
                moved = symmetry.transform_action(g, int(action) if DISCRETE[name] else action, discrete=DISCRETE[name])
                np.testing.assert_allclose(found.observation[row, part][t], s, atol=1e-12)
                np.testing.assert_allclose(found.action[row, part][t], moved, atol=1e-12)
        for unchanged in ("log_probability", "advantage", "target", "weight"):
            assert torch.equal(getattr(found, unchanged)[:, part], getattr(batch, unchanged))


@pytest.mark.parametrize("name", ["mirror", "rotation"])
def test_random_images_are_drawn_by_each_seed_for_itself(name: str) -> None:
    symmetry, batch = SYMMETRIES[name], batch_of(name, 400)
    images, alone = (Images(symmetry, seeds, discrete=DISCRETE[name], every=False) for seeds in ([4, 5, 6], [5]))
    one = Batch(**{field: getattr(batch, field)[1:2] for field in Batch.__dataclass_fields__})
    saved = images.saved()
    first = images.batch(batch)
    assert torch.equal(first.observation[1:2], alone.batch(one).observation)
    every = torch.stack([symmetry.transform_observation(g, batch.observation) for g in symmetry.group])
    which = (every - first.observation).abs().amax(-1).argmin(0)
    assert (every - first.observation).abs().amax(-1).amin(0).max() < 1e-12  # each is an image of its original
    shares = torch.stack([(which == g).double().mean(1) for g in symmetry.group])
    assert (shares - 1 / symmetry.group.order).abs().max() < 0.12
    assert not torch.equal(which[0], which[1])
    assert not torch.equal(images.batch(batch).observation, first.observation)
    images.restore(saved)
    assert torch.equal(images.batch(batch).observation, first.observation)


def test_the_loss_on_images_is_that_of_the_mirrored_policy() -> None:
    """With all images, PPO's loss of π is the mean over g of its loss, on the original batch, of the π that g moves."""
    policies, stack = stack_of("mirror")
    symmetry, batch, options = SYMMETRIES["mirror"], batch_of("mirror"), TrainingOptions()
    found, _ = ppo_loss(stack.module, Images(symmetry, [0, 1, 2], discrete=True, every=True).batch(batch), options)
    for row, policy in enumerate(policies):
        part = Batch(**{field: getattr(batch, field)[row : row + 1] for field in Batch.__dataclass_fields__})
        losses = [ppo_loss(_Moved(policy, symmetry, g), part, options)[0] for g in symmetry.group]  # pyright: ignore
        torch.testing.assert_close(found[row], torch.stack(losses).mean())


class _Moved:
    """`π(K_g a|L_g s)` as a policy of `a` and `s`."""

    discrete = True

    def __init__(self, policy: ActorCritic, symmetry: Symmetry, g: int):
        self.policy, self.symmetry, self.g = policy, symmetry, g

    def __call__(self, s: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits, value = self.policy(self.symmetry.transform_observation(self.g, s))
        return self.symmetry.transform_action(self.symmetry.group.inverse(self.g), logits, discrete=False), value


def test_an_equivariant_policy_learns_nothing_new_from_images() -> None:
    """The negative control of augmentation: its gradient is that of the batch alone."""
    symmetry, batch, options = SYMMETRIES["mirror"], batch_of("mirror"), TrainingOptions()
    generator = torch.Generator().manual_seed(0)
    spaces = Box(-np.inf, np.inf, (4,)), Discrete(2)
    policies = [ActorCritic(symmetry, *spaces, (8,), generator=generator, dtype=torch.float64) for _ in range(3)]
    stack = PolicyStack(policies)
    images = Images(symmetry, [0, 1, 2], discrete=True, every=True)
    alone, more = (stack.gradient(ppo_loss(stack.module, b, options)[0].sum()) for b in (batch, images.batch(batch)))
    torch.testing.assert_close(alone, more)
    _, plain = stack_of("mirror")
    alone, more = (plain.gradient(ppo_loss(plain.module, b, options)[0].sum()) for b in (batch, images.batch(batch)))
    assert (alone - more).abs().max() > 1e-3


def test_groups_without_a_list_are_refused() -> None:
    """Both go over the elements."""
    group = groups.symmetric(30)
    assert not group.is_listed
    symmetry = Symmetry(group, group.natural, group.natural)
    with pytest.raises(GroupError, match="listed"):
        Penalty(symmetry, discrete=True, coefficient=1.0, stop_gradient="none")
    with pytest.raises(GroupError, match="listed"):
        Images(symmetry, [0], discrete=True, every=True)
