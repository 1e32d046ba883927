from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from symmdp.errors import RunDirectoryError
from symmdp.experiments._method_tuning import FOLDER
from symmdp.experiments._run import Run, read_json
from symmdp.experiments._tuning import Tuning, load_tuning

_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, eq=False)
class Experiment:
    """A comparison, or a single run, as far as it is.

    Attributes:
        directory: of the comparison or run.
        environment_id: a Gymnasium id.
        methods: that the comparison has; the one of a single run.
        runs: of the methods that have begun, in the order of `methods`.
        gaps: what is not finished, has not begun or cannot be read: a sentence each.
        tunings: how learning rates were chosen, after the names of the methods.
        mirror_image: the figure as PNG, where there is one.
    """

    directory: Path
    environment_id: str
    methods: tuple[str, ...]
    runs: tuple[Run, ...]
    gaps: tuple[str, ...]
    tunings: tuple[tuple[str, Tuning], ...]
    mirror_image: bytes | None

    @property
    def finished(self) -> bool:
        """Whether every method has made all its steps."""
        return not self.gaps

    @classmethod
    def load(cls, directory: Path) -> Experiment:
        """Read a comparison or a run, finished or not.

        Raises:
            RunDirectoryError: there is none, or nothing in it can be read.
        """
        config = read_json(directory, "config.json")
        if "methods" not in config:
            if len(config.get("learning_rates") or ()) > 1:
                raise RunDirectoryError(
                    f"{directory} holds the choice of a learning rate; give the comparison that it is part of."
                )
            run = Run.load(directory, going_on=True)
            return cls(directory, run.environment_id, (run.method,), (run,), _gaps(run), (), None)
        try:
            methods, environment_id = tuple(str(name) for name in config["methods"]), str(config["environment_id"])
        except (KeyError, TypeError) as error:
            raise RunDirectoryError(f"{directory} holds no comparison: its config.json cannot be used ({error}).") from None
        if any(not method or Path(method).name != method for method in methods):
            raise RunDirectoryError(f"{directory} holds no comparison: its methods must be names of folders; got {methods}.")
        tuned = [method for method in methods if (directory / FOLDER / method / "tuning.json").is_file()]
        tunings = {method: load_tuning(directory / FOLDER / method) for method in tuned}
        runs: list[Run] = []
        gaps: list[str] = []
        for method in methods:
            if not (directory / method / "config.json").exists():
                hopeless = method in tunings and tunings[method].chosen is None
                gaps.append(f"{method} was not trained: {tunings[method].remark}" if hopeless else f"{method} has not begun.")
                continue
            try:
                runs.append(Run.load(directory / method, going_on=True))
                gaps.extend(_gaps(runs[-1]))
            except RunDirectoryError as error:
                gaps.append(f"{method} cannot be read: {error}")
        image = _image(directory / "mirror_image.png")
        return cls(directory, environment_id, methods, tuple(runs), tuple(gaps), tuple(tunings.items()), image)


def experiments_in(directory: Path) -> tuple[tuple[Experiment, ...], tuple[str, ...]]:
    """The run or comparison in a directory, or all of those in its folders by name; and what cannot be read, a sentence each.

    Raises:
        RunDirectoryError: there is none.
    """
    if not directory.is_dir():
        what = "is a file, not a folder" if directory.exists() else "does not exist"
        raise RunDirectoryError(f"{directory} {what}. Give the folder of a run or a comparison, or one that holds several.")
    if (directory / "config.json").exists():
        return (Experiment.load(directory),), ()
    found: list[Experiment] = []
    unreadable: list[str] = []
    for folder in sorted(path for path in directory.iterdir() if (path / "config.json").is_file()):
        try:
            found.append(Experiment.load(folder))
        except RunDirectoryError as error:
            unreadable.append(str(error))
    if not found:
        reason = f" ({unreadable[0]})" if unreadable else "; a run or comparison has a config.json"
        raise RunDirectoryError(f"{directory} holds no run, no comparison, and no folder of them{reason}.")
    return tuple(found), tuple(unreadable)


def _gaps(run: Run) -> tuple[str, ...]:
    return () if run.finished else (f"{run.method} has made {run.reached:,} of {run.total_steps:,} steps.",)


def _image(path: Path) -> bytes | None:
    if not path.is_file():
        return None
    content = path.read_bytes()
    return content if content.startswith(_PNG) else None
