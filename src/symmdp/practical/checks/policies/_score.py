"""From the policy-gradient theorem to a sample of it: the score function, the expectation, and the baseline."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from symmdp.practical._answers import array, boolean, by_name, fail, first_match, function

_CASES = (([0.3, -1.2], [2.0, -1.0]), ([0.0, 0.0], [1.0, 3.0]), ([1.5, 0.2], [-0.5, 0.7]))


def score_function(score: object) -> str:
    """`∇ log π(a)` with respect to the logits: `e_a − π`."""
    asked = function(score, "score")
    for logits, _ in _CASES:
        for action in (0, 1):
            found = array(asked(torch.tensor(logits), action), "your score", (2,))
            pi = torch.softmax(torch.tensor(logits), -1).double().numpy()
            chosen = np.eye(2)[action]
            right = chosen - pi
            if np.allclose(found, right, atol=1e-5):
                continue
            said = first_match(
                found,
                {
                    "it is the gradient of π(a) itself; the gradient of its logarithm is that divided by π(a)": pi[action]
                    * right,
                    "its sign is wrong": -right,
                    "it lacks the normalisation: log π(a) is the logit minus log Σ exp of all logits": chosen,
                    "it is π; the score of the action that was taken also has a 1 for that action": pi,
                    "it belongs to the other action": np.eye(2)[1 - action] - pi,
                },
            )
            fail(f"Your score for logits {logits} and action {action} is {found.round(3)}: {said or 'differentiate log π(a)'}.")
    return "The score raises the logit of the action, and lowers the others."


def policy_gradient(gradient: object) -> str:
    """`Σ_a π(a) Q(a) ∇ log π(a)`, which is the gradient of `Σ_a π(a) Q(a)`."""
    asked = function(gradient, "policy_gradient")
    for logits, values in _CASES:
        found = array(asked(torch.tensor(logits), torch.tensor(values)), "your gradient", (2,))
        pi, q = torch.softmax(torch.tensor(logits), -1).double().numpy(), np.array(values)
        scores = np.eye(2) - pi
        right = (pi * q) @ scores
        if np.allclose(found, right, atol=1e-5):
            continue
        said = first_match(
            found,
            {
                "the actions are not weighted by π(a): it is an expectation, not a sum": q @ scores,
                "it is the mean over actions; weight them by π(a) instead": 0.5 * q @ scores,
                "its sign is wrong: this is the direction in which the return grows": -right,
                "it is zero, because Q(a) is missing": pi @ scores,
                "π(a) is in it twice": (pi**2 * q) @ scores,
            },
        )
        fail(
            f"Your gradient for logits {logits} and Q = {values} is {found.round(3)}: "
            f"{said or 'compare with autograd of (torch.softmax(logits, -1) * q).sum()'}."
        )
    return "The same as differentiating Σ π(a) Q(a), but in a form that can be sampled."


_BASELINES = {
    "the number 10": (True, "the score has mean zero, so any constant drops out"),
    "V(s)": (True, "it depends on the state alone, and the score has mean zero in every state"),
    "Q(s, a)": (False, "it depends on the action; all that was left would be zero, whatever the policy"),
    "mean return of other episodes": (True, "it does not depend on this episode's action"),
    "1 if the action is right": (False, "it depends on the action, and takes away a part of what the action brings"),
    "V(-s)": (True, "it depends on the state alone"),
}


def baseline(unbiased: object) -> str:
    """Which baselines leave the expected gradient unchanged."""
    found = by_name(unbiased, "unbiased", list(_BASELINES))
    for name, (right, why) in _BASELINES.items():
        if boolean(found[name], f"unbiased[{name!r}]") != right:
            fail(f"{name}: as a baseline it {'changes nothing in expectation' if right else 'changes the gradient'}: {why}.")
    return "Whatever does not depend on the action may be subtracted."


def mirrored_gradient(gap: object) -> str:
    """`max |∇ log π(a|s) − ∇ log π(K_g a|L_g s)|`: zero for an equivariant policy, and not for a plain one."""
    asked = function(gap, "gradient_gap")
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        state = torch.randn(4, generator=generator)
        for action in (0, 1):
            for name, policy in (("plain", _Plain(generator)), ("equivariant", _Mirrored(generator))):
                found = float(array(asked(policy, state, action), "your gap", ()))
                gaps = {(s, a): _gap(policy, state, action, s, a) for s in (True, False) for a in (True, False)}
                if np.isclose(found, gaps[True, True], atol=1e-5):
                    continue
                if np.isclose(found, gaps[True, False], atol=1e-5):
                    fail("Your gap compares with the same action in the mirrored state; the action has to be mirrored too.")
                if np.isclose(found, gaps[False, True], atol=1e-5):
                    fail("Your gap compares with the mirrored action in the same state; the state has to be mirrored too.")
                fail(
                    f"Your gap for the {name} policy is {found:.3g}; expected {gaps[True, True]:.3g}. Differentiate log π(a|s) "
                    "and log π(K a|L s) by all parameters, and take the largest difference."
                )
    return "An equivariant policy learns in the mirrored state too, from every single step."


class _Plain(torch.nn.Module):
    """A network with logits and values."""

    def __init__(self, generator: torch.Generator):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(2, 4, generator=generator))
        self.bias = torch.nn.Parameter(torch.randn(2, generator=generator))

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        hidden = torch.tanh(states @ self.weight.T + self.bias)
        return hidden, hidden.sum(-1)


class _Mirrored(_Plain):
    """The mean of a network and its mirror image."""

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        logits, values = super().forward(states)
        mirrored, other = super().forward(-states)
        return logits + mirrored.flip(-1), values + other


def _gap(policy: torch.nn.Module, state: Tensor, action: int, mirror_state: bool, mirror_action: bool) -> float:
    here = _gradient(policy, state, action)
    there = _gradient(policy, -state if mirror_state else state, 1 - action if mirror_action else action)
    return float((here - there).abs().max())


def _gradient(policy: torch.nn.Module, state: Tensor, action: int) -> Tensor:
    logits, _ = policy(state.unsqueeze(0))
    gradients = torch.autograd.grad(torch.log_softmax(logits, -1)[0, action], list(policy.parameters()))
    return torch.cat([gradient.flatten() for gradient in gradients])
