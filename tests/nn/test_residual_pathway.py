"""The free path: its stacks, its prior, and that it fits what is only nearly symmetric."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from symmdp import Representation, groups
from symmdp.catalogue import symmetry_of
from symmdp.errors import OptionError
from symmdp.maps import EquivariantMaps
from symmdp.nn import EquivariantLinear, EquivariantMLP, ResidualPathwayLinear, parameter_groups
from symmdp.policies import ActorCritic
from symmdp.testing import assert_equivariant, equivariance_error
from symmdp.training._stack import PolicyStack

C2 = groups.cyclic(2)
FLIP = Representation(C2, [np.eye(3), -np.eye(3)])


def test_it_is_a_linear_map(pair: tuple[Representation, Representation]) -> None:
    layer = ResidualPathwayLinear(*pair, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    twin = EquivariantLinear(*pair, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = torch.randn(7, pair[0].dim, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    torch.testing.assert_close(layer(x), twin(x))
    assert float(layer.equivariance_error()) <= 1e-12
    with torch.no_grad():
        layer.path_weight.theta.normal_(generator=torch.Generator().manual_seed(2))
    bias = layer.bias
    assert bias is not None
    torch.testing.assert_close(layer(x), x @ layer.weight.T + bias)
    w = np.concatenate([layer.weight.detach().numpy(), bias.detach().numpy()[:, None]], axis=1)
    maps = EquivariantMaps(pair[0] + pair[0].group.trivial, pair[1])
    expected = np.linalg.norm(w - maps.symmetrize(w)) / np.linalg.norm(w)
    assert float(layer.equivariance_error()) == pytest.approx(expected, abs=1e-12)
    assert (expected > 1e-3) == (maps.dim < w.size)


def test_a_stack_by_a_leading_axis() -> None:
    rep = C2.regular + FLIP
    layers = [ResidualPathwayLinear(rep, rep, dtype=torch.float64) for _ in range(3)]
    with torch.no_grad():
        for layer in layers[1:]:
            for parameter in layer.parameters():
                parameter.normal_(generator=torch.Generator().manual_seed(3))
    stack = ResidualPathwayLinear(rep, rep, dtype=torch.float64)
    for name, _ in list(stack.named_parameters()):
        owner, _, leaf = name.rpartition(".")
        values = torch.stack([layer.get_parameter(name).detach() for layer in layers])
        setattr(stack.get_submodule(owner), leaf, nn.Parameter(values))
    x = torch.randn(3, 5, rep.dim, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(stack(x), torch.stack([layer(v) for layer, v in zip(layers, x, strict=True)]))
    errors = stack.equivariance_error()
    torch.testing.assert_close(errors, torch.stack([layer.equivariance_error() for layer in layers]))
    assert errors[0] <= 1e-12
    assert errors[1] > 0.1


@pytest.mark.parametrize("environment", ["CartPole-v1", "Pendulum-v1"])
def test_stacks_of_policies(environment: str) -> None:
    """`training._stack.PolicyStack` and `JointExpansion` take free paths as they are."""
    env, symmetry = gym.make(environment), symmetry_of(environment)
    policies = [
        ActorCritic(
            symmetry,
            env.observation_space,
            env.action_space,
            (8, 8),
            free_path=True,
            dtype=torch.float64,
            generator=torch.Generator().manual_seed(seed),
        )
        for seed in range(3)
    ]
    with torch.no_grad():
        for policy in policies[1:]:
            for parameter in policy.parameters():
                parameter.add_(0.1)
    stack = PolicyStack(policies)
    x = torch.randn(3, 5, symmetry.observation.dim, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def loss(outputs: tuple[Tensor, Tensor]) -> Tensor:
        return outputs[0].square().sum() + outputs[1].square().sum()

    outputs = stack.module(x)
    gradient = stack.gradient(loss(outputs))
    for i, policy in enumerate(policies):
        own = policy(x[i])
        torch.testing.assert_close(outputs[0][i], own[0])
        torch.testing.assert_close(outputs[1][i], own[1])
        wanted = torch.autograd.grad(loss(own), list(policy.parameters()), allow_unused=True, materialize_grads=True)
        torch.testing.assert_close(gradient[i], torch.cat([g.flatten() for g in wanted]))
    first, moved = stack.policy(0), stack.policy(1)
    action = symmetry.require_action_representation()
    assert_equivariant(lambda s: first(s)[0], symmetry.observation, action, dtype=torch.float64)
    assert equivariance_error(lambda s: moved(s)[0], symmetry.observation, action, dtype=torch.float64) > 1e-3
    x0 = x[1]
    torch.testing.assert_close(moved.to_plain()(x0), moved(x0))


def target(x: Tensor, asymmetry: float) -> Tensor:
    """An odd function, and an even part of some size."""
    return x[:, :1].sin() * x[:, 1:2].square() + x[:, 2:].tanh() + asymmetry * (x[:, :1].cos() + x[:, 1:2].square() / 2)


def fitted(module: nn.Module, asymmetry: float, groups_of: list, steps: int = 600) -> float:
    """The error on new data after steps of AdamW."""
    generator = torch.Generator().manual_seed(0)
    x, new = (torch.randn(256, 3, generator=generator) for _ in range(2))
    optimizer = torch.optim.AdamW(groups_of, lr=1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        (module(x) - target(x, asymmetry)).square().mean().backward()
        optimizer.step()
    with torch.no_grad():
        return float((module(new) - target(new, asymmetry)).square().mean())


def norm_of_paths(module: nn.Module) -> float:
    layers = [layer for layer in module.modules() if isinstance(layer, ResidualPathwayLinear)]
    return float(sum(layer.path_weight().detach().square().sum() for layer in layers)) ** 0.5


def test_it_fits_what_is_nearly_symmetric_and_stays_small_on_what_is_symmetric() -> None:
    sign = Representation(C2, [[[1]], [[-1]]])
    found = {}
    for asymmetry in (0.0, 0.5):
        strict = EquivariantMLP(FLIP, sign, (16, 16), generator=torch.Generator().manual_seed(0))
        relaxed = EquivariantMLP(FLIP, sign, (16, 16), free_path=True, generator=torch.Generator().manual_seed(0))
        found[asymmetry] = (
            fitted(strict, asymmetry, [{"params": list(strict.parameters())}]),
            fitted(relaxed, asymmetry, parameter_groups(relaxed, weight_decay=1e-4, free_weight_decay=5.0)),
            norm_of_paths(relaxed),
            equivariance_error(relaxed, FLIP, sign),
        )
    strict_error, relaxed_error, size, error = found[0.5]
    assert relaxed_error < 0.1 * strict_error
    assert error > 0.1
    _, _, small, small_error = found[0.0]
    assert small < 0.5 * size
    assert small_error < 0.2 * error


def test_parameter_groups_hold_every_parameter_once() -> None:
    module = EquivariantMLP(FLIP, FLIP, (8,), norm="layer", activation="gelu", free_path=True)
    others, free = parameter_groups(module, weight_decay=0.1, free_weight_decay=0.5)
    assert (others["weight_decay"], free["weight_decay"]) == (0.1, 0.5)
    every = [*others["params"], *free["params"]]
    assert len(every) == len({id(p) for p in every}) == len(list(module.parameters()))
    assert len(free["params"]) == 4
    assert not any(parameter.any() for parameter in free["params"])
    with pytest.raises(OptionError, match="weight_decay"):
        parameter_groups(module, weight_decay=1.0, free_weight_decay=0.5)
    with pytest.raises(OptionError, match="free_path=True"):
        parameter_groups(EquivariantMLP(FLIP, FLIP, (8,)), weight_decay=0.0, free_weight_decay=0.5)
