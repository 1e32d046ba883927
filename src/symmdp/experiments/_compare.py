from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from symmdp.errors import CheckpointError, OptionError, RunDirectoryError, SymmetryError, WorkerError
from symmdp.experiments._asymmetry import asymmetry, visited_observations
from symmdp.experiments._drawing import can_draw, check_drawing
from symmdp.experiments._figure_style import check_figures
from symmdp.experiments._learning_curves import draw_learning_curves
from symmdp.experiments._method_tuning import FOLDER, TuningGrid, tuning_job
from symmdp.experiments._mirror_image import draw_mirror_image, most_telling_observation
from symmdp.experiments._results import MethodResult, headline, write_results
from symmdp.experiments._run import Run, read_json
from symmdp.experiments._tuning import Tuning, load_tuning, score_tuning
from symmdp.experiments.report import write_report
from symmdp.mdp import Symmetry
from symmdp.training import (
    Job,
    Progress,
    TrainingOptions,
    ensure_new,
    load_policy,
    method_named,
    rows_of,
    train_side_by_side,
    training_of,
    write_atomically,
)

METHODS = ("equivariant", "plain")
"""What is compared when no methods are named."""


@dataclass(frozen=True)
class Comparison:
    """How a call of `compare` ended.

    Attributes:
        directory: of the comparison.
        finished: whether all methods are trained; otherwise it was interrupted, and can be resumed.
        results: of each method; empty unless finished.
        figures: what was drawn.
        report: the page on it; None unless finished.
        tunings: how the learning rate of each method was chosen, by its name; empty unless finished, or where none was.
    """

    directory: Path
    finished: bool
    results: tuple[MethodResult, ...] = ()
    figures: tuple[Path, ...] = ()
    report: Path | None = None
    tunings: Mapping[str, Tuning] = field(default_factory=dict)

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
    methods: Sequence[str] = METHODS,
    learning_rates: Mapping[str, float] | None = None,
    tune: TuningGrid | None = None,
    workers: int | None = None,
    progress: Callable[[], Progress] | None = None,
    resume: bool = False,
) -> Comparison:
    """Train policies of several methods over the same seeds, and compare them; by default equivariant and plain ones.

    The methods train side by side, each in a process of its own (call it under `if __name__ == "__main__":`), as many at a
    time as there are cores. Each has a run directory in `directory`; results and figures are made from those alone. Ctrl-C
    ends all with a checkpoint; `resume=True` goes on with those that have not finished, and begins those that had not begun.

    With `tune`, each method first has its learning rate chosen, from the same grid and on seeds that are not compared, in
    `directory/tuning/METHOD`. A method that diverges with every rate is not trained; the others are, before the error.

    Args:
        environment_id: a Gymnasium id.
        symmetry: of the environment; not the trivial one.
        options: hyper-parameters; `options.hidden` are the equivariant policy's widths.
        seeds: one policy each, for each method.
        directory: of the comparison; new, unless `resume`.
        methods: names of `symmdp.training.METHODS`; one or more, each once. The first is the one that others are held against.
        learning_rates: of methods that have another than `options.learning_rate`.
        tune: choose the learning rate of every method from this grid.
        workers: processes at a time; the number of cores when not given.
        progress: gives each method what is told how far it is.
        resume: go on with the comparison in `directory`.

    Raises:
        OptionError: an option is out of range, or differs from that of the comparison to resume; or a method diverged with
            every rate of the grid.
        RunDirectoryError: the directory exists (unless `resume`), holds no comparison, or cannot be written.
        SymmetryError: the symmetry is trivial.
        SpaceMismatchError: the environment's spaces do not fit the symmetry.
        UnknownEnvironmentError: Gymnasium has no such environment.
        CheckpointError: a checkpoint cannot be written, is damaged or foreign.
        WorkerError: a training process died; `resume=True` goes on.
        MissingExtraError: matplotlib, or pygame where it is needed, is not installed.
    """
    path, methods = Path(directory), tuple(methods)
    given = _options_of(methods, options, learning_rates or {})
    if tune is not None:
        if learning_rates:
            raise OptionError("Learning rates are given or tuned; give learning_rates or tune, not both.")
        tune.check_apart(seeds)
        tune.options(options)  # raises where its steps are out of range
    if symmetry.group.order == 1:
        raise SymmetryError("Under the trivial group all policies are plain; give a symmetry with a larger group.")
    check_figures()  # before hours of training, not after
    if can_draw(environment_id):
        check_drawing()
    config = {
        "environment_id": environment_id,
        "methods": list(methods),
        "learning_rates": {name: float(rate) for name, rate in (learning_rates or {}).items()},
        "tuning": None if tune is None else json.loads(json.dumps(asdict(tune))),
        "algorithm": options.algorithm,
        "group": symmetry.group.name,
        "seeds": [int(seed) for seed in seeds],
        "options": json.loads(json.dumps(asdict(options))),
    }
    if resume:
        _check_same(read_json(path, "config.json"), config, path)
    else:
        ensure_new(path)
        rows_of(seeds, (options.learning_rate,))  # these raise whatever is wrong before anything is written
        for method, own in given.items():
            training_of(environment_id, symmetry, own, seeds[:1], method)  # one seed: drawing bases takes seconds for each
        _write_config(path, config)
    try:
        trained = _train(environment_id, symmetry, given, seeds, path, tune, progress, workers, resume)
    except (WorkerError, RunDirectoryError, CheckpointError) as error:
        raise type(error)(f"{error} The other methods are kept too: resume the comparison in {path}.") from None
    return evaluate(path, symmetry) if trained else Comparison(path, finished=False)


