from __future__ import annotations

from typing import Any

import numpy as np
import torch
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
        self._count = 0
        self._mean, self._squares = np.zeros(seeds), np.zeros(seeds)

    def __call__(self, rewards: NDArray[np.float32], done: NDArray[np.bool_]) -> NDArray[np.float32]:
        """The scaled rewards, from those of `(steps, seeds · environments)` and whether an episode ended."""
        shape = len(rewards), *self._running.shape
        seen = np.empty(shape)
        for t, (reward, end) in enumerate(zip(rewards.reshape(shape), done.reshape(shape), strict=True)):
            self._running = self._discount * self._running + reward
            seen[t] = self._running
            self._running = np.where(end, 0.0, self._running)
        number = seen.shape[0] * seen.shape[2]
        mean = seen.mean(axis=(0, 2))
        total, delta = self._count + number, mean - self._mean
        squares = ((seen - mean[:, None]) ** 2).sum(axis=(0, 2))
        self._squares = self._squares + squares + delta**2 * (self._count * number / total)
        self._mean = self._mean + delta * (number / total)
        self._count = total
        deviation = np.sqrt(self._squares / total + _EPSILON)
        return (rewards.reshape(shape) / deviation[:, None]).reshape(rewards.shape).astype(np.float32)

    def saved(self) -> dict[str, Any]:
        """Everything that the future depends on."""
        return {
            "running": torch.tensor(self._running),
            "count": self._count,
            "mean": torch.tensor(self._mean),
            "squares": torch.tensor(self._squares),
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on from what `saved` gave."""
        self._running, self._count = saved["running"].numpy().copy(), saved["count"]
        self._mean, self._squares = saved["mean"].numpy().copy(), saved["squares"].numpy().copy()
