from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

_ALIGNED = 64  # entries; the kernels treat what is left over at the end of an array by other instructions


class RowAdam:
    """Adam on the rows of a matrix, each row with a learning rate of its own:

        θ_r ← θ_r - α_r m̂_r / (√v̂_r + ε).

    The step is linear in the learning rate, so torch's fused Adam makes it at rate 1 on zeros, and each row takes its
    multiple. What a row becomes does not depend on the rows beside it, to the bit.

    Args:
        matrix: shape `(rows, parameters)`, contiguous float32; changed in place.
        epsilon: ε.

    Source: Kingma and Ba 2015, algorithm 1.
    """

    def __init__(self, matrix: Tensor, epsilon: float = 1e-5):
        self._matrix = matrix
        length = math.ceil(matrix.numel() / _ALIGNED) * _ALIGNED
        self._step, self._gradient = (torch.zeros(length, dtype=matrix.dtype) for _ in range(2))
        self._step.grad = self._gradient
        self.gradient = self._rows(self._gradient)
        """Where the gradient goes, shape `(rows, parameters)`."""
        self._adam = torch.optim.Adam([self._step], lr=1.0, eps=epsilon, fused=True)

    def step(self, rates: Sequence[float]) -> None:
        """Take one step along `gradient`, with the learning rate of each row."""
        self._step.zero_()
        self._adam.step()
        self._matrix.addcmul_(self._rows(self._step), torch.tensor(rates, dtype=self._matrix.dtype).unsqueeze(1))

    def forget(self, rows: Tensor) -> None:
        """Set the moments of rows to zero: without a gradient they then stand still.

        Args:
            rows: which, boolean, shape `(rows,)`.
        """
        for name, moment in self._adam.state.get(self._step, {}).items():
            if name != "step":
                self._rows(moment)[rows] = 0

    def saved(self) -> dict[str, Any]:
        """The number of steps and the moments."""
        return dict(self._adam.state_dict()["state"].get(0, {}))

    def restore(self, saved: dict[str, Any]) -> None:
        """Continue from what `saved` gave."""
        contents = self._adam.state_dict()
        contents["state"] = {0: saved} if saved else {}
        self._adam.load_state_dict(contents)

    def _rows(self, array: Tensor) -> Tensor:
        return array[: self._matrix.numel()].view(self._matrix.shape)
