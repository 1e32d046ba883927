"""A network with a policy head and a value head."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from symmdp.practical._answers import array, fail, function, is_blank
from symmdp.practical.checks.policies._stacking import check_hidden


def value_group(group: object) -> str:
    """The representations of the value head: `P_g` on its inputs, the trivial one on its output."""
    if not isinstance(group, tuple | list) or len(group) != 2:
        fail("value_group should be a list of two lists, [representation of the inputs, representation of the outputs].")
    outputs = [array(matrix, "a matrix of the value's representation") for matrix in group[1]]
    if len(outputs) != 2 or any(matrix.size != 1 for matrix in outputs):
        fail("The value is one number, so its representation has two 1 × 1 matrices, one for each element of the group.")
    if outputs[0].item() != 1:
        fail("The identity leaves the value alone: its matrix is (1).")
    if outputs[1].item() == -1:
        fail("With −1 the value would change its sign in the mirror, V(−s) = −V(s). A mirrored cart is worth as much.")
    if outputs[1].item() != 1:
        fail(f"The value's matrix for the mirror is ({outputs[1].item():g}); V(L_g s) = V(s) asks for another.")
    inputs = [array(matrix, "a matrix of the hidden representation") for matrix in group[0]]
    if len(inputs) != 2 or any(matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] for matrix in inputs):
        fail("The first list of value_group holds the matrices P_g of the hidden units.")
    check_hidden(np.stack(inputs), len(inputs[0]) // 2)
    return "The value is invariant."


def policy_and_value(make_policy: object) -> str:
    """A network whose logits swap, and whose value stays, when the state is mirrored."""
    asked = function(make_policy, "make_policy")
    policy = asked(torch.Generator().manual_seed(0))
    if not isinstance(policy, nn.Module):
        fail(f"make_policy should return a torch.nn.Module; it returns {type(policy).__name__}.")
    if not any(p.requires_grad for p in policy.parameters()):
        fail("Your network has no parameters that can learn: it holds none of the layers as attributes, or detaches them.")
    states = torch.randn(16, 4, generator=torch.Generator().manual_seed(1))
    logits, values = outputs_of(policy, states)
    mirrored_logits, mirrored_values = outputs_of(policy, -states)
    if torch.allclose(logits, logits[:1], atol=1e-6) and torch.allclose(values, values[:1], atol=1e-6):
        fail("Your network gives the same in every state. Does its output depend on the input?")
    if not torch.allclose(mirrored_logits, logits.flip(-1), atol=1e-4):
        if torch.allclose(mirrored_logits, logits, atol=1e-4):
            fail("Your logits do not change when the state is mirrored; they should swap. Is the last layer's group [P, K]?")
        if torch.allclose(mirrored_logits, -logits, atol=1e-4):
            fail("Your logits change their signs when the state is mirrored; they should swap. Is the policy's group [P, −1]?")
        fail(
            "Your logits do not swap when the state is mirrored: f(L_g s) should be K_g f(s). Look at each layer's group, its "
            "bias and its nonlinearity."
        )
    if not torch.allclose(mirrored_values, values, atol=1e-4):
        odd = torch.allclose(mirrored_values, -values, atol=1e-4)
        fail(f"Your value {'changes its sign' if odd else 'changes'} when the state is mirrored; V(L_g s) should be V(s).")
    sums, _ = outputs_of(policy, states[:8] + states[8:])
    at_zero, _ = outputs_of(policy, torch.zeros(1, 4))
    if torch.allclose(
        sums + at_zero, logits[:8] + logits[8:], atol=1e-4
    ):  # of 2 s a ReLU without bias makes just twice as much
        fail("Your policy is a linear function of the state: where is the nonlinearity between the layers?")
    other, _ = outputs_of(asked(torch.Generator().manual_seed(1)), states)
    if torch.allclose(other, logits):
        fail("Two generators give the same network: pass the generator on to the layers, so that seeds differ.")
    return "Logits swap, and the value stays."


def outputs_of(policy: nn.Module, states: Tensor) -> tuple[Tensor, Tensor]:
    """Logits `(states, 2)` and values `(states,)` of a student's network.

    Raises:
        WrongAnswerError: it returns something else, or raises an exception.
    """
    with torch.no_grad():
        result = function(policy, "your network")(states)
    if not isinstance(result, tuple | list) or len(result) != 2 or is_blank(result):
        fail("Your network should return two things, logits and values.")
    logits, values = (
        part if isinstance(part, Tensor) else torch.as_tensor(array(part, "an output of your network")) for part in result
    )
    count = len(states)
    if logits.shape != (count, 2):
        fail(f"For {count} states your logits have the shape {tuple(logits.shape)}; expected ({count}, 2).")
    if values.shape == (count, 1):
        fail(f"For {count} states your values have the shape ({count}, 1); drop the last axis with .squeeze(-1).")
    if values.shape != (count,):
        fail(f"For {count} states your values have the shape {tuple(values.shape)}; expected ({count},).")
    return logits, values
