"""Representations that the answers about layers are tried on: a list of matrices for each side, the identity first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

_SHEAR = np.array([[1.0, 1.0], [0.0, 1.0]])


@dataclass(frozen=True)
class Case:
    """A group that acts on inputs and outputs.

    Args:
        name: in messages, after "under".
        L: matrices on inputs, `(|G|, in, in)`.
        K: matrices on outputs, `(|G|, out, out)`, in the same order.
    """

    name: str
    L: NDArray[np.float64]
    K: NDArray[np.float64]

    @property
    def rank(self) -> int:
        """The dimension of the equivariant weights, from characters: `1/|G| Σ_g tr K_g tr L_g⁻¹`."""
        traces = [np.trace(K) * np.trace(np.linalg.inv(L)) for L, K in zip(self.L, self.K, strict=True)]
        return round(float(np.mean(traces)))

    def symmetrized(self, W: NDArray[np.float64]) -> NDArray[np.float64]:
        """`1/|G| Σ_g K_g⁻¹ W L_g`."""
        return np.mean([np.linalg.inv(K) @ W @ L for L, K in zip(self.L, self.K, strict=True)], axis=0)

    def violation(self, W: NDArray[np.float64]) -> float:
        """The largest entry of `K_g W − W L_g` over all `g`."""
        return float(max(np.abs(K @ W - W @ L).max() for L, K in zip(self.L, self.K, strict=True)))

    def tensors(self, dtype: torch.dtype) -> list[Any]:
        """`[L, K]` as a student has them, two lists of tensors."""
        return [[torch.tensor(matrix, dtype=dtype) for matrix in side] for side in (self.L, self.K)]

    def weights(self, seed: int) -> NDArray[np.float64]:
        """Normal weights of shape `(out, in)`, which no symmetry leaves alone."""
        return np.random.default_rng(seed).normal(size=(self.K.shape[1], self.L.shape[1]))


def _turns(order: int) -> NDArray[np.float64]:
    angles = 2 * np.pi * np.arange(order) / order
    found = np.array([[[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]] for a in angles])
    return np.where(np.isclose(found, np.round(found)), np.round(found), found)  # quarter turns are exact


def _shifts(order: int) -> NDArray[np.float64]:
    return np.array([np.roll(np.eye(order), k, axis=0) for k in range(order)])


SIGN = np.array([[[1.0]], [[-1.0]]])
ORDERS = [(0, 1, 2), (1, 2, 0), (2, 0, 1), (1, 0, 2), (0, 2, 1), (2, 1, 0)]
CARTPOLE = Case("CartPole's mirror", np.array([np.eye(4), -np.eye(4)]), _shifts(2))
SIGNS = Case("a change of all signs", np.array([np.eye(4), -np.eye(4)]), np.array([np.eye(3), -np.eye(3)]))
QUARTERS = Case("quarter turns of the plane", _turns(4), _turns(4))
QUARTERS_OF_ACTIONS = Case("quarter turns that move four actions round", _turns(4), _shifts(4))
THIRDS = Case("turns by 120° that move three actions round", _turns(3), _shifts(3))
SKEW = Case("turns by 120° in skew coordinates", _turns(3), np.linalg.inv(_SHEAR) @ _turns(3) @ _SHEAR)
AGENTS = Case(
    "permutations of three agents",
    np.array([np.eye(3)[:, order] for order in map(list, ORDERS)]),
    np.array([np.eye(3)[:, order] for order in map(list, ORDERS)]),
)
NOTHING = Case("a sign that an invariant output must not see", SIGN, np.abs(SIGN))
