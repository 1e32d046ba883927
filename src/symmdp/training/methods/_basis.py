from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

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
    changed: ClassVar[Mapping[str, Any]] = {}

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
        """One with bases of its own."""
        common = {**self._common(options, initial), **self.changed}
        return BasisActorCritic(symmetry, *self._arguments(spaces, options), basis=self.basis, bases=bases, **common)


@dataclass(frozen=True)
class RandomBasis(_OtherBasis):
    """Weights in random subspaces of all maps, with as many coefficients as the equivariant ones (the paper's *random*)."""

    name: ClassVar[str] = "random-basis"
    size: ClassVar[str] = "as many coefficients as the equivariant policy in every layer"
    basis: ClassVar[Basis] = "random"


@dataclass(frozen=True)
class NullspaceBasis(_OtherBasis):
    """Weights orthogonal to the equivariant maps (the paper's *nullspace*); always with ReLU, as the paper has it.

    For a group of two elements these maps are those with `ρ_out(g) W = −W ρ_in(g)`. An odd activation, such as tanh, passes
    the sign on, so that `n` layers have `f(L_g s) = (−1)ⁿ K_g f(s)` but for biases: an even number would be equivariant after
    all, and an odd number would take *the same* action in a state and in its mirror image, and could not balance a pole.
    """

    name: ClassVar[str] = "nullspace-basis"
    size: ClassVar[str] = "as many coefficients as the equivariant policy in every layer, or all where there are fewer; ReLU"
    basis: ClassVar[Basis] = "nullspace"
    changed: ClassVar[Mapping[str, Any]] = {"activation": torch.relu}
