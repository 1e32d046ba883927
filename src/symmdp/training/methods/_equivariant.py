from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from symmdp.mdp import Symmetry
from symmdp.policies import ActorCritic
from symmdp.training._options import TrainingOptions
from symmdp.training.methods._method import Method, Spaces


@dataclass(frozen=True)
class Equivariant(Method):
    """Networks that are equivariant by construction (van der Pol et al. 2020)."""

    name: ClassVar[str] = "equivariant"
    respects_symmetry: ClassVar[bool] = True
    size: ClassVar[str] = "its widths are the options'"

    def sized(self, symmetry: Symmetry, options: TrainingOptions, spaces: Spaces) -> TrainingOptions:
        """The options as they are: their sizes are those of the equivariant policy."""
        return options

    def policy(
        self,
        symmetry: Symmetry,
        spaces: Spaces,
        options: TrainingOptions,
        initial: torch.Generator,
        bases: np.random.Generator,
    ) -> ActorCritic:
        """An equivariant one."""
        return ActorCritic(symmetry, *self._arguments(spaces, options), **self._common(options, initial))
