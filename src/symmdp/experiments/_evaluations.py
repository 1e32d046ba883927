from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from symmdp.errors import RunDirectoryError

_COLUMNS = ["step", "seed", "learning_rate", "episodes", "return_mean", "return_std", "return_min", "return_max", "length_mean"]


@dataclass(frozen=True, eq=False)
class Evaluations:
    """The evaluations of a run: mean returns of episodes beside the training, as in the paper's figures.

    Attributes:
        steps: environment steps of each seed at the evaluations, ascending, shape `(points,)`.
        seeds: of each row, shape `(rows,)`.
        learning_rates: of each row, shape `(rows,)`.
        returns: mean returns, shape `(rows, points)`; NaN from where a row diverged, which counts as the worst return.
    """

    steps: NDArray[np.int64]
    seeds: tuple[int, ...]
    learning_rates: tuple[float, ...]
    returns: NDArray[np.float64]

    @classmethod
    def load(cls, directory: Path | str) -> Evaluations:
        """Read `evaluations.csv`.

        Raises:
            RunDirectoryError: it is missing, truncated, or not what a training run writes.
        """
        path = Path(directory) / "evaluations.csv"
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise RunDirectoryError(f"{path.parent} holds no evaluations; train with evaluation_every.") from None
        except (OSError, UnicodeDecodeError) as error:
            raise RunDirectoryError(f"{path} cannot be read: {error}.") from None
        lines = list(csv.reader(text.splitlines()))
        if not lines or lines[0] != _COLUMNS:
            raise RunDirectoryError(f"{path} must begin with the columns {','.join(_COLUMNS)}; got {lines[:1]}.")
        try:
            if not text.endswith("\n"):
                raise ValueError("its last line is not complete")
            table = {(float(row[2]), int(row[1]), int(row[0])): float(row[4]) for row in lines[1:]}
            steps = sorted({step for _, _, step in table})
            rows = list(dict.fromkeys((rate, seed) for rate, seed, _ in table))
            returns = np.array([[table[rate, seed, step] for step in steps] for rate, seed in rows])
        except (IndexError, KeyError, ValueError) as error:
            raise RunDirectoryError(
                f"{path} is no whole table of evaluations ({error}); resume the run to repair it."
            ) from None
        found = np.array(steps, dtype=np.int64)
        return cls(found, tuple(s for _, s in rows), tuple(r for r, _ in rows), returns.reshape(len(rows), len(steps)))

    def of(self, learning_rate: float) -> Evaluations:
        """Those of one learning rate."""
        chosen = [i for i, rate in enumerate(self.learning_rates) if rate == learning_rate]
        return Evaluations(
            self.steps, tuple(self.seeds[i] for i in chosen), (learning_rate,) * len(chosen), self.returns[chosen]
        )
