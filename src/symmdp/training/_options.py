from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from symmdp.errors import OptionError
from symmdp.policies import Convolutions

Algorithm = Literal["ppo", "a2c", "reinforce"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)

_MOST = 10**12  # steps; beyond this a number is a slip
_WIDEST = 65_536


@dataclass(frozen=True)
class TrainingOptions:
    """The hyper-parameters of a training run; steps and environments are counted for one seed.

    Raises:
        OptionError: a value is out of range; the message names the field and what it can be.
    """

    algorithm: Algorithm = "ppo"
    """Which loss is minimised."""
    total_steps: int = 50_000
    """Environment steps. Every call of `step` counts, also the one that Gymnasium's autoreset spends on a reset."""
    environments: int = 8
    """Environments that step side by side."""
    rollout_steps: int = 32
    """Steps of each environment between two updates."""
    epochs: int = 10
    """Passes over the rollout in one update (PPO only; A2C and REINFORCE make one gradient step)."""
    minibatch: int = 64
    """Transitions in one gradient step (PPO only); divides `environments * rollout_steps`."""
    learning_rate: float = 1e-3
    """Adam's step size."""
    anneal: bool = True
    """Whether the learning rate falls linearly to zero."""
    discount: float = 0.99
    """The discount factor γ."""
    gae_lambda: float = 0.95
    """The λ of generalised advantage estimation (PPO and A2C; REINFORCE uses reward-to-go, which is λ = 1)."""
    clip_range: float = 0.2
    """PPO keeps the probability ratio within 1 ± this."""
    entropy_coefficient: float = 0.0
    """Weight of the entropy bonus."""
    value_coefficient: float = 0.5
    """Weight of the value loss."""
    max_gradient_norm: float = 0.5
    """Each seed's gradient is scaled down to at most this norm."""
    hidden: tuple[int, ...] = (64, 64)
    """Widths of the hidden layers of actor and critic, rounded up to multiples of the group's order."""
    convolutions: Convolutions | None = None
    """What policies of images have before their hidden layers; `Convolutions()` when not given."""
    activation: Literal["tanh", "relu"] | None = None
    """Nonlinearity of the hidden layers; tanh for vectors and relu for images when not given."""
    normalize_observations: bool = False
    """Whether policies of vectors see `(x − m)/√(v + ε)`, by running statistics that their group leaves unchanged."""
    normalize_rewards: bool = False
    """Whether rewards are divided by the running deviation of the discounted return, in the losses alone."""
    log_std: float = 0.0
    """Initial log standard deviation of continuous actions."""
    mirror_coefficient: float = 1.0
    """Weight of the mirror loss (of the method "mirror-loss")."""
    mirror_stop_gradient: Literal["none", "original", "image"] = "none"
    """Which side of the mirror loss is a target without gradient."""
    augmentation: Literal["all", "random"] = "all"
    """Whether minibatches are extended by all images, or each transition is replaced by a random one ("augmentation")."""
    solved_at: float | None = None
    """A seed is solved when an evaluation reaches this; without any, the mean return of its last `solved_window` episodes."""
    solved_window: int = 10
    """Episodes in that mean."""
    evaluation_every: int | None = None
    """Environment steps between two evaluations; None makes none."""
    evaluation_episodes: int = 25
    """Episodes of each policy in one evaluation, in environments of their own."""
    evaluation_deterministic: bool = False
    """Whether evaluations take the most probable action instead of sampling, as the policy does in training."""

    def __post_init__(self) -> None:
        counts = ("total_steps", "environments", "rollout_steps", "epochs", "minibatch", "solved_window", "evaluation_episodes")
        for name in counts if self.evaluation_every is None else (*counts, "evaluation_every"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST:
                raise OptionError(f"{name} must be an integer from 1 to {_MOST:,}; got {value!r}.")
        if self.evaluation_every is not None and self.evaluation_every > self.total_steps:
            raise OptionError(
                f"evaluation_every must be at most the number of environment steps, {self.total_steps:,}, or the untrained "
                f"policy alone would be evaluated; got {self.evaluation_every}."
            )
        check_algorithm(self.algorithm)
        for name in ("anneal", "evaluation_deterministic", "normalize_observations", "normalize_rewards"):
            if not isinstance(getattr(self, name), bool):
                raise OptionError(f"{name} must be True or False; got {getattr(self, name)!r}.")
        for name, allowed in (
            ("activation", ("tanh", "relu", None)),
            ("mirror_stop_gradient", ("none", "original", "image")),
            ("augmentation", ("all", "random")),
        ):
            if getattr(self, name) not in allowed:
                raise OptionError(f"{name} must be {' or '.join(map(repr, allowed))}; got {getattr(self, name)!r}.")
        for name, low, high in (
            ("learning_rate", 0, 1),
            ("discount", 0, 1),
            ("gae_lambda", 0, 1),
            ("clip_range", 0, 1),
            ("entropy_coefficient", 0, float("inf")),
            ("value_coefficient", 0, float("inf")),
            ("mirror_coefficient", 0, float("inf")),
            ("max_gradient_norm", 1e-12, float("inf")),
            ("log_std", -20, 5),
        ):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not low <= value <= high or not math.isfinite(value):
                raise OptionError(f"{name} must be a finite number from {low} to {high}; got {value!r}.")
        if self.solved_at is not None and not math.isfinite(self.solved_at):
            raise OptionError(f"solved_at must be a finite return; got {self.solved_at!r}.")
        if not all(isinstance(width, int) and 1 <= width <= _WIDEST for width in self.hidden):
            raise OptionError(f"hidden must hold layer widths from 1 to {_WIDEST:,}; got {self.hidden!r}.")
        batch = self.environments * self.rollout_steps
        if self.algorithm == "ppo" and batch % self.minibatch:
            raise OptionError(
                f"minibatch must divide environments × rollout_steps = {batch}; got {self.minibatch}. "
                f"The nearest divisors are {_nearest_divisors(batch, self.minibatch)}."
            )

    @property
    def batch(self) -> int:
        """Transitions in one rollout."""
        return self.environments * self.rollout_steps

    @property
    def updates(self) -> int:
        """Updates in the run, `⌈total_steps / batch⌉`."""
        return -(-self.total_steps // self.batch)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainingOptions:
        """The options that `dataclasses.asdict` turned into JSON.

        Raises:
            OptionError: an unknown name, or a value out of range.
        """
        names = [field.name for field in fields(cls)]
        unknown = [name for name in values if name not in names]
        if unknown:
            raise OptionError(f"Unknown option {unknown[0]!r}; the options are {', '.join(names)}.")
        arguments: dict[str, Any] = {name: tuple(v) if name == "hidden" else v for name, v in values.items()}
        if isinstance(given := values.get("convolutions"), dict):
            arguments["convolutions"] = Convolutions.from_dict(given)
        return cls(**arguments)


def check_algorithm(name: str) -> None:
    """Check that there is such an algorithm.

    Raises:
        OptionError: there is none.
    """
    if name not in ALGORITHMS:
        raise OptionError(f"algorithm must be 'ppo', 'a2c' or 'reinforce'; got {name!r}.")


def _nearest_divisors(n: int, wanted: int) -> str:
    divisors = [d for d in range(1, n + 1) if n % d == 0]
    below, above = [d for d in divisors if d < wanted], [d for d in divisors if d > wanted]
    return " and ".join(str(d) for d in ([below[-1]] if below else []) + ([above[0]] if above else []))
