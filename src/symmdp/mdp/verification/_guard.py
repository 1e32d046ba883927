"""Exceptions of an environment, told in terms of what verification asked it to do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from symmdp.errors import SimulatorError, SymmdpError
from symmdp.mdp.simulators._find import told
from symmdp.mdp.simulators._simulator import Simulator, Transition

_MOST = 12  # coordinates of a state that are written out


class Guarded:
    """A simulator whose foreign exceptions become SimulatorErrors, which name the state and the action."""

    def __init__(self, simulator: Simulator, name: str):
        self._simulator, self._name = simulator, name
        self._state: NDArray[np.float64] | None = None  # where the next step starts, if that is known

    @property
    def observation_space(self) -> gym.Space:
        return self._simulator.observation_space

    @property
    def action_space(self) -> gym.Space:
        return self._simulator.action_space

    @property
    def most_resets(self) -> int:
        return getattr(self._simulator, "most_resets", sys.maxsize)

    def reset(self, seed: int) -> None:
        self._state = None
        self._ask(lambda: self._simulator.reset(seed), "reset(seed={})", seed)

    def get_state(self) -> NDArray[np.float64]:
        state = self._ask(self._simulator.get_state, "get_state")
        self._state = state
        return state

    def set_state(self, state: NDArray[np.float64]) -> None:
        self._state = state
        self._ask(lambda: self._simulator.set_state(state), "set_state")

    def state_of(self, observation: NDArray[np.float64]) -> NDArray[np.float64]:
        return self._ask(lambda: self._simulator.state_of(observation), "state_of")

    def observe(self) -> NDArray[np.float64]:
        return self._ask(self._simulator.observe, "observe")

    def step(self, action: int | NDArray[np.float64]) -> Transition:
        transition = self._ask(lambda: self._simulator.step(action), "step({})", action)
        self._state = None
        return transition

    def sample_states(self, count: int, reached: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
        return self._ask(lambda: self._simulator.sample_states(count, reached, generator), "sample_states")

    def _ask(self, call: Callable[[], Any], what: str, argument: object = None) -> Any:
        try:
            return call()
        except SymmdpError:
            raise
        except Exception as error:
            what = what.format(argument)
            where = "" if self._state is None else f" in the state {_short(self._state)}"
            raise SimulatorError(
                f"{self._name} raised {told(error)}, in {what}{where}. Verification also "
                "visits states that episodes do not reach: let the environment accept them, or pass simulator= with a "
                "sample_states that leaves them out."
            ) from error


def _short(state: NDArray[np.float64]) -> str:
    more = f" and {len(state) - _MOST} more" if len(state) > _MOST else ""
    return f"({', '.join(f'{value:.4g}' for value in state[:_MOST])}{more})"
