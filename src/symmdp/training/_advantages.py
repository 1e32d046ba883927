from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def generalized_advantages(
    rewards: NDArray[np.float32],
    values: NDArray[np.float32],
    terminated: NDArray[np.bool_],
    done: NDArray[np.bool_],
    discount: float,
    gae_lambda: float,
) -> NDArray[np.float32]:
    """Advantages by generalised advantage estimation, of the same shape as `rewards`, `(steps, …)`.

        δ_t = r_t + γ V(s_{t+1}) [not terminated] - V(s_t),    Â_t = δ_t + γ λ Â_{t+1} [episode goes on].

    `values` has one step more. Under Gymnasium's next-step autoreset the observation after the last step of an episode
    is the final one, so `V(s_{t+1})` bootstraps a truncated episode without further ado; the reset step that follows is
    no transition and must be masked by the caller.

    Args:
        rewards: `r_t`.
        values: `V(s_0) … V(s_T)`, shape `(steps + 1, …)`.
        terminated: whether the step ended in a terminal state, of value 0.
        done: whether the step ended an episode, terminated or truncated.
        discount: γ.
        gae_lambda: λ; 1 gives reward-to-go minus the value.

    Source: Schulman et al. 2016 (arXiv 1506.02438), equations 11 to 16.
    """
    advantages = np.zeros_like(rewards)
    following = np.zeros_like(rewards[0])
    errors = rewards + discount * values[1:] * ~terminated - values[:-1]
    decay = (discount * gae_lambda * ~done).astype(rewards.dtype)
    for t in range(len(rewards) - 1, -1, -1):
        following = errors[t] + decay[t] * following
        advantages[t] = following
    return advantages
