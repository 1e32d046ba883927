from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from symmdp.maps import TiedParameters
from symmdp.nn._free_tensor import FreeTensor
from symmdp.representations import Representation, coordinate_blocks


class CoordinateBlocks(nn.Module):
    """The finest sets of coordinates that every `ρ(g)` maps into themselves, as index tensors; it has no parameters.

    One invariant number for each block multiplies the block's coordinates without harm, whatever the representation:
    a diagonal matrix commutes with every `ρ(g)` exactly when it is constant on blocks.

    Args:
        rep: a representation of dimension `dim`; `count` is the number of its blocks.
        device: of the index tensors.
    """

    label: Tensor
    position: Tensor
    member: Tensor

    def __init__(self, rep: Representation, *, device: torch.device | str | None = None):
        super().__init__()
        label = block_label(rep)
        sizes = np.bincount(label)
        self.count = len(sizes)
        position = np.zeros((self.count, sizes.max()), dtype=np.int64)
        for k, row in enumerate(position):
            row[: sizes[k]] = np.flatnonzero(label == k)
        member = np.arange(sizes.max()) < sizes[:, None]
        for name, array in {"label": label, "position": position, "member": member}.items():
            self.register_buffer(name, torch.tensor(array, device=device), persistent=False)

    def lengths(self, x: Tensor) -> Tensor:
        """The Euclidean length of each block, shape `(..., dim)` to `(..., count)`; float32 for narrower types."""
        dtype = accumulation_dtype(x.dtype)
        if self.count == x.shape[-1]:
            return x.to(dtype).abs()
        members = x.index_select(-1, self.position.flatten()).unflatten(-1, tuple(self.position.shape))
        return torch.linalg.vector_norm(members.masked_fill(~self.member, 0), dim=-1, dtype=dtype)

    def spread(self, values: Tensor) -> Tensor:
        """Each block's value at each of its coordinates, shape `(..., count)` to `(..., dim)`."""
        return values.index_select(-1, self.label)

    def extra_repr(self) -> str:
        """The number of blocks."""
        return f"{self.count} blocks of {len(self.label)} coordinates"


def block_label(rep: Representation) -> NDArray[np.int64]:
    """The block of each coordinate, `0 … count-1` in the order of their first coordinates; shape `(dim,)`."""
    label = np.zeros(rep.dim, dtype=np.int64)
    for k, block in enumerate(coordinate_blocks(rep)):
        label[block] = k
    return label


def commuting_scale(
    rep: Representation, *, dtype: torch.dtype | None = None, device: torch.device | str | None = None
) -> FreeTensor:
    """A vector `s`, 1 at the start, whose `diag(s)` commutes with every `ρ(g)`: one free number for each block."""
    label = block_label(rep)
    scale = FreeTensor(TiedParameters((rep.dim,), label, np.ones_like(label), int(label.max()) + 1), dtype=dtype, device=device)
    with torch.no_grad():
        scale.theta.fill_(1)
    return scale


def accumulation_dtype(dtype: torch.dtype) -> torch.dtype:
    """The type that sums are taken in: float32 for bfloat16 and float16."""
    return torch.float32 if dtype in (torch.bfloat16, torch.float16) else dtype


def along_features(tensor: Tensor) -> Tensor:
    """A vector of features as it meets a batch: `(dim,)` as it is, `(stack, dim)` as `(stack, 1, dim)`."""
    return tensor if tensor.ndim == 1 else tensor.unsqueeze(-2)
