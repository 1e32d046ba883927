"""Policy gradients (REINFORCE, PPO) for many seeds at once."""

from symmdp.training._losses import Batch, policy_gradient_loss, ppo_loss
from symmdp.training._options import TrainingOptions
from symmdp.training._presets import preset
from symmdp.training._stack import PolicyStack
from symmdp.training._train import Progress, Training, TrainingSummary, load_policy, train

__all__ = [
    "Batch",
    "PolicyStack",
    "Progress",
    "Training",
    "TrainingOptions",
    "TrainingSummary",
    "load_policy",
    "policy_gradient_loss",
    "ppo_loss",
    "preset",
    "train",
]
