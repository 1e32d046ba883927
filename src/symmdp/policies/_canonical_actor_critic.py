from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from symmdp.errors import PlainModuleError
from symmdp.mdp import Symmetry
from symmdp.mdp.transform._canonicalization import Canonicalization
from symmdp.mdp.transform._rows import act_on_rows
from symmdp.policies._actor_critic import ActorCritic, log_std_of


class CanonicalActorCritic(ActorCritic):
    """A plain actor-critic that sees canonical states only: `π(a|s) = π̂(K_g a|L_g s)` and `V(s) = V̂(L_g s)`, `L_g s` canonical.

    It respects the symmetry by construction, `π(K_h a|L_h s) = π(a|s)`, as an equivariant network does: logits (or means) of
    the canonical state are mapped back by `K_g⁻¹`, and log-probabilities are those of the actions taken in `s`. In states
    that some elements leave unchanged, the average over all `g` that lead to the canonical state is taken. The log standard
    deviation of Box actions is invariant under `|K_g|`, or the covariance would not be mapped back. What is learned may jump
    where two canonical states meet.

    Args:
        symmetry: of the MDP.
        observation_space: as for `ActorCritic`.
        action_space: likewise.
        hidden: widths of the plain hidden layers.
        canonicalization: which states are canonical; by the order of their coordinates when not given.
        log_std: the initial log standard deviation of Box actions.
        options: of `ActorCritic`.

    Raises:
        SpaceMismatchError: as for `ActorCritic`.
        SymmetryError: likewise.
        GroupError: the group is not listed.

    Source: Kaba et al. 2023 (arXiv 2211.06489); Puny et al. 2022 (arXiv 2110.03336), equation 3, for the average.
    """

    def __init__(
        self,
        symmetry: Symmetry,
        observation_space: gym.Space,
        action_space: gym.Space,
        hidden: Sequence[int] = (64, 64),
        *,
        canonicalization: Canonicalization | None = None,
        log_std: float = 0.0,
        dtype: torch.dtype | None = None,
        **options: Any,
    ):
        symmetry.check_spaces(observation_space, action_space)
        plain = symmetry.restrict_to_trivial()
        super().__init__(plain, observation_space, action_space, hidden, log_std=log_std, dtype=dtype, **options)
        self.symmetry, self.canonicalization = symmetry, canonicalization or Canonicalization(symmetry)
        action, dtype = symmetry.require_action_representation(), dtype or torch.get_default_dtype()
        if not self.discrete:
            self.log_std = log_std_of(action, log_std, dtype)
        back = np.stack([np.asarray(action(symmetry.group.inverse(g)), dtype=np.float64) for g in symmetry.group])
        self.register_buffer("back", torch.tensor(back, dtype=dtype), persistent=False)
        center = None if self.discrete or symmetry.action_center is None else torch.tensor(symmetry.action_center, dtype=dtype)
        self.register_buffer("back_center", center, persistent=False)

    back: Tensor
    back_center: Tensor | None

    def forward(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        """`(logits or means, values)`, shapes `(..., actions)` and `(...)`."""
        frame = self.canonicalization.frame(observation)
        first = frame.to(torch.uint8).argmax(-1)
        canonical = act_on_rows(self.symmetry.observation, first, observation, self.symmetry.observation_center)
        parameters, value = super().forward(canonical)
        # The average of K_g⁻¹ over the frame, of each row.
        shares = frame.to(self.back.dtype) / frame.sum(-1, keepdim=True)
        maps = (shares @ self.back.flatten(1)).unflatten(-1, self.back.shape[1:])
        if self.back_center is not None:
            parameters = parameters - self.back_center
        parameters = (maps @ parameters.unsqueeze(-1)).squeeze(-1)
        return parameters if self.back_center is None else parameters + self.back_center, value

    def to_plain(self) -> NoReturn:
        """Not possible: which state is canonical is no layer of `torch.nn`.

        Raises:
            PlainModuleError: always.
        """
        raise PlainModuleError(
            "A canonicalized policy chooses among the images of each state, for which torch.nn has no module. Export the "
            "network behind it in an environment wrapped by symmdp.mdp.CanonicalStates, or train an equivariant policy."
        )

    def extra_repr(self) -> str:
        """What an actor-critic says, and that the network is plain."""
        return f"{super().extra_repr()}, by canonical states"
