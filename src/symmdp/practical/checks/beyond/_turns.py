"""Grid World's quarter turns: how actions turn, and why the symmetrizer needs its inverse."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symmdp.practical._answers import array, boolean, by_name, fail, first_match, function, integer, matrices

_NAMES = ("noop", "up", "right", "down", "left")
_AFTER = np.array([0, 4, 1, 2, 3])
"""Where a quarter turn against the clock takes each action: up to left, right to up, …"""


def turned_actions(get_actions: object) -> str:
    """The matrices `K_g` of the identity and the three turns of five actions."""
    asked = function(get_actions, "get_grid_world_action_group_representations")
    found = matrices(asked(), "your list of action matrices", 4, (5, 5))
    if not np.allclose(found[0], np.eye(5)):
        fail("The first matrix should be the identity, which turns nothing.")
    quarter = found[1]
    if not np.allclose(quarter[:, 0], np.eye(5)[0]):
        fail("Your quarter turn moves noop (action 0). Doing nothing looks the same from every side: it stays.")
    expected = np.eye(5)[_AFTER].T  # column a has its 1 in the row of the action that a becomes
    if np.allclose(quarter, expected.T):
        fail(
            "Your quarter turn is transposed: it takes up to right, but the picture turns against the clock, and up becomes "
            "left. Column a of the matrix has its 1 in the row of the action that a becomes."
        )
    if not np.allclose(quarter, expected):
        wrong = [a for a in range(5) if not np.allclose(quarter[:, a], expected[:, a])]
        a = wrong[0]
        fail(f"Your quarter turn is wrong in column {a}: {_NAMES[a]} should become {_NAMES[_AFTER[a]]}, as in the picture.")
    for power in (2, 3):
        if not np.allclose(found[power], np.linalg.matrix_power(quarter, power)):
            fail(f"Your matrix {power} is not the quarter turn made {power} times; the list is identity, r, r², r³.")
    return "Noop stays, and the four moves go round."


def quarter_turns(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two representations of C4, of which the second changes lengths."""
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    cycle = np.eye(4)[[3, 0, 1, 2]]
    skew = np.triu(np.ones((4, 4))) + 0.1 * rng.normal(size=(4, 4))
    sheared = skew @ cycle @ np.linalg.inv(skew)
    powers = range(4)
    return (
        np.stack([np.linalg.matrix_power(turn, k) for k in powers]),
        np.stack([np.linalg.matrix_power(sheared, k) for k in powers]),
    )


def any_symmetrizer(symmetrize: object) -> str:
    """`S(W) = 1/|G| Σ K_g⁻¹ W L_g` for C4, where it matters which of these are inverted."""
    import torch

    asked = function(symmetrize, "symmetrize")
    rng = np.random.default_rng(0)
    turn, sheared = quarter_turns(rng)
    cycle = np.stack([np.linalg.matrix_power(np.eye(4)[[3, 0, 1, 2]], k) for k in range(4)])
    for rep_in, rep_out in ((turn, cycle), (turn, sheared), (sheared, cycle)):
        W = rng.normal(size=(rep_out.shape[1], rep_in.shape[1]))
        L, K = ([torch.tensor(matrix) for matrix in rep] for rep in (rep_in, rep_out))
        found = array(asked(torch.tensor(W), [L, K]), "your symmetrized W", W.shape)
        pairs = list(zip(rep_in, rep_out, strict=True))
        right = sum(np.linalg.inv(o) @ W @ i for i, o in pairs) / 4
        if np.allclose(found, right, atol=1e-6):
            continue
        without = sum(o @ W @ i for i, o in pairs) / 4
        said = first_match(
            found,
            {
                "the inverse is missing (or on both sides, which is the same sum), and a turn is not its own inverse": without,
                "the inverse and the factor 1/|G| are missing": 4 * without,
                "the factor 1/|G| is missing: an average, not a sum": 4 * right,
                "the factor is 1/2, but this group has 4 elements": 2 * right,
                "it takes the transpose for the inverse, which is right for orthogonal matrices only; this one changes "
                "lengths": sum(o.T @ W @ i for i, o in pairs) / 4,
            },
        )
        fail(f"Your symmetrized W is wrong for a representation of C4: {said or 'S(W) = 1/|G| Σ K_g⁻¹ W L_g'}.")
    return "It holds for every group, not for mirrors alone."


def layers_without_inverse(equivariant: object) -> str:
    """How many layers without the inverse are equivariant together: an even number."""
    if not isinstance(equivariant, dict):
        fail("equivariant should be a dictionary with the entries 1, 2, 3 and 4.")
    named = {f"{key} layers": value for key, value in equivariant.items()}
    found = by_name(named, "equivariant", [f"{depth} layers" for depth in range(1, 5)])
    for depth in range(1, 5):
        if boolean(found[f"{depth} layers"], f"equivariant[{depth}]") != (depth % 2 == 0):
            fail(
                f"{depth} layer{'s' if depth > 1 else ''}: without the inverse, W L_g = K_g⁻¹ W. Each layer turns the turn "
                f"round, {depth} of them {depth} times: {'which is right' if depth % 2 == 0 else 'which is wrong'}."
            )
    return "Two wrongs make a right, which is why the mistake is so hard to find."


def dimension_of_grid_world(dimension: object) -> str:
    """`(441·5 + 3·1·1) / 4 = 552` maps from images to logits."""
    found = integer(dimension, "your dimension")
    said = {
        2205: "that is the number of all weights, 441 times 5",
        551: "that is a quarter of all, rounded; the pixel in the centre and noop stay where they are, and add to it",
        441: "that is the number of pixels",
        2208: "that is the sum over the group; divide it by |G| = 4",
        1103: "that is half of all; this group has four elements",
        549: "a trace has the wrong sign: turns move pixels, and change no sign",
    }
    if found != 552:
        words = said.get(found, "use the traces: of 441 pixels a turn leaves one in its place, and of the actions noop")
        fail(f"Your dimension is {found}; {words}. The formula is 1/|G| Σ χ_in(g) χ_out(g).")
    return "(441 · 5 + 1 · 1 + 1 · 1 + 1 · 1) / 4."
