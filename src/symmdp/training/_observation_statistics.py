from __future__ import annotations

import json
from contextlib import suppress

import torch
from torch import Tensor

from symmdp.errors import DivergenceError
from symmdp.mdp import SymmetricStatistics
from symmdp.training._stack import PolicyStack

_EPSILON = 1e-4  # in z = (x − m)/√(v + ε): what has hardly moved so far may move later


class ObservationStatistics:
    """Running mean and variances of what each policy of a stack has seen, by which the policies normalise observations.

    They are symmetrised under the group of the policies: an equivariant policy remains one, and a plain one has a mean and a
    variance for each coordinate. Policies change when they are counted, that is between a rollout and the next.

    Args:
        stack: the policies, whose observations are vectors.
    """

    def __init__(self, stack: PolicyStack):
        self._stack = stack
        symmetry = stack.module.symmetry
        self._rows = [SymmetricStatistics(symmetry, epsilon=_EPSILON, clip=None) for _ in range(stack.size)]

    def count(self, observations: Tensor) -> None:
        """Count observations, shape `(stack, transitions, dim)`."""
        for statistics, own in zip(self._rows, observations.numpy(), strict=True):
            with suppress(DivergenceError):  # the loss of such observations is not finite either, and the row fails
                statistics.update(own)
        self._apply()

    def _apply(self) -> None:
        mean = torch.stack([torch.from_numpy(statistics.mean.copy()) for statistics in self._rows])
        variance = torch.stack([torch.from_numpy(statistics.variance) for statistics in self._rows])
        self._stack.normalize(mean, (variance + _EPSILON).sqrt())

    def saved(self) -> list[str]:
        """What was counted for each policy, as JSON."""
        return [json.dumps(statistics.state_dict()) for statistics in self._rows]

    def restore(self, saved: list[str]) -> None:
        """Go on from what `saved` gave, with the policies normalising by it."""
        for statistics, state in zip(self._rows, saved, strict=True):
            statistics.load_state_dict(json.loads(state))
        if any(statistics.count for statistics in self._rows):
            self._apply()
