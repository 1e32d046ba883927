from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import tyro

from symmdp.cli._console import console
from symmdp.cli._environment import EnvironmentId, EnvironmentOptions, environment_named
from symmdp.cli._hyperparameters import GivenHyperparameters, Hyperparameters
from symmdp.cli._methods import MethodName
from symmdp.cli._plan import Algorithm, Variant, new_plan, resumed_plan
from symmdp.cli._progress import RichProgress
from symmdp.cli._symmetry import SymmetryFile, symmetry_for
from symmdp.errors import OptionError


@dataclass(frozen=True)
class Train:
    """Train one kind of policy, one or many seeds at once.

    Writes a run directory. Ctrl-C (or SIGTERM) writes a checkpoint and prints the
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
    policy: Annotated[
        MethodName | None,
        tyro.conf.arg(metavar="METHOD", help_behavior_hint="(default: equivariant)"),
    ] = None
    """Respect the symmetry by construction (equivariant), be the ordinary network with as many parameters (plain), or one
    of random-basis, nullspace-basis, augmentation, mirror-loss and canonicalization."""
    seeds: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: 1)")] = None
    """Number of seeds: 0 to N-1, trained side by side."""
    learning_rates: Annotated[
        tuple[float, ...] | None,
        tyro.conf.arg(metavar="X [X ...]", help_behavior_hint="(default: the environment's preset)"),
    ] = None
    """Train every seed with each of these learning rates, all at once."""
    directory: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: runs/ID-POLICY-TIME)")] = None
    """Where to write; never over what is there."""
    option: EnvironmentOptions = ()
    """Options that the environment is made with, such as continuous=True."""
    symmetry: SymmetryFile = None
    """Respect the symmetry that this TOML file declares; needed again to resume."""
    resume: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(optional)")] = None
    """Go on with the run in this directory, as it was begun."""
    hyperparameters: GivenHyperparameters = field(default_factory=Hyperparameters)

    def run(self) -> int:
        """Train, and print a summary."""
        from symmdp.experiments import MethodResult, Run, result_table
        from symmdp.training import train

        if self.learning_rates is not None and self.hyperparameters.training.learning_rate is not None:
            raise OptionError("Give --learning-rate or --learning-rates, not both.")

        environment = environment_named(self.environment, self.option)
        symmetry = symmetry_for(environment, self.symmetry)
        if self.resume is None:
            method, seeds = self.policy or "equivariant", 1 if self.seeds is None else self.seeds
            plan = new_plan(environment, method, self.algorithm, self.variant, seeds, self.hyperparameters, self.directory)
            plan = replace(plan, learning_rates=self.learning_rates or ())
        else:
            own = {
                name: getattr(self, name) for name in ("algorithm", "variant", "policy", "seeds", "learning_rates", "directory")
            }
            given = {name: value for name, value in own.items() if value is not None} | self.hyperparameters.given()
            plan = resumed_plan(environment, "train", given, self.resume)
        try:
            summary = train(
                plan.environment_id,
                symmetry,
                plan.options,
                plan.seeds,
                plan.directory,
                policy=plan.method or "equivariant",
                progress=RichProgress().bar(),
                resume=plan.resume,
                learning_rates=plan.learning_rates,
            )
        except KeyboardInterrupt:  # the second one
            if not plan.directory.exists():
                raise
            return plan.interrupted(self.symmetry)
        for failure in summary.failures:
            print(f"symmdp: {failure}", file=sys.stderr)
        if not summary.finished:
            return plan.interrupted(self.symmetry)
        sys.stderr.flush()
        rates = plan.learning_rates if len(plan.learning_rates) > 1 else (None,)
        results = [MethodResult.of(Run.load(plan.directory, rate)) for rate in rates]
        if len(rates) > 1:
            results = [replace(r, method=f"{r.method}, {rate:g}") for r, rate in zip(results, rates, strict=True)]
        console().print(result_table(results, title=plan.environment_id))
        console().print(f"written to {plan.directory}", markup=False)
        return 0
