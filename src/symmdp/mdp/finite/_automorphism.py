"""Automorphisms of finite Markov decision processes, checked exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symmdp.errors import ShapeError, SymmetryError
from symmdp.mdp.finite._mdp import FiniteMDP
from symmdp.mdp.finite._options import check_tolerance

_TOLERANCE = 1e-12


@dataclass(frozen=True)
class AutomorphismDefect:
    """The first state and action where a map is no automorphism, in which part, and by how much."""

    state: int
    action: int
    part: str
    error: float


def automorphism_defect(
    mdp: FiniteMDP, states: ArrayLike, actions: ArrayLike, *, tolerance: float = _TOLERANCE
) -> AutomorphismDefect | None:
    """Where `R(s,a) = R(σs, α_s a)`, `T(s'|s,a) = T(σs'|σs, α_s a)` or the kept terminal states first fail; None: nowhere.

    Args:
        mdp: the MDP.
        states: the permutation `σ`, shape `(S,)`, `s ↦ states[s]`.
        actions: `a ↦ actions[a]`, shape `(A,)`; or depending on the state, `a ↦ actions[s, a]`, shape `(S, A)`.
        tolerance: the largest absolute error of a reward or a probability that is none.

    Raises:
        ShapeError: an array does not fit the MDP.
        SymmetryError: an array is no permutation.
        OptionError: the tolerance is negative or not finite.
    """
    check_tolerance(tolerance, _TOLERANCE)
    sigma, alpha = _checked(mdp, states, actions)
    pairs = (sigma[:, None] * mdp.actions + alpha).ravel()
    moved = mdp.transitions[pairs][:, sigma]  # entry (s·A + a, s') is T(σs' | σs, α_s a)
    errors = {
        "termination": np.repeat((mdp.terminal != mdp.terminal[sigma]).astype(np.float64), mdp.actions),
        "reward": np.abs(mdp.rewards.ravel() - mdp.rewards.ravel()[pairs]),
        "transition": abs(moved - mdp.transitions).max(axis=1).toarray().ravel(),
    }
    wrong = np.flatnonzero(np.max(list(errors.values()), axis=0) > tolerance)
    if not len(wrong):
        return None
    part = next(name for name, error in errors.items() if error[wrong[0]] > tolerance)
    s, a = divmod(int(wrong[0]), mdp.actions)
    return AutomorphismDefect(s, a, part, float(errors[part][wrong[0]]))


def is_automorphism(mdp: FiniteMDP, states: ArrayLike, actions: ArrayLike, *, tolerance: float = _TOLERANCE) -> bool:
    """Whether `(σ, α_s)` keeps rewards, transitions and terminal states; arguments and errors as `automorphism_defect`."""
    return automorphism_defect(mdp, states, actions, tolerance=tolerance) is None


def _checked(mdp: FiniteMDP, states: ArrayLike, actions: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    sigma, alpha = np.asarray(states), np.asarray(actions)
    if sigma.shape != (mdp.states,) or alpha.shape not in {(mdp.actions,), (mdp.states, mdp.actions)}:
        raise ShapeError(
            f"The maps have shapes {sigma.shape} and {alpha.shape}; expected {(mdp.states,)} for states and "
            f"{(mdp.actions,)} or {(mdp.states, mdp.actions)} for actions."
        )
    if not np.array_equal(np.sort(sigma), np.arange(mdp.states)):
        raise SymmetryError(f"The state map must hold each of 0 … {mdp.states - 1} once; got {sigma}.")
    alpha = np.broadcast_to(alpha, mdp.rewards.shape)
    wrong = np.flatnonzero((np.sort(alpha, axis=1) != np.arange(mdp.actions)).any(axis=1))
    if len(wrong):
        raise SymmetryError(
            f"In state {wrong[0]} the action map must hold each of 0 … {mdp.actions - 1} once; got {alpha[wrong[0]]}."
        )
    return sigma.astype(np.int64), alpha.astype(np.int64)
