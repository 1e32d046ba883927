from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn

from symmdp.errors import GroupError, OptionError
from symmdp.mdp._affine import act
from symmdp.mdp._symmetry import Symmetry, require_symmetry
from symmdp.mdp.transform._canonicalization import Canonicalization
from symmdp.mdp.transform._outputs import Output, Outputs

Frame = Literal["group", "canonical"]


class FrameAverage(nn.Module):
    """Any network made equivariant: `⟨f⟩(s) = 1/|F(s)| Σ_{g ∈ F(s)} ρ_out(g)⁻¹ f(L_g s)` over a frame `F(s) ⊆ G`.

    With `frame="group"`, `F(s) = G`: the symmetrizer of functions, for `|G|` times the work. With `"canonical"`, `F(s)` are
    the elements that take `s` to its canonical state: the network is evaluated there alone (the policy of half of the
    states), once, and what it gives is mapped back. That function may jump where two canonical states meet; the average
    over the group does not.

    Args:
        network: a module, or a function, of observations.
        symmetry: of the MDP.
        output: what the network gives: `"action"` (logits or means, moved by `K_g`), a Representation, None for what is
            invariant (values, of any shape), or a tuple of these, as `(rep, None)` for an actor-critic.
        frame: as above.
        canonicalization: which states are canonical; by the order of their coordinates when not given.

    Shape:
        that of the network.

    Raises:
        OptionError: an unknown frame, or (forward) another number of outputs.
        SymmetryError: `output="action"`, and the action map depends on the state.
        GroupError: the group is not listed.

    Source: Puny et al. 2022 (arXiv 2110.03336), equation 3; Kaba et al. 2023 (arXiv 2211.06489).
    """

    def __init__(
        self,
        network: Callable[[Tensor], Any],
        symmetry: Symmetry,
        output: Output | str = "action",
        *,
        frame: Frame = "group",
        canonicalization: Canonicalization | None = None,
    ):
        super().__init__()
        require_symmetry(symmetry)
        if frame not in ("group", "canonical"):
            raise OptionError(f"frame is 'group' or 'canonical'; got {frame!r}.")
        if canonicalization is not None and (frame == "group" or canonicalization.symmetry != symmetry):
            raise OptionError("A canonicalization is given with frame='canonical', and for the same symmetry.")
        if not symmetry.group.is_listed:
            raise GroupError(f"A frame average goes over all elements, but {symmetry.group!r} is not listed.")
        self.network, self.symmetry, self.frame = network, symmetry, frame
        self._outputs = Outputs(symmetry, output)
        self._canonicalization = canonicalization or (Canonicalization(symmetry) if frame == "canonical" else None)

    def forward(self, observation: Tensor) -> Any:
        """The average of the network's outputs."""
        if self._canonicalization is None:
            return self._over_group(observation)
        frame = self._canonicalization.frame(observation)
        outputs = self._outputs.split(self.network(self._canonicalization.canonical(observation)))
        weights = frame.to(observation.dtype) / frame.sum(-1, keepdim=True)
        return self._outputs.joined([self._mapped_back(y, weights, i) for i, y in enumerate(outputs)])

    def _over_group(self, observation: Tensor) -> Any:
        group = self.symmetry.group
        batch = observation.shape[: observation.ndim - len(self.symmetry.observation_shape)]
        images = torch.stack([self.symmetry.transform_observation(g, observation) for g in group])
        # One axis of batch, so that any network of batches serves.
        flat = images.reshape(-1, *self.symmetry.observation_shape)
        outputs = [y.reshape(group.order, *batch, *y.shape[1:]) for y in self._outputs.split(self.network(flat))]
        return self._outputs.joined([self._average(y, i) for i, y in enumerate(outputs)])

    def _average(self, images: Tensor, i: int) -> Tensor:
        rep = self._outputs.reps[i]
        if rep is None:
            return images.mean(0)
        group, center = self.symmetry.group, self._outputs.center(rep)
        back = [act(rep, group.inverse(g), images[g], center, "The output") for g in group]
        return torch.stack(back).mean(0)

    def _mapped_back(self, output: Tensor, weights: Tensor, i: int) -> Tensor:
        rep = self._outputs.reps[i]
        if rep is None:
            return output
        group, center = self.symmetry.group, self._outputs.center(rep)
        weights = weights.to(output.dtype)
        total = torch.zeros_like(output)
        for g in group:
            total = total + weights[..., g, None] * act(rep, group.inverse(g), output, center, "The output")
        return total

    def extra_repr(self) -> str:
        """The group and the frame."""
        return f"{self.symmetry.group.name}, frame={self.frame!r}"
