from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from symmdp.maps import SharedBasis
from symmdp.nn import FreeTensor, JointExpansion, whole_copy
from symmdp.policies import ActorCritic


class PolicyStack:
    """Several policies of one architecture as a single module whose weights carry a leading axis.

    One batched matrix product replaces a product for each policy, so twenty seeds cost little more than one. The free
    parameters are the rows of one matrix `flat`, shape `(stack, parameters)`: gradient norms and optimiser steps are
    single operations on rows. `module` holds the whole weights that `flat` expands to; after a change of `flat`, call
    `refresh`.

    Args:
        policies: of one symmetry and one architecture; their values are copied. Layers with a `SharedBasis` may have
            another one in each policy; a policy may be in several rows, which then share its bases.

    Attributes:
        templates: modules like the policies: one for all rows, or with a `SharedBasis` one for each, the same for rows that
            share it.
        flat: the free parameters.
        module: with all weights.
    """

    def __init__(self, policies: Sequence[ActorCritic]):
        self.size = len(policies)
        own = any(isinstance(m, FreeTensor) and isinstance(m.space, SharedBasis) for m in policies[0].modules())
        self.templates = copy.deepcopy(list(policies if own else policies[:1]))  # one policy in two rows stays one
        self.flat = torch.stack([nn.utils.parameters_to_vector(policy.parameters()).detach() for policy in policies])
        self._expansion = JointExpansion(self.templates[0], self.templates)
        self._whole = self._expansion.expand(self.flat)
        self._gradient = torch.empty_like(self._whole)  # reused: fresh pages would cost more than the sums
        module = whole_copy(self.templates[0])
        if not isinstance(module, ActorCritic):
            raise AssertionError("a copy has the type of its original")
        self.module = module
        self._weights: list[nn.Parameter] = []
        start = 0
        for name, parameter in list(self.module.named_parameters()):
            weight = nn.Parameter(self._whole[:, start : start + parameter.numel()])
            owner, _, leaf = name.rpartition(".")
            setattr(self.module.get_submodule(owner), leaf, weight)
            self._weights.append(weight)
            start += parameter.numel()

    @property
    def count(self) -> int:
        """Free parameters of one policy."""
        return self.flat.shape[1]

    def gradient(self, loss: Tensor) -> Tensor:
        """The gradient of a sum of losses, one for each policy, in `flat`: shape `(stack, parameters)`."""
        gradients = torch.autograd.grad(loss, self._weights, allow_unused=True, materialize_grads=True)
        torch.cat(gradients, dim=1, out=self._gradient)
        return self._expansion.transpose(self._gradient)

    def refresh(self) -> None:
        """Expand `flat` into the weights of `module`."""
        self._expansion.expand(self.flat, out=self._whole)

    def normalize(self, mean: Tensor, deviation: Tensor) -> None:
        """Let the policies see `(x − m)/σ` from now on, each with its own of shape `(stack, dim)`."""
        dtype = self.flat.dtype
        self.module.observation_center = mean.to(dtype).unsqueeze(1)
        self.module.observation_scale = deviation.to(dtype).unsqueeze(1)

    def policy(self, i: int) -> ActorCritic:
        """A copy of policy `i` as a module of its own."""
        policy = copy.deepcopy(self.templates[i if len(self.templates) > 1 else 0])
        nn.utils.vector_to_parameters(self.flat[i].clone(), policy.parameters())
        center, scale = self.module.observation_center, self.module.observation_scale
        if center is not None and scale is not None and center.ndim == 3:
            policy.normalize(center[i, 0], scale[i, 0])
        return policy


def clip_rows_(gradient: Tensor, largest: float, out: Tensor | None = None) -> Tensor:
    """Scale each row of `gradient`, shape `(stack, parameters)`, down to norm `largest` at most; returns the norms.

    The scale is `largest / (norm + 1e-6)`, as in `torch.nn.utils.clip_grad_norm_`. The result goes to `out` when given.
    """
    norms = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
    torch.mul(gradient, (largest / (norms + 1e-6)).clamp_max(1.0), out=gradient if out is None else out)
    return norms.squeeze(1)
