from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy  # loads its parts when they are first used
from numpy.typing import NDArray

from symmdp.errors import RepresentationError
from symmdp.representations import Representation, coordinate_blocks


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
        flat = array.reshape(*array.shape[: array.ndim - len(self.shape)], math.prod(self.shape))
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

    The matrix falls into blocks, one for each pair of orbits of coordinates, that the group ties separately. Blocks on
    which it acts alike are solved once: 64 copies of a representation cost what one costs.

    Raises:
        RepresentationError: one of the representations is no signed permutation.
    """
    index = np.zeros((rep_out.dim, rep_in.dim), dtype=np.int64)
    sign = np.zeros_like(index)
    count = 0
    columns_of = _coordinate_orbits(rep_in)
    for rows, source_out, sign_out in _coordinate_orbits(rep_out):
        for columns, source_in, sign_in in columns_of:
            shape = rows.shape[1], columns.shape[1]
            source = source_out[:, :, None] * shape[1] + source_in[:, None, :]
            signs = sign_out[:, :, None] * sign_in[:, None, :]
            block = tie(shape, source.reshape(len(source), math.prod(shape)), signs.reshape(len(source), math.prod(shape)))
            # Blocks of one kind are numbered one after the other.
            first = count + block.count * np.arange(len(rows) * len(columns)).reshape(len(rows), 1, len(columns), 1)
            where = rows[:, :, None, None], columns[None, None]
            signs = np.broadcast_to(block.sign[None, :, None, :], (len(rows), shape[0], len(columns), shape[1]))
            index[where] = np.where(signs == 0, 0, first + block.index[None, :, None, :])
            sign[where] = signs
            count += block.count * len(rows) * len(columns)
    return TiedParameters((rep_out.dim, rep_in.dim), index, sign, count)


def tie_vector(rep: Representation) -> TiedParameters:
    """The tied entries of an invariant vector, shape `(dim,)`: `ρ(g) b = b`.

    Raises:
        RepresentationError: the representation is no signed permutation.
    """
    return tie((rep.dim,), *_on_generators(rep))


def _coordinate_orbits(rep: Representation) -> list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """The orbits of coordinates, gathered by how the generators act on them: `(orbits, source, sign)`.

    `orbits` has shape `(copies, size)`; `source` and `sign`, shape `(generators, size)`, act within an orbit.
    """
    source, sign = _on_generators(rep)
    gathered: dict[tuple[bytes, bytes], tuple[list[NDArray], NDArray, NDArray]] = {}
    for orbit in coordinate_blocks(rep):
        within = np.searchsorted(orbit, source[:, orbit])
        key = within.tobytes(), sign[:, orbit].tobytes()
        gathered.setdefault(key, ([], within, sign[:, orbit]))[0].append(orbit)
    return [(np.stack(orbits), within, signs) for orbits, within, signs in gathered.values()]


def _on_generators(rep: Representation) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if rep.source is None or rep.sign is None:
        raise RepresentationError(f"Entries can be tied only under signed permutations; {rep!r} is {rep.kind}.")
    generators = list(rep.group.generators)
    return rep.source[generators], rep.sign[generators]
