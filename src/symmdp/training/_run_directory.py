from __future__ import annotations

import csv
import fcntl
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from symmdp.errors import RunDirectoryError, SymmdpError

METRICS = (
    "step",
    "seed",
    "return",
    "episodes",
    "policy_loss",
    "value_loss",
    "entropy",
    "approximate_kl",
    "gradient_norm",
)
EPISODES = ("step", "seed", "length", "return")
EVALUATIONS = (
    "step",
    "seed",
    "learning_rate",
    "episodes",
    "return_mean",
    "return_std",
    "return_min",
    "return_max",
    "length_mean",
)
_LEFTOVER = ".*.tmp"


class RunDirectory:
    """A folder with all that a run leaves behind: `config.json`, `metrics.csv`, `episodes.csv`, `checkpoint.pt`, events.

    With evaluations there is `evaluations.csv`, and with rows that diverged `failures.json`. Where seeds are trained with
    several learning rates, the rate is the last column of the other tables.

    Rows are appended; a checkpoint records how long each table was, so that a resumed run cuts off what came after.
    """

    def __init__(self, path: Path, config: dict[str, Any]):
        self.path, self.config = path, config
        rate = ("learning_rate",) if len(config.get("learning_rates", ())) > 1 else ()
        self._tables: dict[str, tuple[str, ...]] = {"metrics.csv": METRICS + rate, "episodes.csv": EPISODES + rate}
        if config["options"].get("evaluation_every") is not None:
            self._tables["evaluations.csv"] = EVALUATIONS

    @property
    def checkpoint(self) -> Path:
        """Where the checkpoint is."""
        return self.path / "checkpoint.pt"

    @classmethod
    def create(cls, path: Path, config: dict[str, Any]) -> RunDirectory:
        """Make the folder and write `config.json` and the headers of the tables.

        Raises:
            RunDirectoryError: the folder exists and is not empty, or cannot be written.
        """
        ensure_new(path)
        directory = cls(path, config)
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
            directory.remove_leftovers()
            directory.write_json("config.json", config)
            directory.clear_tables()
        return directory

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """A folder that holds a run already.

        Raises:
            RunDirectoryError: there is none, or what is there is no run.
        """
        if not path.is_dir():
            what = "is a file, not a run directory" if path.exists() else "does not exist"
            raise RunDirectoryError(f"{path} {what}. Give the folder that a training run wrote (it has a config.json).")
        directory = cls(path, _config_of(path))
        if not os.access(path, os.W_OK):
            raise RunDirectoryError(f"The run directory {path} is not writable, so the run cannot go on there.")
        return directory

    def write_json(self, name: str, values: dict[str, Any]) -> None:
        """Write a JSON file as a whole, or not at all."""
        write_atomically(self.path / name, json.dumps(values, indent=2, ensure_ascii=False).encode() + b"\n")

    def append_metrics(self, rows: Iterable[Sequence[object]]) -> None:
        """Append rows with the columns `METRICS`."""
        self._append("metrics.csv", rows)

    def append_episodes(self, rows: Iterable[Sequence[object]]) -> None:
        """Append rows with the columns `EPISODES`."""
        self._append("episodes.csv", rows)

    def append_evaluations(self, rows: Iterable[Sequence[object]]) -> None:
        """Append rows with the columns `EVALUATIONS`."""
        self._append("evaluations.csv", rows)

    def _append(self, name: str, rows: Iterable[Sequence[object]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        with open(self.path / name, "ab") as file:
            file.write(text.getvalue().encode())

    def lengths(self) -> dict[str, int]:
        """How many bytes each table has, once they are on the disk."""
        lengths = {}
        for name in self._tables:
            with open(self.path / name, "ab") as file:
                os.fsync(file.fileno())
                lengths[name] = file.tell()
        return lengths

    def remove_leftovers(self) -> None:
        """Remove the temporary files of a process that was killed while it wrote."""
        for leftover in self.path.glob(_LEFTOVER):
            leftover.unlink(missing_ok=True)

    def clear_tables(self) -> None:
        """Empty the tables, down to their headers."""
        for name, columns in self._tables.items():
            (self.path / name).write_bytes(b"")
            self._append(name, [columns])

    def cut(self, lengths: dict[str, int]) -> None:
        """Cut the tables back to what they were at a checkpoint.

        Raises:
            RunDirectoryError: a table is missing, or shorter than it was.
        """
        for name, length in lengths.items():
            path = self.path / name
            if not path.is_file() or path.stat().st_size < length:
                raise RunDirectoryError(f"{path} is missing or shorter than it was at the checkpoint; cannot resume.")
            os.truncate(path, length)


def ensure_new(path: Path) -> None:
    """Check that a run can be written to `path`, writing nothing.

    Raises:
        RunDirectoryError: it exists and is not an empty folder, or its parent cannot be written.
    """
    if path.exists() and not path.is_dir():
        raise RunDirectoryError(f"{path} is a file; give a new folder for the run.")
    # What a process leaves that was killed before it wrote anything else is no run.
    if path.is_dir() and any(not item.match(_LEFTOVER) for item in path.iterdir()):
        raise RunDirectoryError(
            f"The run directory {path} exists already and is never overwritten. Give a new one, or --resume it."
        )
    existing = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise RunDirectoryError(f"Cannot create the run directory {path}: {existing} is not a writable folder.")


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, sync it, and rename it: a reader sees the old content or the new.

    Raises:
        OSError: it cannot be written; the old content stays, and no temporary file.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the errors of writing into ours.

    Raises:
        RunDirectoryError: the disk is full, or another `OSError` was raised.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, SymmdpError):
            raise
        raise RunDirectoryError(
            f"Cannot write to the run directory {path}: {error.strerror or error}. What was finished is kept; --resume it."
        ) from None


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep other processes from going on with the same run; the lock ends with this process, however it ends.

    Where the file system knows no locks, there is none.

    Raises:
        RunDirectoryError: another process trains there, such as one that has just lost its parent.
    """
    folder = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunDirectoryError(
                f"Another process trains in the run directory {path}; when it has ended, --resume the run."
            ) from None
        except OSError:
            pass
        yield
    finally:
        os.close(folder)


def _config_of(path: Path) -> dict[str, Any]:
    try:
        config = json.loads((path / "config.json").read_text())
    except FileNotFoundError:
        raise RunDirectoryError(f"{path} holds no run: there is no config.json in it.") from None
    except (OSError, ValueError) as error:
        raise RunDirectoryError(f"The config.json of {path} cannot be read: {error}.") from None
    if not isinstance(config, dict) or not {"environment_id", "method", "seeds", "options"} <= config.keys():
        raise RunDirectoryError(f"The config.json of {path} is not that of a training run.")
    return config
