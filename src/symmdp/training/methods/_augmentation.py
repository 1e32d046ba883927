from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
import torch

from symmdp.mdp import Augmentation, Symmetry
from symmdp.training._losses import Batch
from symmdp.training._options import TrainingOptions
from symmdp.training._streams import restore_states, states_of, stream
from symmdp.training.methods._method import Method, Spaces, Supplement


@dataclass(frozen=True)
class Augmenting(Method):
    """A plain network whose gradient steps are taken on images of the transitions as well (Mittal et al. 2024)."""

    name: ClassVar[str] = "augmentation"

    def supplement(self, symmetry: Symmetry, spaces: Spaces, options: TrainingOptions, seeds: Sequence[int]) -> Supplement:
        """Images of each minibatch."""
        return Images(symmetry, seeds, discrete=spaces.discrete, every=options.augmentation == "all")


class Images(Supplement):
    """The images `(L_g s, K_g a)` of the transitions of a minibatch, under all elements, or each under a random one.

    Advantages and value targets are those of the original, which a symmetric MDP gives under the mirrored policy
    `π_g(a|s) = π_old(K_g⁻¹ a|L_g⁻¹ s)`. That is the policy which would have sampled the image, and with the probability
    `π_g(K_g a|L_g s) = π_old(a|s)`: so the log-probability of the original is what the image's ratio
    `π_θ(K_g a|L_g s) / π_old(a|s)` is taken to, and not `π_old(K_g a|L_g s)`, under which no action was drawn. For
    REINFORCE, which has no ratio, images are off-policy by as much as `π_θ` is not equivariant.

    Args:
        symmetry: of the MDP.
        seeds: of the run; each draws elements from a stream of its own.
        discrete: whether actions are indices.
        every: extend the minibatch by all images; otherwise replace each transition by a random image.

    Source: Mittal et al. 2024 (arXiv 2403.04359), section 3.
    """

    def __init__(self, symmetry: Symmetry, seeds: Sequence[int], *, discrete: bool, every: bool):
        self._augmentation = Augmentation(symmetry, discrete=discrete)
        self._every, self._order = every, symmetry.group.order
        self._streams = [stream(seed, "augmentation") for seed in seeds]

    def batch(self, batch: Batch) -> Batch:
        """The images, `|G|` times as many transitions where all are taken; the originals come first."""
        if not self._every:
            elements = np.stack([own.integers(self._order, size=batch.weight.shape[1]) for own in self._streams])
            return self._moved(batch, elements)
        images = [batch, *(self._moved(batch, g) for g in range(1, self._order))]
        joined = {field.name: torch.cat([getattr(b, field.name) for b in images], dim=1) for field in fields(Batch)}
        return replace(batch, **joined)

    def _moved(self, batch: Batch, elements: Any) -> Batch:
        moved = self._augmentation.transform({"observation": batch.observation, "action": batch.action}, elements)
        return replace(batch, **moved)

    def saved(self) -> dict[str, Any]:
        """The streams."""
        return {"streams": states_of(self._streams)}

    def restore(self, saved: dict[str, Any]) -> None:
        """Continue from what `saved` gave."""
        restore_states(self._streams, saved["streams"])
