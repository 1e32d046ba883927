from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from symmdp.cli._console import console
from symmdp.cli._environment import EnvironmentId, EnvironmentOptions, environment_named
from symmdp.cli._hyperparameters import Hyperparameters
from symmdp.cli._methods import MethodName, sizes
from symmdp.cli._plan import Algorithm, new_plan, resumed_plan
from symmdp.cli._progress import RichProgress
from symmdp.cli._symmetry import SymmetryFile, symmetry_for


@dataclass(frozen=True)
class Compare:
    """Compare methods over the same seeds: equivariant with plain policies of the same size, or as many as are named.

    Writes a table, the numbers of every seed, and figures. Ctrl-C writes checkpoints and prints the command that goes on
    from there.
    """

    environment: EnvironmentId
    """Gymnasium id; `symmdp list` names those that are known."""
    algorithm: Annotated[
        Algorithm | None, tyro.conf.arg(metavar="{ppo,a2c,reinforce}", help_behavior_hint="(default: ppo)")
    ] = None
    """Policy-gradient algorithm."""
    methods: Annotated[
        tuple[MethodName, ...] | None,
        tyro.conf.arg(metavar="METHOD [METHOD ...]", help_behavior_hint="(default: equivariant plain)"),
    ] = None
    """Of equivariant, plain, random-basis, nullspace-basis (the paper's baselines), augmentation, mirror-loss and
    canonicalization; as many train at a time as there are cores."""
    seeds: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: 20)")] = None
    """Number of seeds of each method: 0 to N-1, trained side by side."""
    directory: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: runs/ID-compare-TIME)")] = None
    """Where to write; never over what is there."""
    option: EnvironmentOptions = ()
    """Options that the environment is made with, such as continuous=True."""
    symmetry: SymmetryFile = None
    """Respect the symmetry that this TOML file declares; needed again to resume."""
    resume: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(optional)")] = None
    """Go on with the comparison in this directory, as it was begun."""
    hyperparameters: tyro.conf.OmitArgPrefixes[Hyperparameters] = field(default_factory=Hyperparameters)

    def run(self) -> int:
        """Compare, and print the table and one sentence."""
        from symmdp.experiments import Run, compare, result_table
        from symmdp.experiments._compare import METHODS

        environment = environment_named(self.environment, self.option)
        symmetry = symmetry_for(environment, self.symmetry)
        if self.resume is None:
            seeds = 20 if self.seeds is None else self.seeds
            methods = METHODS if self.methods is None else self.methods
            plan = new_plan(environment, None, self.algorithm, seeds, self.hyperparameters, self.directory, methods)
        else:
            own = {name: getattr(self, name) for name in ("algorithm", "methods", "seeds", "directory")}
            given = {name: value for name, value in own.items() if value is not None} | self.hyperparameters.given()
            plan = resumed_plan(environment, "compare", given, self.resume)
        comparison = compare(
            plan.environment_id,
            symmetry,
            plan.options,
            plan.seeds,
            plan.directory,
            methods=plan.methods,
            learning_rates=plan.method_rates,
            progress=RichProgress().bar,
            resume=plan.resume,
        )
        if not comparison.finished:
            return plan.interrupted(self.symmetry)
        out = console()
        out.print(result_table(comparison.results, title=plan.environment_id))
        if plan.methods != METHODS:
            for line in sizes([Run.load(plan.directory / method) for method in plan.methods]):
                out.print(line, markup=False)
        out.print(comparison.headline, markup=False)
        out.print(f"written to {plan.directory}", markup=False)
        return 0
