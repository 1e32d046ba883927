"""Partition refinement of finite Markov decision processes: the coarsest stable partition of the states."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy  # loads its parts when they are first used
from numpy.typing import NDArray

from symmdp.mdp.finite._clusters import clusters
from symmdp.mdp.finite._mdp import FiniteMDP


class Refinement:
    """The coarsest partition that is stable: states of one block have the same signatures.

    The signature of a state and action is its reward, and the probability of each block. Two states have the same signatures
    if each action has the same one in both, or with `relabel`, if the *sets* of the signatures of their actions are the same.
    Terminal states are apart from others.

    Blocks are split until none can be. A block that is split leaves its number to its largest part, and only states that
    reach one of the others are looked at again, so that a state is looked at `O(log S)` times for each that it reaches.

    Args:
        mdp: the MDP.
        relabel: whether actions may differ in their order and in how often each occurs.
        tolerance: how far apart equal rewards, and equal probabilities of a block, may be; they are put into `clusters`.

    Attributes:
        blocks: the block of each state, shape `(S,)`.
        signatures: equal numbers for equal signatures, of each state and action, shape `(S, A)`.

    Source: Paige and Tarjan 1987; Givan, Dean and Greig 2003, section 4.
    """

    blocks: NDArray[np.int64]
    signatures: NDArray[np.int64]

    def __init__(self, mdp: FiniteMDP, *, relabel: bool, tolerance: float):
        self._mdp, self._relabel, self._tolerance = mdp, relabel, tolerance
        self._rewards = clusters(mdp.rewards.ravel(), tolerance)
        self._sources: Any = scipy.sparse.csc_array(mdp.transitions)  # column s': the states and actions that reach it
        self.blocks = np.unique(mdp.terminal, return_inverse=True)[1].astype(np.int64)
        self._sizes = np.bincount(self.blocks)
        self._refine()

    def _refine(self) -> None:
        every = np.arange(self._mdp.states)
        pending, complete = every, True
        while True:
            moved = self._split(pending)
            if len(moved):
                before = _ranges(self._sources.indptr[moved], self._sources.indptr[moved + 1])
                reaching = np.unique(self._sources.indices[before] // self._mdp.actions)
                pending, complete = reaching[self._sizes[self.blocks[reaching]] > 1], False
            elif complete:
                return
            else:
                # Those looked at in different rounds were compared through others: compare all with all.
                pending, complete = every, True

    def _split(self, pending: NDArray[np.int64]) -> NDArray[np.int64]:
        """Split the blocks of these states by their signatures; the states whose block has another number now."""
        if not len(pending):
            return pending
        compared = np.concatenate([pending, self._settled(pending)])
        self.signatures = self._signatures(compared)
        rows = _as_sets(self.signatures) if self._relabel else self.signatures
        part = _number_rows(np.column_stack([self.blocks[compared], rows]))
        # The settled states of a block are as many as it has, less those that are pending; one of them stands for all.
        weight = np.ones(len(compared), dtype=np.int64)
        settled = self.blocks[compared[len(pending) :]]
        weight[len(pending) :] = (self._sizes - np.bincount(self.blocks[pending], minlength=len(self._sizes)))[settled]
        size = np.bincount(part, weights=weight).astype(np.int64)
        block = np.empty(len(size), dtype=np.int64)
        block[part] = self.blocks[compared]
        has_settled = np.zeros(len(size), dtype=bool)
        has_settled[part[len(pending) :]] = True
        keeps = self._largest(block, size)
        # Settled states move only where another part keeps the number: then each of them has to be told.
        number = np.where(keeps, block, 0)
        number[~keeps] = len(self._sizes) + np.arange((~keeps).sum())
        moved = pending[number[part[: len(pending)]] != self.blocks[pending]]
        told = has_settled & ~keeps
        if told.any():
            goes = np.full(len(self._sizes), -1)
            goes[block[told]] = number[told]
            is_settled = np.ones(self._mdp.states, dtype=bool)
            is_settled[pending] = False
            others = np.flatnonzero(is_settled & (goes[self.blocks] >= 0))
            self.blocks[others] = goes[self.blocks[others]]
            moved = np.concatenate([moved, others])
        self.blocks[pending] = number[part[: len(pending)]]
        sizes = np.concatenate([self._sizes, np.zeros((~keeps).sum(), dtype=np.int64)])
        sizes[number] = size
        self._sizes = sizes
        return moved

    def _settled(self, pending: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of each block of pending states one state that is not pending, where there is any."""
        counts = np.bincount(self.blocks[pending], minlength=len(self._sizes))
        wanted = (counts > 0) & (counts < self._sizes)
        if not wanted.any():
            return np.zeros(0, dtype=np.int64)
        is_settled = wanted[self.blocks]
        is_settled[pending] = False
        states = np.flatnonzero(is_settled)
        one = np.full(len(self._sizes), -1)
        one[self.blocks[states]] = states
        return one[wanted]

    def _signatures(self, states: NDArray[np.int64]) -> NDArray[np.int64]:
        """Numbers of the signatures of some states and all actions, comparable among them alone; shape `(n, A)`."""
        actions, flat = self._mdp.actions, self._mdp.transitions
        rows = (states[:, None] * actions + np.arange(actions)).ravel()
        entries = _ranges(flat.indptr[rows], flat.indptr[rows + 1])
        lengths = flat.indptr[rows + 1] - flat.indptr[rows]
        of_blocks = scipy.sparse.csr_array(
            (flat.data[entries], self.blocks[flat.indices[entries]], np.concatenate([[0], np.cumsum(lengths)])),
            shape=(len(rows), len(self._sizes)),
        )
        of_blocks.sum_duplicates()
        row = np.repeat(np.arange(len(rows)), np.diff(of_blocks.indptr))
        block, probability = of_blocks.indices, of_blocks.data
        kept = probability > self._tolerance
        row, block, probability = row[kept], block[kept], probability[kept]
        number = _number_lists(
            self._rewards[rows],
            np.bincount(row, minlength=len(rows)),
            np.column_stack([block, clusters(probability, self._tolerance)]),
        )
        return number.reshape(len(states), actions)

    def _largest(self, block: NDArray[np.int64], size: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which part of each block is the largest; the first of them."""
        order = np.lexsort((-size, block))
        keeps = np.zeros(len(size), dtype=bool)
        keeps[order[np.concatenate([[True], np.diff(block[order]) > 0])]] = True
        return keeps


def _ranges(starts: NDArray, ends: NDArray) -> NDArray[np.int64]:
    """`starts[0] … ends[0] − 1, starts[1] … ends[1] − 1, …`."""
    lengths = (ends - starts).astype(np.int64)
    before = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) + np.repeat(starts - before, lengths)


def _as_sets(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows that are equal where the sets of their entries are; entries are not negative."""
    rows = np.sort(rows, axis=1)
    rows[:, 1:][rows[:, 1:] == rows[:, :-1]] = -1
    return np.sort(rows, axis=1)


def _number_rows(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Equal numbers for equal rows."""
    if rows.shape[1] == 0:
        return np.zeros(len(rows), dtype=np.int64)
    rows = np.ascontiguousarray(rows, dtype=np.int64)
    factors = np.random.default_rng(0).integers(2**63, size=rows.shape[1], dtype=np.int64) * 2 + 1
    _, first, number = np.unique((rows * factors).sum(axis=1), return_index=True, return_inverse=True)
    if not (rows[first[number]] == rows).all():  # two rows with one hash: compare them byte by byte, which is slower
        whole = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
        number = np.unique(whole, return_inverse=True)[1]
    return number.reshape(-1).astype(np.int64)


def _number_lists(heads: NDArray[np.int64], lengths: NDArray, entries: NDArray[np.int64]) -> NDArray[np.int64]:
    """Equal numbers for equal lists, each of a head and of `lengths[i]` rows of `entries`, which follow one another."""
    number = np.empty(len(heads), dtype=np.int64)
    starts, used = np.cumsum(lengths) - lengths, 0
    for length in np.unique(lengths):
        these = np.flatnonzero(lengths == length)
        at = starts[these][:, None] + np.arange(length)
        found = _number_rows(np.column_stack([heads[these], entries[at].reshape(len(these), -1)]))
        number[these] = used + found
        used += int(found.max()) + 1
    return number
