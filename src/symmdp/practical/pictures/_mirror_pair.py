from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from symmdp.errors import ShapeError
from symmdp.practical.pictures._cart_pole import ACTIONS, draw_cart_pole
from symmdp.practical.pictures._picture import BLUE, FAINT, INK, Picture, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

Policy = Callable[[Tensor], Tensor]
"""Observations `(states, 4)` to probabilities of left and right, `(states, 2)`."""

EXAMPLE = (0.9, 0.5, 0.19, -0.6)


def mirror_pair(state: Sequence[float] = EXAMPLE, action: int = 1, policy: Policy | None = None) -> Picture:
    """A cart and its mirror image, with the action and its image; and what a policy does in both.

    Args:
        state: `(x, ẋ, θ, θ̇)`.
        action: 0 pushes left, 1 right.
        policy: its two probabilities are drawn below both states, where one is given.

    Raises:
        ShapeError: the state has not four numbers, or the policy gives no two.
        MissingExtraError: matplotlib is not installed.
    """
    figure = new_figure(9.5, height_of_pair(policy))
    draw_mirror_pair(figure, state, action, policy)
    x, other = float(state[0]), ACTIONS[1 - action]
    return Picture(figure, f"a cart at x = {x:+.2f} with {ACTIONS[action]}, and its mirror image at x = {-x:+.2f} with {other}")


def height_of_pair(policy: Policy | None) -> float:
    """The height of the picture of a pair, in inches."""
    return 3.1 if policy is None else 4.1


def draw_mirror_pair(figure: FigureBase, state: Sequence[float], action: int, policy: Policy | None) -> None:
    """Draw what `mirror_pair` shows into a figure, or a part of one.

    Raises:
        ShapeError: as of `mirror_pair`.
    """
    given = [float(value) for value in state]
    if len(given) != 4:
        raise ShapeError(f"A state of CartPole has four numbers, x, ẋ, θ, θ̇; got {len(given)}.")
    pair = (given, [-value + 0.0 for value in given])
    heights = [2.6] if policy is None else [2.6, 0.8]
    grid = figure.add_gridspec(len(heights), 3, width_ratios=[1, 0.22, 1], height_ratios=heights)
    titles = ("a state $s$", "its mirror image $L_g s$")
    for column, (title, shown, push) in enumerate(zip(titles, pair, (action, 1 - action), strict=True)):
        axes = figure.add_subplot(grid[0, 2 * column])
        draw_cart_pole(axes, shown, push)
        axes.set_title(f"{title}\n{_numbers(shown)}", fontsize=11.5, color=INK)
    _between(figure.add_subplot(grid[0, 1]))
    if policy is not None:
        probabilities = probabilities_of(policy, pair)
        for column in (0, 1):
            _bars(figure.add_subplot(grid[1, 2 * column]), probabilities[column])


def probabilities_of(policy: Policy, states: Sequence[Sequence[float]]) -> list[list[float]]:
    """A policy's probabilities in some states.

    Raises:
        ShapeError: it does not give two for each state.
    """
    with torch.no_grad():
        found = torch.as_tensor(policy(torch.tensor(states, dtype=torch.float32)))
    if found.shape != (len(states), 2):
        raise ShapeError(
            f"The policy gives probabilities of shape {tuple(found.shape)} for {len(states)} states; expected "
            f"({len(states)}, 2)."
        )
    return found.double().tolist()


def _numbers(state: Sequence[float]) -> str:
    names = ("x", r"\dot x", r"\theta", r"\dot\theta")
    return "$" + r"\;\; ".join(f"{n} = {v:+.2f}" for n, v in zip(names, state, strict=True)) + "$"


def _between(axes: Axes) -> None:
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    for height, above, below in ((0.72, "$L_g$", r"$s \mapsto -s$"), (0.3, "$K_g$", "left ↔ right")):
        axes.annotate("", (0.98, height), (0.02, height), arrowprops={"arrowstyle": "<|-|>", "color": INK, "linewidth": 1.6})
        axes.text(0.5, height + 0.05, above, ha="center", fontsize=14, color=INK)
        axes.text(0.5, height - 0.11, below, ha="center", fontsize=11, color=FAINT)


def _bars(axes: Axes, probabilities: Sequence[float]) -> None:
    axes.barh([0, 1], probabilities, height=0.66, color=BLUE)
    axes.set_xlim(0, 1)
    axes.set_ylim(1.5, -0.5)
    axes.set_yticks([0, 1], ["π(left)", "π(right)"], fontsize=12, color=INK)
    axes.set_xticks([0, 0.5, 1])
    axes.axvline(0.5, color=FAINT, linewidth=0.9, linestyle=(0, (3, 4)))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    for row, value in enumerate(probabilities):
        inside = value > 0.8
        axes.text(
            value + (-0.015 if inside else 0.015),
            row,
            f"{value:.2f}",
            va="center",
            ha="right" if inside else "left",
            fontsize=12,
            fontweight="bold",
            color="white" if inside else INK,
        )
