from __future__ import annotations

import numpy as np
import torch

from symmdp.practical._answers import boolean, fail, function
from symmdp.practical.checks.layers._cases import CARTPOLE, QUARTERS, SIGNS, THIRDS, Case


def network_test(test_network_is_equivariant: object) -> str:
    """A function that tells equivariant layers `φ(W z + b)` from others."""
    asked = function(test_network_is_equivariant, "test_network_is_equivariant")
    W = {case.name: case.symmetrized(case.weights(3)) for case in (CARTPOLE, SIGNS, THIRDS)}
    only_identity = CARTPOLE.weights(4)
    # Group, weights, bias, nonlinearity, whether it is equivariant, and what another answer overlooks.
    tries: tuple[tuple[Case, np.ndarray, object, object, bool, str], ...] = (
        (CARTPOLE, W[CARTPOLE.name], 0.0, torch.relu, True, "W is symmetrized, and ReLU commutes with permutations"),
        (CARTPOLE, W[CARTPOLE.name], 1.0, torch.relu, True, "an equal bias for both outputs is equivariant too"),
        (
            CARTPOLE,
            only_identity,
            0.0,
            torch.relu,
            False,
            "W is not symmetrized. Only the identity finds nothing to object to: compare for every element of the group",
        ),
        (
            CARTPOLE,
            W[CARTPOLE.name],
            torch.tensor([1.0, -1.0], dtype=torch.float64),
            torch.relu,
            False,
            "W is symmetrized, but the bias (1, −1) is not: add b before the nonlinearity, on both sides",
        ),
        (SIGNS, W[SIGNS.name], 0.0, torch.tanh, True, "W is symmetrized and tanh is odd"),
        (SIGNS, W[SIGNS.name], 0.0, torch.relu, False, "W is symmetrized, but ReLU does not commute with signs: apply phi"),
        (
            QUARTERS,
            np.array([[1.0, -2.0], [2.0, 1.0]]),
            0.0,
            lambda x: x,
            True,
            "W is symmetrized. Compare K_g φ(W z + b) with φ(W L_g z + b): inputs are moved by L_g, outputs by K_g, no inverse",
        ),
        (
            QUARTERS,
            np.array([[1.0, 2.0], [2.0, -1.0]]),  # the mean of K_g W L_g, without the inverse
            0.0,
            lambda x: x,
            False,
            "this W is equivariant to the inverse action only, which CartPole's group cannot tell apart",
        ),
        (
            THIRDS,
            W[THIRDS.name],
            0.3,
            torch.relu,
            True,
            "both sides agree up to rounding: compare with a tolerance (torch.allclose), never exactly",
        ),
    )
    for number, (case, weights, bias, phi, right, why) in enumerate(tries):
        z = torch.tensor(np.round(np.random.default_rng(number).normal(size=case.L.shape[1]) * 5))  # no rounding in turns
        answer = asked(torch.tensor(weights), z, case.tensors(torch.float64), bias, phi)
        if boolean(answer, "what test_network_is_equivariant returns") != right:
            fail(f"Under {case.name}, test_network_is_equivariant says {not right}; but {why}.")
    return "It accepts equivariant layers, and sees a wrong weight, a wrong bias and a wrong nonlinearity."
