"""What `verify` finds, and how long it takes, for every entry of the catalogue, with default options and in one process.

Each environment is verified once for its time and errors, after the libraries of its family have been imported. Where an entry
is known to have no symmetry, the candidate that looks like one is checked.
"""

import argparse
import time

from _record import record
from symmdp.catalogue import CatalogueEntry, entries
from symmdp.mdp import verify


def measured(entry: CatalogueEntry) -> dict[str, object]:
    """Verdict, errors and seconds of one entry."""
    symmetry = entry.symmetry or entry.candidate
    if symmetry is None:
        raise AssertionError(f"{entry.name} has neither a symmetry nor a candidate")
    verify(entry.name, symmetry, samples=50)  # imports and first calls
    began = time.perf_counter()
    report = verify(entry.name, symmetry)
    seconds = time.perf_counter() - began
    return {
        "environment": entry.name,
        "group": symmetry.group.name,
        "status": entry.status,
        "differs": ", ".join(dict.fromkeys(part.part for part in report.failures)) or "nothing",
        "largest_error": f"{report.largest_error:.2g}",
        "median_error": f"{report.median_error:.2g}",
        "engine": report.engine,
        "seconds": round(seconds, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="entries whose name contains this")
    only = parser.parse_args().only
    rows = []
    for entry in entries():
        if only in entry.name:
            rows.append(measured(entry))
            print("  ".join(f"{value}" for value in rows[-1].values()), flush=True)
    print(f"raw results: {record('verification', rows)}")


if __name__ == "__main__":
    main()
