import copy

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete

from symmdp import Representation, Symmetry, groups, symmetry_of
from symmdp.errors import PlainModuleError
from symmdp.mdp import Canonicalization, FrameAverage
from symmdp.policies import ActorCritic, CanonicalActorCritic
from symmdp.testing import equivariance_error

Pair = tuple[Representation, Representation]


def box(n: int) -> Box:
    return Box(-np.inf, np.inf, (n,))


def policy_of(symmetry: Symmetry, space, dtype: torch.dtype = torch.float64, kind=CanonicalActorCritic, **options):
    generator = torch.Generator().manual_seed(0)
    policy = kind(symmetry, box(symmetry.observation.dim), space, (12, 12), generator=generator, dtype=dtype, **options)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(torch.randn(parameter.shape, dtype=dtype, generator=generator), alpha=0.3)
    return policy


def test_box_actions_are_equivariant(network_reps: Pair) -> None:
    observation, action = network_reps
    symmetry = Symmetry(observation.group, observation, action)
    policy = policy_of(symmetry, box(action.dim))
    assert equivariance_error(lambda s: policy(s)[0], observation, action, dtype=torch.float64) <= 1e-10
    trivial = observation.group.trivial
    assert equivariance_error(lambda s: policy.value(s)[:, None], observation, trivial, dtype=torch.float64) <= 1e-10
    generator = torch.Generator().manual_seed(1)
    s = torch.randn(16, observation.dim, dtype=torch.float64, generator=generator)
    a = torch.randn(16, action.dim, dtype=torch.float64, generator=generator)
    for g in action.group:
        image = policy.distribution(symmetry.transform_observation(g, s)).log_prob(symmetry.transform_action(g, a))
        torch.testing.assert_close(image, policy.distribution(s).log_prob(a), atol=1e-3, rtol=1e-4)
    plain = policy_of(symmetry.restrict_to_trivial(), box(action.dim), kind=ActorCritic)  # the negative control
    assert equivariance_error(lambda s: plain(s)[0], observation, action, dtype=torch.float64) > 1e-2


@pytest.mark.parametrize("name", ["C2", "C3", "D4", "S3"])
def test_discrete_actions_are_equivariant_also_where_states_are_fixed(name: str) -> None:
    group = {"C2": groups.cyclic(2), "C3": groups.cyclic(3), "D4": groups.dihedral(4), "S3": groups.symmetric(3)}[name]
    symmetry = Symmetry(group, group.regular + group.trivial, group.trivial + group.regular)
    policy = policy_of(symmetry, Discrete(group.order + 1))
    s = torch.randn(8, symmetry.observation.dim, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    s[:2, :-1] = 0.5  # every element leaves these unchanged
    for g in group:
        image = policy(symmetry.transform_observation(g, s))
        torch.testing.assert_close(image[0], symmetry.transform_action(g, policy(s)[0], discrete=False))
        torch.testing.assert_close(image[1], policy(s)[1])


def test_is_the_frame_average_of_the_plain_network() -> None:
    c2 = groups.cyclic(2)
    flip = Representation(c2, [np.eye(2), -np.eye(2)])
    symmetry = Symmetry(c2, flip, flip, observation_center=[1.0, -2.0], action_center=[0.5, 0.25])
    policy = policy_of(symmetry, box(2))
    plain = copy.deepcopy(policy)
    plain.__class__ = ActorCritic
    average = FrameAverage(plain, symmetry, (symmetry.action, None), frame="canonical")
    s = torch.randn(20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(policy(s), average(s))


@pytest.mark.parametrize("environment_id", ["CartPole-v1", "Acrobot-v1"])
def test_log_probabilities_are_the_frequencies_of_sampled_actions(environment_id: str) -> None:
    symmetry = symmetry_of(environment_id)
    count = symmetry.require_action_representation().dim
    policy = policy_of(symmetry, Discrete(count), torch.float32)
    draws = 20_000
    states = torch.randn(4, symmetry.observation.dim, generator=torch.Generator().manual_seed(3))
    moved = Canonicalization(symmetry).elements(states)
    assert set(moved.tolist()) == {0, 1}, "states of both halves"
    generator = torch.Generator().manual_seed(4)
    for s in states:
        actions = policy.act(s.expand(draws, -1), generator=generator)
        frequency = torch.bincount(actions, minlength=count) / draws
        probability = policy.distribution(s).probs.detach()
        assert (frequency - probability).abs().max() < 4 * (0.25 / draws) ** 0.5
    # The negative control: the distribution in the canonical states is another one.
    canonical = states[moved == 1][:1]
    unmoved = ActorCritic.forward(policy, symmetry.transform_observation(1, canonical))[0].softmax(-1)
    assert (unmoved - policy.distribution(canonical).probs).abs().max() > 0.01


def test_it_has_no_plain_module() -> None:
    policy = policy_of(symmetry_of("CartPole-v1"), Discrete(2))
    with pytest.raises(PlainModuleError, match="CanonicalStates"):
        policy.to_plain()
    assert "canonical" in repr(policy)
    assert all(key.endswith("theta") for key in policy.state_dict())
