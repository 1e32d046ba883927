from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Annotated

import tyro

from symmdp.cli._environment import EnvironmentId, EnvironmentOptions, environment_named
from symmdp.cli._symmetry import SymmetryFile
from symmdp.errors import NoSymmetryError, OptionError, VerificationError


@dataclass(frozen=True)
class Verify:
    """Check a known symmetry against the simulator.

    Sets the simulator to states and to their images, steps both, and reports what differs. The exit status is 0 when
    nothing does, and 1 otherwise. Where an environment has no symmetry, the transformation that looks like one is
    checked. With --transitions, transitions of random play are tested statistically instead, for environments whose state
    cannot be set. Where a MuJoCo model does not have a symmetry, the parameters that differ from their images are listed.
    """

    environment: EnvironmentId
    """Gymnasium id; `symmdp list` names those that are known."""
    option: EnvironmentOptions = ()
    """Options that the environment is made with, such as continuous=True."""
    symmetry: SymmetryFile = None
    """Check the symmetry that this TOML file declares."""
    samples: int = 2000
    """States that are compared."""
    transitions: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(optional)")] = None
    """Log so many transitions of random play, and test these, in place of setting states."""
    tolerance: float = 1e-6
    """Largest difference, in units of each coordinate's spread, that is no violation."""
    seed: int = 0
    """Of the sampled states and actions."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the report as JSON."""

    def run(self) -> int:
        """Print the report."""
        from symmdp.catalogue import entry_of, load_symmetry
        from symmdp.cli._explanation import catalogue_note, explanation_of
        from symmdp.mdp import record_transitions, verify

        environment = environment_named(self.environment, self.option)
        if self.symmetry is not None:
            entry, symmetry = None, load_symmetry(self.symmetry, environment)
        else:
            entry = entry_of(environment)
            symmetry = entry.symmetry or entry.candidate
            if symmetry is None:
                raise NoSymmetryError(f"{environment} has no symmetry that could be checked: {entry.notes}.")
        if self.transitions is not None and entry is not None and entry.preprocessing:
            raise OptionError(
                f"The symmetry of {environment} acts on {entry.preprocessing}, which its transitions do not show. Leave out "
                "--transitions: it is tested statistically on positions in its pictures, as many as --samples says."
            )
        try:
            log = None if self.transitions is None else record_transitions(environment, self.transitions, seed=self.seed)
            report = verify(
                environment, symmetry, samples=self.samples, tolerance=self.tolerance, seed=self.seed, transitions=log
            )
        except VerificationError as error:
            self._print_incomplete(error)
            raise
        explanation, note = explanation_of(report, symmetry, entry), catalogue_note(report, entry)
        if self.json:
            explained = {} if explanation is None else {"explanation": explanation.as_dict()}
            print(json.dumps({**report.as_dict(), **explained}, indent=2, ensure_ascii=False))
        else:
            print("\n\n".join(str(part) for part in (report, explanation, note) if part is not None))
        sys.stdout.flush()
        return 0 if report.passed else 1

    def _print_incomplete(self, error: VerificationError) -> None:
        """What was found until the error, before the line that says what stopped it."""
        from symmdp.mdp import VerificationReport

        if not isinstance(error.report, VerificationReport):
            return
        if self.json:
            print(json.dumps({**error.report.as_dict(), "stopped": str(error)}, indent=2, ensure_ascii=False), flush=True)
        else:
            print(f"Verification ended with an error. What it had found:\n{error.report}\n", flush=True)
