"""The coarsest homomorphism of a finite Markov decision process."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symmdp.mdp.finite._homomorphism import Homomorphism, image_of
from symmdp.mdp.finite._mdp import FiniteMDP
from symmdp.mdp.finite._options import check_tolerance
from symmdp.mdp.finite._refinement import Refinement


def coarsest_homomorphism(mdp: FiniteMDP, *, relabel: bool = True, tolerance: float = 1e-10) -> Homomorphism:
    """The homomorphism onto the smallest MDP, by partition refinement; no symmetry has to be known.

    Two states go to one where every action of either has an action of the other with the same reward and the same
    probability of each block, and where both are terminal or neither is. Actions of a state that have the same are merged.
    So states whose actions are merged differently may go to one, and it is at least as small as the quotient under any
    automorphisms. States of the image are the blocks in the order of their first elements, and actions the different ones
    of that first element, in their order. A `FiniteMDP` has as many actions in each state: where merging leaves fewer than
    elsewhere, copies of the first fill up (`Homomorphism.copies`).

    Args:
        mdp: the MDP; rewards count in expectation.
        relabel: whether actions may be renamed, differently in each state, and merged; without, an action goes to itself,
            which is stochastic bisimulation.
        tolerance: two rewards, or two probabilities of a block, of states that go to one differ by no more than this.
            Being equal is made transitive by sorting values into clusters of this width, from the lowest one up; values
            that differ by rounding alone fall into one, unless others fill the gap of a tolerance above them.

    Raises:
        OptionError: the tolerance is negative or not finite.

    Source: Ravindran and Barto 2003 (state-dependent relabelling); Givan, Dean and Greig 2003 (refinement).
    """
    check_tolerance(tolerance, 1e-10)
    found = Refinement(mdp, relabel=relabel, tolerance=tolerance)
    _, first, states = np.unique(found.blocks, return_index=True, return_inverse=True)
    order = np.argsort(first)
    first, states = first[order], np.argsort(order)[states]
    if not relabel:
        actions = np.tile(np.arange(mdp.actions), (mdp.states, 1))
        return Homomorphism(mdp, image_of(mdp, states, first, actions[first]), states, actions)
    chosen, copies, actions = _merged(found.signatures, states, first)
    return Homomorphism(mdp, image_of(mdp, states, first, chosen), states, actions, copies)


def _merged(
    signatures: NDArray[np.int64], states: NDArray[np.int64], first: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The action of its first state that each action of a block is; which it is a copy of; and what each `(s, a)` goes to."""
    count, available = int(signatures.max()) + 1, signatures.shape[1]
    # Of each block and signature, where it first occurs in the first state: the blocks in order, and actions within them.
    key, at = np.unique((np.arange(len(first))[:, None] * count + signatures[first]).ravel(), return_index=True)
    order = np.argsort(at)
    block, action = np.divmod(at[order], available)
    number = np.arange(len(order)) - np.searchsorted(block, np.arange(len(first)))[block]
    width = int(number.max()) + 1
    chosen = np.tile(action[number == 0][:, None], width)
    copies = np.zeros_like(chosen)
    chosen[block, number], copies[block, number] = action, number
    of_key = np.empty(len(order), dtype=np.int64)
    of_key[order] = number
    return chosen, copies, of_key[np.searchsorted(key, states[:, None] * count + signatures)]
