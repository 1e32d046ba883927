import copy

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete

from symmdp import Representation, Symmetry, groups, symmetry_of
from symmdp.errors import OptionError, SpaceMismatchError, SymmetryError
from symmdp.policies import ActorCritic, matched_hidden, parameter_count
from symmdp.testing import equivariance_error

ALLOWED = {torch.float32: 1e-5, torch.float64: 1e-12}
Pair = tuple[Representation, Representation]


def box(n: int) -> Box:
    return Box(-np.inf, np.inf, (n,))


def policy_of(symmetry: Symmetry, action_space: gym.Space, dtype: torch.dtype = torch.float64, **options) -> ActorCritic:
    generator = torch.Generator().manual_seed(0)
    policy = ActorCritic(symmetry, box(symmetry.observation.dim), action_space, generator=generator, dtype=dtype, **options)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(torch.randn(parameter.shape, dtype=dtype, generator=generator), alpha=0.3)
    return policy


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_box_actions(network_reps: Pair, dtype: torch.dtype) -> None:
    observation, action = network_reps
    symmetry = Symmetry(observation.group, observation, action)
    policy = policy_of(symmetry, box(action.dim), dtype, hidden=(24, 24))
    assert equivariance_error(lambda s: policy(s)[0], observation, action, dtype=dtype) <= ALLOWED[dtype]
    invariant = observation.group.trivial
    assert equivariance_error(lambda s: policy.value(s).unsqueeze(-1), observation, invariant, dtype=dtype) <= ALLOWED[dtype]
    # The covariance commutes with every K_g.
    covariance = policy.standard_deviation().detach().double().square().diag().numpy()
    for g in action.group:
        np.testing.assert_allclose(action(g) @ covariance, covariance @ action(g), atol=1e-6)
    # The density itself: π(K_g a | L_g s) = π(a | s).
    generator = torch.Generator().manual_seed(1)
    s = torch.randn(16, observation.dim, dtype=dtype, generator=generator)
    a = torch.randn(16, action.dim, dtype=dtype, generator=generator)
    for g in action.group:
        image = policy.distribution(symmetry.transform_observation(g, s)).log_prob(symmetry.transform_action(g, a))
        torch.testing.assert_close(image, policy.distribution(s).log_prob(a), atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("name", ["C2", "C3", "C4", "D4", "S3", "Q8"])
def test_discrete_actions(name: str) -> None:
    group = {"C2": groups.cyclic(2), "C3": groups.cyclic(3), "C4": groups.cyclic(4), "D4": groups.dihedral(4),
             "S3": groups.symmetric(3), "Q8": groups.quaternion()}[name]  # fmt: skip
    symmetry = Symmetry(group, group.regular + group.trivial, group.trivial + group.regular)
    policy = policy_of(symmetry, Discrete(group.order + 1), hidden=(24,))
    assert equivariance_error(lambda s: policy(s)[0], symmetry.observation, symmetry.action, dtype=torch.float64) <= 1e-12
    s = torch.randn(8, symmetry.observation.dim, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for g in group:
        for a in range(group.order + 1):
            image = policy.distribution(symmetry.transform_observation(g, s)).probs[:, int(symmetry.transform_action(g, a))]
            torch.testing.assert_close(image, policy.distribution(s).probs[:, a])


def test_centres() -> None:
    c2 = groups.cyclic(2)
    flip = Representation(c2, [np.eye(2), -np.eye(2)])
    symmetry = Symmetry(c2, flip, flip, observation_center=[1.0, -2.0], action_center=[0.5, 0.25])
    policy = policy_of(symmetry, box(2))
    s = torch.randn(8, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    image = policy(symmetry.transform_observation(1, s))[0]
    torch.testing.assert_close(image, symmetry.transform_action(1, policy(s)[0]))
    fixed = policy(torch.tensor([[1.0, -2.0]], dtype=torch.float64))[0]
    torch.testing.assert_close(fixed, torch.tensor([[0.5, 0.25]], dtype=torch.float64))


def test_a_plain_policy_is_not_equivariant() -> None:
    """The negative control."""
    symmetry = symmetry_of("CartPole-v1")
    plain = policy_of(symmetry.restrict_to_trivial(), Discrete(2))
    assert equivariance_error(lambda s: plain(s)[0], symmetry.observation, symmetry.action, dtype=torch.float64) > 1e-2


@pytest.mark.parametrize("environment_id", ["CartPole-v1", "Pendulum-v1", "Acrobot-v1"])
@pytest.mark.parametrize("hidden", [(64, 64), (32,), (16, 128, 16), ()])
def test_counts_without_building_and_matched_baselines(environment_id: str, hidden: tuple[int, ...]) -> None:
    environment, symmetry = gym.make(environment_id), symmetry_of(environment_id)
    spaces = environment.observation_space, environment.action_space
    discrete = isinstance(spaces[1], Discrete)

    def built(symmetry: Symmetry, hidden: tuple[int, ...]) -> int:
        return sum(p.numel() for p in ActorCritic(symmetry, *spaces, hidden).parameters())

    wanted = parameter_count(symmetry, hidden, discrete=discrete)
    assert wanted == built(symmetry, hidden)
    plain, widths = symmetry.restrict_to_trivial(), matched_hidden(symmetry, hidden, discrete=discrete)
    count = built(plain, widths)
    assert count == parameter_count(plain, widths, discrete=discrete)
    if hidden == (64, 64):
        assert abs(count - wanted) < 0.05 * wanted
    environment.close()


def test_log_std_is_tied_by_the_absolute_representation() -> None:
    c2 = groups.cyclic(2)
    swap = Representation(c2, [np.eye(3), [[0, -1, 0], [-1, 0, 0], [0, 0, -1]]])
    policy = policy_of(Symmetry(c2, swap, swap), box(3), log_std=-0.5)
    std = policy.standard_deviation()
    assert std[0] == std[1] != std[2]
    fresh = ActorCritic(Symmetry(c2, swap, swap), box(3), box(3), log_std=-0.5)
    torch.testing.assert_close(fresh.standard_deviation().detach(), torch.full((3,), -0.5).exp())


def test_act() -> None:
    policy = policy_of(symmetry_of("CartPole-v1"), Discrete(2), torch.float32)
    s = torch.randn(4000, 4, generator=torch.Generator().manual_seed(0))[:1].expand(4000, 4)
    actions = policy.act(s, generator=torch.Generator().manual_seed(1))
    expected = float(policy.distribution(s[0]).probs[1].detach())
    assert abs(float(actions.float().mean()) - expected) < 0.03
    assert torch.equal(policy.act(s, deterministic=True), policy(s)[0].argmax(-1))
    assert torch.equal(policy.act(s, generator=torch.Generator().manual_seed(1)), actions)
    shifted = policy_of(symmetry_of("CartPole-v1"), Discrete(2, start=1), torch.float32)
    assert set(shifted.act(s[:50]).tolist()) <= {1, 2}
    pendulum = policy_of(symmetry_of("Pendulum-v1"), box(1), torch.float32)
    s = torch.zeros(4000, 3)
    drawn = pendulum.act(s, generator=torch.Generator().manual_seed(1))
    assert drawn.shape == (4000, 1)
    assert abs(float(drawn.std() / pendulum.standard_deviation().detach()) - 1) < 0.05
    torch.testing.assert_close(pendulum.act(s, deterministic=True), pendulum(s)[0].detach())


def test_is_a_plain_module() -> None:
    policy = policy_of(symmetry_of("CartPole-v1"), Discrete(2), torch.float32)
    twin = copy.deepcopy(policy)
    twin.load_state_dict(policy.state_dict())
    s = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(twin(s), policy(s))
    assert all(key.endswith("theta") for key in policy.state_dict())


def test_bad_input() -> None:
    symmetry = symmetry_of("CartPole-v1")
    with pytest.raises(SpaceMismatchError, match=r"4.*6|6.*4"):
        ActorCritic(symmetry, box(6), Discrete(2))
    with pytest.raises(SpaceMismatchError, match=r"2.*3|3.*2"):
        ActorCritic(symmetry, box(4), Discrete(3))
    with pytest.raises(OptionError, match="at least one unit"):
        ActorCritic(symmetry, box(4), Discrete(2), hidden=(0,))
    with pytest.raises(OptionError, match="finite"):
        ActorCritic(symmetry_of("Pendulum-v1"), box(3), box(1), log_std=float("nan"))
    c2 = groups.cyclic(2)
    turning = Symmetry(c2, symmetry.observation, lambda g, s, a: a)
    with pytest.raises(SymmetryError, match="representation"):
        ActorCritic(turning, box(4), Discrete(2))
    skew = Representation(c2, [np.eye(2), [[1, 1], [0, -1]]])
    with pytest.raises(SymmetryError, match="orthogonal"):
        ActorCritic(Symmetry(c2, skew, skew), box(2), box(2))


def test_numbered_states_are_refused() -> None:
    c2 = groups.cyclic(2)
    with pytest.raises(SpaceMismatchError, match=r"takes vectors or images.*FlattenObservation"):
        ActorCritic(Symmetry(c2, c2.regular, c2.regular), Discrete(2), Discrete(2))
