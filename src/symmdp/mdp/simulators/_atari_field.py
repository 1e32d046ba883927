"""The playing field in the frames of Atari games: the part that mirrors, without scores and walls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symmdp.errors import ShapeError

_FRAME = (210, 160)
_LUMA = np.array([0.2989, 0.5870, 0.1140])  # of red, green and blue, as ALE weighs them


@dataclass(frozen=True)
class AtariField:
    """Where the field of a game is in ALE's frames of 210 × 160 pixels.

    Attributes:
        rows: the first, and the one after the last.
        columns: likewise.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int]:
        """Of the halved field that `field_of` returns."""
        return (self.rows[1] - self.rows[0]) // 2, (self.columns[1] - self.columns[0]) // 2


PONG_FIELD = AtariField(rows=(34, 194), columns=(0, 160))
"""Between the walls above and below, 160 × 160 pixels; halved, 80 × 80. The two scores are above it."""

BREAKOUT_FIELD = AtariField(rows=(32, 196), columns=(8, 152))
"""Between the walls on the left and on the right, 164 × 144 pixels; halved, 82 × 72. The score is above it."""


def field_of(frame: NDArray[np.uint8], field: AtariField = PONG_FIELD) -> NDArray[np.uint8]:
    """The field in grey, halved: each pixel is the mean of 2 × 2, so that the mirror of a field is the field of the mirror.

    (Every other row and column, as is often taken, is not the same for a field and for its mirror image.)

    Args:
        frame: of ALE, grey of shape `(210, 160)` or in colours, `(210, 160, 3)`; any axes before.
        field: of the game.

    Raises:
        ShapeError: it is no such frame.
    """
    frame = np.asarray(frame)
    if frame.shape[-3:] == (*_FRAME, 3):
        colours = frame[..., slice(*field.rows), slice(*field.columns), :]
        grey = (colours @ _LUMA).round().astype(np.uint16)
    elif frame.shape[-2:] == _FRAME:
        grey = frame[..., slice(*field.rows), slice(*field.columns)].astype(np.uint16)
    else:
        raise ShapeError(f"Expected a frame of shape (…, 210, 160) or (…, 210, 160, 3); got {frame.shape}.")
    quarters = grey[..., ::2, ::2] + grey[..., 1::2, ::2] + grey[..., ::2, 1::2] + grey[..., 1::2, 1::2]
    return (quarters // 4).astype(np.uint8)
