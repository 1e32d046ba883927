"""Policies of symmdp as ordinary torch modules."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from symmdp.practical._answers import array, fail, function

_SIGNS = torch.tensor([1.0, -1.0, 1.0, -1.0, -1.0, -1.0])  # Acrobot's mirror


def acrobot_policy(make_policy: object) -> str:
    """An equivariant policy for Acrobot: a module with logits that are reversed, and a value that stays."""
    asked = function(make_policy, "make_policy")
    policy = asked()
    if isinstance(policy, type) or not isinstance(policy, nn.Module):
        fail(f"make_policy should return a torch.nn.Module, ready to be used; it returns {policy!r}.")
    states = torch.randn(8, 6, generator=torch.Generator().manual_seed(0))
    logits, values = _outputs(policy, states)
    mirrored, mirrored_values = _outputs(policy, states * _SIGNS)
    if not torch.allclose(mirrored, logits.flip(-1), atol=1e-5):
        group = getattr(getattr(policy, "symmetry", None), "group", None)
        if group is not None and group.order == 1:
            fail("This policy is built on the trivial group, so it is plain. Take symmdp.symmetry_of('Acrobot-v1') itself.")
        fail("The logits of your policy are not reversed when the state is mirrored. Is it built from Acrobot's symmetry?")
    if not torch.allclose(mirrored_values, values, atol=1e-5):
        fail("The value of your policy changes when the state is mirrored.")
    if torch.allclose(logits, logits[:1], atol=1e-7):
        fail("Your policy gives the same logits in every state.")
    return "An ordinary module, which happens to be equivariant."


def plain_copy(policy: object, plain: object) -> str:
    """The same function in modules of torch alone."""
    for name, module in (("policy", policy), ("plain", plain)):
        if not isinstance(module, nn.Module):
            fail(f"{name} should be a torch.nn.Module; it is a {type(module).__name__}.")
    assert isinstance(policy, nn.Module)
    assert isinstance(plain, nn.Module)
    if plain is policy:
        fail("plain is the policy itself; policy.to_plain() returns a new module.")
    ours = [type(m).__name__ for m in plain.modules() if type(m).__module__.startswith("symmdp.nn")]
    if ours:
        fail(f"plain still holds layers of symmdp ({ours[0]}). A copy keeps them; policy.to_plain() writes their weights out.")
    states = torch.randn(8, 6, generator=torch.Generator().manual_seed(0))
    logits, values = _outputs(policy, states)
    found, found_values = _outputs(plain, states)
    if not torch.allclose(found, logits, atol=1e-4) or not torch.allclose(found_values, values, atol=1e-4):
        fail("plain is another function than policy. A new network on the trivial group has other weights; convert this one.")
    return "The same function, and no symmdp is needed to run it."


def _outputs(module: nn.Module, states: Tensor) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        result = function(module, "your policy")(states)
    if not isinstance(result, tuple | list) or len(result) != 2:
        fail("A policy should return two things, logits and values.")
    logits, values = (part if isinstance(part, Tensor) else torch.as_tensor(array(part, "an output")) for part in result)
    if logits.shape != (8, 3) or values.shape != (8,):
        fail(
            f"For 8 states of Acrobot the shapes are {tuple(logits.shape)} and {tuple(values.shape)}; expected (8, 3) logits "
            "and (8,) values."
        )
    return logits, values
