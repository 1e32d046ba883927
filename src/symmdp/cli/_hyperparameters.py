from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from symmdp.errors import OptionError

if TYPE_CHECKING:
    from symmdp.training import TrainingOptions

_Integer = Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")]
_Every = Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: no evaluations)")]
_Number = Annotated[float | None, tyro.conf.arg(metavar="X", help_behavior_hint="")]
_Integers = Annotated[tuple[int, ...] | None, tyro.conf.arg(metavar="N [N ...]", help_behavior_hint="")]
_Flag = Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help_behavior_hint="")]
_CONVOLUTIONS = ("channels", "kernel_size", "stride", "padding", "pool", "shared")
_OF_ALGORITHMS = {"epochs": ("ppo",), "minibatch": ("ppo",), "clip_range": ("ppo",), "gae_lambda": ("ppo", "a2c")}
_OF_METHOD = {
    "mirror_coefficient": "mirror-loss",
    "mirror_stop_gradient": "mirror-loss",
    "augmentation": "augmentation",
}
_TYPED = {"total_steps": "steps"}  # options that are typed otherwise than their fields are named


@dataclass(frozen=True)
class Training:
    """Instead of the preset's; steps and environments are counted for one seed."""

    steps: _Integer = None
    """Environment steps."""
    environments: _Integer = None
    """Environments that step side by side."""
    rollout_steps: _Integer = None
    """Steps of each environment between two updates."""
    epochs: _Integer = None
    """Passes over the rollout in one update (PPO)."""
    minibatch: _Integer = None
    """Transitions in one gradient step (PPO)."""
    learning_rate: _Number = None
    """Adam's step size."""
    anneal: _Flag = False
    """Let the learning rate fall linearly to zero."""
    no_anneal: _Flag = False
    """Keep it as it is."""
    max_gradient_norm: _Number = None
    """Largest norm of a gradient; longer ones are scaled down."""


@dataclass(frozen=True)
class Loss:
    """Instead of the preset's."""

    discount: _Number = None
    """The discount factor γ."""
    gae_lambda: _Number = None
    """The λ of generalised advantage estimation (PPO, A2C)."""
    clip_range: _Number = None
    """Keep the probability ratio within 1 ± X (PPO)."""
    entropy_coefficient: _Number = None
    """Weight of the entropy bonus."""
    value_coefficient: _Number = None
    """Weight of the value loss."""
    normalize_rewards: _Flag = False
    """Divide rewards by the running deviation of the discounted return."""
    no_normalize_rewards: _Flag = False
    """Take rewards as they are."""
    mirror_coefficient: _Number = None
    """Weight of the mirror loss (method mirror-loss)."""
    mirror_stop_gradient: Annotated[
        Literal["none", "original", "image"] | None, tyro.conf.arg(metavar="{none,original,image}", help_behavior_hint="")
    ] = None
    """Side of the mirror loss that is a target without gradient."""
    augmentation: Annotated[Literal["all", "random"] | None, tyro.conf.arg(metavar="{all,random}", help_behavior_hint="")] = (
        None
    )
    """Add all images to a minibatch, or put a random one in each place (method augmentation)."""


@dataclass(frozen=True)
class Network:
    """Instead of the preset's; of the equivariant policy, to whose size the others are matched."""

    hidden: _Integers = None
    """Widths of the hidden layers."""
    activation: Annotated[
        Literal["tanh", "relu"] | None,
        tyro.conf.arg(metavar="{tanh,relu}", help_behavior_hint="(default: tanh, relu for images)"),
    ] = None
    """Nonlinearity of the hidden layers (nullspace-basis always has relu)."""
    normalize_observations: _Flag = False
    """Vectors: normalise them by running statistics that keep the symmetry."""
    no_normalize_observations: _Flag = False
    """Vectors: take them as they are."""
    log_std: _Number = None
    """Initial log standard deviation of continuous actions."""
    channels: _Integers = None
    """Images: channels of each convolution."""
    kernel_size: _Integers = None
    """Images: rows and columns of each kernel."""
    stride: _Integers = None
    """Images: pixels from one window to the next, of each."""
    padding: _Integers = None
    """Images: pixels of value 0 that are added on all sides, for each."""
    pool: Annotated[Literal["none", "mean", "max"] | None, tyro.conf.arg(metavar="{none,mean,max}", help_behavior_hint="")] = (
        None
    )
    """Images: mean or maximum over the pixels that are left, or all as a vector."""
    no_shared: _Flag = False
    """Images: actor and critic share no layer."""


