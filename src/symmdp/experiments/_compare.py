from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from symmdp.errors import OptionError, RunDirectoryError, SymmetryError
from symmdp.experiments._asymmetry import asymmetry, visited_observations
from symmdp.experiments._drawing import can_draw, check_drawing
from symmdp.experiments._figure_style import check_figures
from symmdp.experiments._learning_curves import draw_learning_curves
from symmdp.experiments._mirror_image import draw_mirror_image, most_telling_observation
from symmdp.experiments._results import MethodResult, headline, write_results
from symmdp.experiments._run import Run, read_json
from symmdp.mdp import Symmetry
from symmdp.training import (
    Job,
    Progress,
    Training,
    TrainingOptions,
    ensure_new,
    load_policy,
    train_side_by_side,
    write_atomically,
)

METHODS: tuple[Literal["equivariant", "plain"], ...] = ("equivariant", "plain")


@dataclass(frozen=True)
class Comparison:
    """How a call of `compare` ended.

    Attributes:
        directory: of the comparison.
        finished: whether all methods are trained; otherwise it was interrupted, and can be resumed.
        results: of each method; empty unless finished.
        figures: what was drawn.
    """

    directory: Path
    finished: bool
    results: tuple[MethodResult, ...] = ()
    figures: tuple[Path, ...] = ()

    @property
    def headline(self) -> str:
        """The result in one sentence."""
        return headline(self.results)


def compare(
    environment_id: str,
    symmetry: Symmetry,
    options: TrainingOptions,
    seeds: Sequence[int],
    directory: Path | str,
    *,
    progress: Callable[[], Progress] | None = None,
    resume: bool = False,
) -> Comparison:
    """Train equivariant policies and plain ones of the same size over the same seeds, and compare them.

    The methods train side by side, each in a process of its own (call it under `if __name__ == "__main__":`), and each has a
    run directory in `directory`; results and figures are made from those alone. Ctrl-C ends both with a checkpoint;
    `resume=True` goes on with them.

    Args:
        environment_id: a Gymnasium id.
        symmetry: of the environment; not the trivial one.
        options: hyper-parameters; `options.hidden` are the equivariant policy's widths.
        seeds: one policy each, for each method.
        directory: of the comparison; new, unless `resume`.
        progress: gives each method what is told how far it is.
        resume: go on with the comparison in `directory`.

    Raises:
        OptionError: an option is out of range, or differs from that of the comparison to resume.
        RunDirectoryError: the directory exists (unless `resume`), holds no comparison, or cannot be written.
        SymmetryError: the symmetry is trivial.
        SpaceMismatchError: the environment's spaces do not fit the symmetry.
        UnknownEnvironmentError: Gymnasium has no such environment.
        CheckpointError: a checkpoint cannot be written, is damaged or foreign.
        WorkerError: a training process died.
        MissingExtraError: matplotlib, or pygame where it is needed, is not installed.
    """
    path = Path(directory)
    if symmetry.group.order == 1:
        raise SymmetryError("Under the trivial group both policies are plain; give a symmetry with a larger group.")
    check_figures()  # before hours of training, not after
    if can_draw(environment_id):
        check_drawing()
    config = {
        "environment_id": environment_id,
        "methods": list(METHODS),
        "algorithm": options.algorithm,
        "group": symmetry.group.name,
        "seeds": [int(seed) for seed in seeds],
        "options": json.loads(json.dumps(asdict(options))),
    }
    if resume:
        _check_same(read_json(path, "config.json"), config, path)
    else:
        ensure_new(path)
        Training(environment_id, symmetry, options, list(seeds))  # raises whatever is wrong before anything is written
        _write_config(path, config)
    jobs = []
    for method in METHODS:
        run = path / method
        goes_on = resume and (run / "config.json").exists()
        jobs.append(Job(environment_id, symmetry, options, tuple(seeds), run, policy=method, resume=goes_on))
    if not all(summary.finished for summary in train_side_by_side(jobs, progress)):
        return Comparison(path, finished=False)
    return evaluate(path, symmetry)


def evaluate(directory: Path | str, symmetry: Symmetry) -> Comparison:
    """Read the run directories of a comparison, and write its results and figures.

    Writes `results.json`, `results.csv`, `learning_curves` and, where Gymnasium can draw a given state, `mirror_image` (each
    as PNG and PDF).

    Raises:
        RunDirectoryError: the directory does not hold two finished runs, or cannot be written.
        MissingExtraError: matplotlib or pygame is not installed.
    """
    path = Path(directory)
    runs = [Run.load(path / method) for method in METHODS]
    results = tuple(MethodResult.of(run) for run in runs)
    try:
        write_results(path, runs[0].environment_id, results)
        figures = [path / "learning_curves.png"]
        draw_learning_curves(runs, figures[0])
        if can_draw(runs[0].environment_id):
            figures.append(path / "mirror_image.png")
            _draw_mirror_image(path, runs[0], symmetry, figures[1])
    except OSError as error:
        if isinstance(error, RunDirectoryError) or error.errno is None:
            raise
        raise RunDirectoryError(f"Cannot write to {path}: {error.strerror}.") from None
    return Comparison(path, True, results, tuple(figures))


def _draw_mirror_image(directory: Path, run: Run, symmetry: Symmetry, path: Path) -> None:
    seed = run.seeds[0]
    policies = {method: load_policy(directory / method, seed, symmetry) for method in METHODS}
    visited = visited_observations(run.environment_id, policies)
    observation = most_telling_observation(run.environment_id, symmetry, policies["plain"], visited)
    g = symmetry.group.generators[0]
    means = {method: np.mean(asymmetry(policy, symmetry, visited, g)) for method, policy in policies.items()}
    unit = "action probabilities (total variation)" if policies["plain"].discrete else "actions"
    caption = (
        f"Seed {seed}, trained for {run.total_steps:,} steps. Of the tenth of {len(visited):,} visited states that look least "
        "like their image,\nthe one in which the plain policy differs most. "
        f"Mean difference of {unit},\n"
        f"over all visited states: {means['plain']:.3f} plain, {means['equivariant']:.3f} equivariant."
    )
    draw_mirror_image(run.environment_id, symmetry, policies, observation, path, caption=caption)


def _check_same(old: dict[str, Any], new: dict[str, Any], path: Path) -> None:
    if "methods" not in old:
        raise RunDirectoryError(f"{path} holds a training run, not a comparison; resume it as the run that it is.")
    for name in ("environment_id", "group", "seeds"):
        if old.get(name) != new[name]:
            raise OptionError(f"The comparison to resume has {name} {old.get(name)!r}, not {new[name]!r}; resume it unchanged.")
    for name, value in new["options"].items():
        given = old.get("options", {}).get(name)
        if given != value:
            raise OptionError(f"The comparison to resume has {name} = {given!r}, not {value!r}; resume it unchanged.")


def _write_config(path: Path, config: dict[str, Any]) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        write_atomically(path / "config.json", json.dumps(config, indent=2, ensure_ascii=False).encode() + b"\n")
    except OSError as error:
        raise RunDirectoryError(f"Cannot write to {path}: {error.strerror or error}.") from None
