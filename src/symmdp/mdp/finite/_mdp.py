"""Finite Markov decision processes, given by arrays."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import scipy  # loads its parts when they are first used
from numpy.typing import ArrayLike, NDArray

from symmdp.errors import DivergenceError, OptionError, ShapeError, SimulatorError, SymmetryError
from symmdp.mdp.finite._table import TransitionTable

_ROUNDING = 1e-9  # how far from 1 the sum of the probabilities of one state and action may lie


class FiniteMDP:
    """A finite Markov decision process: `T(s' | s, a)`, expected rewards `R(s, a)`, terminal states and a discount.

    Terminal states are absorbing and earn nothing, whatever the given arrays say of them. Transitions are kept as one sparse
    matrix of shape `(S·A, S)`, whose row `s·A + a` is `T(· | s, a)`; rewards are kept in expectation only.

    Args:
        transitions: `T[s, a, s']`, shape `(S, A, S)`; or one matrix per action, dense or sparse, of shape `(S, S)`.
        rewards: `R[s, a]`, shape `(S, A)`; or `R[s, a, s']`, shape `(S, A, S)`, reduced to its expectation.
        terminal: the terminal states: indices, or booleans of shape `(S,)`.
        discount: in `[0, 1]`.

    Raises:
        ShapeError: the arrays do not fit each other, or hold no real numbers.
        DivergenceError: an entry is not finite.
        SymmetryError: the probabilities of a state and action are negative or do not sum to 1.
        OptionError: a discount outside `[0, 1]`, or a terminal state that is no state.
    """

    transitions: scipy.sparse.csr_array
    rewards: NDArray[np.float64]
    terminal: NDArray[np.bool_]
    discount: float

    def __init__(
        self,
        transitions: ArrayLike | Sequence[Any],
        rewards: ArrayLike,
        *,
        terminal: ArrayLike = (),
        discount: float = 0.99,
    ):
        matrices = _per_action(transitions)
        actions, states = len(matrices), _size(matrices[0])
        # Row s of matrix a becomes row s·A + a.
        stacked: Any = scipy.sparse.vstack(matrices, format="csr")
        order = np.arange(actions * states).reshape(actions, states).T.ravel()
        flat = scipy.sparse.csr_array(stacked[order])
        flat.sum_duplicates()
        expected = _expected_rewards(_real(rewards, "Rewards"), flat, states, actions)
        self._adopt(flat, expected, _mask(terminal, states), discount)

    def _adopt(self, flat: scipy.sparse.csr_array, rewards: NDArray, terminal: NDArray[np.bool_], discount: float) -> None:
        if not (np.isfinite(flat.data).all() and np.isfinite(rewards).all()):
            raise DivergenceError("Transition probabilities and rewards must be finite; some are infinite or not a number.")
        if not (isinstance(discount, Real) and 0 <= discount <= 1):
            raise OptionError(f"The discount must lie between 0 and 1; got {discount!r}.")
        actions = rewards.shape[1]
        live = np.repeat(~terminal, actions)
        sums = np.asarray(flat.sum(axis=1)).ravel()
        lowest = np.asarray(flat.min(axis=1).todense()).ravel()
        wrong = np.flatnonzero(live & ((np.abs(sums - 1) > _ROUNDING) | (lowest < 0)))
        if len(wrong):
            s, a = divmod(int(wrong[0]), actions)
            raise SymmetryError(
                f"T[{s}, {a}] is no distribution: it sums to {sums[wrong[0]]:.12g} and its smallest entry is "
                f"{lowest[wrong[0]]:.3g}; expected non-negative probabilities that sum to 1."
            )
        ends = np.flatnonzero(terminal)
        rows = (ends[:, None] * actions + np.arange(actions)).ravel()
        loops = scipy.sparse.csr_array((np.ones(len(rows)), (rows, np.repeat(ends, actions))), shape=flat.shape)
        flat = scipy.sparse.csr_array(scipy.sparse.diags_array(live.astype(np.float64)) @ flat + loops)
        flat.eliminate_zeros()
        flat.sort_indices()
        rewards = np.where(terminal[:, None], 0.0, rewards)
        for array in (flat.data, flat.indices, flat.indptr, rewards, terminal):
            array.flags.writeable = False
        # Written past __setattr__, which forbids changes.
        self.__dict__.update(transitions=flat, rewards=rewards, terminal=terminal, discount=float(discount))

    @classmethod
    def from_gymnasium(cls, env: Any, *, discount: float = 0.99) -> FiniteMDP:
        """The MDP of a toy-text environment, or of its table `P[s][a] = [(probability, next, reward, terminated), …]`.

        A state that some transition enters as terminated becomes terminal. One that is entered both ways gets a terminal copy,
        numbered after the states of the table.

        Raises:
            SimulatorError: there is no table `P`, or it has another form.
        """
        table = env if isinstance(env, Mapping) else getattr(getattr(env, "unwrapped", env), "P", None)
        if table is None:
            raise SimulatorError(
                f"{type(env).__name__} has no transition table P; expected a toy-text environment or P itself."
            )
        read = TransitionTable.read(table)
        states, actions, pair, probability, reward = read.states, read.actions, read.pair, read.probability, read.reward
        stays = np.zeros(states, dtype=bool)
        loop = (read.following == pair // actions) & read.terminated
        loops = np.bincount(pair[loop] // actions, weights=probability[loop], minlength=states)
        stays |= loops >= actions * (1 - _ROUNDING)  # absorbing in the table already
        split = np.setdiff1d(read.following[read.terminated], np.flatnonzero(stays))
        number = np.arange(states)
        number[split] = states + np.arange(len(split))
        following = np.where(read.terminated, number[read.following], read.following)
        total = states + len(split)
        flat = scipy.sparse.coo_array((probability, (pair, following)), shape=(total * actions, total))
        rewards = np.bincount(pair, weights=probability * reward, minlength=total * actions).reshape(total, actions)
        terminal = np.concatenate([stays, np.ones(len(split), dtype=bool)])
        mdp = cls.__new__(cls)
        mdp._adopt(scipy.sparse.csr_array(flat), rewards, terminal, discount)
        return mdp

    @property
    def states(self) -> int:
        """The number of states, `S`."""
        return self.rewards.shape[0]

    @property
    def actions(self) -> int:
        """The number of actions, `A`."""
        return self.rewards.shape[1]

    def __setattr__(self, attribute: str, value: object) -> None:
        raise AttributeError(f"A FiniteMDP is immutable; cannot set {attribute!r}.")

    def __repr__(self) -> str:
        ends = int(self.terminal.sum())
        return f"FiniteMDP({self.states} states, {ends} terminal, {self.actions} actions, discount {self.discount:g})"


def _size(matrix: scipy.sparse.csr_array) -> int:
    shape: Any = matrix.shape
    return int(shape[0])


def _real(numbers: Any, what: str) -> NDArray[np.float64]:
    try:
        if not np.iscomplexobj(numbers):
            return np.array(numbers, dtype=np.float64)
    except (TypeError, ValueError):  # words, or rows of several lengths
        pass
    raise ShapeError(f"{what} are an array of real numbers; got {reprlib.repr(numbers)}.")


def _per_action(transitions: Any) -> list[scipy.sparse.csr_array]:
    if not isinstance(transitions, list | tuple) or not any(scipy.sparse.issparse(m) for m in transitions):
        array = _real(transitions, "Transitions")
        if array.ndim != 3 or 0 in array.shape:
            raise ShapeError(f"Transitions must have shape (S, A, S), or be one matrix (S, S) per action; got {array.shape}.")
        if isinstance(transitions, np.ndarray):
            array = array.swapaxes(0, 1)
        matrices = [scipy.sparse.csr_array(m) for m in array]
    else:
        matrices = [scipy.sparse.csr_array(m, dtype=np.float64) for m in transitions]
    n = _size(matrices[0])
    wrong = next((m.shape for m in matrices if m.shape != (n, n)), None)
    if wrong is not None:
        raise ShapeError(f"Each action needs a square matrix of one size; got one of shape {wrong} beside {n} states.")
    return matrices


def _expected_rewards(rewards: NDArray, flat: scipy.sparse.csr_array, states: int, actions: int) -> NDArray[np.float64]:
    if rewards.shape == (states, actions):
        return rewards
    if rewards.shape == (states, actions, states):
        return np.asarray((flat * rewards.reshape(-1, states)).sum(axis=1)).reshape(states, actions)
    raise ShapeError(f"Rewards must have shape {(states, actions)} or {(states, actions, states)}; got {rewards.shape}.")


def _mask(terminal: ArrayLike, states: int) -> NDArray[np.bool_]:
    array = np.asarray(terminal)
    if array.dtype == bool and array.shape == (states,):
        return array.copy()
    if array.size and array.dtype.kind not in "iu":
        raise OptionError(
            f"Terminal states are their numbers, or booleans of shape ({states},); got {reprlib.repr(terminal)} of shape "
            f"{array.shape}."
        )
    index = array.astype(np.int64).ravel()
    outside = index[(index < 0) | (index >= states)]
    if len(outside):
        raise OptionError(f"Terminal state {outside[0]} is no state: states are 0 … {states - 1}.")
    mask = np.zeros(states, dtype=bool)
    mask[index] = True
    return mask
