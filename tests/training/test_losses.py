import gymnasium as gym
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from symmdp import symmetry_of
from symmdp.policies import ActorCritic
from symmdp.training import Batch, PolicyStack, TrainingOptions, policy_gradient_loss, ppo_loss
from symmdp.training._advantages import generalized_advantages
from symmdp.training._stack import clip_rows_


def policies(environment_id: str, count: int = 3) -> list[ActorCritic]:
    environment, symmetry = gym.make(environment_id), symmetry_of(environment_id)
    found = []
    for seed in range(count):
        generator = torch.Generator().manual_seed(seed)
        policy = ActorCritic(
            symmetry, environment.observation_space, environment.action_space, (8, 8), generator=generator, dtype=torch.float64
        )
        with torch.no_grad():
            for parameter in policy.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64), alpha=0.3)
        found.append(policy)
    environment.close()
    return found


def batch_for(stack: PolicyStack, n: int = 12) -> Batch:
    generator = torch.Generator().manual_seed(9)
    policy = stack.module

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(stack.size, n, *shape, generator=generator, dtype=torch.float64)

    observation = draw(policy.symmetry.observation.dim)
    action = torch.randint(0, policy.symmetry.action.dim, (stack.size, n), generator=generator).double()
    if not policy.discrete:
        action = draw(policy.symmetry.action.dim)
    with torch.no_grad():
        distribution = policy.distribution(observation)
        old = distribution.log_prob(action) + 0.3 * draw()
    weight = (torch.rand(stack.size, n, generator=generator) > 0.3).double()
    return Batch(observation, action, old, draw(), draw(), weight)


def slow_loss(policy: ActorCritic, batch: Batch, row: int, options: TrainingOptions) -> torch.Tensor:
    """One seed's loss, transition by transition."""
    real = [t for t in range(batch.weight.shape[1]) if batch.weight[row, t]]
    advantages = batch.advantage[row, real]
    if options.algorithm == "ppo":
        advantages = (advantages - advantages.mean()) / (advantages.std(unbiased=False) + 1e-8)
    total = torch.zeros((), dtype=torch.float64)
    for t, advantage in zip(real, advantages, strict=True):
        distribution = policy.distribution(batch.observation[row, t])
        log_prob = distribution.log_prob(batch.action[row, t])
        if options.algorithm == "ppo":
            ratio = (log_prob - batch.log_probability[row, t]).exp()
            low, high = 1 - options.clip_range, 1 + options.clip_range
            gain = torch.minimum(ratio * advantage, ratio.clamp(low, high) * advantage)
        else:
            gain = advantage * log_prob
        value_error = (policy.value(batch.observation[row, t]) - batch.target[row, t]) ** 2
        total = total - gain + options.value_coefficient * value_error - options.entropy_coefficient * distribution.entropy()
    return total / len(real)


@pytest.mark.parametrize("environment_id", ["CartPole-v1", "Pendulum-v1", "Acrobot-v1"])
@pytest.mark.parametrize("algorithm", ["ppo", "a2c", "reinforce"])
def test_losses_and_gradients_are_those_of_each_policy_alone(environment_id: str, algorithm: str) -> None:
    alone = policies(environment_id)
    stack = PolicyStack(alone)
    batch = batch_for(stack)
    options = TrainingOptions(algorithm=algorithm, entropy_coefficient=0.1)
    loss, diagnostics = (ppo_loss if algorithm == "ppo" else policy_gradient_loss)(stack.module, batch, options)
    gradient = stack.gradient(loss.sum())
    assert all(values.shape == (3,) for values in diagnostics.values())
    for row, policy in enumerate(alone):
        wanted = slow_loss(policy, batch, row, options)
        torch.testing.assert_close(loss[row], wanted)
        gradients = torch.autograd.grad(wanted, list(policy.parameters()))
        torch.testing.assert_close(gradient[row], torch.cat([g.flatten() for g in gradients]))


