from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from symmdp.policies import ActorCritic
from symmdp.training._options import TrainingOptions


@dataclass(frozen=True)
class Batch:
    """Transitions of a stack of seeds; every tensor starts with the axes `(stack, transitions)`.

    Attributes:
        observation: `s_t`, one more axis.
        action: `a_t`: float, indices for discrete actions, with one more axis otherwise.
        log_probability: `log π(a_t|s_t)` under the policy that acted.
        advantage: `Â_t`.
        target: what the value should be, the estimated return.
        weight: 1, or 0 where the step was a reset and no transition.
    """

    observation: Tensor
    action: Tensor
    log_probability: Tensor
    advantage: Tensor
    target: Tensor
    weight: Tensor


def log_probability(policy: ActorCritic, parameters: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
    """`(log π(a|s), entropy of π(·|s))` from logits or means, both without the last axis."""
    if policy.discrete:
        logits = parameters.log_softmax(-1)
        chosen = logits.gather(-1, action.long().unsqueeze(-1)).squeeze(-1)
        return chosen, -(logits.exp() * logits).sum(-1)
    distribution = policy.distribution_of(parameters)
    return distribution.log_prob(action), distribution.entropy()


def policy_gradient_loss(policy: ActorCritic, batch: Batch, options: TrainingOptions) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of REINFORCE with a baseline, and of A2C; its value for each seed, shape `(stack,)`, and diagnostics.

    The policy-gradient theorem says that the gradient of the expected discounted return `J(θ) = E_π[Σ_t γᵗ r_t]` is

        ∇J(θ) = E_π[Σ_t γᵗ Q^π(s_t, a_t) ∇ log π_θ(a_t|s_t)].

    It needs no derivative of the environment: only log probabilities are differentiated. `Q^π` is estimated by the
    reward-to-go `Ĝ_t = Σ_{k≥t} γ^{k-t} r_k` (rewards before `t` do not depend on `a_t`, and would add noise only).
    Subtracting a baseline that depends on the state alone leaves the expectation unchanged, since
    `E_a[∇ log π(a|s) b(s)] = b(s) ∇ Σ_a π(a|s) = 0`, and lowers the variance; here it is the learned value, so that
    `Â_t = Ĝ_t - V(s_t)`. An episode that is truncated, or that the end of the rollout cuts, is continued by the value of
    its last observation. The factor `γᵗ` is left out, as is usual. The loss whose gradient is the estimate is

        L(θ) = -mean_t[Â_t log π_θ(a_t|s_t)] + c_V mean_t[(V(s_t) - Ĝ_t)²] - c_H mean_t[H(π(·|s_t))].

    A2C is this loss with more bootstrapping: short rollouts, and advantages by generalised advantage estimation, of
    which λ = 1 gives n-step returns. Neither standardises advantages.

    Source: Williams 1992; Sutton et al. 2000, theorem 1; Sutton and Barto 2018, sections 13.2 to 13.4. A2C: Mnih et al.
    2016 (arXiv 1602.01783), section 4 and algorithm S3, with one synchronous learner.
    """
    parameters, value = policy(batch.observation)
    log_prob, entropy = log_probability(policy, parameters, batch.action)
    mean = _Mean(batch.weight)
    value_loss, bonus = mean((value - batch.target).square()), mean(entropy)
    policy_loss = -mean(batch.advantage * log_prob)
    loss = policy_loss + options.value_coefficient * value_loss - options.entropy_coefficient * bonus
    return loss, {"policy_loss": policy_loss, "value_loss": value_loss, "entropy": bonus}


def ppo_loss(policy: ActorCritic, batch: Batch, options: TrainingOptions) -> tuple[Tensor, dict[str, Tensor]]:
    """The clipped surrogate of PPO; its value for each seed, shape `(stack,)`, and diagnostics.

    With the ratio `ρ_t = π_θ(a_t|s_t) / π_old(a_t|s_t)` and advantages of mean 0 and deviation 1 in each seed's minibatch,

        L(θ) = -mean_t[min(ρ_t Â_t, clip(ρ_t, 1-ε, 1+ε) Â_t)] + c_V mean_t[(V(s_t) - Ĝ_t)²] - c_H mean_t[H(π(·|s_t))].

    Source: Schulman et al. 2017 (arXiv 1707.06347), equations 7 and 9.
    """
    parameters, value = policy(batch.observation)
    log_prob, entropy = log_probability(policy, parameters, batch.action)
    mean = _Mean(batch.weight)
    advantage = mean.standardize(batch.advantage)
    log_ratio = log_prob - batch.log_probability
    ratio = log_ratio.exp()
    clipped = ratio.clamp(1 - options.clip_range, 1 + options.clip_range)
    policy_loss = -mean(torch.minimum(ratio * advantage, clipped * advantage))
    value_loss = mean((value - batch.target).square())
    loss = policy_loss + options.value_coefficient * value_loss
    if options.entropy_coefficient:
        loss = loss - options.entropy_coefficient * mean(entropy)
    with torch.no_grad():
        diagnostics = {
            "policy_loss": policy_loss,
            "value_loss": value_loss,
            "entropy": mean(entropy),
            "approximate_kl": mean(ratio - 1 - log_ratio),
        }
    return loss, diagnostics


class _Mean:
    """The mean over the transitions of each seed that are real ones."""

    def __init__(self, weight: Tensor):
        self._share = weight / weight.sum(1, keepdim=True).clamp_min(1)

    def __call__(self, values: Tensor) -> Tensor:
        return (values * self._share).sum(1)

    def standardize(self, values: Tensor) -> Tensor:
        centred = values - self(values).unsqueeze(1)
        return centred / (self(centred.square()).sqrt().unsqueeze(1) + 1e-8)
