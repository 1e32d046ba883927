"""The plain module of a norm by running statistics, which are frozen in it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from symmdp.nn._plain import Blocks


class Standardization(nn.Module):
    """`z = (x − location) / scale` in float64, clipped (`EquivariantRunningNorm`).

    Args:
        location: of the shape of an input, or that broadcasts to it.
        scale: likewise.
        clip: the largest absolute value of a coordinate, or root mean square of a block, or None.
        blocks: the coordinates whose length is clipped together; None: each by itself.
        root: changes coordinates before lengths are taken, shape `(dim, dim)`, or None.
    """

    location: Tensor
    scale: Tensor
    root: Tensor | None

    def __init__(self, location: Tensor, scale: Tensor, clip: float | None, blocks: Blocks | None, root: Tensor | None):
        super().__init__()
        self.clip, self.blocks = clip, blocks
        for name, value in {"location": location, "scale": scale, "root": root}.items():
            self.register_buffer(name, value)

    def forward(self, x: Tensor) -> Tensor:
        """The normalised `x`, of its shape; floats keep their dtype, other numbers become torch's default."""
        z = (x.double() - self.location) / self.scale
        if self.clip is not None:
            z = self._clipped(z, self.clip)
        return z.to(x.dtype if x.is_floating_point() else torch.get_default_dtype())

    def _clipped(self, z: Tensor, clip: float) -> Tensor:
        if self.blocks is None:
            return z.clamp(-clip, clip)
        y = z if self.root is None else z @ self.root.mT
        sizes = self.blocks.member.sum(-1).double().sqrt()
        return z * self.blocks.spread(clip / (self.blocks.lengths(y) / sizes).clamp_min(clip))

    def extra_repr(self) -> str:
        """The options."""
        return f"clip={self.clip}"
