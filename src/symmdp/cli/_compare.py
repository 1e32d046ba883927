from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from symmdp.cli._console import console
from symmdp.cli._environment import EnvironmentId, EnvironmentOptions, environment_named
from symmdp.cli._hyperparameters import GivenHyperparameters, Hyperparameters, as_typed
from symmdp.cli._methods import MethodName, chosen_rates, sizes
from symmdp.cli._plan import MOST_SEEDS, Algorithm, Variant, new_plan, resumed_plan
from symmdp.cli._progress import RichProgress
from symmdp.cli._symmetry import SymmetryFile, symmetry_for
from symmdp.errors import OptionError

if TYPE_CHECKING:
    from symmdp.experiments import TuningGrid

_TUNING = ("rates", "tuning_seeds", "tuning_steps")


@dataclass(frozen=True)
class Compare:
    """Compare methods over the same seeds: equivariant with plain policies of the same size, or as many as are named.

    Writes a table, the numbers of every seed, and figures. Ctrl-C (or SIGTERM) writes checkpoints and prints the
    command that goes on from there.
    """

    environment: EnvironmentId
    """Gymnasium id; `symmdp list` names those that are known."""
    algorithm: Annotated[
        Algorithm | None, tyro.conf.arg(metavar="{ppo,a2c,reinforce}", help_behavior_hint="(default: ppo)")
    ] = None
    """Policy-gradient algorithm."""
    variant: Variant = None
    """Another preset than the usual, such as sample-efficient (of CartPole-v1 and symmdp/GridWorld-v0, with PPO)."""
    methods: Annotated[
        tuple[MethodName, ...] | None,
        tyro.conf.arg(metavar="METHOD [METHOD ...]", help_behavior_hint="(default: equivariant plain)"),
    ] = None
    """Of equivariant, plain, random-basis, nullspace-basis (the paper's baselines), augmentation, mirror-loss and
    canonicalization; as many train at a time as there are cores."""
    seeds: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: 20)")] = None
    """Number of seeds of each method: 0 to N-1, trained side by side."""
    tune: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """First choose the learning rate of each method, from the same grid and on seeds that are not compared."""
    rates: Annotated[
        tuple[float, ...] | None,
        tyro.conf.arg(metavar="X X [X ...]", help_behavior_hint="(default: 0.0001 0.0003 0.001 0.003 0.01 0.03)"),
    ] = None
    """The grid of learning rates (with --tune), all trained at once."""
    tuning_seeds: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: 5)")] = None
    """Number of seeds to tune on (with --tune): 1000, 1001, …"""
    tuning_steps: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: as many as --steps)")] = None
    """Environment steps of each of them (with --tune)."""
    directory: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: runs/ID-compare-TIME)")] = None
    """Where to write; never over what is there."""
    option: EnvironmentOptions = ()
    """Options that the environment is made with, such as continuous=True."""
    symmetry: SymmetryFile = None
    """Respect the symmetry that this TOML file declares; needed again to resume."""
    resume: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(optional)")] = None
    """Go on with the comparison in this directory, as it was begun."""
    hyperparameters: GivenHyperparameters = field(default_factory=Hyperparameters)

    def run(self) -> int:
        """Compare, and print the table and one sentence."""
        from symmdp.experiments import Run, compare, result_table
        from symmdp.experiments._compare import METHODS

        environment = environment_named(self.environment, self.option)
        symmetry = symmetry_for(environment, self.symmetry)
        if self.resume is None:
            seeds = 20 if self.seeds is None else self.seeds
            methods = METHODS if self.methods is None else self.methods
            plan = new_plan(
                environment, None, self.algorithm, self.variant, seeds, self.hyperparameters, self.directory, methods
            )
            plan = replace(plan, tuning=self._tuning())
        else:
            own = {name: getattr(self, name) for name in ("algorithm", "variant", "methods", "seeds", "directory", *_TUNING)}
            own |= {"tune": self.tune or None}
            given = {name: value for name, value in own.items() if value is not None} | self.hyperparameters.given()
            plan = resumed_plan(environment, "compare", given, self.resume)
        try:
            comparison = compare(
                plan.environment_id,
                symmetry,
                plan.options,
                plan.seeds,
                plan.directory,
                methods=plan.methods,
                learning_rates=plan.method_rates,
                tune=plan.tuning,
                progress=RichProgress().bar,
                resume=plan.resume,
            )
        except KeyboardInterrupt:  # the second one
            if not plan.directory.exists():
                raise
            return plan.interrupted(self.symmetry)
        if not comparison.finished:
            return plan.interrupted(self.symmetry)
        out = console()
        out.print(result_table(comparison.results, title=plan.environment_id))
        if plan.methods != METHODS:
            for line in sizes([Run.load(plan.directory / method) for method in plan.methods]):
                out.print(line, markup=False)
        for line in chosen_rates(comparison.tunings):
            out.print(line, markup=False)
        out.print(comparison.headline, markup=False)
        out.print(f"written to {plan.directory}; the report is {comparison.report}", markup=False)
        return 0

    def _tuning(self) -> TuningGrid | None:
        """What `--tune` and the options that go with it ask for."""
        from symmdp.experiments import TUNING_SEEDS, TuningGrid

        if not self.tune:
            useless = next((name for name in _TUNING if getattr(self, name) is not None), None)
            if useless is not None:
                raise OptionError(f"{as_typed(useless)} says how to tune; give it together with --tune.")
            return None
        if self.hyperparameters.training.learning_rate is not None:
            raise OptionError("Give --learning-rate or --tune, not both.")
        count = len(TUNING_SEEDS) if self.tuning_seeds is None else self.tuning_seeds
        if not 1 <= count <= MOST_SEEDS:
            raise OptionError(f"--tuning-seeds is the number of seeds, 1 to {MOST_SEEDS:,}; got {count}.")
        seeds = tuple(range(TUNING_SEEDS[0], TUNING_SEEDS[0] + count))
        try:
            grid = TuningGrid(seeds=seeds, steps=self.tuning_steps)
            return grid if self.rates is None else replace(grid, rates=self.rates)
        except OptionError as error:
            raise OptionError(f"--{'tuning-' if str(error).startswith('steps') else ''}{error}") from None
