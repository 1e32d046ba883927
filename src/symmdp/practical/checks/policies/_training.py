"""The training loop: does a policy improve under it, on a task that takes a moment?"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from symmdp.practical._answers import array, fail, function

_EPISODES, _STEPS = 120, 10


class _Sides(gym.Env[NDArray[np.float32], Any]):
    """Ten steps; pushing to the side on which the cart is brings 1, any other push nothing. It has CartPole's symmetry."""

    observation_space = gym.spaces.Box(-1.0, 1.0, (4,), dtype=np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self) -> None:
        self._generator = np.random.default_rng(0)
        self._time = 0
        self._state = np.zeros(4, dtype=np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[NDArray[np.float32], dict[str, Any]]:
        self._time = 0
        return self._next(), {}

    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        reward = float(int(action) == int(self._state[0] > 0))
        self._time += 1
        return self._next(), reward, self._time == _STEPS, False, {}

    def _next(self) -> NDArray[np.float32]:
        self._state = np.zeros(4, dtype=np.float32)
        self._state[0] = self._generator.choice([-1.0, 1.0])
        return self._state.copy()


class _Network(nn.Module):
    """A small network with a policy head and a value head."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.policy = nn.Parameter(0.1 * torch.randn(2, 4, generator=generator))
        self.value = nn.Parameter(torch.zeros(1))

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        return states @ self.policy.T, 0 * states[..., 0] + self.value


def training_loop(reinforce: object) -> str:
    """A function that trains a policy for some episodes and returns their returns."""
    asked = function(reinforce, "reinforce")
    policy, env = _Network(), _Sides()
    before = policy.policy.detach().clone()
    seen: list[tuple[Tensor, Tensor]] = []  # the gradient of one backward pass, and what the parameter holds after it
    last: list[Tensor] = []
    policy.policy.register_hook(lambda gradient: last.append(gradient.clone()))
    policy.policy.register_post_accumulate_grad_hook(
        lambda parameter: seen.append((last[-1], parameter.grad.clone()))  # pyright: ignore[reportOptionalMemberAccess]
    )
    returns = asked(env, policy, _EPISODES, torch.Generator().manual_seed(0), learning_rate=0.05)
    found = array(returns, "your list of returns", (_EPISODES,))
    if (found < 0).any() or (found > _STEPS).any():
        fail(
            f"Each return is the sum of an episode's rewards, here 0 to {_STEPS}; you give {found.min():g} to {found.max():g}."
        )
    if torch.equal(policy.policy, before):
        backward = "optimizer.step()" if seen else "loss.backward() and optimizer.step()"
        fail(f"Your loop leaves the policy as it was: does it call {backward}? Does the optimiser get policy.parameters()?")
    summed = [not torch.allclose(one, total, atol=1e-7) for one, total in seen[1:]]
    if summed and all(summed):
        fail("Gradients pile up from update to update: call optimizer.zero_grad() before loss.backward().")
    start, end = found[:20].mean(), found[-20:].mean()
    if end < start - 1:
        fail(
            f"Your policy gets worse: its return falls from {start:.1f} to {end:.1f} of {_STEPS}. Is a sign wrong, or does the "
            "loop maximise the loss?"
        )
    if end < 8.0:
        fail(
            f"Your policy hardly learns: its return goes from {start:.1f} to {end:.1f} of {_STEPS}, and should reach 9. Does "
            "each episode make one update, from the states, actions and rewards of that episode?"
        )
    return f"On a task with the same symmetry, the return rose from {start:.1f} to {end:.1f} of {_STEPS}."


def fair_comparison(fair: object) -> str:
    """What must be the same for a comparison of two policies, and what must not be done."""
    from symmdp.practical._answers import boolean, by_name

    right = {
        "the same number of parameters": (True, "or the larger network might be what helps"),
        "the same learning rate and discount": (True, "or tuning might be what helps"),
        "the best of all seeds": (False, "the best of many is a matter of luck; report the median and the spread"),
        "several seeds for each policy": (True, "the spread between seeds is as large as the difference"),
        "leaving out seeds that failed": (False, "it would reward a method for failing"),
    }
    found = by_name(fair, "fair", list(right))
    for name, (expected, why) in right.items():
        if boolean(found[name], f"fair[{name!r}]") != expected:
            fail(f"{name}: this {'belongs' if expected else 'does not belong'} to a fair comparison: {why}.")
    return "What differs is the group alone."
