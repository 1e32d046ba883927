"""States and actions to verify with: half from rollouts, half spread over the whole state space."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from symmdp.mdp.simulators._simulator import Simulator

Action = int | NDArray[np.float64]

_EPISODES = 25  # rollouts restart at least so many times, so that no single episode fills the sample


def sample_states(simulator: Simulator, count: int, generator: np.random.Generator) -> list[NDArray[np.float64]]:
    """`count` states: rollouts of random actions never reach MountainCar's wall, so half are drawn from anywhere."""
    reached = _rollout_states(simulator, (count + 1) // 2, generator)
    anywhere = simulator.sample_states(count // 2, np.stack(reached), generator)
    return [*reached, *np.asarray(anywhere, dtype=np.float64)]


def _rollout_states(simulator: Simulator, count: int, generator: np.random.Generator) -> list[NDArray[np.float64]]:
    length = max(1, count // _EPISODES)
    states = []
    while len(states) < count:
        simulator.reset(int(generator.integers(2**31)))
        for action in sample_actions(simulator.action_space, min(length, count - len(states)), generator):
            states.append(simulator.get_state())
            if simulator.step(action)[2]:
                break
    return states


def sample_actions(space: gym.Space, count: int, generator: np.random.Generator) -> list[Action]:
    """Uniform actions of a Discrete or Box space; unbounded coordinates are normal, half-bounded ones exponential."""
    if isinstance(space, gym.spaces.Discrete):
        return [int(space.start) + int(a) for a in generator.integers(space.n, size=count)]
    if not isinstance(space, gym.spaces.Box):
        raise AssertionError("check_spaces lets Discrete and Box pass alone")
    low, high = space.low.astype(np.float64), space.high.astype(np.float64)
    below, above = np.isfinite(low), np.isfinite(high)
    actions = generator.normal(size=(count, *low.shape))
    exponential = generator.exponential(size=actions.shape)
    actions = np.where(below & ~above, low + exponential, np.where(above & ~below, high - exponential, actions))
    both = below & above
    uniform = generator.uniform(np.where(both, low, 0), np.where(both, high, 1), size=actions.shape)
    return list(np.where(both, uniform, actions))
