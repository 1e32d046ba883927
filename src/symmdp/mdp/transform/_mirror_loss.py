from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from symmdp.errors import GroupError, OptionError, ShapeError
from symmdp.mdp._affine import act
from symmdp.mdp._symmetry import Symmetry, require_symmetry
from symmdp.mdp.transform._outputs import Output, Outputs

Distance = Literal["squared", "kl"]
StopGradient = Literal["none", "original", "image"]


class MirrorLoss(nn.Module):
    """How far a network is from equivariant on given states: `mean_{g ≠ e} D(f(L_g s), K_g f(s))`, to be added to a loss.

    Zero on these states where, and only where, the network is equivariant there. With `stop_gradient="original"` the outputs of
    the given states are targets, towards which those of their images move; with `"image"` it is the reverse; with
    `"none"` both move.

    Args:
        symmetry: of the MDP.
        output: what the network gives: `"action"` (logits or means, moved by `K_g`), a Representation (`group.trivial` for
            values of shape `(..., 1)`), None for what is invariant, of any shape, or a tuple of these.
        distance: `"squared"`: `‖·‖²` summed over the last axis; `"kl"`: of the categorical distributions with the
            outputs as logits, from target to other.
        stop_gradient: which side is a target.

    Shape:
        observations `(..., d)`, or images; the loss is a scalar, its mean over elements (but the identity) and states, summed
        over outputs.

    Raises:
        OptionError: an unknown distance or side, or another number of outputs (on a call).
        SymmetryError: `output="action"`, and the action map depends on the state.
        GroupError: the group is not listed.
        ShapeError: (on a call) observations have another shape, or there are none.

    Source: Yu, Turk and Liu 2018 (arXiv 1801.08093), equation 4; Abdolhosseini et al. 2019; detached targets, Mittal et al.
    2024 (arXiv 2403.04359).
    """

    def __init__(
        self,
        symmetry: Symmetry,
        output: Output | str = "action",
        *,
        distance: Distance = "squared",
        stop_gradient: StopGradient = "none",
    ):
        super().__init__()
        require_symmetry(symmetry)
        if distance not in ("squared", "kl"):
            raise OptionError(f"distance is 'squared' or 'kl'; got {distance!r}.")
        if stop_gradient not in ("none", "original", "image"):
            raise OptionError(f"stop_gradient is 'none', 'original' or 'image'; got {stop_gradient!r}.")
        if not symmetry.group.is_listed:
            raise GroupError(f"The mirror loss goes over all elements, but {symmetry.group!r} is not listed.")
        self.symmetry, self.distance, self.stop_gradient = symmetry, distance, stop_gradient
        self._outputs = Outputs(symmetry, output)
        if distance == "kl" and any(rep is None or rep.kind != "permutation" for rep in self._outputs.reps):
            raise OptionError("The distance 'kl' compares logits, which a permutation representation moves.")

    def forward(self, network: Callable[[Tensor], Any], observation: Tensor) -> Tensor:
        """The loss of a network on states; two or more forward passes, one of them over all images at once."""
        elements = tuple(self.symmetry.group)[1:] or (0,)
        shape = self.symmetry.observation_shape
        if not observation.numel():
            raise ShapeError(f"Expected one observation at least; got shape {tuple(observation.shape)}.")
        images = torch.stack([self.symmetry.transform_observation(g, observation) for g in elements])
        originals = self._outputs.split(network(observation))
        found = self._outputs.split(network(images.reshape(-1, *shape)))  # one axis of batch, which any network takes
        loss = torch.zeros((), dtype=observation.dtype, device=observation.device)
        for rep, original, output in zip(self._outputs.reps, originals, found, strict=True):
            center = self._outputs.center(rep)
            moved = [original if rep is None else act(rep, g, original, center, "The output") for g in elements]
            loss = loss + self._distance(torch.stack(moved), output.reshape(len(elements), *original.shape), rep is None)
        return loss

    def _distance(self, original: Tensor, image: Tensor, invariant: bool) -> Tensor:
        if self.stop_gradient == "original":
            original = original.detach()
        elif self.stop_gradient == "image":
            image = image.detach()
        if self.distance == "kl":
            target, other = (image, original) if self.stop_gradient == "image" else (original, image)
            return F.kl_div(other.log_softmax(-1), target.log_softmax(-1), reduction="none", log_target=True).sum(-1).mean()
        squares = (image - original).square()
        return squares.mean() if invariant else squares.sum(-1).mean()

    def extra_repr(self) -> str:
        """The group and the options."""
        return f"{self.symmetry.group.name}, distance={self.distance!r}, stop_gradient={self.stop_gradient!r}"
