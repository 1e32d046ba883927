from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


class ExactConstant(nn.Module):
    """A constant tensor that is taken anew from its float64 values whenever the module is cast: no cast leaves rounding.

    It is no parameter, and no part of the state dict; calling it gives the tensor.

    Args:
        values: the exact values.
        dtype: torch's default when not given.
        device: of the tensor.
    """

    value: Tensor

    def __init__(
        self,
        values: NDArray[np.float64],
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ):
        super().__init__()
        self._exact = np.array(values, dtype=np.float64)
        tensor = torch.tensor(self._exact, device=device).to(dtype or torch.get_default_dtype())
        self.register_buffer("value", tensor, persistent=False)

    def forward(self) -> Tensor:
        """The tensor."""
        return self.value

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> ExactConstant:
        super()._apply(fn, recurse)
        if self.value.device.type != "meta":
            self.value = torch.tensor(self._exact, device=self.value.device).to(self.value.dtype)
        return self
