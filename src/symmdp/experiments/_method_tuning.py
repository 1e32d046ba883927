from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from symmdp.errors import OptionError
from symmdp.experiments._tuning import TUNING_SEEDS
from symmdp.mdp import Symmetry
from symmdp.training import Job, TrainingOptions

FOLDER = "tuning"
"""Where a comparison keeps how its learning rates were chosen, in a folder for each method."""


@dataclass(frozen=True)
class TuningGrid:
    """What learning rates a comparison chooses from, and on which seeds; the same for every method.

    Raises:
        OptionError: fewer than two rates, or one twice, or out of range; likewise seeds, of which one is enough; or no step.
    """

    rates: tuple[float, ...] = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
    """The grid; kept in ascending order."""
    seeds: tuple[int, ...] = TUNING_SEEDS
    """To tune on; none of those that are compared."""
    steps: int | None = None
    """Environment steps of each; as many as the comparison has when not given."""

    def __post_init__(self) -> None:
        rates = tuple(sorted(float(rate) for rate in self.rates))
        if len(set(rates)) < max(len(rates), 2) or not all(math.isfinite(rate) and 0 < rate <= 1 for rate in rates):
            given = ", ".join(map(str, self.rates))
            raise OptionError(f"rates must be two different learning rates or more, over 0 and at most 1; got {given}.")
        object.__setattr__(self, "rates", rates)
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise OptionError(f"Seeds to tune on must be different integers of at least 0; got {list(self.seeds)}.")
        if self.steps is not None and self.steps < 1:
            raise OptionError(f"steps must be an integer of at least 1; got {self.steps!r}.")

    def check_apart(self, seeds: Sequence[int]) -> None:
        """Check that no seed is tuned on and compared.

        Raises:
            OptionError: one is.
        """
        common = sorted(set(self.seeds) & set(seeds))
        if common:
            raise OptionError(
                f"Learning rates are chosen on seeds that the result does not use; {common[0]} is one of both. Give others."
            )

    def options(self, options: TrainingOptions) -> TrainingOptions:
        """The hyper-parameters to tune with.

        Raises:
            OptionError: the tuning would end before its first evaluation.
        """
        if self.steps is None:
            return options
        if options.evaluation_every is not None and self.steps < options.evaluation_every:
            raise OptionError(
                f"steps to tune for must be at least those between two evaluations, {options.evaluation_every}, or no trained "
                f"policy would be evaluated; got {self.steps}."
            )
        return replace(options, total_steps=self.steps)


def tuning_job(
    environment_id: str, symmetry: Symmetry, options: TrainingOptions, grid: TuningGrid, method: str, directory: Path
) -> Job | None:
    """The run that trains the grid of a method, in a folder of `directory`, from where it is; None where it has its choice.

    After it, `score_tuning` makes the choice.

    Args:
        environment_id: a Gymnasium id.
        symmetry: of the environment.
        options: of the comparison.
        grid: to choose from.
        method: its name.
        directory: of the tunings of all methods.
    """
    run = directory / method
    if (run / "tuning.json").exists():
        return None
    begun = (run / "config.json").exists()
    return Job(
        environment_id,
        symmetry,
        grid.options(options),
        grid.seeds,
        run,
        policy=method,
        resume=begun,
        learning_rates=grid.rates,
    )
