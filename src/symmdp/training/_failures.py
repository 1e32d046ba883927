from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from symmdp.errors import RunDirectoryError


@dataclass(frozen=True)
class Failure:
    """A row that diverged: from then on it stood still, and whatever it would have reached counts as the worst.

    Attributes:
        seed: of the row.
        learning_rate: of the row.
        step: environment steps of the row by the end of the update that failed.
        reason: what was not finite.
    """

    seed: int
    learning_rate: float
    step: int
    reason: str

    def __str__(self) -> str:
        return (
            f"seed {self.seed} diverged with learning rate {self.learning_rate:g} at step {self.step:,}: {self.reason}; "
            "it counts as a failure"
        )


def failures_as_json(failures: Iterable[Failure]) -> dict[str, list[dict[str, object]]]:
    """The contents of `failures.json`."""
    return {"failures": [asdict(failure) for failure in failures]}


def read_failures(directory: Path) -> tuple[Failure, ...]:
    """The failures that a run directory records; none where there is no `failures.json`.

    Raises:
        RunDirectoryError: the file is not one that a run wrote.
    """
    path = directory / "failures.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["failures"]
        return tuple(Failure(int(f["seed"]), float(f["learning_rate"]), int(f["step"]), str(f["reason"])) for f in found)
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunDirectoryError(f"{path} cannot be read: {type(error).__name__}: {error}.") from None