@dataclass(frozen=True)
class Measurement:
    """What counts as solved, and episodes that are played beside the training."""

    solved_at: _Number = None
    """Threshold of the mean return of an evaluation; without any, of the last episodes."""
    solved_window: _Integer = None
    """How many the last episodes are."""
    evaluation_every: _Every = None
    """Environment steps between two evaluations."""
    evaluation_episodes: _Integer = None
    """Episodes of each policy in an evaluation."""
    evaluation_deterministic: _Flag = False
    """Take the most probable action there, instead of sampling."""


@dataclass(frozen=True)
class Hyperparameters:
    """Instead of the environment's preset."""

    training: Training = field(default_factory=Training)
    loss: Loss = field(default_factory=Loss)
    network: Network = field(default_factory=Network)
    measurement: Measurement = field(default_factory=Measurement)

    def given(self) -> dict[str, Any]:
        """The options that were given, by their names in `TrainingOptions` and `Convolutions`.

        Raises:
            OptionError: an option and its opposite were given.
        """
        found: dict[str, Any] = {}
        for name, value in self._typed():
            opposite = name.removeprefix("no_")
            if opposite in found:
                raise OptionError(f"Give {as_typed(opposite)} or {as_typed(name)}, not both.")
            known = {typed: known for known, typed in _TYPED.items()}.get(opposite, opposite)
            found[known] = value if opposite == name else False
        return found

    def _typed(self) -> Iterator[tuple[str, Any]]:
        for group in (self.training, self.loss, self.network, self.measurement):
            for option in fields(group):
                value = getattr(group, option.name)
                if value is not None and value is not False:
                    yield option.name, value

    def check_used(self, algorithm: str, methods: Collection[str]) -> None:
        """Refuse options of another algorithm, or of a method that is not trained.

        Raises:
            OptionError: there is one; training would ignore it.
        """
        for name, value in self.given().items():
            option = as_typed(name, value)
            if algorithm not in _OF_ALGORITHMS.get(name, (algorithm,)):
                others = " or ".join(_OF_ALGORITHMS[name])
                raise OptionError(f"{option} is for --algorithm {others}; {algorithm} would ignore it. Leave it out.")
            if name in _OF_METHOD and _OF_METHOD[name] not in methods:
                raise OptionError(
                    f"{option} is for the method {_OF_METHOD[name]}, and would be ignored: trained is {', '.join(methods)}. "
                    "Leave it out, or name that method too."
                )
            if name == "activation" and value != "relu" and set(methods) == {"nullspace-basis"}:
                raise OptionError(f"{option} would be ignored: nullspace-basis always has relu. Leave it out.")

    def apply_to(self, options: TrainingOptions) -> TrainingOptions:
        """The options with those that were given in place of theirs.

        Raises:
            OptionError: a value is out of range; the message names the option as it is typed.
        """
        given = self.given()
        shape = {name: given.pop(name) for name in _CONVOLUTIONS if name in given}
        if shape and options.convolutions is None:
            name, value = next(iter(shape.items()))
            raise OptionError(f"{as_typed(name, value)} is for policies of images; this environment's are of vectors.")
        try:
            if options.convolutions is not None:
                shape |= {"pool": None} if shape.get("pool") == "none" else {}
                given["convolutions"] = replace(options.convolutions, **shape)
            changed = replace(options, **given)
        except OptionError as error:
            name, _, rest = str(error).partition(" ")
            raise OptionError(f"{as_typed(name)} {rest}") from None
        if changed.evaluation_every is None:
            for name in given:
                if name.startswith("evaluation_"):
                    raise OptionError(f"{as_typed(name)} needs --evaluation-every N, without which nothing is evaluated.")
        return changed


GivenHyperparameters = Annotated[Hyperparameters, tyro.conf.OmitArgPrefixes, tyro.conf.arg(name="")]


def as_typed(name: str, value: object = None) -> str:
    """The option of the command line that sets a field of `TrainingOptions`, to a value where that makes a difference."""
    return f"--{'no-' if value is False else ''}{_TYPED.get(name, name).replace('_', '-')}"
