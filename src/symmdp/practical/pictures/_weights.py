from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symmdp.errors import ShapeError
from symmdp.practical.pictures._picture import COORDINATES, INK, Picture, blue_to_vermilion, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def symmetrized_weights(weights: ArrayLike, symmetrized: ArrayLike) -> Picture:
    """A weight matrix, what the symmetrizer makes of it, and the rest that it takes away.

    `W = S(W) + (W − S(W))`: the symmetrizer is a projection onto the equivariant weights.

    Args:
        weights: `W`, shape `(out, in)`.
        symmetrized: `S(W)`, likewise.

    Raises:
        ShapeError: they are no matrices of one shape.
        MissingExtraError: matplotlib is not installed.
    """
    before, after = as_array(weights), as_array(symmetrized)
    if before.ndim != 2 or before.shape != after.shape:
        raise ShapeError(f"Give two matrices of one shape, W and S(W); got the shapes {before.shape} and {after.shape}.")
    figure = new_figure(9.5, 0.9 + 2.9 * min(1.3, max(0.35, before.shape[0] / before.shape[1])))
    reach = max(float(np.abs([before, after, before - after]).max()), 1e-12)
    titles = ("$W$", "$S(W)$", "$W - S(W)$")
    for axes, title, matrix in zip(figure.subplots(1, 3), titles, (before, after, before - after), strict=True):
        draw_matrix(axes, matrix, reach)
        axes.set_title(title, fontsize=14, color=INK)
    colour_bar(figure, reach, figure.axes)
    return Picture(figure, "a weight matrix before and after it is symmetrized, and what was taken away")


def basis_images(basis: Sequence[ArrayLike] | ArrayLike) -> Picture:
    """The matrices of a basis of the equivariant weights, an image each.

    Args:
        basis: shape `(rank, out, in)`; up to sixteen matrices are drawn.

    Raises:
        ShapeError: it has another number of axes, or no matrix.
        MissingExtraError: matplotlib is not installed.
    """
    matrices = as_array(basis)
    if matrices.ndim != 3 or not len(matrices):
        raise ShapeError(f"A basis is a stack of matrices, of shape (rank, out, in); got the shape {matrices.shape}.")
    shown = matrices[:16]
    columns = min(len(shown), 4)
    rows = -(-len(shown) // columns)
    panel = 8.6 / columns * min(1.3, max(0.35, matrices.shape[1] / matrices.shape[2]))
    figure = new_figure(9.5, rows * (min(panel, 2.6) + 0.75))
    reach = float(np.abs(shown).max())
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(shown) :]:
        axes.set_axis_off()
    for i, (axes, matrix) in enumerate(zip(grid.flat, shown, strict=False)):
        draw_matrix(axes, matrix, reach, left=i % columns == 0)
        axes.set_title(f"$V_{{{i + 1}}}$", fontsize=14, color=INK)
    colour_bar(figure, reach, list(grid.flat))
    return Picture(figure, f"the {len(matrices)} matrices of a basis of the equivariant weights")


def draw_matrix(axes: Axes, matrix: NDArray, reach: float, *, left: bool = True) -> None:
    """A matrix as an image with its numbers, rows and columns named where it maps CartPole's states to its actions."""
    axes.imshow(matrix, cmap=blue_to_vermilion(), vmin=-reach, vmax=reach, aspect="equal" if matrix.shape[0] > 3 else "auto")
    out, into = matrix.shape
    if matrix.size <= 64:
        for i in range(out):
            for j in range(into):
                text = f"{matrix[i, j] + 0.0:+.2f}" if abs(matrix[i, j]) >= 0.005 else "0"
                ink = "white" if abs(matrix[i, j]) > 0.75 * reach else INK
                axes.text(j, i, text.replace("-", "−"), ha="center", va="center", fontsize=11 if into <= 4 else 9, color=ink)
    columns = COORDINATES if into == 4 else [f"{j + 1}" for j in range(into)]
    rows = ("left", "right") if out == 2 else [f"{i + 1}" for i in range(out)]
    axes.set_xticks(range(into), columns, fontsize=13)
    axes.set_yticks(range(out), rows if left else [""] * out, fontsize=12)
    axes.set_xticks(np.arange(into - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(out - 1) + 0.5, minor=True)
    axes.grid(which="minor", color="#cccccc", linewidth=1)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_color("#cccccc")


def colour_bar(figure: Figure, reach: float, axes: Sequence[Axes]) -> None:
    """The scale of matrices that are drawn with this reach."""
    from matplotlib.cm import ScalarMappable

    colours = ScalarMappable(cmap=blue_to_vermilion())
    colours.set_clim(-reach, reach)
    bar = figure.colorbar(colours, ax=list(axes), shrink=0.9, aspect=14, pad=0.015)
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    bar.ax.tick_params(labelsize=10, length=0)
    bar.set_label("weight", fontsize=11, color=INK)


def as_array(values: Any) -> NDArray[np.float64]:
    """Numbers from a list, an array or a tensor with or without gradient, or from a list of these.

    Raises:
        ShapeError: they make no array of numbers.
    """
    try:
        if hasattr(values, "detach"):
            return values.detach().cpu().double().numpy()
        if isinstance(values, list | tuple):
            return np.array([as_array(value) for value in values], dtype=np.float64)
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"Expected numbers in rows of one length; got {type(values).__name__} ({error}).") from None
