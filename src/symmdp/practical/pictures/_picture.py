from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symmdp.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, FAINT, PAPER = "#222222", "#767676", "#F4F4F4"
BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9"
"""Okabe and Ito's colours, which are told apart under every common colour blindness."""
COORDINATES = ("$x$", r"$\dot x$", r"$\theta$", r"$\dot\theta$")
"""Of CartPole's observations, as they are written in figures."""

_DOTS, _CSS = 144, 96  # pixels of the file, and of the notebook, in an inch


class Picture:
    """A figure that a notebook shows as an image, whatever backend matplotlib has there.

    Args:
        figure: of matplotlib.
        words: what there is to see, for those who cannot see it.
    """

    def __init__(self, figure: Figure, words: str):
        self.figure, self.words = figure, words

    def png(self) -> bytes:
        """The image."""
        content = io.BytesIO()
        self.figure.savefig(content, format="png", facecolor="white", dpi=_DOTS)
        return content.getvalue()

    def save(self, path: Path | str) -> None:
        """Write the image to a file; the ending says which format: `.png`, `.pdf`, `.svg`."""
        self.figure.savefig(path, facecolor="white", dpi=_DOTS)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        size = {"width": round(self.figure.get_figwidth() * _CSS)}
        return {"image/png": self.png(), "text/plain": self.words}, {"image/png": size}

    def __repr__(self) -> str:
        return f"Picture: {self.words}"


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of a size in inches; 9.5 inches are as wide as a notebook.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise MissingExtraError(
            "The pictures need matplotlib, which is not installed. Try: pip install 'symmdp[practical]'"
        ) from None
    return Figure(figsize=(width, height), layout="constrained")


def blue_to_vermilion() -> Any:
    """A colour map from blue through white to vermilion, for values of either sign."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("blue to vermilion", [BLUE, "#FFFFFF", VERMILION])


def halo(width: float = 3.0) -> list[Any]:
    """A white rim that keeps text legible on what lies below it."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width, foreground="white")]


def arrow(colour: str, width: float, head: float = 0.35) -> dict[str, Any]:
    """How an arrow from point to point is drawn."""
    shape = f"-|>,head_width={head},head_length={head + 0.2:.2f}"
    return {"arrowstyle": shape, "color": colour, "linewidth": width, "shrinkA": 0, "shrinkB": 0}
