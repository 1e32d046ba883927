from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from symmdp.errors import CheckpointError, OptionError
from symmdp.mdp import Symmetry
from symmdp.policies import ActorCritic
from symmdp.training._checkpoint import load_checkpoint
from symmdp.training._options import TrainingOptions
from symmdp.training._provenance import provenance
from symmdp.training._run_directory import RunDirectory, ensure_new
from symmdp.training._session import Progress, Session, TrainingSummary
from symmdp.training._training import Training
from symmdp.training.methods._named import method_named


def train(
    environment_id: str,
    symmetry: Symmetry,
    options: TrainingOptions,
    seeds: Sequence[int],
    directory: Path | str,
    *,
    policy: str = "equivariant",
    progress: Progress | None = None,
    resume: bool = False,
    checkpoint_every: float = 10.0,
    threads: int = 1,
    stop: Callable[[], bool] | None = None,
    learning_rates: Sequence[float] = (),
) -> TrainingSummary:
    """Train one policy for each seed, all at once, and write a run directory.

    With `learning_rates` the seeds are trained with each of them, likewise all at once. A policy that diverges (its loss
    or gradient is not finite) stands still from then on, and is recorded as a failure.

    Ctrl-C (SIGINT) ends the run after the update in hand, with a checkpoint. A run that was stopped, or killed at any
    moment, goes on with `resume=True` and ends as the unbroken run does, to the bit on one machine.

    Args:
        environment_id: a Gymnasium id.
        symmetry: of the environment.
        options: hyper-parameters; `options.hidden` are the equivariant policy's widths.
        seeds: one policy each.
        directory: of the run; new, unless `resume`.
        policy: the name of a method: "equivariant", or a baseline such as "plain", the same network on the trivial group
            with matched parameter count (`symmdp.training.METHODS` are all).
        progress: is told how far the run is.
        resume: go on with the run in `directory`.
        checkpoint_every: seconds between checkpoints; 0 writes one after every update.
        threads: of torch while this runs. The networks are small, and threads that wait for each other on busy cores cost
            far more than they gain; with one, results do not depend on the number of cores either.
        stop: asked after each update whether to end, as Ctrl-C does.
        learning_rates: instead of that of the options.

    Raises:
        OptionError: an option is out of range, or differs from that of the run to resume.
        RunDirectoryError: the directory exists (unless `resume`), or cannot be written.
        CheckpointError: the checkpoint cannot be written, is damaged or foreign.
        SpaceMismatchError: the environment's spaces do not fit the symmetry.
    """
    method = method_named(policy)
    path, seeds = Path(directory), [int(seed) for seed in seeds]
    rates = [float(rate) for rate in learning_rates] or [float(options.learning_rate)]
    if len(rates) == 1:
        options = replace(options, learning_rate=rates[0])
    if not resume:
        ensure_new(path)
    training = training_of(environment_id, symmetry, options, seeds, policy, rates)
    config = {
        "environment_id": environment_id,
        "method": method.name,
        "algorithm": options.algorithm,
        "seeds": seeds,
        "learning_rates": rates,
        "options": _as_json(options),
        "hidden": list(training.options.hidden),
        "channels": list(training.options.convolutions.channels) if training.options.convolutions else [],
        "group": (symmetry if method.respects_symmetry else symmetry.restrict_to_trivial()).group.name,
        "symmetry": symmetry.fingerprint,
        "parameters": training.stack.count,
        "size": method.size,
        "solve": {"threshold": options.solved_at, "episodes": options.solved_window},
    }
    if resume:
        run = RunDirectory.open(path)
        _check_same(run.config, config)
    else:
        run = RunDirectory.create(path, config | provenance())
    label = f"{environment_id} {policy}" + (f", {len(rates)} learning rates" if len(rates) > 1 else "")
    session = Session(run, training, label, progress=progress, checkpoint_every=checkpoint_every, stop=stop)
    with _threads(threads):
        return session.go(resume)


def load_policy(directory: Path | str, seed: int, symmetry: Symmetry, learning_rate: float | None = None) -> ActorCritic:
    """The policy of one seed, as it was at the last checkpoint of a run.

    Args:
        directory: of the run.
        seed: one of the run's.
        symmetry: of the environment, as given to `train`.
        learning_rate: which of the run's, where it has several.

    Raises:
        RunDirectoryError: the directory holds no run.
        CheckpointError: its checkpoint is missing, damaged, belongs to another run, or was trained under another symmetry.
        OptionError: the run has no such seed or learning rate, or has several and none is given.
    """
    run = RunDirectory.open(Path(directory))
    config = run.config
    if seed not in config["seeds"]:
        raise OptionError(f"The run has no seed {seed}; its seeds are {config['seeds']}.")
    options = TrainingOptions.from_dict(config["options"])
    rates = config.get("learning_rates", [options.learning_rate])
    if (learning_rate is None and len(rates) > 1) or (learning_rate is not None and learning_rate not in rates):
        raise OptionError(f"Give one of the run's learning rates, {', '.join(map(str, rates))}; got {learning_rate}.")
    if config.get("symmetry") != symmetry.fingerprint:
        raise CheckpointError(
            f"The policies in {directory} were trained under another symmetry than {symmetry!r}: their parameters would mean "
            "another function. Give the symmetry that the run was given."
        )
    training = training_of(config["environment_id"], symmetry, options, [seed], config["method"])
    saved = load_checkpoint(run.checkpoint)["training"]
    row = rates.index(rates[0] if learning_rate is None else learning_rate) * len(config["seeds"]) + config["seeds"].index(seed)
    training.stack.flat.copy_(saved["policies"][row].unsqueeze(0))
    if training.statistics is not None:
        training.statistics.restore([saved["statistics"][row]])
    return training.stack.policy(0)


def training_of(
    environment_id: str,
    symmetry: Symmetry,
    options: TrainingOptions,
    seeds: Sequence[int],
    policy: str,
    learning_rates: Sequence[float] = (),
) -> Training:
    """The training of a method: "plain", say, has the trivial group, and widths that match the equivariant parameter count.

    Raises:
        UnknownEnvironmentError: Gymnasium has no such environment.
        SpaceMismatchError: its spaces do not fit the symmetry.
        OptionError: no such method; no seeds, or one twice, or a negative one.
    """
    return Training(environment_id, symmetry, options, seeds, learning_rates, method_named(policy))


@contextmanager
def _threads(count: int) -> Iterator[None]:
    if count < 1:
        raise OptionError(f"threads must be at least 1; got {count}.")
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _as_json(options: TrainingOptions) -> dict[str, Any]:
    return json.loads(json.dumps(asdict(options)))


def _check_same(old: dict[str, Any], new: dict[str, Any]) -> None:
    old = {"learning_rates": [old["options"].get("learning_rate")]} | old
    names = ["environment_id", "method", "seeds", "parameters", "group", "symmetry"]
    for name in names if len(new["learning_rates"]) == len(old["learning_rates"]) == 1 else [*names, "learning_rates"]:
        if old.get(name) != new[name]:
            raise OptionError(f"The run to resume has {name} {old.get(name)!r}, not {new[name]!r}; resume it unchanged.")
    before = _as_json(TrainingOptions.from_dict(old["options"]))  # with what an earlier version did not know
    for name, value in new["options"].items():
        given = before.get(name)
        if given != value:
            raise OptionError(f"The run to resume has {name} = {given!r}, not {value!r}; resume it unchanged.")
