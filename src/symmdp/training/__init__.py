"""Policy gradients (REINFORCE, A2C, PPO) for many seeds at once."""

from symmdp.training._failures import Failure, read_failures
from symmdp.training._losses import Batch, policy_gradient_loss, ppo_loss
from symmdp.training._options import TrainingOptions
from symmdp.training._presets import preset
from symmdp.training._row import Row, rows_of
from symmdp.training._run_directory import ensure_new, write_atomically
from symmdp.training._session import Progress, TrainingSummary
from symmdp.training._side_by_side import Job, train_side_by_side
from symmdp.training._stack import PolicyStack
from symmdp.training._train import load_policy, train, training_of
from symmdp.training._training import Training
from symmdp.training.methods._method import Method, Spaces, Supplement
from symmdp.training.methods._named import METHODS, method_named

__all__ = [
    "METHODS",
    "Batch",
    "Failure",
    "Job",
    "Method",
    "PolicyStack",
    "Progress",
    "Row",
    "Spaces",
    "Supplement",
    "Training",
    "TrainingOptions",
    "TrainingSummary",
    "ensure_new",
    "load_policy",
    "method_named",
    "policy_gradient_loss",
    "ppo_loss",
    "preset",
    "read_failures",
    "rows_of",
    "train",
    "train_side_by_side",
    "training_of",
    "write_atomically",
]
