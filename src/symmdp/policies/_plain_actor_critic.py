from __future__ import annotations

from torch import Tensor, nn


class PlainActorCritic(nn.Module):
    """The policy and value function of an `ActorCritic` as a function of tensors alone, without symmetry or group.

    Args:
        actor: observations, or what the trunk makes of them, to logits (Discrete) or means (Box).
        critic: likewise, to values of shape `(..., 1)`.
        log_std: the log standard deviation of Box actions, shape `(actions,)`; None for Discrete ones.
        observation_center: is subtracted from observations, shape `(in,)`, or None.
        action_center: is added to means, shape `(actions,)`, or None.
        first_action: the number of the first discrete action, to add to an index of logits.
        trunk: what actor and critic share, or None.
        observation_scale: what observations are divided by, 255 for bytes; or None.

    Shape:
        observations `(..., in)` or `(..., channels, height, width)`; logits or means `(..., actions)`, values `(...)`.
    """

    observation_center: Tensor | None
    action_center: Tensor | None
    observation_scale: Tensor | None

    def __init__(
        self,
        actor: nn.Module,
        critic: nn.Module,
        log_std: nn.Parameter | None,
        observation_center: Tensor | None = None,
        action_center: Tensor | None = None,
        *,
        first_action: int = 0,
        trunk: nn.Module | None = None,
        observation_scale: Tensor | None = None,
    ):
        super().__init__()
        self.trunk = trunk
        self.actor, self.critic, self.log_std = actor, critic, log_std
        self.first_action = first_action
        buffers = {
            "observation_center": observation_center,
            "action_center": action_center,
            "observation_scale": observation_scale,
        }
        for name, value in buffers.items():
            if value is None:
                setattr(self, name, None)  # torch.export miscounts buffers that are None
            else:
                self.register_buffer(name, value)

    def forward(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        """`(logits or means, values)`, shapes `(..., actions)` and `(...)`."""
        if self.observation_center is not None:
            observation = observation - self.observation_center
        if self.observation_scale is not None:
            observation = observation / self.observation_scale
        features = observation if self.trunk is None else self.trunk(observation)
        parameters, value = self.actor(features), self.critic(features)
        if self.action_center is not None:
            parameters = parameters + self.action_center
        return parameters, value.squeeze(-1)
