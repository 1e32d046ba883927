from __future__ import annotations

from torch import Tensor, nn


class PlainActorCritic(nn.Module):
    """The policy and value function of an `ActorCritic` as a function of tensors alone, without symmetry or group.

    Args:
        actor: observations to logits (Discrete) or means (Box).
        critic: observations to values, shape `(..., 1)`.
        log_std: the log standard deviation of Box actions, shape `(actions,)`; None for Discrete ones.
        observation_center: is subtracted from observations, shape `(in,)`, or None.
        action_center: is added to means, shape `(actions,)`, or None.
        first_action: the number of the first discrete action, to add to an index of logits.

    Shape:
        observations `(..., in)`; logits or means `(..., actions)`, values `(...)`.
    """

    observation_center: Tensor | None
    action_center: Tensor | None

    def __init__(
        self,
        actor: nn.Module,
        critic: nn.Module,
        log_std: nn.Parameter | None,
        observation_center: Tensor | None = None,
        action_center: Tensor | None = None,
        *,
        first_action: int = 0,
    ):
        super().__init__()
        self.actor, self.critic, self.log_std = actor, critic, log_std
        self.first_action = first_action
        self.register_buffer("observation_center", observation_center)
        self.register_buffer("action_center", action_center)

    def forward(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        """`(logits or means, values)`, shapes `(..., actions)` and `(...)`."""
        if self.observation_center is not None:
            observation = observation - self.observation_center
        parameters, value = self.actor(observation), self.critic(observation)
        if self.action_center is not None:
            parameters = parameters + self.action_center
        return parameters, value.squeeze(-1)
