from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from symmdp.errors import DivergenceError, OptionError, ShapeError
from symmdp.maps import SymmetrizedMoments
from symmdp.nn._coordinate_blocks import CoordinateBlocks
from symmdp.representations import ImageRepresentation, Representation


class EquivariantRunningNorm(nn.Module):
    """Normalisation by running statistics that the group leaves unchanged: `z = (x − m) / √(v + ε)`.

    `m` and `v` are exactly those of the data seen *and all their images under the group*, `x ↦ ρ(g)(x − c) + c`: of the data
    augmented by it. Hence `z(ρ(g)(x − c) + c) = ρ(g) z(x)`. One variance belongs to each orbit of coordinates; where the
    matrices are no signed permutations, to each coordinate block. Images have one mean and variance for each orbit of
    channels, over all pixels. The same statistics for environments are `symmdp.mdp.SymmetricStatistics`.

    Only `update` counts, in training mode; the forward pass never does, so that the passes of an optimiser over the same data
    see one function. Moments are buffers, merged and kept in float64 whatever the module is cast to; nothing is learned.

    Args:
        rep: the representation `ρ` of the input, also of images (`symmdp.representations.image`).
        center: the fixed point `c`, shape `(dim,)` or that of images; the origin when not given.
        epsilon: `ε`.
        clip: the largest absolute value of a coordinate of `z`, or None. Of a block of `n` coordinates that the group mixes
            otherwise than by signed permutations, the length is at most `√n clip` (in the invariant inner product).
        device: of the buffers.

    Shape:
        `(..., dim)` to `(..., dim)`, or `(..., channels, height, width)`; floats keep their dtype, other numbers become
        torch's default.

    Raises:
        OptionError: `epsilon` or `clip` is not positive.
        RepresentationError: `rep` is not orthogonal, and its group is not listed.
        ShapeError: the centre or (forward, update) the input has another shape.

    Source: Chan, Golub and LeVeque 1979, *Updating formulae and a pairwise algorithm for computing sample variances*,
    section 2.
    """

    count: Tensor
    mean: Tensor
    variance: Tensor
    root: Tensor | None
    root_inverse: Tensor | None
    projector: Tensor
    position: Tensor
    position_sign: Tensor
    index: Tensor
    sign: Tensor
    center: Tensor | None

    def __init__(
        self,
        rep: Representation,
        center: ArrayLike | None = None,
        *,
        epsilon: float = 1e-8,
        clip: float | None = 10.0,
        device: torch.device | str | None = None,
    ):
        super().__init__()
        for name, value in (("epsilon", epsilon), ("clip", 1.0 if clip is None else clip)):
            if not (math.isfinite(value) and value > 0):
                raise OptionError(f"{name} must be a positive number{' or None' if name == 'clip' else ''}; got {value!r}.")
        self.epsilon, self.clip = epsilon, clip
        self._is_image = isinstance(rep, ImageRepresentation)
        self.takes_images = self.gives_images = self._is_image
        self.plane: Representation | None = rep.plane if isinstance(rep, ImageRepresentation) else None
        self._shape = rep.shape if isinstance(rep, ImageRepresentation) else (rep.dim,)
        features = rep.channels if isinstance(rep, ImageRepresentation) else rep
        self.rep_in = self.rep_out = features  # of the channels, as in all layers of images
        moments = SymmetrizedMoments(features)
        self.is_signed = moments.tied is not None
        self.blocks = CoordinateBlocks(features, device=device)
        constants: dict[str, np.ndarray | None] = {"root": moments.root, "projector": moments.projector}
        constants["root_inverse"] = None if moments.root is None else np.linalg.inv(moments.root)
        if moments.tied is not None:
            position, sign = moments.tied.members
            constants |= {"position": position, "position_sign": sign / np.maximum(moments.tied.sizes, 1)}
            constants |= {"index": moments.tied.index, "sign": moments.tied.sign.astype(np.float64)}
        constants["center"] = self._checked(center)
        for name, value in constants.items():
            self.register_buffer(name, None if value is None else torch.tensor(value, device=device), persistent=False)
        moved = {"count": np.array(0), "mean": np.zeros(features.dim), "variance": np.ones(features.dim)}
        for name, value in moved.items():
            self.register_buffer(name, torch.tensor(value, device=device))

    def _checked(self, center: ArrayLike | None) -> np.ndarray | None:
        if center is None:
            return None
        array = np.array(center, dtype=np.float64)
        if array.shape not in {self._shape, (math.prod(self._shape),)}:
            raise ShapeError(f"The centre has shape {array.shape}; expected {self._shape}, a number for each coordinate.")
        return array.reshape(self._shape)

    @torch.no_grad()
    def update(self, x: Tensor) -> None:
        """Count data, of the shape of an input; does nothing in eval mode, where the statistics are frozen.

        Raises:
            DivergenceError: an entry is not finite, or its square is not; nothing was counted. (Compiled code leaves such data
                out without a word.)
        """
        if not self.training:
            return
        data = self._features(x).reshape(-1, self.mean.shape[-1])
        if len(data) == 0:
            return
        if self.root is not None:
            data = data @ self.root.mT
        mean = data.mean(0)
        mean = mean + (data - mean).mean(0)  # what the first sum rounded away
        delta, share = mean - self.mean, len(data) / (self.count + len(data)).double()
        variance = (data - mean).square().mean(0)
        known = torch.where(self.count > 0, self.variance, torch.zeros_like(self.variance))
        variance = known + share * (variance - known) + delta.square() * (share * (1 - share))
        mean = self.mean + delta * share
        good = torch.isfinite(mean + variance).all()  # what is not would spoil the statistics for good
        if not torch.compiler.is_compiling() and not good:
            raise DivergenceError(
                "The data hold numbers that are not finite, or whose squares are not. Leave them out before update()."
            )
        self.variance.copy_(torch.where(good, variance, self.variance))
        self.mean.copy_(torch.where(good, mean, self.mean))
        self.count.add_(len(data) * good)

    def statistics(self) -> tuple[Tensor, Tensor]:
        """`(m − c, v)` in float64, a number for each coordinate, or for each channel of images."""
        if self.is_signed:
            theta = (self.mean[self.position] * self.position_sign).sum(0)
            mean = theta[self.index] * self.sign if len(theta) else torch.zeros_like(self.mean)
        else:
            mean = self.projector @ self.mean
        second = self.variance + (self.mean - mean).square()
        if self.root_inverse is not None:
            mean = self.root_inverse @ mean
        variance = self.blocks.spread(self._block_means(second))
        return mean, torch.where(self.count > 0, variance, torch.ones_like(variance))

    def location_and_scale(self) -> tuple[Tensor, Tensor]:
        """`m` and `√(v + ε)` in float64, of shapes that broadcast to an input: `z = (x − m) / √(v + ε)` before clipping."""
        mean, variance = self.statistics()
        scale = (variance + self.epsilon).sqrt()
        if self._is_image:
            mean, scale = mean[:, None, None], scale[:, None, None]
        return (mean if self.center is None else mean + self.center), scale

    def forward(self, x: Tensor) -> Tensor:
        """`z`, clipped, of the shape of `x`."""
        mean, variance = self.statistics()
        z = (self._features(x) - mean) / (variance + self.epsilon).sqrt()
        if self.clip is not None:
            z = self._clipped(z, self.clip)
        if self._is_image:
            z = z.movedim(-1, -3)
        return z.to(x.dtype if x.is_floating_point() else torch.get_default_dtype())

    def _features(self, x: Tensor) -> Tensor:
        """`x − c` in float64, with the channels of images last."""
        if tuple(x.shape[-len(self._shape) :]) != self._shape:
            raise ShapeError(f"The input has shape {tuple(x.shape)}; expected (…, {', '.join(map(str, self._shape))}).")
        centered = x.double()
        if self.center is not None:
            centered = centered - self.center
        return centered.movedim(-3, -1) if self._is_image else centered

    def _block_means(self, squares: Tensor) -> Tensor:
        members = squares.index_select(-1, self.blocks.position.flatten()).unflatten(-1, tuple(self.blocks.position.shape))
        return members.masked_fill(~self.blocks.member, 0).sum(-1) / self.blocks.member.sum(-1)

    def _clipped(self, z: Tensor, clip: float) -> Tensor:
        if self.is_signed:
            return z.clamp(-clip, clip)
        y = z if self.root is None else z @ self.root.mT
        length = self._block_means(y.square()).sqrt()  # the root mean square of a block's coordinates
        return z * self.blocks.spread(clip / length.clamp_min(clip))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> EquivariantRunningNorm:
        wide = {name: value for name, value in self._buffers.items() if value is not None and value.is_floating_point()}
        super()._apply(fn, recurse)
        for name, value in wide.items():  # a cast would lose digits of the statistics
            moved = self._buffers[name]
            if moved is not None and moved.device.type != "meta" and moved.dtype is not torch.float64:
                self._buffers[name] = value.to(moved.device)
        return self

    def extra_repr(self) -> str:
        """The representation and the options."""
        return f"{self.rep_in.name}, epsilon={self.epsilon}, clip={self.clip}"
