from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium.wrappers.utils import RunningMeanStd
from numpy.typing import NDArray

_EPSILON = 1e-8


class RewardScale:
    """Divides the rewards of each seed by the deviation of the discounted return so far: values keep the size of 1.

    `R_t = γ R_{t−1} + r_t` runs along each environment, and starts anew with each episode; rewards are divided by the standard
    deviation of all `R` of a seed that were seen, those of the rollout included. A number for all states and actions, so that
    no symmetry is broken.

    Args:
        seeds: how many.
        environments: of each seed.
        discount: `γ`.

    Source: Engstrom et al. 2020 (arXiv 2005.12729), section 3 (reward scaling).
    """

    def __init__(self, seeds: int, environments: int, discount: float):
        self._discount = discount
        self._running = np.zeros((seeds, environments))
        self._moments = RunningMeanStd(epsilon=0.0, shape=(seeds,))

    def __call__(self, rewards: NDArray[np.float32], done: NDArray[np.bool_]) -> NDArray[np.float32]:
        """The scaled rewards, from those of `(steps, seeds · environments)` and whether an episode ended."""
        shape = len(rewards), *self._running.shape
        seen = np.empty(shape)
        for t, (reward, end) in enumerate(zip(rewards.reshape(shape), done.reshape(shape), strict=True)):
            self._running = self._discount * self._running + reward
            seen[t] = self._running
            self._running = np.where(end, 0.0, self._running)
        self._moments.update(seen.swapaxes(1, 2).reshape(-1, len(self._running)))
        deviation = np.sqrt(self._moments.var + _EPSILON)
        return (rewards.reshape(shape) / deviation[:, None]).reshape(rewards.shape).astype(np.float32)

    def saved(self) -> dict[str, Any]:
        """Everything that the future depends on."""
        return {
            "running": torch.tensor(self._running),
            "count": float(self._moments.count),
            "mean": torch.tensor(self._moments.mean),
            "variance": torch.tensor(self._moments.var),
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on from what `saved` gave."""
        self._running, self._moments.count = saved["running"].numpy().copy(), saved["count"]
        self._moments.mean, self._moments.var = saved["mean"].numpy().copy(), saved["variance"].numpy().copy()
