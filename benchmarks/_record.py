"""Raw results: a CSV file beside the script, with a header that says where, when and how it was measured."""

import csv
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def record(name: str, rows: Sequence[Mapping[str, object]]) -> Path:
    """Write `benchmarks/results/NAME.csv`; lines that start with # describe the machine and the versions."""
    path = Path(__file__).parent / "results" / f"{name}.csv"
    path.parent.mkdir(exist_ok=True)
    about = [
        f"python {' '.join([f'benchmarks/{Path(sys.argv[0]).name}', *sys.argv[1:]])}",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, {platform.machine()}",
        ", ".join(f"{package} {version(package)}" for package in ("symmdp", "torch", "numpy", "gymnasium")),
    ]
    with path.open("w", newline="") as file:
        file.writelines(f"# {line}\n" for line in about)
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path
