"""Exact evaluation and solution of finite Markov decision processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # loads its parts when they are first used
from numpy.typing import ArrayLike, NDArray

from symmdp.errors import DivergenceError, OptionError, ShapeError
from symmdp.mdp.finite._mdp import FiniteMDP
from symmdp.mdp.finite._options import check_tolerance

_TIE = 1e-10  # relative to the largest value: actions this close to the best are equally good


@dataclass(frozen=True)
class FiniteSolution:
    """A solution of a finite MDP.

    Attributes:
        values: `V(s)`, shape `(S,)`.
        q: `Q(s, a)`, shape `(S, A)`.
        policy: `π(a | s)`, uniform over the actions within rounding of the best, shape `(S, A)`.
        residual: `max_s |V(s) − max_a Q(s, a)|`.
        iterations: of the method.
    """

    values: NDArray[np.float64]
    q: NDArray[np.float64]
    policy: NDArray[np.float64]
    residual: float
    iterations: int


def evaluate(mdp: FiniteMDP, policy: ArrayLike) -> NDArray[np.float64]:
    """The values `V = R_π + γ T_π V` of a policy `π(a | s)` of shape `(S, A)`, by a sparse linear solve.

    Raises:
        ShapeError: the policy does not fit the MDP.
        OptionError: its rows are no distributions.
        DivergenceError: the policy never ends and the discount is 1, or values are too large for float64.
    """
    policy = np.asarray(policy)
    if policy.shape != mdp.rewards.shape:
        raise ShapeError(f"The policy has shape {policy.shape}; expected (states, actions) = {mdp.rewards.shape}.")
    policy = policy.astype(np.float64)
    if not ((policy >= 0).all() and np.allclose(policy.sum(axis=1), 1, rtol=0, atol=1e-9)):
        raise OptionError("Each row of a policy must be a distribution: non-negative and of sum 1.")
    live = np.flatnonzero(~mdp.terminal)
    values = np.zeros(mdp.states)
    if not len(live):
        return values
    columns = np.arange(mdp.states * mdp.actions)
    average = scipy.sparse.csr_array((policy.ravel(), (columns // mdp.actions, columns)), shape=(mdp.states, len(columns)))
    moves = scipy.sparse.csr_array(average @ mdp.transitions)[live][:, live]
    if mdp.discount == 1 and not _always_ends(moves):
        raise DivergenceError("With discount 1 the policy must end from every state; it does not. Use a discount below 1.")
    system = scipy.sparse.csc_array(scipy.sparse.eye_array(len(live)) - mdp.discount * moves)
    solved: Any = scipy.sparse.linalg.spsolve(system, (policy * mdp.rewards).sum(axis=1)[live])
    values[live] = _finite(solved)
    return values


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    if not np.isfinite(values).all():
        raise DivergenceError("Values are too large for float64. Scale the rewards down, or use a smaller discount.")
    return values


def value_iteration(mdp: FiniteMDP, *, tolerance: float = 1e-12, max_iterations: int = 100_000) -> FiniteSolution:
    """Iterate `V ← max_a R + γ T V` until no value changes by more than `tolerance`.

    Raises:
        DivergenceError: `max_iterations` did not suffice, or values are too large for float64.
        OptionError: the tolerance is negative or not finite.
    """
    check_tolerance(tolerance, 1e-12)
    values, change = np.zeros(mdp.states), np.inf
    for i in range(1, max_iterations + 1):
        following = _q(mdp, values).max(axis=1)
        change, values = np.abs(following - values).max(), following
        if change <= tolerance:
            return _solution(mdp, values, i)
    raise DivergenceError(
        f"Values still change by {change:.3g} after {max_iterations} iterations; raise tolerance or the limit."
    )


def policy_iteration(mdp: FiniteMDP, *, max_iterations: int = 1000) -> FiniteSolution:
    """Alternate exact evaluation and strict greedy improvement, from the first action everywhere.

    Raises:
        DivergenceError: `max_iterations` did not suffice, values are too large for float64, or the discount is 1 and a policy
            never ends.
    """
    state, choice = np.arange(mdp.states), np.zeros(mdp.states, dtype=np.int64)
    for i in range(1, max_iterations + 1):
        values = evaluate(mdp, np.eye(mdp.actions)[choice])
        q = _q(mdp, values)
        # An action changes only if it is better beyond rounding; ties would cycle for ever.
        better = q.max(axis=1) > q[state, choice] + _TIE * max(1.0, np.abs(q).max())
        if not better.any():
            return _solution(mdp, values, i)
        choice = np.where(better, q.argmax(axis=1), choice)
    raise DivergenceError(f"The policy still changes after {max_iterations} iterations; raise max_iterations.")


def _q(mdp: FiniteMDP, values: NDArray) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):  # an overflow is found below
        return _finite(mdp.rewards + mdp.discount * (mdp.transitions @ values).reshape(mdp.rewards.shape))


def _solution(mdp: FiniteMDP, values: NDArray, iterations: int) -> FiniteSolution:
    q = _q(mdp, values)
    best = q.max(axis=1, keepdims=True)
    ties = q >= best - _TIE * max(1.0, np.abs(q).max())
    return FiniteSolution(
        values, q, ties / ties.sum(axis=1, keepdims=True), float(np.abs(values - best[:, 0]).max()), iterations
    )


def _always_ends(moves: scipy.sparse.csr_array) -> bool:
    """Whether each state reaches one whose probabilities leak to a terminal state."""
    reached = np.asarray(moves.sum(axis=1)).ravel() < 1 - 1e-9
    while True:
        more = reached | (moves @ reached.astype(np.float64) > 0)
        if (more == reached).all():
            return bool(reached.all())
        reached = more
