from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import Box2D
import numpy as np
from numpy.typing import NDArray

from symmdp.errors import DivergenceError, SimulatorError
from symmdp.mdp.simulators._box2d_bodies import Motion, Outlines
from symmdp.mdp.simulators._environment_simulator import EnvironmentSimulator
from symmdp.mdp.simulators._simulator import REMEDY, Transition

_ROUNDING = 1e-5  # what float32 observations and shaping may differ by from ours, relative to their size


class Box2DSimulator(EnvironmentSimulator, ABC):
    """What the simulators of Box2D environments have in common.

    A state says which of the two feet touches the ground, in the order of the observation. Box2D finds contacts at the start
    of a step, so that an observation shows those of the pose before; the state keeps what was shown, and the step finds its
    own. Two things are no part of it: the impulses that the solver starts from, zero in the first step from a state that was
    set, and how long a body has been at rest.
    """

    library = f"Box2D {Box2D.__version__}"

    def __init__(self, env: Any):
        super().__init__(env)
        self._is_set = False  # whether the state was set, and no step has been made since
        self._outlines: Outlines | None = None  # of the bodies that the last reset made

    def reset(self, seed: int) -> None:
        super().reset(seed)
        self._is_set, self._outlines = False, None

    def step(self, action: int | NDArray[np.float64]) -> Transition:
        world = self._env.world
        if self._is_set:
            for foot in self._feet():
                foot.ground_contact = False  # found anew by the step
        world.warmStarting = not self._is_set
        self._is_set = False
        try:
            shown, reward, terminated, _, _ = self._env.step(action)
        finally:
            world.warmStarting = True
        return self._compare(shown), float(reward), bool(terminated)

    @abstractmethod
    def observe(self) -> NDArray[np.float64]:
        """The observation of the state, in float64."""

    @abstractmethod
    def _bodies(self) -> list[Any]:
        """The moving bodies, the main one first."""

    @abstractmethod
    def _feet(self) -> list[Any]:
        """Two of them, in the order of the observation."""

    @abstractmethod
    def _shaping(self) -> float:
        """The potential whose difference a step rewards."""

    def _begin(self, touches: NDArray[np.bool_]) -> None:
        """What a reset does besides the bodies, for an episode that goes on from a state that was set."""
        for foot, touching in zip(self._feet(), touches, strict=True):
            foot.ground_contact = bool(touching)
        self._env.game_over = False
        self._env.prev_shaping = self._shaping()
        self._is_set = True

    def _corners(self, motions: Sequence[Motion]) -> tuple[NDArray[np.float64], Outlines]:
        """The corners of bodies that move so, and to which of them each belongs."""
        if self._outlines is None:
            self._outlines = Outlines(self._bodies())
        return self._outlines.corners(motions), self._outlines

    def _compare(self, shown: NDArray) -> NDArray[np.float64]:
        """The observation in float64, after checking that the environment shows it, and rewards as its base class does."""
        shown, exact = np.asarray(shown, dtype=np.float64), self.observe()
        name = type(self._env).__name__
        if not np.isfinite(shown).all():
            raise DivergenceError(f"{name} showed the observation {shown}; it must be finite.")
        if shown.shape != exact.shape or not np.allclose(shown, exact, rtol=_ROUNDING, atol=_ROUNDING):
            raise SimulatorError(
                f"{name} showed the observation {shown}, but its bodies stand for {exact}: it is derived from one of "
                f"Gymnasium's Box2D environments with other observations. For these, {REMEDY}"
            )
        found, known = self._env.prev_shaping, self._shaping()
        if abs(found - known) > _ROUNDING * max(1.0, abs(known)):
            raise SimulatorError(
                f"{name} has the potential (prev_shaping) {found:.6g} where its base class has {known:.6g}, and only that one "
                f"can be set. For other rewards, {REMEDY}"
            )
        return exact
