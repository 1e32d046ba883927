from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symmdp.mdp import Symmetry, make_environment

if TYPE_CHECKING:
    from symmdp.policies import ActorCritic


@torch.no_grad()
def action_parameters(policy: ActorCritic, observations: NDArray) -> NDArray[np.float64]:
    """Action probabilities, or mean actions where they are continuous: shape `(observations, actions)`."""
    distribution = policy.distribution(torch.as_tensor(observations, dtype=torch.float32))
    values: Tensor = distribution.probs if policy.discrete else distribution.mean  # pyright: ignore[reportAttributeAccessIssue]
    return values.double().numpy()


def asymmetry(policy: ActorCritic, symmetry: Symmetry, observations: NDArray, g: int) -> NDArray[np.float64]:
    """How far the policy is from `π(K_g a|L_g s) = π(a|s)` in each state, shape `(observations,)`.

    Half the 1-norm of the difference: of action probabilities it is the total-variation distance, from 0 to 1.
    """
    here = action_parameters(policy, observations)
    there = action_parameters(policy, symmetry.transform_observation(g, observations))
    # Probabilities are moved as vectors, by the permutation matrix.
    expected = here @ symmetry.require_action_representation()(g).T
    if not policy.discrete:
        expected = symmetry.transform_action(g, here, discrete=False)
    return 0.5 * np.abs(there - expected).sum(axis=1)


def visited_observations(
    environment_id: str, policies: Mapping[str, ActorCritic], *, episodes: int = 2, seed: int = 0
) -> NDArray[np.float32]:
    """Observations of some episodes of every policy, shape `(observations, …)`.

    Args:
        environment_id: a Gymnasium id.
        policies: by name.
        episodes: of each policy.
        seed: of environment and actions.
    """
    generator = torch.Generator().manual_seed(seed)
    visited = []
    environment = make_environment(environment_id)
    space = environment.action_space
    for policy in policies.values():
        for episode in range(episodes):
            observation, _ = environment.reset(seed=seed + episode)
            done = False
            while not done:
                visited.append(observation)
                action = policy.act(torch.as_tensor(observation), generator=generator).numpy()
                if isinstance(space, gym.spaces.Box):
                    action = np.clip(action, space.low, space.high)
                observation, _, terminated, truncated, _ = environment.step(action)
                done = terminated or truncated
    environment.close()
    return np.stack(visited).astype(np.float32)
