from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from symmdp.errors import OptionError, RunDirectoryError

if TYPE_CHECKING:
    from symmdp.cli._hyperparameters import Hyperparameters
    from symmdp.experiments import TuningGrid
    from symmdp.training import TrainingOptions

MOST_SEEDS = 10_000
"""All of them train at once."""

Algorithm = Literal["ppo", "a2c", "reinforce"]
Variant = Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(optional)")]


@dataclass(frozen=True)
class Plan:
    """What `train` and `compare` are about to do, from their arguments or from the directory that they resume.

    Attributes:
        environment_id: a Gymnasium id.
        method: the name of a method; None for a comparison.
        seeds: one policy each.
        options: hyper-parameters.
        directory: of the run.
        resume: whether `directory` exists and is gone on with.
        learning_rates: of the rows of a run, instead of that of the options.
        methods: that are compared.
        method_rates: learning rates of compared methods that have another than that of the options.
        tuning: how learning rates of compared methods are chosen; None where they are given.
    """

    environment_id: str
    method: str | None
    seeds: tuple[int, ...]
    options: TrainingOptions
    directory: Path
    resume: bool
    learning_rates: tuple[float, ...] = ()
    methods: tuple[str, ...] = ()
    method_rates: Mapping[str, float] = field(default_factory=dict)
    tuning: TuningGrid | None = None

    def resume_command(self, symmetry: Path | None = None) -> str:
        """The command that goes on with it, with the file that declares its symmetry."""
        command = "compare" if self.method is None else "train"
        declared = "" if symmetry is None else f" --symmetry {shlex.quote(str(symmetry))}"
        return f"symmdp {command} {shlex.quote(self.environment_id)}{declared} --resume {shlex.quote(str(self.directory))}"

    def interrupted(self, symmetry: Path | None = None) -> int:
        """Say how to resume; the exit status of an interrupted command."""
        print(f"symmdp: interrupted; to go on: {self.resume_command(symmetry)}", file=sys.stderr)
        return 130


def new_plan(
    environment_id: str,
    method: str | None,
    algorithm: Algorithm | None,
    variant: str | None,
    seeds: int,
    hyperparameters: Hyperparameters,
    directory: Path | None,
    methods: tuple[str, ...] = (),
) -> Plan:
    """The plan of a new run, or of a comparison of methods, with seeds `0 … seeds-1`.

    Raises:
        OptionError: no seed, no method, no such preset for the environment, or an option that is out of range or would be
            ignored.
    """
    from symmdp.training import preset

    if not 1 <= seeds <= MOST_SEEDS:
        raise OptionError(f"--seeds is the number of seeds, 1 to {MOST_SEEDS:,}; got {seeds}.")
    if directory is not None and not directory.name:
        raise OptionError("--directory names the folder to write the run to; got an empty name.")
    if method is None and not methods:
        raise OptionError("--methods names the methods to compare, such as equivariant plain; none was given.")
    hyperparameters.check_used(algorithm or "ppo", methods if method is None else (method,))
    options = hyperparameters.apply_to(preset(environment_id, algorithm or "ppo", variant=variant))
    directory = directory or _unused(environment_id, method or "compare")
    return Plan(environment_id, method, tuple(range(seeds)), options, directory, False, methods=methods)


def resumed_plan(
    environment_id: str,
    kind: Literal["train", "compare"],
    given: dict[str, object],
    directory: Path,
) -> Plan:
    """The plan of the run or comparison in `directory`.

    Args:
        environment_id: as given.
        kind: which command resumes.
        given: all other arguments that were given, which would change it.
        directory: of the run.

    Raises:
        OptionError: the run is one of another environment, or arguments were given that only a new run takes.
        RunDirectoryError: the directory holds none, or one of the other kind.
    """
    from symmdp.experiments import Setup

    if given:
        from symmdp.cli._hyperparameters import as_typed

        option = as_typed(*next(iter(given.items())))
        raise OptionError(f"A run is resumed as it was begun; {option} cannot be given together with --resume.")
    setup = Setup.load(directory)
    if (setup.method is None) != (kind == "compare"):
        what, other = ("comparison", "compare") if setup.method is None else ("training run", "train")
        raise RunDirectoryError(f"{directory} holds a {what}; resume it with symmdp {other}.")
    if setup.environment_id != environment_id:
        raise OptionError(f"{directory} holds a run of {setup.environment_id}, not of {environment_id}.")
    begun = setup.learning_rates, setup.methods, setup.method_rates, setup.tuning
    return Plan(environment_id, setup.method, setup.seeds, setup.options, directory, True, *begun)


def _unused(environment_id: str, what: str) -> Path:
    known = re.sub(r"[^\w.=-]+", "-", environment_id).strip("-")
    name = f"{known}-{what}-{datetime.now():%Y%m%d-%H%M%S}"
    path, number = Path("runs") / name, 1
    while path.exists():
        number += 1
        path = Path("runs") / f"{name}-{number}"
    return path
