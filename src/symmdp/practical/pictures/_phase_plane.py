from __future__ import annotations

from typing import TYPE_CHECKING

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from symmdp.mdp import simulator_of
from symmdp.practical.pictures._picture import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    SKY,
    VERMILION,
    Picture,
    arrow,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)


def phase_plane(steps: int = 45, seed: int = 3) -> Picture:
    """The plane of the pole's angle and angular velocity: orbits of the group, and two runs that mirror each other.

    On the left, states and their mirror images, which are the orbits `{s, −s}`. On the right, CartPole from a state with some
    actions, and from its mirror image with the mirrored actions.

    Args:
        steps: of both runs.
        seed: of the states and actions.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    generator = np.random.default_rng(seed)
    figure = new_figure(9.5, 4.3)
    orbits, runs = figure.subplots(1, 2)
    _orbits(orbits, generator)
    _runs(runs, steps, generator)
    return Picture(figure, "states and their mirror images in the plane of θ and θ̇, and two runs that mirror each other")


def _orbits(axes: Axes, generator: np.random.Generator) -> None:
    _plane(axes, 0.26, 1.3)
    axes.axvspan(0, 1, color=PAPER, zorder=0)
    axes.text(0.25, -1.22, "this half holds one\nstate of every orbit", fontsize=11, color=FAINT, ha="right", va="bottom")
    angles = (np.arange(6) + 0.5) * np.pi / 6 + generator.uniform(-0.15, 0.15, 6)
    radii = np.array([0.6, 0.5, 0.85, 0.6, 0.9, 0.55])
    for colour, angle, radius in zip(_COLOURS, angles, radii, strict=True):
        theta, speed = 0.24 * radius * np.sin(angle), 1.2 * radius * np.cos(angle)
        axes.plot([-theta, theta], [-speed, speed], color=colour, linewidth=1.3, linestyle=(0, (2, 2)), zorder=2)
        axes.plot(theta, speed, "o", color=colour, markersize=10, zorder=3)
        axes.plot(
            -theta, -speed, "o", markerfacecolor="white", markeredgecolor=colour, markeredgewidth=2.4, markersize=10, zorder=3
        )
    axes.plot(0, 0, "o", color=INK, markersize=8, zorder=4)
    axes.annotate(
        "the centre is\nits own image",
        (0, 0),
        (0.05, 1.02),
        fontsize=11,
        color=INK,
        arrowprops={"arrowstyle": "-", "color": INK, "shrinkB": 5},
    )
    axes.set_title("orbits: $s$ (full) and $L_g s = -s$ (open)", fontsize=13, color=INK, loc="left")


def _runs(axes: Axes, steps: int, generator: np.random.Generator) -> None:
    _plane(axes, 0.26, 2.2)
    start = np.array([0.0, 0.0, 0.13, 0.9])
    actions: list[int] = []
    run = _run(start, actions, steps, generator)
    mirrored = _run(-start, [1 - action for action in actions], 0, generator)
    for path, colour, name, marker in (
        (run, BLUE, "from $s$: $a_0, a_1, …$", "o"),
        (mirrored, VERMILION, "from $-s$: mirrored actions", "s"),
    ):
        axes.plot(path[:, 2], path[:, 3], color=colour, linewidth=2, label=name, zorder=2)
        axes.plot(path[0, 2], path[0, 3], marker, color=colour, markersize=10, zorder=3)
        end, before = path[-1, 2:].tolist(), path[-2, 2:].tolist()
        axes.annotate("", (end[0], end[1]), (before[0], before[1]), arrowprops=arrow(colour, 2))
    axes.plot(0, 0, "o", color=INK, markersize=6)
    error = np.abs(run + mirrored).max()
    axes.set_title(
        f"{len(run) - 1} steps of the simulator; " + r"largest $|s_t + s^\prime_t|$" + f": {error:.0e}".replace("0e+00", "0"),
        fontsize=13,
        color=INK,
        loc="left",
    )
    axes.legend(loc="upper left", fontsize=11, frameon=False, borderaxespad=0.1)


def _run(start: NDArray, actions: list[int], steps: int, generator: np.random.Generator) -> NDArray:
    """The states from `start` on: under the actions given, then `steps` more that keep the pole up, which are added to them."""
    env = gym.make("CartPole-v1")
    simulator = simulator_of(env)
    simulator.reset(0)
    simulator.set_state(start)
    states = [start]
    for action in list(actions):
        states.append(simulator.step(action)[0])
    for _ in range(steps):
        leaning = states[-1][2] + 0.2 * states[-1][3] + generator.normal(0, 0.02)
        keep = actions[-1] if actions else 0
        actions.append(keep if abs(leaning) < 0.12 else int(leaning > 0))  # holds on, so that the run makes loops
        states.append(simulator.step(actions[-1])[0])
    env.close()
    return np.array(states)


def _plane(axes: Axes, angle: float, speed: float) -> None:
    axes.set_xlim(-angle, angle)
    axes.set_ylim(-speed, speed)
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=1)
    axes.axvline(0, color=FAINT, linewidth=0.8, zorder=1)
    axes.set_xticks([-0.2, -0.1, 0, 0.1, 0.2])
    axes.set_xlabel(r"pole angle $\theta$ (rad)", fontsize=12, color=INK)
    axes.set_ylabel(r"angular velocity $\dot\theta$ (rad/s)", fontsize=12, color=INK)
    axes.tick_params(labelsize=11)
    axes.spines[["top", "right"]].set_visible(False)
