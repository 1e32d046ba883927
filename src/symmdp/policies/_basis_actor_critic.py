from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray

from symmdp.errors import OptionError
from symmdp.maps import EquivariantMaps, SharedBasis
from symmdp.mdp import Symmetry
from symmdp.nn import EquivariantConv2d, EquivariantLinear, replace_maps_
from symmdp.policies._actor_critic import ActorCritic
from symmdp.representations import Representation, pixel_action

Basis = Literal["random", "nullspace"]


class BasisActorCritic(ActorCritic):
    """The layers of an equivariant `ActorCritic` with weights in other spaces of maps: the baselines of the paper.

    Each layer has as many coefficients as the equivariant one, `W = Σ_k θ_k B_k`, and a basis `B_k` that is *random* (of a
    random subspace of all maps: samples that were not symmetrized), or lies in the *null space* of the symmetrizer (in the
    orthogonal complement of the equivariant maps; a random subspace of it where it is larger than needed). As in the
    paper, the basis is one of maps from one copy of the regular representation to one copy, which all pairs of copies
    share, and biases are made likewise. Where the complement is smaller than the equivariant space, all of it is taken: an
    invariant output, such as the value, has no bias in it. What these networks compute has no symmetry.

    Args:
        symmetry: of the MDP; gives the sizes.
        observation_space: as for `ActorCritic`.
        action_space: likewise.
        hidden: likewise.
        basis: "random" or "nullspace".
        bases: where the bases are drawn from.
        generator: where initial coefficients are drawn from; weights have the norm of the equivariant ones.
        options: of `ActorCritic`.

    Raises:
        OptionError: an unknown basis.
        SpaceMismatchError: as for `ActorCritic`.
        SymmetryError: likewise.

    Source: van der Pol et al. 2020, section 5 (the baselines *random* and *nullspace*); their code shares bases likewise.
    """

    def __init__(
        self,
        symmetry: Symmetry,
        observation_space: gym.Space,
        action_space: gym.Space,
        hidden: Sequence[int] = (64, 64),
        *,
        basis: Basis,
        bases: np.random.Generator,
        generator: torch.Generator | None = None,
        **options: Any,
    ):
        if basis not in ("random", "nullspace"):
            raise OptionError(f"basis is 'random' or 'nullspace'; got {basis!r}.")
        super().__init__(symmetry, observation_space, action_space, hidden, generator=generator, **options)
        self.basis = basis
        for layer in self.modules():
            if isinstance(layer, EquivariantLinear | EquivariantConv2d):
                bias = None if layer.free_bias is None else _bias_space(layer.rep_out, basis, bases)
                replace_maps_(layer, _weight_space(layer, basis, bases), bias, generator)

    def extra_repr(self) -> str:
        """The basis, and what an actor-critic says."""
        return f"{self.basis} basis, {super().extra_repr()}"


def _weight_space(layer: EquivariantLinear | EquivariantConv2d, basis: Basis, rng: np.random.Generator) -> SharedBasis:
    (inputs, rep_in), (outputs, rep_out) = _copies(layer.rep_in), _copies(layer.rep_out)
    if isinstance(layer, EquivariantConv2d):
        rep_in = rep_in * pixel_action(layer.plane, *layer.kernel_size)
    return SharedBasis(_drawn(EquivariantMaps(rep_in, rep_out), basis, rng), (outputs, inputs))


def _bias_space(rep: Representation, basis: Basis, rng: np.random.Generator) -> SharedBasis:
    copies, block = _copies(rep)
    return SharedBasis(_drawn(EquivariantMaps(rep.group.trivial, block), basis, rng)[..., 0], (copies,))


def _copies(rep: Representation) -> tuple[int, Representation]:
    """How many copies of the regular representation it is; otherwise one copy of itself."""
    group = rep.group
    copies = rep.dim // group.order if group.is_listed else 0
    if copies and rep.dim % group.order == 0 and rep == copies * group.regular:
        return copies, group.regular
    return 1, rep


def _drawn(maps: EquivariantMaps, basis: Basis, rng: np.random.Generator) -> NDArray[np.float64]:
    """An orthonormal basis of as many maps as are equivariant, shape `(≤ dim, out, in)`."""
    if basis == "random":
        return np.asarray(maps.random_basis(rng))
    complement = np.asarray(maps.nullspace_basis())
    wanted = min(maps.dim, len(complement))
    if wanted == 0:
        return np.zeros((0, *maps.shape))
    mixed, _ = np.linalg.qr(rng.standard_normal((len(complement), wanted)))
    return np.tensordot(mixed.T, complement, axes=1)
