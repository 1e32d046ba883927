"""Homomorphisms of finite Markov decision processes, and the quotient under automorphisms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # loads its parts when they are first used
from numpy.typing import ArrayLike, NDArray

from symmdp.errors import ShapeError, SymmetryError
from symmdp.mdp.finite._automorphism import automorphism_defect
from symmdp.mdp.finite._mdp import FiniteMDP


@dataclass(frozen=True, eq=False)
class Homomorphism:
    """An MDP homomorphism `(σ, α_s)` onto a smaller MDP: `R̄(σs, α_s a) = R(s, a)`, `T̄(t|σs, α_s a) = Σ_{σs'=t} T(s'|s, a)`.

    Attributes:
        source: the MDP.
        image: the smaller one.
        states: `σ`, the state of the image for each state, shape `(S,)`.
        actions: `α_s`, the action of the image for each state and action, shape `(S, A)`.
        copies: of each state and action of the image, the action that it is a copy of: itself, unless it is there only to
            give each state as many actions and no action of the source goes to it. Shape `(states, actions)` of the image;
            None where none is a copy.

    Source: Ravindran and Barto 2001; van der Pol et al. 2020, section 2.
    """

    source: FiniteMDP
    image: FiniteMDP
    states: NDArray[np.int64]
    actions: NDArray[np.int64]
    copies: NDArray[np.int64] | None = None

    def error(self) -> float:
        """The largest violation of its two equations, and 1 where a terminal state goes to one that is not, or the reverse.

        0 for a homomorphism, up to rounding. Copies of actions must be copies, and each other action of the image one of the
        source's, or the error is 1.
        """
        if not self._is_onto():
            return 1.0
        pairs = self.states[:, None] * self.image.actions + self.actions
        gathered = scipy.sparse.csr_array(
            (np.ones(self.source.states), (np.arange(self.source.states), self.states)),
            shape=(self.source.states, self.image.states),
        )
        # Row s·A + a: the probability of each state of the image.
        difference = scipy.sparse.csr_array(self.source.transitions @ gathered) - self.image.transitions[pairs.ravel()]
        rewards = np.abs(self.source.rewards - self.image.rewards[self.states[:, None], self.actions]).max()
        ends = float((self.source.terminal != self.image.terminal[self.states]).any())
        return float(max(abs(difference).max(), rewards, ends))

    def lift(self, policy: ArrayLike) -> NDArray[np.float64]:
        """The policy of the source that a policy `π̄` of the image stands for: `π(a|s) = π̄(α_s a|σs) / |{a' : α_s a' = α_s a}|`.

        Args:
            policy: probabilities, shape `(states, actions)` of the image.

        Returns:
            shape `(S, A)`; its values are those of `π̄` at `σs`.

        Raises:
            ShapeError: the policy does not fit the image.
        """
        given = np.asarray(policy, dtype=np.float64)
        if given.shape != self.image.rewards.shape:
            raise ShapeError(f"The policy has shape {given.shape}; expected {self.image.rewards.shape}, states and actions.")
        if self.copies is not None:
            whole = np.zeros_like(given)
            np.add.at(whole, (np.arange(self.image.states)[:, None], self.copies), given)
            given = whole
        rows = np.arange(self.source.states)[:, None]
        alike = np.zeros((self.source.states, self.image.actions))
        np.add.at(alike, (np.broadcast_to(rows, self.actions.shape), self.actions), 1.0)
        return given[self.states[:, None], self.actions] / alike[rows, self.actions]

    def _is_onto(self) -> bool:
        """Whether each action of the image is one of each state that goes there, or a copy of such a one."""
        number = np.arange(self.image.actions)
        copies = self.copies if self.copies is not None else np.broadcast_to(number, self.image.rewards.shape)
        taken = np.zeros((self.source.states, self.image.actions), dtype=bool)
        taken[np.arange(self.source.states)[:, None], self.actions] = True
        if not (taken == (copies == number)[self.states]).all():
            return False
        rows = np.arange(self.image.states)[:, None] * self.image.actions
        difference = self.image.transitions - self.image.transitions[(rows + copies).ravel()]
        rewards = self.image.rewards.ravel()
        return abs(difference).max() == 0 and bool((rewards == rewards[(rows + copies).ravel()]).all())

    def lift_values(self, values: ArrayLike) -> NDArray[np.float64]:
        """`V(s) = V̄(σs)`, shape `(S,)`.

        Raises:
            ShapeError: the values do not fit the image.
        """
        given = np.asarray(values, dtype=np.float64)
        if given.shape != (self.image.states,):
            raise ShapeError(f"The values have shape {given.shape}; expected ({self.image.states},).")
        return given[self.states]


def quotient(mdp: FiniteMDP, automorphisms: Sequence[tuple[ArrayLike, ArrayLike]], *, tolerance: float = 1e-12) -> Homomorphism:
    """The homomorphism onto the MDP of orbits, under the group that automorphisms generate.

    States of the image are the orbits of states, in the order of their first elements; actions are those of that first
    element, to which every other state's are carried by an automorphism between them. The group is never listed.

    Args:
        mdp: the MDP.
        automorphisms: generators: pairs of a permutation of the states, shape `(S,)`, and of the actions, `(A,)` or, where it
            depends on the state, `(S, A)`; as in `automorphism_defect`.
        tolerance: the largest error of a generator.

    Raises:
        SymmetryError: one of them is no automorphism (the message says where), or none is given.
        ShapeError: an array does not fit the MDP.
        OptionError: the tolerance is negative or not finite.
    """
    if not isinstance(automorphisms, Sequence):
        raise SymmetryError(f"Automorphisms are a list of pairs (states, actions); got {type(automorphisms).__name__}.")
    if not automorphisms:
        raise SymmetryError("The quotient needs at least one automorphism (states, actions); got none.")
    generators = []
    for number, pair in enumerate(automorphisms):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise SymmetryError(f"Automorphism {number} is a pair (states, actions) of permutations; got {pair!r}.")
        defect = automorphism_defect(mdp, *pair, tolerance=tolerance)
        if defect is not None:
            raise SymmetryError(
                f"Automorphism {number} is none: {defect.part} of state {defect.state} and action {defect.action} differs from "
                f"its image by {defect.error:.3g}."
            )
        sigma, alpha = (np.asarray(array, dtype=np.int64) for array in pair)
        generators.append((sigma, np.broadcast_to(alpha, mdp.rewards.shape)))
    states, first, actions = _orbits(mdp, generators)
    image = image_of(mdp, states, first, np.tile(np.arange(mdp.actions), (len(first), 1)))
    return Homomorphism(mdp, image, states, actions)


def image_of(mdp: FiniteMDP, states: NDArray[np.int64], first: NDArray[np.int64], actions: NDArray[np.int64]) -> FiniteMDP:
    """The MDP of blocks of states, each of which is what one of its states is.

    Args:
        mdp: the MDP.
        states: the block of each state, shape `(S,)`.
        first: of each block that one state, shape `(S̄,)`.
        actions: of each block and action of the image, the action of that state, shape `(S̄, Ā)`.
    """
    rows = first[:, None] * mdp.actions + actions
    gathered = scipy.sparse.csr_array((np.ones(mdp.states), (np.arange(mdp.states), states)), shape=(mdp.states, len(first)))
    per_action = [scipy.sparse.csr_array(mdp.transitions[rows[:, a]] @ gathered) for a in range(actions.shape[1])]
    rewards = mdp.rewards[first[:, None], actions]
    return FiniteMDP(per_action, rewards, terminal=mdp.terminal[first], discount=mdp.discount)


def _orbits(
    mdp: FiniteMDP, generators: list[tuple[NDArray[np.int64], NDArray[np.int64]]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of each state its orbit; of each orbit its first state; of each state and action the action of the first state."""
    orbit = np.full(mdp.states, -1)
    actions = np.empty(mdp.rewards.shape, dtype=np.int64)
    first: list[int] = []
    for start in range(mdp.states):
        if orbit[start] >= 0:
            continue
        orbit[start], actions[start] = len(first), np.arange(mdp.actions)
        reached = [start]
        for s in reached:  # grows while it is walked
            for sigma, alpha in generators:
                t = int(sigma[s])
                if orbit[t] < 0:
                    # a in s goes to α_s a in t, so what a stands for, α_s a stands for.
                    orbit[t], actions[t, alpha[s]] = len(first), actions[s]
                    reached.append(t)
        first.append(start)
    return orbit, np.array(first), actions
