from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from symmdp.errors import GroupError
from symmdp.mdp import Symmetry
from symmdp.policies import ActorCritic
from symmdp.training._losses import Batch
from symmdp.training._options import TrainingOptions
from symmdp.training.methods._method import Method, Spaces, Supplement


@dataclass(frozen=True)
class MirrorPenalty(Method):
    """A plain network whose loss penalises how far it is from equivariant (Yu et al. 2018)."""

    name: ClassVar[str] = "mirror-loss"

    def supplement(self, symmetry: Symmetry, spaces: Spaces, options: TrainingOptions, seeds: Sequence[int]) -> Supplement:
        """The penalty."""
        return Penalty(
            symmetry,
            discrete=spaces.discrete,
            coefficient=options.mirror_coefficient,
            stop_gradient=options.mirror_stop_gradient,
        )


class Penalty(Supplement):
    """The mirror loss of each policy of a stack, `c · mean_{g ≠ e} D(f(L_g s), K_g f(s))`, over the states of its transitions.

    `f` are means, with `D` the squared distance, or logits, with `D(f', f) = KL(softmax f ‖ softmax f')`, which does not
    see what logits have in common. It is `symmdp.mdp.MirrorLoss` for each seed.

    Args:
        symmetry: of the MDP.
        discrete: whether actions are discrete.
        coefficient: `c`.
        stop_gradient: which side is a target, and gets no gradient: "none" of them, the "original", or the "image".

    Raises:
        GroupError: the group is not listed.

    Source: Yu, Turk and Liu 2018 (arXiv 1801.08093), equation 4.
    """

    def __init__(self, symmetry: Symmetry, *, discrete: bool, coefficient: float, stop_gradient: str):
        if not symmetry.group.is_listed:
            raise GroupError(f"The mirror loss goes over all elements, but {symmetry.group!r} is not listed.")
        self._symmetry, self._discrete = symmetry, discrete
        self._coefficient, self._stop_gradient = coefficient, stop_gradient
        self._elements = tuple(symmetry.group)[1:] or (0,)

    def loss(self, policy: ActorCritic, batch: Batch) -> dict[str, Tensor]:
        """`mirror_loss`, shape `(stack,)`."""
        n = batch.weight.shape[1]
        images = torch.cat([self._symmetry.transform_observation(g, batch.observation) for g in self._elements], dim=1)
        # One forward pass for all, and of the actor's outputs alone.
        outputs = policy(torch.cat([batch.observation, images], dim=1))[0]
        original, image = outputs[:, :n], outputs[:, n:].unflatten(1, (-1, n))
        moved = torch.stack([self._symmetry.transform_action(g, original, discrete=False) for g in self._elements], dim=1)
        if self._stop_gradient == "original":
            moved = moved.detach()
        elif self._stop_gradient == "image":
            image = image.detach()
        distance = self._distance(moved, image).mean(1)
        share = batch.weight / batch.weight.sum(1, keepdim=True).clamp_min(1)
        return {"mirror_loss": self._coefficient * (share * distance).sum(1)}

    def _distance(self, moved: Tensor, image: Tensor) -> Tensor:
        if not self._discrete:
            return (image - moved).square().sum(-1)
        target, other = (image, moved) if self._stop_gradient == "image" else (moved, image)
        return F.kl_div(other.log_softmax(-1), target.log_softmax(-1), reduction="none", log_target=True).sum(-1)
