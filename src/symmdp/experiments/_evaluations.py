from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from symmdp.errors import RunDirectoryError

_COLUMNS = ("step", "seed", "learning_rate", "return_mean")


@dataclass(frozen=True, eq=False)
class Evaluations:
    """Evaluations of one seed's policy while it trained, in episodes that were not trained on.

    Attributes:
        steps: environment steps of training before each evaluation, ascending, shape `(evaluations,)`.
        returns: the mean return of each evaluation, shape `(evaluations,)`.
    """

    steps: NDArray[np.int64]
    returns: NDArray[np.float64]

    def __post_init__(self) -> None:
        self.steps.flags.writeable = self.returns.flags.writeable = False


@dataclass(frozen=True)
class Failure:
    """A seed that diverged.

    Attributes:
        seed: which.
        step: its environment steps by then.
        reason: what was seen.
    """

    seed: int
    step: int
    reason: str


def read_evaluations(
    path: Path, seeds: tuple[int, ...], learning_rate: float, going_on: bool
) -> tuple[tuple[Evaluations, ...] | None, float, set[float]]:
    """The evaluations of each seed, None where the run made none; their learning rate; other rates in the table.

    Args:
        path: of `evaluations.csv`.
        seeds: of the run.
        learning_rate: of the run; of a table with several rates, its rows are taken.
        going_on: leave out a last line that is not whole.

    Raises:
        RunDirectoryError: the table cannot be read, or is not of this run.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None, learning_rate, set()
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
    found: dict[float, dict[int, list[tuple[int, float]]]] = {}
    for number, row in enumerate(csv.reader(lines[1:]), start=2):
        try:
            step, seed, rate, value = (row[place] for place in places)
            of_seed = found.setdefault(float(rate), {s: [] for s in seeds})[int(seed)]
            if len(row) != len(columns) or (of_seed and of_seed[-1][0] >= int(step)):
                raise ValueError
            of_seed.append((int(step), float(value) if value else math.nan))
        except (KeyError, IndexError, ValueError):
            raise RunDirectoryError(
                f"Line {number} of {path} is no evaluation of this run: {','.join(row)!r}. Expected {','.join(columns)} with a "
                "seed of the run and ascending steps."
            ) from None
    if not found:
        return None, learning_rate, set()
    rate = min(found, key=lambda r: abs(r - learning_rate)) if not math.isnan(learning_rate) else next(iter(found))
    if len(found) > 1 and not math.isclose(rate, learning_rate, rel_tol=1e-6):
        rates = ", ".join(f"{r:g}" for r in found)
        raise RunDirectoryError(f"{path} holds the learning rates {rates}, and none is the run's own, {learning_rate:g}.")
    tables = (np.array(found[rate][seed], dtype=np.float64).reshape(-1, 2) for seed in seeds)
    return tuple(Evaluations(table[:, 0].astype(np.int64), table[:, 1].copy()) for table in tables), rate, set(found) - {rate}


def read_failures(path: Path, seeds: tuple[int, ...], other_rates: set[float]) -> tuple[Failure, ...]:
    """The seeds that diverged, the first failure of each; none where there is no such file.

    Args:
        path: of `failures.json`.
        seeds: of the run.
        other_rates: learning rates whose failures are not meant.

    Raises:
        RunDirectoryError: the file cannot be read, or is not of this run.
    """
    try:
        contents = json.loads(path.read_text(encoding="utf-8"))
        rows = contents["failures"] if isinstance(contents, dict) else contents
        found: dict[int, Failure] = {}
        for row in rows:
            if row.get("learning_rate") in other_rates:
                continue
            failure = Failure(int(row["seed"]), int(row["step"]), str(row.get("reason", "")))
            if failure.seed not in seeds:
                raise ValueError(f"the run has no seed {failure.seed}")
            found.setdefault(failure.seed, failure)
        return tuple(found[seed] for seed in seeds if seed in found)
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise RunDirectoryError(f"{path} cannot be read: {error}.") from None
    except (KeyError, TypeError, AttributeError):
        raise RunDirectoryError(f"{path} must list failures, each with seed, step and reason.") from None
