from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from symmdp.mdp import Symmetry
from symmdp.policies import ActorCritic, matched_hidden, matched_sizes
from symmdp.training._losses import Batch
from symmdp.training._options import TrainingOptions


@dataclass(frozen=True)
class Spaces:
    """The spaces of an environment."""

    observation: gym.Space
    action: gym.Space

    @property
    def discrete(self) -> bool:
        """Whether actions are discrete."""
        return isinstance(self.action, gym.spaces.Discrete)


class Supplement:
    """What a method adds to each gradient step of a stack of policies, each seed by itself; by itself, nothing."""

    def batch(self, batch: Batch) -> Batch:
        """The transitions to take the step on, in place of those of the minibatch."""
        return batch

    def loss(self, policy: ActorCritic, batch: Batch) -> dict[str, Tensor]:
        """Terms to add to the loss, each of shape `(stack,)`, by the name under which they are recorded."""
        return {}

    def saved(self) -> dict[str, Any]:
        """Everything that the future depends on, as tensors and JSON strings."""
        return {}

    def restore(self, saved: dict[str, Any]) -> None:
        """Continue from what `saved` gave."""


@dataclass(frozen=True)
class Method:
    """A way to use a symmetry (or not to): how its policies are built, and what it adds to the training.

    A frozen value; a method differs from the others in these four answers alone. `options` and `symmetry` are those of the
    comparison: `options.hidden` are the widths of the equivariant policy.
    """

    name: ClassVar[str]
    respects_symmetry: ClassVar[bool] = False
    """Whether its policies are equivariant by construction."""
    size: ClassVar[str] = "widths that give the plain network nearest as many parameters as the equivariant one"
    """How the number of parameters is matched to that of the equivariant policy."""

    def sized(self, symmetry: Symmetry, options: TrainingOptions, spaces: Spaces) -> TrainingOptions:
        """The options with the sizes of this method's networks; by default those of a plain network of matched size."""
        if len(symmetry.observation_shape) == 1:
            return replace(options, hidden=matched_hidden(symmetry, options.hidden, discrete=spaces.discrete))
        hidden, convolutions = matched_sizes(symmetry, options.hidden, options.convolutions, discrete=spaces.discrete)
        return replace(options, hidden=hidden, convolutions=convolutions)

    def policy(
        self,
        symmetry: Symmetry,
        spaces: Spaces,
        options: TrainingOptions,
        initial: torch.Generator,
        bases: np.random.Generator,
    ) -> ActorCritic:
        """The policy of one seed; by default a plain one.

        Args:
            symmetry: of the environment.
            spaces: of the environment.
            options: hyper-parameters, with the widths of this method.
            initial: where the seed's initial values are drawn from.
            bases: where its bases are, if it has some.
        """
        return ActorCritic(symmetry.restrict_to_trivial(), *self._arguments(spaces, options), **self._common(options, initial))

    def supplement(self, symmetry: Symmetry, spaces: Spaces, options: TrainingOptions, seeds: Sequence[int]) -> Supplement:
        """What is added to each gradient step; by default nothing."""
        return Supplement()

    @staticmethod
    def _arguments(spaces: Spaces, options: TrainingOptions) -> tuple[gym.Space, gym.Space, tuple[int, ...]]:
        return spaces.observation, spaces.action, options.hidden

    @staticmethod
    def _common(options: TrainingOptions, initial: torch.Generator) -> dict[str, Any]:
        functions = {"tanh": torch.tanh, "relu": torch.relu, None: None}
        return {
            "activation": functions[options.activation],
            "convolutions": options.convolutions,
            "log_std": options.log_std,
            "generator": initial,
            "dtype": torch.float32,
        }
