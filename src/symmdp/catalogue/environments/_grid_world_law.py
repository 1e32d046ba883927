"""The law of the Grid World: how agent and prey move on the torus, and the image that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from symmdp.errors import OptionError

ACTIONS = ("noop", "up", "right", "down", "left")
DIRECTIONS = np.array([[0, 0], [0, 1], [1, 0], [0, -1], [-1, 0]])
"""Where each action takes the agent: `(x, y)`, `x` to the right and `y` up."""
DIRECTIONS.flags.writeable = False


@dataclass(frozen=True)
class GridWorldLaw:
    """What happens in a Grid World, on whole batches; random numbers are given, none are drawn.

    A state is the cell, seen from the agent, in which the prey is: a number from 0 to `size² − 1`, row by row from the top
    left of the image. The agent is in the middle, in the cell `center`; a prey that is there is caught.

    Args:
        size: cells in a row and in a column, odd: on an even torus no cell is in the middle.
        cell: pixels in a row and in a column of a cell.
        prey_moves: the probability that the prey moves.

    Raises:
        OptionError: a size that is no odd integer of at least 3, a cell that is no integer of at least 1, or a number that
            is no probability.
    """

    size: int = 7
    cell: int = 3
    prey_moves: float = 0.15

    def __post_init__(self) -> None:
        if not _is_integer(self.size) or self.size < 3 or self.size % 2 == 0:
            raise OptionError(
                f"The size of a Grid World is an odd integer of at least 3, so that the agent is in the middle; got "
                f"{self.size!r}. The paper's is 7."
            )
        if not _is_integer(self.cell) or self.cell < 1:
            raise OptionError(f"A cell is an integer of at least 1 pixel high and wide; got {self.cell!r}. The paper's is 3.")
        if not isinstance(self.prey_moves, int | float) or not 0 <= self.prey_moves <= 1:
            raise OptionError(
                f"prey_moves is a probability, between 0 and 1; got {self.prey_moves!r}. The paper's is 0.15; 0 makes the prey "
                "stand still."
            )

    @property
    def center(self) -> int:
        """The agent's cell."""
        return self.size**2 // 2

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """The cells in which the prey may start: all but the agent's, shape `(size² − 1,)`."""
        return np.delete(np.arange(self.size**2), self.center)

    @cached_property
    def after_agent(self) -> NDArray[np.int64]:
        """Where the prey is, seen from the agent, after an action of the agent, shape `(size², 5)`."""
        return self._shifted(-DIRECTIONS)

    @cached_property
    def after_prey(self) -> NDArray[np.int64]:
        """Where the prey is after a step of its own, shape `(size², 5)`; it never enters the agent's cell, but stays."""
        moved = self._shifted(DIRECTIONS)
        return np.where(moved == self.center, np.arange(self.size**2)[:, None], moved)

    @cached_property
    def following(self) -> NDArray[np.int64]:
        """What follows state `s` and action `a`: with `probabilities[k]` the state `following[s, a, k]`, `(size², 5, 5)`."""
        moved = self.after_agent
        return np.where((moved == self.center)[..., None], self.center, self.after_prey[moved])

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Of the prey's standing still and of its four steps, shape `(5,)`."""
        return np.array([1 - self.prey_moves, *[self.prey_moves / 4] * 4])

    def start(self, draws: NDArray[np.float64]) -> NDArray[np.int64]:
        """Initial states, uniform for `draws` uniform in [0, 1), of the same shape `(n,)`."""
        return self.starts[(draws * len(self.starts)).astype(np.int64)]

    def step(
        self, prey: NDArray[np.int64], actions: NDArray, draws: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The states that follow, and which of them are caught; all of shape `(n,)`.

        The agent moves. If this takes it to the prey, the prey is caught and stays; else the prey takes its step.

        Args:
            prey: the states.
            actions: of the agent, 0 … 4.
            draws: in [0, 1); the prey moves where one is below `prey_moves`, and its quarter of that range is the direction.
        """
        after = self.after_agent[prey, actions]
        caught = after == self.center
        moving = np.flatnonzero((draws < self.prey_moves) & ~caught)
        direction = 1 + np.minimum((draws[moving] * 4 / self.prey_moves).astype(np.int64), 3) if len(moving) else moving
        after[moving] = self.after_prey[after[moving], direction]
        return after, caught

    def images(self, prey: NDArray[np.int64]) -> NDArray[np.float32]:
        """What is seen in states of shape `(n,)`: zeros and ones, shape `(n, 1, size · cell, size · cell)`.

        The prey is an upright cross in its cell, and the agent a diagonal one in the middle, drawn over a prey that is there.
        """
        n, size, cell, middle = len(prey), self.size, self.cell, self.size // 2
        row, column = np.divmod(prey, size)
        canvas = np.zeros((n, size, cell, size, cell), dtype=np.float32)
        canvas[np.arange(n), row, :, column, :] = self._prey_shape
        canvas[:, middle, :, middle, :] = self._agent_shape
        return canvas.reshape(n, 1, size * cell, size * cell)

    @cached_property
    def _prey_shape(self) -> NDArray[np.bool_]:
        from_middle = np.abs(2 * np.arange(self.cell) - (self.cell - 1))
        return np.minimum(from_middle[:, None], from_middle) <= 1

    @cached_property
    def _agent_shape(self) -> NDArray[np.bool_]:
        diagonal = np.eye(self.cell, dtype=bool)
        return diagonal | diagonal[::-1]

    def _shifted(self, shifts: NDArray[np.int64]) -> NDArray[np.int64]:
        row, column = np.divmod(np.arange(self.size**2)[:, None], self.size)
        return (row - shifts[:, 1]) % self.size * self.size + (column + shifts[:, 0]) % self.size


@lru_cache(maxsize=16)
def law_of(size: int, cell: int, prey_moves: float) -> GridWorldLaw:
    """The law with these options, whose tables are computed once."""
    return GridWorldLaw(size, cell, prey_moves)


def _is_integer(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
