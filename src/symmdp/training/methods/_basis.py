from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from symmdp.mdp import Symmetry
from symmdp.policies import ActorCritic, BasisActorCritic
from symmdp.policies._basis_actor_critic import Basis
from symmdp.training._options import TrainingOptions
from symmdp.training.methods._method import Method, Spaces


@dataclass(frozen=True)
class _OtherBasis(Method):
    """The equivariant architecture with weights in another space of maps; each seed draws bases of its own."""

    basis: ClassVar[Basis]

    def widths(self, symmetry: Symmetry, options: TrainingOptions, spaces: Spaces) -> tuple[int, ...]:
        """Those of the equivariant policy."""
        return options.hidden

    def policy(
        self,
        symmetry: Symmetry,
        spaces: Spaces,
        options: TrainingOptions,
        initial: torch.Generator,
        bases: np.random.Generator,
    ) -> ActorCritic:
        """One with bases of its own."""
        common = self._common(options, initial)
        return BasisActorCritic(symmetry, *self._arguments(spaces, options), basis=self.basis, bases=bases, **common)


@dataclass(frozen=True)
class RandomBasis(_OtherBasis):
    """Weights in random subspaces of all maps, with as many coefficients as the equivariant ones (the paper's *random*)."""

    name: ClassVar[str] = "random-basis"
    size: ClassVar[str] = "as many coefficients as the equivariant policy in every layer"
    basis: ClassVar[Basis] = "random"


@dataclass(frozen=True)
class NullspaceBasis(_OtherBasis):
    """Weights orthogonal to the equivariant maps (the paper's *nullspace*)."""

    name: ClassVar[str] = "nullspace-basis"
    size: ClassVar[str] = "as many coefficients as the equivariant policy in every layer, or all where there are fewer"
    basis: ClassVar[Basis] = "nullspace"
