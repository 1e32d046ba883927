from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from symmdp.errors import OptionError

if TYPE_CHECKING:
    from symmdp.training import TrainingOptions

_HINT = "(default: the environment's preset)"
_Integer = Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint=_HINT)]
_Every = Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: no evaluations)")]
_Number = Annotated[float | None, tyro.conf.arg(metavar="X", help_behavior_hint=_HINT)]
_Widths = Annotated[tuple[int, ...] | None, tyro.conf.arg(metavar="N [N ...]", help_behavior_hint=_HINT)]
_CONVOLUTIONS = ("channels", "kernel_size", "stride", "padding", "pool")


@dataclass(frozen=True)
class Hyperparameters:
    """Instead of the environment's preset."""

    steps: _Integer = None
    """Environment steps of each seed."""
    learning_rate: _Number = None
    """Adam's step size."""
    hidden: _Widths = None
    """Widths of the equivariant policy's hidden layers; a plain policy gets widths that match its parameter count."""
    channels: _Widths = None
    """Channels of the equivariant policy's convolutions (of images), before the hidden layers."""
    kernel_size: _Widths = None
    """Rows and columns of the kernels of each."""
    stride: _Widths = None
    """Pixels from one window to the next, of each."""
    padding: _Widths = None
    """Pixels of value 0 that are added on all sides, for each."""
    pool: Annotated[
        Literal["none", "mean", "max"] | None, tyro.conf.arg(metavar="{none,mean,max}", help_behavior_hint=_HINT)
    ] = None
    """Mean or maximum over the pixels that are left, or all of them as a vector."""
    activation: Annotated[
        Literal["tanh", "relu"] | None,
        tyro.conf.arg(metavar="{tanh,relu}", help_behavior_hint="(default: tanh, relu for images)"),
    ] = None
    """Nonlinearity of the hidden layers (nullspace-basis always has relu)."""
    environments: _Integer = None
    """Environments of each seed that step side by side."""
    rollout_steps: _Integer = None
    """Steps of each environment between two updates."""
    epochs: _Integer = None
    """Passes over the rollout in one update (PPO)."""
    minibatch: _Integer = None
    """Transitions in one gradient step (PPO)."""
    discount: _Number = None
    """The discount factor γ."""
    gae_lambda: _Number = None
    """The λ of generalised advantage estimation (PPO, A2C)."""
    entropy_coefficient: _Number = None
    """Weight of the entropy bonus."""
    mirror_coefficient: _Number = None
    """Weight of the mirror loss (of the method mirror-loss)."""
    mirror_stop_gradient: Annotated[
        Literal["none", "original", "image"] | None,
        tyro.conf.arg(metavar="{none,original,image}", help_behavior_hint="(default: none)"),
    ] = None
    """Side of the mirror loss that is a target without gradient."""
    augmentation: Annotated[
        Literal["all", "random"] | None, tyro.conf.arg(metavar="{all,random}", help_behavior_hint="(default: all)")
    ] = None
    """Extend minibatches by all images, or replace each transition by a random one (of the method augmentation)."""
    solved_at: _Number = None
    """Mean return of an evaluation, or without evaluations of the last episodes, at which a seed counts as solved."""
    evaluation_every: _Every = None
    """Environment steps between two evaluations."""
    evaluation_episodes: _Integer = None
    """Episodes of each policy in an evaluation."""

    def given(self) -> dict[str, object]:
        """The options that were given, by their names in `TrainingOptions` and `Convolutions`."""
        values = {name: value for name, value in asdict(self).items() if value is not None}
        return {"total_steps" if name == "steps" else name: value for name, value in values.items()}

    def apply_to(self, options: TrainingOptions) -> TrainingOptions:
        """The options with those that were given in place of theirs.

        Raises:
            OptionError: a value is out of range; the message names the option as it is typed.
        """
        given = self.given()
        shape = {name: given.pop(name) for name in _CONVOLUTIONS if name in given}
        if shape and options.convolutions is None:
            raise OptionError(f"{as_typed(next(iter(shape)))} is for policies of images; this environment's are of vectors.")
        try:
            if options.convolutions is not None:
                shape |= {"pool": None} if shape.get("pool") == "none" else {}
                given["convolutions"] = replace(options.convolutions, **shape)  # pyright: ignore[reportArgumentType]
            return replace(options, **given)  # pyright: ignore[reportArgumentType]
        except OptionError as error:
            field, _, rest = str(error).partition(" ")
            raise OptionError(f"{as_typed(field)} {rest}") from None


def as_typed(field: str) -> str:
    """The option of the command line that sets a field of `TrainingOptions`."""
    return "--steps" if field == "total_steps" else f"--{field.replace('_', '-')}"
