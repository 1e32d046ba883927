from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from symmdp.mdp import Symmetry
from symmdp.policies import ActorCritic, CanonicalActorCritic
from symmdp.training._options import TrainingOptions
from symmdp.training.methods._method import Method, Spaces


@dataclass(frozen=True)
class Canonicalizing(Method):
    """A plain network that sees canonical states only, and whose actions are mapped back (Kaba et al. 2023)."""

    name: ClassVar[str] = "canonicalization"
    respects_symmetry: ClassVar[bool] = True

    def policy(
        self,
        symmetry: Symmetry,
        spaces: Spaces,
        options: TrainingOptions,
        initial: torch.Generator,
        bases: np.random.Generator,
    ) -> ActorCritic:
        """A plain one behind a canonicalization."""
        return CanonicalActorCritic(symmetry, *self._arguments(spaces, options), **self._common(options, initial))
