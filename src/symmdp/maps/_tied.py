from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy  # loads its parts when they are first used
from numpy.typing import NDArray

from symmdp.errors import RepresentationError
from symmdp.representations import Representation


@dataclass(frozen=True, eq=False)
class TiedParameters:
    """How a group ties the entries of an array: `array = sign * theta[index]`, with one free `theta` for each orbit.

    Attributes:
        shape: the array's shape.
        index: int64 of that shape, the orbit of each entry (0 where the sign is 0).
        sign: int64 of that shape, +1 or -1 relative to the first entry of the orbit; 0 where the entry must vanish,
            because the group maps it onto its own negative.
        count: the number of free parameters.
    """

    shape: tuple[int, ...]
    index: NDArray[np.int64]
    sign: NDArray[np.int64]
    count: int

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """The number of entries in each orbit, shape `(count,)`."""
        return np.bincount(self.index[self.sign != 0], minlength=self.count)

    @cached_property
    def members(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """`(position, sign)`, each of shape `(largest orbit, count)`: the flat positions of an orbit's entries, in columns.

        Short orbits are padded with position 0 and sign 0, so that `(array.flat[position] * sign).sum(0)` sums an array
        over each orbit: the transpose of the expansion.
        """
        flat_sign, flat_index = self.sign.ravel(), self.index.ravel()
        entries = np.flatnonzero(flat_sign)
        entries = entries[np.argsort(flat_index[entries], kind="stable")]
        orbit = flat_index[entries]
        within = np.arange(len(entries)) - np.concatenate([[0], np.cumsum(self.sizes)[:-1]]).astype(np.int64)[orbit]
        width = int(self.sizes.max(initial=0))
        position = np.zeros((width, self.count), dtype=np.int64)
        sign = np.zeros((width, self.count), dtype=np.int64)
        position[within, orbit] = entries
        sign[within, orbit] = flat_sign[entries]
        return position, sign

    def expand(self, theta: NDArray) -> NDArray:
        """The array with free parameters `theta`, shape `(..., count)` to `(..., *shape)`."""
        if self.count == 0:
            return np.zeros(theta.shape[:-1] + self.shape, dtype=theta.dtype)
        return theta[..., self.index] * self.sign.astype(theta.dtype)

    def project(self, array: NDArray) -> NDArray:
        """The free parameters of the nearest tied array: the signed mean over each orbit, `(..., *shape)` to `(..., count)`."""
        position, sign = self.members
        flat = array.reshape(*array.shape[: array.ndim - len(self.shape)], -1)
        return (flat[..., position] * sign).sum(-2) / self.sizes


def tie(shape: tuple[int, ...], source: NDArray[np.int64], sign: NDArray[np.int64]) -> TiedParameters:
    """Tie the entries of an array that signed permutations leave unchanged.

    Entry `i` must equal `sign[s, i]` times entry `source[s, i]` for every generator `s`. The orbits are the connected
    components of the signed double cover (a node `+i` and a node `-i` for each entry); an orbit that holds both `+i`
    and `-i` forces its entries to zero. Generators suffice, no group is enumerated, and the result is exact.

    Args:
        shape: the array's shape, with `N` entries in all.
        source: int64, shape `(generators, N)`.
        sign: ±1, shape `(generators, N)`.
    """
    n = int(np.prod(shape))
    entry = np.broadcast_to(np.arange(n), source.shape)
    opposite = np.where(sign < 0, n, 0)
    rows = np.concatenate([entry.ravel(), entry.ravel() + n])
    columns = np.concatenate([(source + opposite).ravel(), (source + (n - opposite)).ravel()])
    graph = scipy.sparse.coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(2 * n, 2 * n))
    _, label = scipy.sparse.csgraph.connected_components(graph, directed=False)
    positive, negative = label[:n].astype(np.int64), label[n:].astype(np.int64)
    # Orbits are numbered by their first entry, which gets the sign +1.
    free = positive != negative
    _, first, orbit = np.unique(np.minimum(positive, negative)[free], return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    index = np.zeros(n, dtype=np.int64)
    index[free] = rank[orbit]
    leader = positive[free][first][orbit]
    signs = np.zeros(n, dtype=np.int64)
    signs[free] = np.where(positive[free] == leader, 1, -1)
    return TiedParameters(shape, index.reshape(shape), signs.reshape(shape), len(first))


def tie_maps(rep_in: Representation, rep_out: Representation) -> TiedParameters:
    """The tied entries of an equivariant matrix, shape `(out, in)`: `ρ_out(g) W ρ_in(g)⁻¹ = W`.

    Raises:
        RepresentationError: one of the representations is no signed permutation.
    """
    (source_in, sign_in), (source_out, sign_out) = _on_generators(rep_in), _on_generators(rep_out)
    source = source_out[:, :, None] * rep_in.dim + source_in[:, None, :]
    sign = sign_out[:, :, None] * sign_in[:, None, :]
    n = rep_out.dim * rep_in.dim
    return tie((rep_out.dim, rep_in.dim), source.reshape(-1, n), sign.reshape(-1, n))


def tie_vector(rep: Representation) -> TiedParameters:
    """The tied entries of an invariant vector, shape `(dim,)`: `ρ(g) b = b`.

    Raises:
        RepresentationError: the representation is no signed permutation.
    """
    return tie((rep.dim,), *_on_generators(rep))


def _on_generators(rep: Representation) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if rep.source is None or rep.sign is None:
        raise RepresentationError(f"Entries can be tied only under signed permutations; {rep!r} is {rep.kind}.")
    generators = list(rep.group.generators)
    return rep.source[generators], rep.sign[generators]
