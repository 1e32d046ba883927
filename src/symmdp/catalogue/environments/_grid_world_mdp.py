from __future__ import annotations

import numpy as np
import scipy  # loads its parts when they are first used

from symmdp.catalogue.environments._grid_world import reward_of
from symmdp.catalogue.environments._grid_world_law import GridWorldLaw
from symmdp.mdp import FiniteMDP


def grid_world_mdp(size: int = 7, *, prey_moves: float = 0.15, discount: float = 0.99) -> FiniteMDP:
    """The Grid World as a finite MDP, without its limit of time.

    State `s` is the cell, seen from the agent, in which the prey is, row by row from the top left: the state that
    `GridWorld.images()[s]` shows. The cell in the middle is terminal.

    Args:
        size: as of `GridWorld`.
        prey_moves: as of `GridWorld`.
        discount: in `[0, 1]`.

    Raises:
        OptionError: an option has a value that it cannot take.
    """
    law = GridWorldLaw(size, 1, prey_moves)
    states = size**2
    row = np.repeat(np.arange(states), 5)
    probability = np.tile(law.probabilities, states)
    transitions = [
        scipy.sparse.coo_array((probability, (row, law.following[:, a].ravel())), shape=(states, states)) for a in range(5)
    ]
    rewards = np.where(law.after_agent == law.center, reward_of(True), reward_of(False))
    return FiniteMDP(transitions, rewards, terminal=[law.center], discount=discount)
