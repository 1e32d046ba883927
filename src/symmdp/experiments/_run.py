from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symmdp.errors import OptionError, RunDirectoryError, SymmdpError
from symmdp.experiments._seed_evaluations import SeedEvaluations, read_evaluations
from symmdp.training import Failure, read_failures

_COLUMNS = ["step", "seed", "length", "return"]


@dataclass(frozen=True, eq=False)
class Episodes:
    """The finished episodes of one seed, in the order in which they ended.

    Attributes:
        steps: environment steps of that seed when the episode ended, not descending, shape `(episodes,)`.
        returns: undiscounted, shape `(episodes,)`; NaN in a seed that diverged.
    """

    steps: NDArray[np.int64]
    returns: NDArray[np.float64]

    def __post_init__(self) -> None:
        self.steps.flags.writeable = self.returns.flags.writeable = False


@dataclass(frozen=True, eq=False)
class Run:
    """What a run directory says about one method.

    Attributes:
        directory: where it was read from.
        environment_id: a Gymnasium id.
        method: such as "equivariant" or "plain".
        algorithm: "ppo", "a2c" or "reinforce".
        group: the name of the policies' group.
        seeds: one policy each.
        parameters: of one policy.
        hidden: widths of its hidden layers.
        threshold: the mean return at which a seed is solved; None when the run has no such threshold.
        window: episodes in that mean.
        total_steps: environment steps of each seed that the run was made for.
        seconds: of training.
        evaluation_seconds: of the evaluations, besides; NaN when not recorded.
        rate: environment steps a second, over all seeds; NaN when not recorded.
        episodes: of each seed, in the order of `seeds`.
        evaluations: of each seed, in the order of `seeds`; None when the run made none.
        failures: the seeds that diverged.
        learning_rate: of all seeds.
        reached: environment steps of each seed so far.
        config: all of `config.json`.
    """

    directory: Path
    environment_id: str
    method: str
    algorithm: str
    group: str
    seeds: tuple[int, ...]
    parameters: int
    hidden: tuple[int, ...]
    threshold: float | None
    window: int
    total_steps: int
    seconds: float
    evaluation_seconds: float
    rate: float
    episodes: tuple[Episodes, ...]
    evaluations: tuple[SeedEvaluations, ...] | None
    failures: tuple[Failure, ...]
    learning_rate: float
    reached: int
    config: dict[str, Any]

    @property
    def finished(self) -> bool:
        """Whether the run has made its steps, or has no seed left that could go on."""
        return self.reached >= self.total_steps or self.failed == set(self.seeds)

    @property
    def failed(self) -> frozenset[int]:
        """The seeds that diverged."""
        return frozenset(failure.seed for failure in self.failures)

    @classmethod
    def load(cls, directory: Path | str, learning_rate: float | None = None, *, going_on: bool = False) -> Run:
        """Read `config.json`, `timing.json` and the tables: episodes, and evaluations and failures where there are any.

        Args:
            directory: of the run.
            learning_rate: which of the run's, where it has several.
            going_on: accept a run that may be written at this moment, or was killed: it may lack `timing.json`, and a last line
                that is not whole is left out.

        Raises:
            RunDirectoryError: one of them is missing, truncated, or not what a training run writes.
            OptionError: the run has no such learning rate, or has several and none is given.
        """
        path = Path(directory)
        config = read_json(path, "config.json")
        timing: dict[str, Any] = {"seconds": math.nan}
        if not going_on or (path / "timing.json").exists():
            timing = read_json(path, "timing.json")
        try:
            seeds = tuple(int(seed) for seed in config["seeds"])
            threshold = config["solve"]["threshold"]
            total_steps = int(config["options"]["total_steps"])
            rates = learning_rates_of(config)
            rate = _chosen(rates, learning_rate)
            return cls(
                directory=path,
                environment_id=str(config["environment_id"]),
                method=str(config["method"]),
                algorithm=str(config["algorithm"]),
                group=str(config.get("group", "")),
                seeds=seeds,
                parameters=int(config["parameters"]),
                hidden=tuple(int(width) for width in config["hidden"]),
                threshold=None if threshold is None else float(threshold),
                window=int(config["solve"]["episodes"]),
                total_steps=total_steps,
                seconds=float(timing["seconds"]),
                evaluation_seconds=float(timing.get("evaluation_seconds", math.nan)),
                rate=float(timing.get("transitions_per_second", math.nan)),
                episodes=_read_episodes(path / "episodes.csv", seeds, rate if len(rates) > 1 else None, going_on),
                evaluations=read_evaluations(path / "evaluations.csv", seeds, rate, going_on),
                failures=tuple(failure for failure in read_failures(path) if failure.learning_rate == rate),
                learning_rate=rate,
                reached=_reached(path / "metrics.csv", total_steps),
                config=config,
            )
        except KeyError as error:
            raise RunDirectoryError(f"{path} holds no training run: its JSON files lack {error.args[0]!r}.") from None
        except SymmdpError:
            raise
        except (TypeError, ValueError) as error:
            raise RunDirectoryError(f"{path} holds no training run: {error}.") from None


