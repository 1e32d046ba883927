"""Gymnasium's tables of transitions, read into arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symmdp.errors import SimulatorError

_ROUNDING = 1e-9  # how far from 1 the sum of the probabilities of one state and action may lie
_FORM = "P[s][a] = [(probability, next, reward, terminated), …]"


@dataclass(frozen=True, eq=False)
class TransitionTable:
    """The entries of `P[s][a] = [(probability, next, reward, terminated), …]` with a probability above 0, as arrays.

    Attributes:
        states: their number, `S`.
        actions: their number, `A`.
        pair: `s·A + a` of each entry, shape `(n,)`.
        probability: of the entry, shape `(n,)`.
        following: the next state, shape `(n,)`.
        reward: shape `(n,)`.
        terminated: shape `(n,)`.
    """

    states: int
    actions: int
    pair: NDArray[np.int64]
    probability: NDArray[np.float64]
    following: NDArray[np.int64]
    reward: NDArray[np.float64]
    terminated: NDArray[np.bool_]

    @classmethod
    def read(cls, table: Any) -> TransitionTable:
        """Read a table; the states, and the actions of each, are counted from 0. An action may have no entries at all.

        Raises:
            SimulatorError: it has another form, or the probabilities of an action are no distribution (the message says which).
        """
        rows = _numbered(table, "P")
        by_action = [_numbered(row, f"P[{s}]") for s, row in enumerate(rows)]
        states, actions = len(rows), len(by_action[0])
        if wrong := [s for s, row in enumerate(by_action) if len(row) != actions]:
            raise SimulatorError(f"P[0] has {actions} actions, but P[{wrong[0]}] has {len(by_action[wrong[0]])}.")
        entries = [(s * actions + a, *_entry(e, s, a)) for s in range(states) for a in range(actions) for e in by_action[s][a]]
        if not entries:
            raise SimulatorError(f"The table P has no entries; expected {_FORM}.")
        pair, probability, following, reward, terminated = (np.array(column) for column in zip(*entries, strict=True))
        sums = np.bincount(pair, weights=probability, minlength=states * actions)
        wrong = np.flatnonzero((np.abs(sums - 1) > _ROUNDING) & (np.bincount(pair, minlength=states * actions) > 0))
        negative = pair[~(probability >= 0)]
        if len(wrong) or len(negative):
            s, a = divmod(int([*wrong, *negative][0]), actions)
            raise SimulatorError(
                f"P[{s}][{a}] is no distribution: its probabilities sum to {sums[s * actions + a]:.12g}; expected non-negative "
                "ones that sum to 1."
            )
        outside = np.flatnonzero((following < 0) | (following >= states))
        if len(outside):
            s, a = divmod(int(pair[outside[0]]), actions)
            raise SimulatorError(f"P[{s}][{a}] leads to {following[outside[0]]}, which is no state: they are 0 … {states - 1}.")
        if not np.isfinite(reward).all():
            s, a = divmod(int(pair[~np.isfinite(reward)][0]), actions)
            raise SimulatorError(f"A reward in P[{s}][{a}] is not finite.")
        kept = probability > 0
        return cls(states, actions, pair[kept], probability[kept], following[kept], reward[kept], terminated[kept])


def has_table(env: Any) -> bool:
    """Whether there is an attribute `P` that looks like a table: a mapping or list of mappings or lists."""
    table = getattr(env, "P", None)
    if isinstance(table, Mapping):
        return all(isinstance(row, Mapping | list | tuple) for row in table.values()) and len(table) > 0
    return isinstance(table, list | tuple) and len(table) > 0 and all(isinstance(row, Mapping | list | tuple) for row in table)


def _numbered(table: Any, name: str) -> Sequence[Any]:
    """The values of a list, or of a mapping from 0, 1, ….

    Raises:
        SimulatorError: it is neither.
    """
    if isinstance(table, Mapping) and len(table) and all(i in table for i in range(len(table))):
        return [table[i] for i in range(len(table))]
    if isinstance(table, list | tuple) and len(table):
        return table
    raise SimulatorError(f"{name} is a {type(table).__name__} that is not numbered from 0; expected {_FORM}.")


def _entry(entry: Any, s: int, a: int) -> tuple[float, int, float, bool]:
    try:
        probability, following, reward, terminated = entry
        if int(following) == following:
            return float(probability), int(following), float(reward), bool(terminated)
    except (TypeError, ValueError, OverflowError):
        pass
    raise SimulatorError(f"P[{s}][{a}] holds {entry!r}; expected {_FORM}.")
