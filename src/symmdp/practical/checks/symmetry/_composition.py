from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symmdp.practical._answers import array, fail, function
from symmdp.practical.checks.symmetry._group import turn


def _table(matrices: list[NDArray[np.float64]]) -> NDArray[np.int64]:
    return np.array([[next(k for k, c in enumerate(matrices) if np.allclose(a @ b, c)) for b in matrices] for a in matrices])


def composition_table(answer: object) -> str:
    """A function that gives the table of a group: at (i, j) the place of `ρ_i ρ_j`."""
    import torch

    mirror = np.diag([1.0, -1.0])
    asked = function(answer, "composition_table")
    cases = {
        "CartPole's states": [np.eye(4), -np.eye(4)],
        "CartPole's actions": [np.eye(2), np.array([[0.0, 1.0], [1.0, 0.0]])],
        "the three turns by 120°": [turn(k * 2 * np.pi / 3) for k in range(3)],
        "the symmetries of a triangle": [turn(k * 2 * np.pi / 3) @ m for m in (np.eye(2), mirror) for k in range(3)],
    }
    for name, matrices in cases.items():
        right = _table(matrices)
        found = array(asked([torch.as_tensor(matrix) for matrix in matrices]), f"your table of {name}", right.shape)
        if np.array_equal(found, right):
            continue
        if np.array_equal(found, right.T):
            fail(f"In your table of {name} the order of composition is wrong: at (i, j) it has ρ_j ρ_i. It matters here.")
        if np.array_equal(found, right + 1):
            fail("Your table counts elements from 1; Python's places start at 0.")
        i, j = np.argwhere(found != right)[0]
        fail(f"In your table of {name}, ρ_{i} ρ_{j} is element {right[i, j]}; you have {found[i, j]:g}.")
    return "Both of CartPole's lists have the same table: they represent the same group, of two elements."
