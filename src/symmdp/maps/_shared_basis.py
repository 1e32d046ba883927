from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class SharedBasis:
    """A space of arrays made of blocks that share one basis: block `i` of the array is `Σ_k θ[i, k] B[k]`.

    A layer from `n` copies of one representation to `m` copies of another has `m × n` blocks, each a map from one copy to
    one copy; a bias has `m`. So a basis for one pair of copies serves all pairs, each with coefficients of its own.

    Attributes:
        basis: orthonormal, float64, shape `(elements, *block)`.
        copies: how many blocks there are along each axis of the array.

    Source: van der Pol et al. 2020, section 4.2: the channels of a layer share its basis.
    """

    basis: NDArray[np.float64]
    copies: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return tuple(n * size for n, size in zip(self.copies, self.basis.shape[1:], strict=True))

    @property
    def count(self) -> int:
        """The number of coefficients, `θ` of shape `(*copies, elements)` in one axis."""
        return math.prod(self.copies) * len(self.basis)

    @cached_property
    def to_array(self) -> tuple[int, ...]:
        """The order of the axes `(*copies, *block)` in the array: each axis of copies before that of its block."""
        n = len(self.copies)
        return tuple(axis for pair in zip(range(n), range(n, 2 * n), strict=True) for axis in pair)

    def expand(self, theta: NDArray) -> NDArray:
        """The arrays with coefficients `theta`, shape `(..., count)` to `(..., *shape)`."""
        lead = theta.shape[:-1]
        blocks = np.tensordot(theta.reshape(*lead, *self.copies, len(self.basis)), self.basis, axes=1)
        order = (*range(len(lead)), *(len(lead) + axis for axis in self.to_array))
        return blocks.transpose(order).reshape(*lead, *self.shape)

    def project(self, array: NDArray) -> NDArray:
        """The coefficients of the nearest array of the space, shape `(*shape)` to `(count,)`."""
        pairs = [length for pair in zip(self.copies, self.basis.shape[1:], strict=True) for length in pair]
        blocks = array.reshape(pairs).transpose(np.argsort(self.to_array))
        return np.tensordot(blocks, self.basis, axes=(range(len(self.copies), blocks.ndim), range(1, self.basis.ndim))).ravel()