def _train(
    environment_id: str,
    symmetry: Symmetry,
    options: Mapping[str, TrainingOptions],
    seeds: Sequence[int],
    path: Path,
    tune: TuningGrid | None,
    progress: Callable[[], Progress] | None,
    workers: int | None,
    resume: bool,
) -> bool:
    """Tune and train all methods as far as they are not; whether they are now."""

    def training(method: str) -> Job | None:
        rate = options[method].learning_rate if tune is None else load_tuning(path / FOLDER / method).chosen
        if rate is None:
            return None
        run, own = path / method, replace(options[method], learning_rate=rate)
        goes_on = resume and (run / "config.json").exists()
        return Job(environment_id, symmetry, own, tuple(seeds), run, policy=method, resume=goes_on)

    def tuning(method: str) -> Job | None:
        return None if tune is None else tuning_job(environment_id, symmetry, options[method], tune, method, path / FOLDER)

    def then(job: Job) -> Job | None:
        if not job.learning_rates:
            return None
        score_tuning(job.directory, job.learning_rates, job.seeds, job.options)
        return training(job.policy)

    jobs = [job for method in options if (job := tuning(method) or training(method)) is not None]
    if not all(summary.finished for summary in train_side_by_side(jobs, progress, workers=workers, then=then)):
        return False
    tunings = {} if tune is None else {method: load_tuning(path / FOLDER / method) for method in options}
    reasons = " ".join(f"{method}: {found.remark}" for method, found in tunings.items() if found.chosen is None)
    if reasons:
        report, _ = write_report(path)
        raise OptionError(
            f"{reasons} It was not trained; what the others reached is in {report}. Begin a new comparison with lower rates."
        )
    return True


def evaluate(directory: Path | str, symmetry: Symmetry) -> Comparison:
    """Read the run directories of a comparison, and write its results, figures and report.

    Writes `results.json`, `results.csv`, `learning_curves` and, where Gymnasium can draw a given state, `mirror_image` (each
    as PNG and PDF), and `report.html`.

    Raises:
        RunDirectoryError: the directory does not hold a comparison whose runs have finished, or cannot be written.
        MissingExtraError: matplotlib or pygame is not installed.
    """
    path = Path(directory)
    config = read_json(path, "config.json")
    methods = config.get("methods", METHODS)
    tunings = {method: load_tuning(path / FOLDER / method) for method in methods} if config.get("tuning") else {}
    runs = [Run.load(path / method) for method in methods]
    results = tuple(MethodResult.of(run) for run in runs)
    try:
        write_results(path, runs[0].environment_id, results)
        figures = [path / "learning_curves.png"]
        draw_learning_curves(runs, figures[0])
        if can_draw(runs[0].environment_id):
            figures.append(path / "mirror_image.png")
            _draw_mirror_image(path, runs, symmetry, figures[1])
        report, _ = write_report(path)
    except OSError as error:
        if isinstance(error, RunDirectoryError) or error.errno is None:
            raise
        raise RunDirectoryError(f"Cannot write to {path}: {error.strerror}.") from None
    return Comparison(path, True, results, tuple(figures), report, tunings)


def _draw_mirror_image(directory: Path, runs: Sequence[Run], symmetry: Symmetry, path: Path) -> None:
    run, seed = runs[0], runs[0].seeds[0]
    policies = {run.method: load_policy(directory / run.method, seed, symmetry) for run in runs}
    visited = visited_observations(run.environment_id, policies)
    shown = next((name for name in ("plain", *policies) if name in policies and not method_named(name).respects_symmetry), None)
    shown = shown or run.method
    observation = most_telling_observation(run.environment_id, symmetry, policies[shown], visited)
    g = symmetry.group.generators[0]
    means = {method: np.mean(asymmetry(policy, symmetry, visited, g)) for method, policy in policies.items()}
    unit = "action probabilities (total variation)" if policies[shown].discrete else "actions"
    order = sorted(means, key=lambda method: method != shown)
    numbers = ",\n".join(
        ", ".join(f"{means[method]:.3f} {method}" for method in order[k : k + 4]) for k in range(0, len(order), 4)
    )
    caption = (
        f"Seed {seed}, trained for {run.total_steps:,} steps. Of the tenth of {len(visited):,} visited states that look least "
        f"like their image,\nthe one in which the {shown} policy differs most. "
        f"Mean difference of {unit},\n"
        f"over all visited states: {numbers}."
    )
    draw_mirror_image(run.environment_id, symmetry, policies, observation, path, caption=caption)


def _options_of(methods: Sequence[str], options: TrainingOptions, rates: Mapping[str, float]) -> dict[str, TrainingOptions]:
    """The hyper-parameters of each method."""
    if not methods or len(set(methods)) < len(methods):
        raise OptionError(f"A comparison is of one method or more, each once; got {', '.join(methods) or 'none'}.")
    for method in methods:
        method_named(method)
    for method in rates:
        if method not in methods:
            raise OptionError(f"There is a learning rate for {method!r}, which is not compared; that are {', '.join(methods)}.")
    return {method: replace(options, learning_rate=rates.get(method, options.learning_rate)) for method in methods}


def _check_same(old: dict[str, Any], new: dict[str, Any], path: Path) -> None:
    if "methods" not in old:
        raise RunDirectoryError(f"{path} holds a training run, not a comparison; resume it as the run that it is.")
    usual = {"learning_rates": {}}  # comparisons of earlier versions have none
    for name in ("environment_id", "group", "seeds", "methods", "learning_rates", "tuning"):
        given = old.get(name, usual.get(name))
        if given != new[name]:
            raise OptionError(f"The comparison to resume has {name} {given!r}, not {new[name]!r}; resume it unchanged.")
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
