from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv, VectorWrapper

from symmdp.errors import OptionError, SymmetryError
from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.transform._canonicalization import Canonicalization


class CanonicalStates(gym.Wrapper):
    """An environment whose agent sees canonical states `L_g s` only, and whose actions `a` are mapped back to `K_g⁻¹ a`.

    What is learned on one fundamental domain (half of the states, for a mirror) holds on all of them, for any learner. The
    observation space stays what it is, although most of it is never seen.

    Args:
        env: the environment.
        symmetry: of it.
        canonicalization: which states are canonical; by the order of their coordinates when not given.

    Raises:
        SpaceMismatchError: the symmetry does not fit the spaces.
        SymmetryError: observations are the numbers of states.
        GroupError: the group is not listed.
        OptionError: the canonicalization is of another symmetry.

    Source: Kaba et al. 2023 (arXiv 2211.06489).
    """

    def __init__(self, env: gym.Env, symmetry: Symmetry, *, canonicalization: Canonicalization | None = None):
        super().__init__(env)
        self._back = _Back(symmetry, env.observation_space, env.action_space, canonicalization)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """The canonical state of the first one."""
        observation, info = self.env.reset(seed=seed, options=options)
        return self._back.see(observation), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """A step with the action mapped back, and the canonical state that follows."""
        observation, reward, terminated, truncated, info = self.env.step(self._back.action(action))
        return self._back.see(observation), reward, terminated, truncated, info


class VectorCanonicalStates(VectorWrapper):
    """`CanonicalStates` for a vectorised environment; arguments and errors are the same.

    A `final_obs` in the info (same-step autoreset) is canonical as well.
    """

    def __init__(self, env: VectorEnv, symmetry: Symmetry, *, canonicalization: Canonicalization | None = None):
        super().__init__(env)
        self._back = _Back(symmetry, env.single_observation_space, env.single_action_space, canonicalization)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """The canonical states of the first ones."""
        observations, info = self.env.reset(seed=seed, options=options)
        return self._back.see(observations), info

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """A step with the actions mapped back, and the canonical states that follow."""
        observations, rewards, terminated, truncated, info = self.env.step(self._back.action(actions))
        if "final_obs" in info:
            last = np.empty(len(info["final_obs"]), dtype=object)  # np.array would stack observations of one shape
            for i, final in enumerate(info["final_obs"]):
                last[i] = None if final is None else self._back.canonical(final)
            info = {**info, "final_obs": last}
        return self._back.see(observations), rewards, terminated, truncated, info


class _Back:
    """Remembers under which element the last observation was seen."""

    def __init__(
        self,
        symmetry: Symmetry,
        observation_space: gym.Space,
        action_space: gym.Space,
        canonicalization: Canonicalization | None,
    ):
        symmetry.check_spaces(observation_space, action_space)
        if isinstance(observation_space, gym.spaces.Discrete):
            raise SymmetryError("Canonical states of numbered ones: use symmdp.mdp.quotient, which has a state for each orbit.")
        if canonicalization is not None and canonicalization.symmetry != symmetry:
            raise OptionError(
                f"The canonicalization is of {canonicalization.symmetry!r}; expected {symmetry!r}. Make it of the same one."
            )
        self._canonicalization = canonicalization or Canonicalization(symmetry)
        self._discrete = isinstance(action_space, gym.spaces.Discrete)
        self._start = int(action_space.start) if isinstance(action_space, gym.spaces.Discrete) else 0
        self._elements: Any = None
        self._seen: Any = None

    def canonical(self, observation: Any) -> Any:
        return self._canonicalization.canonical(observation)

    def see(self, observation: Any) -> Any:
        self._elements = np.asarray(self._canonicalization.elements(observation))
        self._seen = self.canonical(observation)
        return self._seen

    def action(self, action: Any) -> Any:
        given = np.asarray(action)
        back = self._canonicalization.action_back(
            given - self._start if self._discrete else given, self._elements, self._seen, discrete=self._discrete
        )
        return back + self._start if self._discrete else back
