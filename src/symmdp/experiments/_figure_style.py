from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from symmdp.experiments._extras import extra
from symmdp.experiments._method_style import style_of
from symmdp.training._run_directory import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT = "#222222", "#767676"


def check_figures() -> None:
    """Check that figures can be drawn here.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with extra("The learning-curve figure"):
        import matplotlib  # noqa: F401


def colour_of(method: str, position: int = 0) -> str:
    """The colour of a method on white, the same in every figure."""
    return style_of(method, position).light


def clean(axes: Axes) -> None:
    """Leave only the axes that carry numbers."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=11)


def save(figure: Figure, path: Path) -> None:
    """Write the figure as PNG and PDF beside each other, each as a whole or not at all.

    Raises:
        OSError: they cannot be written.
    """
    for name in ("png", "pdf"):
        content = io.BytesIO()
        metadata = {"CreationDate": None} if name == "pdf" else None  # equal figures are equal files
        figure.savefig(content, format=name, facecolor="white", dpi=160, metadata=metadata)
        write_atomically(path.with_suffix(f".{name}"), content.getvalue())
