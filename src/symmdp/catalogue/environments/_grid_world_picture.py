"""The Grid World drawn for people: the torus as the agent sees it, with itself in the middle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symmdp.catalogue.environments._grid_world_law import GridWorldLaw

_CELL = 32  # pixels
_PAPER, _LINE, _AGENT, _PREY = (255, 255, 255), (214, 214, 214), (0, 114, 178), (213, 94, 0)
_AGENT_RADIUS, _PREY_RADIUS = 0.40, 0.26  # of a cell; a prey that is caught is drawn on the agent


def picture(law: GridWorldLaw, prey: int) -> NDArray[np.uint8]:
    """The agent as a blue disc and the prey as a smaller orange one, shape `(32 size + 1, 32 size + 1, 3)`."""
    side = law.size * _CELL + 1
    canvas = np.full((side, side, 3), _PAPER, dtype=np.float64)
    canvas[::_CELL], canvas[:, ::_CELL] = _LINE, _LINE
    for number, radius, colour in ((law.center, _AGENT_RADIUS, _AGENT), (prey, _PREY_RADIUS, _PREY)):
        row, column = divmod(int(number), law.size)
        i, j = np.ogrid[:side, :side]
        distance = np.hypot(i - (row + 0.5) * _CELL, j - (column + 0.5) * _CELL)
        share = np.clip(radius * _CELL + 0.5 - distance, 0, 1)[..., None]  # of a pixel within the disc
        canvas = canvas * (1 - share) + share * np.array(colour)
    return canvas.round().astype(np.uint8)


def text(law: GridWorldLaw, prey: int) -> str:
    """Lines of `.`, with `A` for the agent, `p` for the prey and `X` where the agent has caught it."""
    cells = np.full(law.size**2, ".")
    cells[law.center] = "A"
    cells[prey] = "X" if prey == law.center else "p"
    return "\n".join(" ".join(line) for line in cells.reshape(law.size, law.size))
