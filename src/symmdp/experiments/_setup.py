from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symmdp.errors import RunDirectoryError
from symmdp.experiments._method_tuning import TuningGrid
from symmdp.experiments._run import learning_rates_of, read_json
from symmdp.training import TrainingOptions


@dataclass(frozen=True)
class Setup:
    """What a directory was begun with: all that resuming it needs.

    Attributes:
        environment_id: a Gymnasium id.
        method: the name of a method; None for a comparison.
        seeds: one policy each.
        options: hyper-parameters.
        learning_rates: that seeds of a run are trained with; one, but for a grid.
        methods: that are compared; empty for a run.
        method_rates: learning rates of compared methods that have another than that of the options.
        tuning: how the learning rates of compared methods are chosen; None where they are given.
    """

    environment_id: str
    method: str | None
    seeds: tuple[int, ...]
    options: TrainingOptions
    learning_rates: tuple[float, ...] = ()
    methods: tuple[str, ...] = ()
    method_rates: Mapping[str, float] = field(default_factory=dict)
    tuning: TuningGrid | None = None

    @classmethod
    def load(cls, directory: Path | str) -> Setup:
        """Read the `config.json` of a run or a comparison.

        Raises:
            RunDirectoryError: there is none, or it is neither's.
            OptionError: it holds options that this version does not know.
        """
        config = read_json(Path(directory), "config.json")
        try:
            seeds = tuple(int(seed) for seed in config["seeds"])
            options = TrainingOptions.from_dict(dict(config["options"]))
            method = None if "methods" in config else str(config["method"])
            methods = tuple(str(name) for name in config.get("methods", ()))
            if method is not None:
                return cls(str(config["environment_id"]), method, seeds, options, learning_rates_of(config))
            rates = {str(name): float(rate) for name, rate in config.get("learning_rates", {}).items()}
            own = {"methods": methods, "method_rates": rates, "tuning": _grid(config.get("tuning"))}
            return cls(str(config["environment_id"]), None, seeds, options, **own)
        except KeyError as error:
            raise RunDirectoryError(f"{directory} holds no run: its config.json lacks {error.args[0]!r}.") from None
        except TypeError as error:
            raise RunDirectoryError(f"{directory} holds no run: its config.json cannot be used ({error}).") from None


def _grid(values: dict[str, Any] | None) -> TuningGrid | None:
    if values is None:
        return None
    return TuningGrid(tuple(values["rates"]), tuple(values["seeds"]), values["steps"])
