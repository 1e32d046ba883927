from __future__ import annotations

from typing import Protocol

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

Transition = tuple[NDArray[np.float64], float, bool]
"""The next observation, the reward, and whether the episode terminated."""

REMEDY = (
    "pass simulator=, an object with the methods of symmdp.mdp.Simulator; or test statistically what the environment does, "
    "transitions=symmdp.mdp.record_transitions(env) (on the command line --transitions 20000)."
)
"""What to do where there is no simulator."""


class Simulator(Protocol):
    """An environment whose state can be set; what `verify` needs to know of one.

    A state is a float64 vector of whatever length the simulator likes. Observations are float64 vectors of the size of
    `observation_space`, computed in float64 wherever the state allows, so that residuals are not those of rounding.

    It is deterministic, unless it has an attribute `is_random` that is true: then its steps are random, or `state_of` draws
    at random what an observation hides, or both, from a generator that `reset` seeds; and `verify` compares distributions.
    What `state_of` draws must not favour a state over its image. Two further attributes are optional: `engine`, which the
    report gives as the simulator's version, and `most_resets`, the most that verification makes where a reset is slow.
    """

    @property
    def observation_space(self) -> gym.Space:
        """What observations are in."""
        ...

    @property
    def action_space(self) -> gym.Space:
        """What actions are in."""
        ...

    def reset(self, seed: int) -> None:
        """Draw an initial state, from this seed alone."""
        ...

    def get_state(self) -> NDArray[np.float64]:
        """A copy of the state, shape `(state,)`."""
        ...

    def set_state(self, state: NDArray[np.float64]) -> None:
        """Continue from `state`, as in the middle of an episode, whatever went before."""
        ...

    def state_of(self, observation: NDArray[np.float64]) -> NDArray[np.float64]:
        """A state that `observation` stands for; the nearest one where there is none."""
        ...

    def observe(self) -> NDArray[np.float64]:
        """The observation of the state."""
        ...

    def step(self, action: int | NDArray[np.float64]) -> Transition:
        """One step without any time limit; an element of a Discrete space, or a float64 vector."""
        ...

    def sample_states(self, count: int, reached: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
        """States spread over the whole state space, shape `(count, state)`; `reached` are those that rollouts saw."""
        ...


SIMULATOR_ATTRIBUTES = frozenset(name for name in vars(Simulator) if not name.startswith("_"))
"""The names that every simulator has."""
