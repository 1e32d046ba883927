"""The loss of REINFORCE with a learned baseline."""

from __future__ import annotations

import torch
from torch import Tensor

from symmdp.practical._answers import fail, function


def reinforce_loss(loss: object) -> str:
    """`−mean[(G − V)ᵈ log π(a|s)] + ½ mean[(V − G)²]`, where d means that no gradient flows through."""
    asked = function(loss, "reinforce_loss")
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 2, generator=generator, requires_grad=True)
    values = torch.randn(6, generator=generator, requires_grad=True)
    actions = torch.tensor([0, 1, 1, 0, 1, 0])
    returns = torch.randn(6, generator=generator) + 1
    found = asked(logits, values, actions, returns)
    if not isinstance(found, Tensor) or found.ndim != 0:
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        fail(f"Your loss should be a tensor with a single number; it is {shape}. Take the mean over the steps.")
    if not found.requires_grad:
        fail("No gradient flows through your loss: is everything detached, or turned into NumPy?")
    grad_logits, grad_values = torch.autograd.grad(found, (logits, values), retain_graph=True, allow_unused=True)
    if grad_logits is None:
        fail("Your loss does not depend on the logits: the policy would not learn.")
    _policy_part(grad_logits, logits, values, actions, returns)
    _value_part(grad_values, logits, values, actions, returns)
    return "Both heads learn: the policy from the advantage, the value from the return."


def _policy_part(found: Tensor, logits: Tensor, values: Tensor, actions: Tensor, returns: Tensor) -> None:
    advantage = (returns - values).detach()
    chosen = torch.log_softmax(logits, -1)[torch.arange(6), actions]

    def gradient(loss: Tensor) -> Tensor:
        return torch.autograd.grad(loss, logits, retain_graph=True)[0]

    right = gradient(-(advantage * chosen).mean())
    if torch.allclose(found, right, atol=1e-5):
        return
    mistakes = {
        "the minus sign is missing: the optimiser minimises, and the return should grow": -right,
        "it is the sum over the steps; take the mean, so that long episodes do not take larger steps": 6 * right,
        "it is the sum over the steps, and the minus sign is missing": -6 * right,
        "the baseline is missing: use the advantage G − V": gradient(-(returns * chosen).mean()),
        "the baseline and the minus sign are missing": gradient((returns * chosen).mean()),
        "it has probabilities in place of their logarithms": gradient(-(advantage * chosen.exp()).mean()),
        "it takes the logits without log_softmax; they are not normalised": gradient(
            -(advantage * logits[torch.arange(6), actions]).mean()
        ),
        "it takes all actions, not those that were taken": gradient(
            -(advantage[:, None] * torch.log_softmax(logits, -1)).mean()
        ),
        "the advantage is V − G; it is G − V, how much better it went than expected": gradient((advantage * chosen).mean()),
    }
    for words, wrong in mistakes.items():
        if torch.allclose(found, wrong, atol=1e-5):
            fail(f"The policy's part of your loss is wrong: {words}.")
    fail("The policy's part of your loss is wrong: it should be −mean((G − V) · log π(a|s)) over the actions that were taken.")


def _value_part(found: Tensor | None, logits: Tensor, values: Tensor, actions: Tensor, returns: Tensor) -> None:
    if found is None or torch.allclose(found, torch.zeros(6)):
        fail("The value does not learn from your loss: add ½ mean((V − G)²).")
    right = (values - returns).detach() / 6
    if torch.allclose(found, right, atol=1e-5):
        return
    chosen = torch.log_softmax(logits, -1)[torch.arange(6), actions].detach()
    through = chosen / 6  # of −mean((G − V) log π) by V
    if torch.allclose(found, through, atol=1e-5) or torch.allclose(found, right + through, atol=1e-5):
        fail(
            "A gradient flows through the baseline: detach the value in the advantage, (returns − values.detach()). Otherwise "
            "the policy's loss moves the value, to make the advantage large."
        )
    if torch.allclose(found, -right, atol=1e-5):
        fail("The value's part has the wrong sign: the squared error should become small.")
    if torch.allclose(found, 2 * right, atol=1e-5):
        fail("The value's part is twice as large as asked for: ½ mean((V − G)²).")
    if torch.allclose(found, 6 * right, atol=1e-5):
        fail("The value's part is the sum over the steps; take the mean.")
    fail("The value's part of your loss is wrong: it should be ½ mean((V − G)²).")
