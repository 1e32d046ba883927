from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import forward_ad


def is_eager(x: Tensor, theta: Tensor) -> bool:
    """Whether a product may be written out: eager reverse-mode autograd runs, on one module, with tensors of one dtype.

    Compilers, transforms of torch.func, forward mode and autocast need plain operations.
    """
    return not (
        torch._C._are_functorch_transforms_active()
        or torch.compiler.is_compiling()
        or torch.is_autocast_enabled(x.device.type)
        or x.dtype != theta.dtype
        or theta.ndim != 1
        or forward_ad._current_level >= 0
    )
