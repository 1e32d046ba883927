from __future__ import annotations

import threading
from typing import Any

import torch
from torch import Tensor


class Workspace(threading.local):
    """Memory for what a product computes on the way, the same at every call of a thread.

    Fresh memory is dear on the CPU: the operating system clears it page by page when it is first written, which can take
    longer than the product. Copies and pickles begin with an empty one.
    """

    LEAST = 1 << 14  # numbers: what is smaller comes from memory that the process has at hand
    MOST = 1 << 23  # numbers: what is larger is not held

    def __init__(self) -> None:
        self._buffers: dict[str, Tensor] = {}

    def take(self, name: str, size: int, like: Tensor) -> Tensor:
        """`size` numbers of the dtype and on the device of a tensor, with any values; valid until the name is taken again."""
        if size < self.LEAST or size > self.MOST or not like.is_cpu:
            return torch.empty(size, dtype=like.dtype, device=like.device)
        found = self._buffers.get(name)
        if found is None or found.numel() < size or found.dtype != like.dtype:
            with torch.inference_mode(False):  # it may be written to outside of inference mode, too
                found = self._buffers[name] = torch.empty(size, dtype=like.dtype, device=like.device)
        return found if found.numel() == size else found[:size]

    def __deepcopy__(self, memo: dict[int, Any]) -> Workspace:
        return Workspace()

    def __reduce__(self) -> tuple[Any, ...]:
        return Workspace, ()
