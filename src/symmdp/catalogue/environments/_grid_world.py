from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from symmdp.catalogue.environments._grid_world_law import GridWorldLaw, law_of
from symmdp.catalogue.environments._grid_world_picture import picture, text
from symmdp.errors import OptionError
from symmdp.mdp import Simulator

Observation = NDArray[np.float32]


class GridWorld(gym.Env[Observation, Any]):
    """A torus on which an agent hunts a prey, seen from the agent: `symmdp/GridWorld-v0`.

    An observation is an image of shape `(1, size · cell, size · cell)` of zeros and ones: in the middle the agent, a
    diagonal cross, and where the prey is, seen from the agent, an upright cross. They are float32, as networks take them, and
    no program takes them for bytes to be divided by 255.

    Actions are 0 noop, 1 up, 2 right, 3 down, 4 left. First the agent moves. If this takes it to the prey, the reward is 1
    and the episode terminates. Otherwise the reward is −0.1, and then with probability `prey_moves` the prey steps to one of
    its four neighbours, each as likely; were that the agent's cell, it stays. Reward and termination are thus functions of
    state and action, and the next observation alone is random. The prey starts anywhere but with the agent, each cell as
    likely. `gymnasium.make` truncates episodes after 100 steps.

    Turning and mirroring the image, and the four moves with it, changes nothing: the symmetry is D4, and exact.

    The paper's own environment lets the prey move before it looks whether it is caught (so that the prey may escape, or walk
    to the agent), lets it start with the agent, and counts rows upwards.

    Args:
        size: cells in a row and in a column of the torus, odd.
        cell: pixels in a row and in a column of a cell.
        prey_moves: the probability that the prey moves.
        render_mode: `rgb_array` (a picture for people), `ansi` (text), or none.

    Attributes:
        prey: the state: the cell of the image in which the prey is, numbered row by row from the top left.

    Raises:
        OptionError: an option has a value that it cannot take.

    Source: van der Pol et al. 2020, section 6 and appendix (Grid World).
    """

    metadata = {"render_modes": ["rgb_array", "ansi"], "render_fps": 4}  # noqa: RUF012

    def __init__(self, size: int = 7, cell: int = 3, prey_moves: float = 0.15, render_mode: str | None = None):
        law = GridWorldLaw(size, cell, prey_moves)
        check_render_mode(render_mode, self.metadata["render_modes"])
        self.size, self.cell, self.prey_moves, self.render_mode = size, cell, prey_moves, render_mode
        self.observation_space = observation_space(law)
        self.action_space = gym.spaces.Discrete(5)
        self.prey = law.center  # no episode runs before the first reset, or after the prey is caught

    @property
    def law(self) -> GridWorldLaw:
        """What happens, with this environment's options."""
        return law_of(self.size, self.cell, self.prey_moves)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """A new episode; one random number is drawn."""
        super().reset(seed=seed)
        self.prey = int(self.law.start(self.np_random.random(1))[0])
        return self._observation(), {}

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """One step; one random number is drawn.

        Raises:
            OptionError: the action is none of 0 … 4.
            gymnasium.error.ResetNeeded: no episode runs.
        """
        if not self.action_space.contains(action):
            raise OptionError(
                f"The actions of Grid World are the integers 0 … 4 (noop, up, right, down, left); got {action!r}."
            )
        if self.prey == self.law.center:
            raise gym.error.ResetNeeded("No episode runs: the prey is caught, or reset was never called. Call env.reset().")
        prey, caught = self.law.step(np.array([self.prey]), np.array([action]), self.np_random.random(1))
        self.prey = int(prey[0])
        return self._observation(), reward_of(bool(caught[0])), bool(caught[0]), False, {}

    def images(self) -> NDArray[np.float32]:
        """The observations of all states, shape `(size², 1, size · cell, size · cell)`; the agent's cell is the end."""
        return self.law.images(np.arange(self.size**2))

    def render(self) -> NDArray[np.uint8] | str | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """A picture or a text, as `render_mode` says."""
        return rendered(self.law, self.prey, self.render_mode)

    def symmdp_simulator(self) -> Simulator:
        """What `symmdp.verify` steps: this environment, its next observation in expectation."""
        from symmdp.catalogue.environments._grid_world_simulator import GridWorldSimulator

        return GridWorldSimulator(self)

    def _observation(self) -> Observation:
        return self.law.images(np.array([self.prey]))[0]


def observation_space(law: GridWorldLaw) -> gym.spaces.Box:
    """The images of zeros and ones."""
    side = law.size * law.cell
    return gym.spaces.Box(0.0, 1.0, (1, side, side), dtype=np.float32)


def reward_of(caught: bool) -> float:
    """Of one step."""
    return 1.0 if caught else -0.1


def check_render_mode(render_mode: str | None, modes: list[str]) -> None:
    """Raise OptionError unless there is this mode."""
    if render_mode is not None and render_mode not in modes:
        raise OptionError(f"Grid World has no render_mode {render_mode!r}; it has {', '.join(map(repr, modes))} and None.")


def rendered(law: GridWorldLaw, prey: int, render_mode: str | None) -> NDArray[np.uint8] | str | None:
    """One state as `render_mode` says; Gymnasium's warning where there is none."""
    if render_mode is None:
        gym.logger.warn('Grid World is drawn when it was made with a render_mode, as in gym.make(…, render_mode="rgb_array").')
        return None
    return picture(law, prey) if render_mode == "rgb_array" else text(law, prey)
