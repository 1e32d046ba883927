from __future__ import annotations

from symmdp.catalogue import CatalogueEntry
from symmdp.errors import SimulatorError
from symmdp.mdp import Explanation, Symmetry, VerificationReport, explain


def explanation_of(report: VerificationReport, symmetry: Symmetry, entry: CatalogueEntry | None) -> Explanation | None:
    """Why a symmetry does not hold, or holds approximately, where the environment has a model to say it."""
    broken = {part.part for part in report.failures} - set(entry.breaks if entry and entry.status == "exact" else ())
    if not broken and (entry is None or entry.status != "approximate"):
        return None
    try:
        return explain(report.environment, symmetry)
    except SimulatorError:
        return None


def catalogue_note(report: VerificationReport, entry: CatalogueEntry | None) -> str | None:
    """What the catalogue says of an environment whose verification failed."""
    if entry is None or report.passed:
        return None
    if entry.symmetry is None:
        return f"The catalogue lists no symmetry of {entry.name}: {entry.notes}."
    if not {part.part for part in report.failures} <= set(entry.breaks):
        return None
    return f"The catalogue lists it as {entry.status}, breaking {', '.join(entry.breaks)}: {entry.notes}."