def test_the_policy_gradient_is_that_of_the_expected_return() -> None:
    """One state, two actions of known value: the exact expectation of the estimate is the gradient of `Σ_a π(a) Q(a)`."""
    policy = policies("CartPole-v1", 1)[0]
    stack = PolicyStack([policy])
    s = torch.tensor([[0.3, -0.2, 0.5, 0.1]], dtype=torch.float64)
    Q = torch.tensor([[1.0, 3.0]], dtype=torch.float64)
    probabilities = policy.distribution(s).probs
    batch = Batch(
        observation=s.expand(2, 4).unsqueeze(0),
        action=torch.tensor([[0.0, 1.0]], dtype=torch.float64),
        log_probability=torch.zeros(1, 2, dtype=torch.float64),
        advantage=Q,
        target=torch.zeros(1, 2, dtype=torch.float64),
        weight=probabilities.detach(),  # weights that sum to 1 make the mean an expectation
    )
    loss, _ = policy_gradient_loss(stack.module, batch, TrainingOptions(algorithm="reinforce", value_coefficient=0.0))
    estimate = stack.gradient(loss.sum())[0]
    exact = torch.autograd.grad(
        -(probabilities * Q).sum(), list(policy.parameters()), allow_unused=True, materialize_grads=True
    )
    torch.testing.assert_close(estimate, torch.cat([g.flatten() for g in exact]))
    # A baseline that depends on the state alone changes nothing in expectation.
    shifted = Batch(**{**batch.__dict__, "advantage": Q - 17.0})
    loss, _ = policy_gradient_loss(stack.module, shifted, TrainingOptions(algorithm="reinforce", value_coefficient=0.0))
    torch.testing.assert_close(stack.gradient(loss.sum())[0], estimate)


def test_a_stack_is_its_policies() -> None:
    alone = policies("CartPole-v1")
    stack = PolicyStack(alone)
    s = torch.randn(3, 7, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    logits, values = stack.module(s)
    for row, policy in enumerate(alone):
        torch.testing.assert_close(logits[row], policy(s[row])[0])
        torch.testing.assert_close(values[row], policy(s[row])[1])
        assert all(torch.equal(a, b) for a, b in zip(stack.policy(row).parameters(), policy.parameters(), strict=True))
    stack.flat.mul_(1.1)
    stack.refresh()
    torch.testing.assert_close(stack.module(s)[0][1], stack.policy(1)(s[1])[0])


def test_rows_are_clipped_as_torch_clips() -> None:
    gradient = torch.randn(4, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * torch.tensor(
        [[0.01], [1], [5], [0]]
    )
    rows = [torch.nn.Parameter(torch.zeros(10, dtype=torch.float64)) for _ in gradient]
    for parameter, row in zip(rows, gradient, strict=True):
        parameter.grad = row.clone()
    norms = torch.stack([torch.nn.utils.clip_grad_norm_([parameter], 0.5) for parameter in rows])
    torch.testing.assert_close(clip_rows_(gradient, 0.5), norms)
    torch.testing.assert_close(gradient, torch.stack([parameter.grad for parameter in rows]))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.5, 1), st.floats(0, 1))
def test_advantages_agree_with_the_definition(seed: int, discount: float, gae_lambda: float) -> None:
    """Against the sum `Â_t = Σ_k (γλ)^k δ_{t+k}` within each episode."""
    rng = np.random.default_rng(seed)
    T, E = 11, 3
    rewards, values = rng.standard_normal((T, E)), rng.standard_normal((T + 1, E))
    done = rng.random((T, E)) < 0.3
    terminated = done & (rng.random((T, E)) < 0.5)
    found = generalized_advantages(rewards, values, terminated, done, discount, gae_lambda)
    for e in range(E):
        for t in range(T):
            total, factor = 0.0, 1.0
            for k in range(t, T):
                following = 0.0 if terminated[k, e] else values[k + 1, e]
                total += factor * (rewards[k, e] + discount * following - values[k, e])
                factor *= discount * gae_lambda
                if done[k, e]:
                    break
            assert found[t, e] == pytest.approx(total, abs=1e-9)


def test_lambda_one_is_reward_to_go_minus_the_baseline() -> None:
    rewards, values = np.array([[1.0], [2.0], [3.0]]), np.array([[10.0], [20.0], [30.0], [40.0]])
    ended = np.array([[False], [False], [True]])
    found = generalized_advantages(rewards, values, ended, ended, 0.5, 1.0)
    np.testing.assert_allclose(found[:, 0], [1 + 1 + 0.75 - 10, 2 + 1.5 - 20, 3 - 30])
    cut = generalized_advantages(rewards, values, ended & False, ended, 0.5, 1.0)  # truncated: continued by the value
    np.testing.assert_allclose(cut[:, 0], [1 + 1 + 0.75 + 5 - 10, 2 + 1.5 + 10 - 20, 3 + 20 - 30])
