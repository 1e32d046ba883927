from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from symmdp.errors import RunDirectoryError

_COLUMNS = ("step", "seed", "learning_rate", "return_mean")


@dataclass(frozen=True, eq=False)
class SeedEvaluations:
    """Evaluations of one seed's policy while it trained, in episodes that were not trained on.

    Attributes:
        steps: environment steps of training before each evaluation, ascending, shape `(evaluations,)`.
        returns: the mean return of each evaluation, shape `(evaluations,)`.
    """

    steps: NDArray[np.int64]
    returns: NDArray[np.float64]

    def __post_init__(self) -> None:
        self.steps.flags.writeable = self.returns.flags.writeable = False


def read_evaluations(
    path: Path, seeds: tuple[int, ...], learning_rate: float, going_on: bool
) -> tuple[SeedEvaluations, ...] | None:
    """The evaluations of each seed with a learning rate; None where the run made none.

    Args:
        path: of `evaluations.csv`.
        seeds: of the run.
        learning_rate: of the rows to take.
        going_on: leave out a last line that is not whole.

    Raises:
        RunDirectoryError: the table cannot be read, or is not of this run.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise RunDirectoryError(f"{path} cannot be read: {error}.") from None
    lines = text.splitlines()
    columns = lines[0].split(",") if lines else []
    if not set(_COLUMNS) <= set(columns):
        raise RunDirectoryError(f"{path} must have the columns {', '.join(_COLUMNS)}; got {lines[:1]}.")
    if not text.endswith("\n"):
        if not going_on:
            raise RunDirectoryError(f"{path} is truncated in line {len(lines)}; resume the run to repair it.")
        lines.pop()
    places = [columns.index(name) for name in _COLUMNS]
    found: dict[int, list[tuple[int, float]]] = {seed: [] for seed in seeds}
    for number, row in enumerate(csv.reader(lines[1:]), start=2):
        try:
            step, seed, rate, value = (row[place] for place in places)
            if float(rate) != learning_rate:
                continue
            of_seed = found[int(seed)]
            if len(row) != len(columns) or (of_seed and of_seed[-1][0] >= int(step)):
                raise ValueError
            of_seed.append((int(step), float(value) if value else math.nan))
        except (KeyError, IndexError, ValueError):
            raise RunDirectoryError(
                f"Line {number} of {path} is no evaluation of this run: {','.join(row)!r}. Expected {','.join(columns)} with a "
                "seed of the run and ascending steps."
            ) from None
    if not any(found.values()):
        return None
    tables = (np.array(found[seed], dtype=np.float64).reshape(-1, 2) for seed in seeds)
    return tuple(SeedEvaluations(table[:, 0].astype(np.int64), table[:, 1].copy()) for table in tables)
