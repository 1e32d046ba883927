from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symmdp.practical._answers import boolean, fail, function


def turn(angle: float) -> NDArray[np.float64]:
    """The rotation of the plane by `angle`, in radians."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


_ONE = np.eye(2)
# What is given, whether it is a group, and what a wrong answer overlooks.
_CASES: tuple[tuple[str, list[NDArray[np.float64]], bool, str], ...] = (
    ("{1, −1}", [_ONE, -_ONE], True, "the product of any two is in the set, and each is its own inverse"),
    ("{1} alone", [_ONE], True, "the identity alone is a group, the trivial one"),
    ("{−1} alone", [-_ONE], False, "the identity is missing"),
    ("{1, a quarter turn}", [_ONE, np.round(turn(np.pi / 2))], False, "it is not closed: two quarter turns are a half turn"),
    (
        "the four quarter turns",
        [np.round(turn(k * np.pi / 2)) for k in range(4)],
        True,
        "it is closed, and the inverse of a quarter turn is three of them: an element need not be its own inverse",
    ),
    (
        "the three turns by 120°",
        [turn(k * 2 * np.pi / 3) for k in range(3)],
        True,
        "its products agree up to rounding: compare floats with a tolerance (torch.allclose), never exactly",
    ),
    (
        "{1, diag(1, 0)}",
        [_ONE, np.diag([1.0, 0.0])],
        False,
        "it is closed and has the identity, but diag(1, 0) has no inverse: a projection cannot be undone",
    ),
    (
        "{1, −1, two mirrors} in another order",
        [np.diag([1.0, -1.0]), -_ONE, _ONE, np.diag([-1.0, 1.0])],
        True,
        "it is a group, whatever the order of the list",
    ),
)


def group_axioms(is_group: object) -> str:
    """A function that tells groups of matrices from other sets."""
    import torch

    asked = function(is_group, "is_group")
    for name, matrices, right, why in _CASES:
        answer = boolean(asked([torch.as_tensor(matrix) for matrix in matrices]), f"is_group of {name}")
        if answer != right:
            fail(f"is_group says {answer} of {name}; but {why}.")
    return "Identity, closure and inverses: all three are needed."