def learning_rates_of(config: dict[str, Any]) -> tuple[float, ...]:
    """The learning rates of a run, from its `config.json`."""
    return tuple(map(float, config.get("learning_rates") or [config["options"].get("learning_rate", math.nan)]))


def _chosen(rates: tuple[float, ...], given: float | None) -> float:
    if given is None and len(rates) == 1:
        return rates[0]
    if given not in rates:
        raise OptionError(f"Give one of the run's learning rates, {', '.join(map(str, rates))}; got {given}.")
    return float(given)


def read_json(directory: Path, name: str) -> dict[str, Any]:
    """The JSON object in a file of a run or comparison directory.

    Raises:
        RunDirectoryError: the directory or file is missing, cannot be read, or holds no JSON object.
    """
    if not directory.is_dir():
        raise RunDirectoryError(f"There is no run directory {directory}.")
    try:
        contents = json.loads((directory / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunDirectoryError(f"{directory} holds no complete run: there is no {name} in it.") from None
    except (OSError, ValueError) as error:
        raise RunDirectoryError(f"{directory / name} cannot be read: {error}.") from None
    if not isinstance(contents, dict):
        raise RunDirectoryError(f"{directory / name} must hold a JSON object; got a {type(contents).__name__}.")
    return contents


def _reached(path: Path, total_steps: int) -> int:
    """The step of the last whole row of `metrics.csv`; `total_steps` where there is no such table."""
    if not path.is_file():
        return total_steps
    rows = path.read_text(encoding="utf-8", errors="replace").rpartition("\n")[0].splitlines()[1:]
    steps = rows[-1].partition(",")[0] if rows else "0"
    if not steps.isdecimal():
        raise RunDirectoryError(f"The last line of {path} is no update of this run: {rows[-1]!r}.")
    return int(steps)


def _read_episodes(path: Path, seeds: tuple[int, ...], rate: float | None, going_on: bool) -> tuple[Episodes, ...]:
    """The episodes of each seed; of one learning rate where that is a column."""
    columns = _COLUMNS if rate is None else [*_COLUMNS, "learning_rate"]
    steps: dict[int, list[int]] = {seed: [] for seed in seeds}
    returns: dict[int, list[float]] = {seed: [] for seed in seeds}
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RunDirectoryError(f"{path.parent} holds no complete run: there is no {path.name} in it.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RunDirectoryError(f"{path} cannot be read: {error}.") from None
    lines = text.splitlines()
    if not lines or lines[0].split(",") != columns:
        raise RunDirectoryError(f"{path} must begin with the columns {','.join(columns)}; got {lines[:1]}.")
    if going_on and not text.endswith("\n"):
        lines.pop()
    elif not text.endswith("\n"):
        raise RunDirectoryError(f"{path} is truncated in line {len(lines)}; resume the run to repair it.")
    for number, row in enumerate(csv.reader(lines[1:]), start=2):
        try:
            if rate is not None and float(row[len(_COLUMNS)]) != rate:
                continue
            step, seed, _, total = int(row[0]), int(row[1]), int(row[2]), float(row[3])
            ordered = not steps[seed] or steps[seed][-1] <= step
            if len(row) != len(columns) or not ordered:
                raise ValueError
        except (KeyError, IndexError, ValueError):
            raise RunDirectoryError(
                f"Line {number} of {path} is no episode of this run: {','.join(row)!r}. Expected {','.join(columns)} "
                "with a seed of the run and steps that do not descend."
            ) from None
        steps[seed].append(step)
        returns[seed].append(total)
    return tuple(Episodes(np.array(steps[s], dtype=np.int64), np.array(returns[s], dtype=np.float64)) for s in seeds)
