"""Which functions of single units commute with which representations."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symmdp.practical._answers import boolean, by_name, fail, function

_HALF_ROOT = math.sqrt(0.5)
REPRESENTATIONS: dict[str, NDArray[np.float64]] = {
    "swap": np.array([[0.0, 1.0], [1.0, 0.0]]),
    "sign": -np.eye(2),
    "quarter turn": np.array([[0.0, -1.0], [1.0, 0.0]]),
    "eighth of a turn": np.array([[_HALF_ROOT, -_HALF_ROOT], [_HALF_ROOT, _HALF_ROOT]]),
}
"""A matrix of each kind: a permutation, two signed permutations, and an orthogonal one."""
ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}
"""Functions of single units."""


def commuting(commutes: object) -> str:
    """A function that says whether `φ(P x) = P φ(x)`, for every `x` as far as samples tell."""
    asked = function(commutes, "commutes")
    for name, matrix in REPRESENTATIONS.items():
        P = torch.tensor(matrix, dtype=torch.float32)
        for activation, phi in (*ACTIVATIONS.items(), ("identity", torch.clone)):
            found = boolean(asked(phi, P), f"commutes({activation}, {name})")
            right = commute(phi, P)
            if found and not right:
                fail(
                    f"You say that {activation} commutes with the {name}. For x = (1, −2): φ(P x) = {_values(phi, P, True)}, "
                    f"but P φ(x) = {_values(phi, P, False)}. Try many x, of either sign."
                )
            if right and not found:
                fail(
                    f"You say that {activation} does not commute with the {name}, but it does. Compare with torch.allclose and "
                    "a tolerance: equal numbers that were computed in two ways differ by rounding."
                )
    return "Permutations allow any function; minus signs only odd ones; rotations none of these."


def commute(phi: object, P: Tensor) -> bool:
    """Whether a function of single units commutes with a matrix, on samples."""
    x = torch.randn(200, len(P), generator=torch.Generator().manual_seed(0))
    return torch.allclose(phi(x @ P.T), phi(x) @ P.T, atol=1e-5)  # pyright: ignore[reportCallIssue]


def _values(phi: object, P: Tensor, before: bool) -> str:
    x = torch.tensor([1.0, -2.0])
    y = phi(P @ x) if before else P @ phi(x)  # pyright: ignore[reportCallIssue]
    return "(" + ", ".join(f"{value:.2f}" for value in y.tolist()).replace("-", "−") + ")"


def hidden_nonlinearities(safe: object) -> str:
    """Which of three functions are safe on hidden units that change places, change signs, or turn."""
    names = [f"{activation} on {name}" for name in REPRESENTATIONS for activation in ACTIVATIONS]
    found = by_name(safe, "safe", names)
    for name, matrix in REPRESENTATIONS.items():
        P = torch.tensor(matrix, dtype=torch.float32)
        for activation, phi in ACTIVATIONS.items():
            key = f"{activation} on {name}"
            right = commute(phi, P)
            if boolean(found[key], f"safe[{key!r}]") == right:
                continue
            if activation == "relu" and name == "sign":
                fail("ReLU on a sign representation is not safe: relu(−x) is not −relu(x). It forgets which side x was on.")
            if right and name == "swap":
                fail(f"{key} is safe: a permutation only renames the units, and {activation} treats all units alike.")
            if right:
                fail(f"{key} is safe: {activation} is odd, φ(−x) = −φ(x), and the {name} moves units and changes signs only.")
            fail(f"{key} is not safe: for x = (1, −2), φ(P x) = {_values(phi, P, True)} but P φ(x) = {_values(phi, P, False)}.")
    return "The representation decides which functions are allowed."
