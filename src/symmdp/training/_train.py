from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch

from symmdp.errors import OptionError
from symmdp.mdp import Symmetry
from symmdp.policies import ActorCritic, matched_hidden
from symmdp.training._checkpoint import check_belongs, load_checkpoint, save_checkpoint
from symmdp.training._environments import stacked_environments
from symmdp.training._events import events_writer
from symmdp.training._options import TrainingOptions
from symmdp.training._provenance import provenance
from symmdp.training._rollout import Episode, Sampler
from symmdp.training._run_directory import METRICS, RunDirectory, ensure_new
from symmdp.training._stack import PolicyStack
from symmdp.training._streams import stream
from symmdp.training._update import Learner

Method = Literal["equivariant", "plain"]


class Progress(Protocol):
    """Is told how far a run is."""

    def start(self, label: str, total: int) -> None:
        """A run of `total` environment steps begins."""
        ...

    def update(self, step: int, mean_return: float | None) -> None:
        """`step` environment steps are done; the mean over seeds of the recent return."""
        ...

    def stop(self) -> None:
        """The run has ended, or was stopped."""
        ...


@dataclass(frozen=True)
class TrainingSummary:
    """How a call of `train` ended.

    Attributes:
        directory: the run directory.
        finished: whether the run is complete; otherwise it was interrupted, and can be resumed.
        steps: environment steps of each seed so far.
        seconds: spent in training, over all sessions.
    """

    directory: Path
    finished: bool
    steps: int
    seconds: float


class Training:
    """Policies of several seeds in training; `update` moves all of them on by one rollout.

    Args:
        environment_id: a Gymnasium id.
        symmetry: of the policies; `symmetry.restrict_to_trivial()` trains plain ones.
        options: hyper-parameters.
        seeds: one policy each.

    Raises:
        UnknownEnvironmentError: Gymnasium has no such environment.
        SpaceMismatchError: its spaces do not fit the symmetry.
        OptionError: no seeds, or one twice, or a negative one.
    """

    def __init__(self, environment_id: str, symmetry: Symmetry, options: TrainingOptions, seeds: Sequence[int]):
        if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
            raise OptionError(f"Seeds must be different integers of at least 0, and there must be one; got {list(seeds)}.")
        environments = stacked_environments(environment_id, seeds, options.environments)
        spaces = environments.single_observation_space, environments.single_action_space
        policies = [
            ActorCritic(
                symmetry,
                *spaces,
                options.hidden,
                log_std=options.log_std,
                generator=torch.Generator().manual_seed(int(stream(seed, "initialisation").integers(2**62))),
                dtype=torch.float32,
            )
            for seed in seeds
        ]
        self.options = options
        self.stack = PolicyStack(policies)
        self.sampler = Sampler(environments, self.stack, options, seeds)
        self.learner = Learner(self.stack, options, seeds)
        self.updates = 0

    def update(self) -> tuple[list[Episode], dict[str, torch.Tensor]]:
        """A rollout and an update of every policy: the episodes that ended, and diagnostics of shape `(seeds,)`."""
        batch, episodes = self.sampler.rollout()
        diagnostics = self.learner.update(batch, self.updates / self.options.updates)
        self.updates += 1
        return episodes, diagnostics

    def saved(self) -> dict[str, Any]:
        """Everything that the future depends on, as tensors and plain values."""
        return {
            "policies": self.stack.flat.clone(),
            "sampler": self.sampler.saved(),
            "learner": self.learner.saved(),
            "updates": self.updates,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Continue from what `saved` gave, to the bit."""
        self.stack.flat.copy_(saved["policies"])
        self.stack.refresh()
        self.sampler.restore(saved["sampler"])
        self.learner.restore(saved["learner"])
        self.updates = saved["updates"]


def train(
    environment_id: str,
    symmetry: Symmetry,
    options: TrainingOptions,
    seeds: Sequence[int],
    directory: Path | str,
    *,
    policy: Method = "equivariant",
    progress: Progress | None = None,
    resume: bool = False,
    checkpoint_every: float = 10.0,
) -> TrainingSummary:
    """Train one policy for each seed, all at once, and write a run directory.

    Ctrl-C (SIGINT) ends the run after the update in hand, with a checkpoint. A run that was stopped, or killed at any
    moment, goes on with `resume=True` and ends as the unbroken run does, to the bit on one machine.

    Args:
        environment_id: a Gymnasium id.
        symmetry: of the environment.
        options: hyper-parameters; `options.hidden` are the equivariant policy's widths.
        seeds: one policy each.
        directory: of the run; new, unless `resume`.
        policy: "equivariant", or "plain": the same network on the trivial group, with matched parameter count.
        progress: is told how far the run is.
        resume: go on with the run in `directory`.
        checkpoint_every: seconds between checkpoints; 0 writes one after every update.

    Raises:
        OptionError: an option is out of range, or differs from that of the run to resume.
        RunDirectoryError: the directory exists (unless `resume`), or cannot be written.
        CheckpointError: the checkpoint cannot be written, is damaged or foreign.
        SpaceMismatchError: the environment's spaces do not fit the symmetry.
    """
    if policy not in ("equivariant", "plain"):
        raise OptionError(f"policy must be 'equivariant' or 'plain'; got {policy!r}.")
    path, seeds = Path(directory), [int(seed) for seed in seeds]
    if not resume:
        ensure_new(path)
    training = _training(environment_id, symmetry, options, seeds, policy)
    config = {
        "environment_id": environment_id,
        "method": policy,
        "algorithm": options.algorithm,
        "seeds": seeds,
        "options": json.loads(json.dumps(asdict(options))),
        "hidden": list(training.options.hidden),
        "group": training.stack.module.symmetry.group.name,
        "parameters": training.stack.count,
        "solve": {"threshold": options.solved_at, "episodes": options.solved_window},
    }
    if resume:
        run = RunDirectory.open(path)
        _check_same(run.config(), config)
    else:
        run = RunDirectory.create(path, config | provenance())
    return _Session(run, training, seeds, progress, checkpoint_every, config).go(resume)


def load_policy(directory: Path | str, seed: int, symmetry: Symmetry) -> ActorCritic:
    """The policy of one seed, as it was at the last checkpoint of a run.

    Args:
        directory: of the run.
        seed: one of the run's.
        symmetry: of the environment, as given to `train`.

    Raises:
        RunDirectoryError: the directory holds no run.
        CheckpointError: its checkpoint is missing, damaged, or belongs to another run.
        OptionError: the run has no such seed.
    """
    run = RunDirectory.open(Path(directory))
    config = run.config()
    if seed not in config["seeds"]:
        raise OptionError(f"The run has no seed {seed}; its seeds are {config['seeds']}.")
    options = TrainingOptions.from_dict(config["options"])
    training = _training(config["environment_id"], symmetry, options, [seed], config["method"])
    policies = load_checkpoint(run.checkpoint)["training"]["policies"]
    training.stack.flat.copy_(policies[config["seeds"].index(seed)].unsqueeze(0))
    return training.stack.policy(0)


def _training(environment_id: str, symmetry: Symmetry, options: TrainingOptions, seeds: Sequence[int], policy: str) -> Training:
    if policy == "plain":
        discrete = _is_discrete(environment_id)
        hidden = matched_hidden(symmetry, options.hidden, discrete=discrete)
        options = TrainingOptions(**{**asdict(options), "hidden": hidden})
        symmetry = symmetry.restrict_to_trivial()
    return Training(environment_id, symmetry, options, seeds)


def _is_discrete(environment_id: str) -> bool:
    return hasattr(stacked_environments(environment_id, [0], 1).single_action_space, "n")


def _check_same(old: dict[str, Any], new: dict[str, Any]) -> None:
    for name in ("environment_id", "method", "seeds", "parameters", "group"):
        if old.get(name) != new[name]:
            raise OptionError(f"The run to resume has {name} {old.get(name)!r}, not {new[name]!r}; resume it unchanged.")
    for name, value in new["options"].items():
        if old["options"].get(name) != value:
            given = old["options"].get(name)
            raise OptionError(f"The run to resume has {name} = {given!r}, not {value!r}; resume it unchanged.")


class _Session:
    """One stretch of a run, from its start or a checkpoint to its end or an interruption."""

    def __init__(
        self,
        run: RunDirectory,
        training: Training,
        seeds: list[int],
        progress: Progress | None,
        checkpoint_every: float,
        config: dict[str, Any],
    ):
        self._run, self._training, self._seeds, self._progress = run, training, seeds, progress
        self._checkpoint_every, self._label = checkpoint_every, f"{config['environment_id']} {config['method']}"
        self._recent = [deque[float](maxlen=training.options.solved_window) for _ in seeds]
        self._finished = [0 for _ in seeds]
        self._seconds = 0.0

    def go(self, resume: bool) -> TrainingSummary:
        if resume:
            self._load()
        training, options = self._training, self._training.options
        last_checkpoint = time.monotonic()
        if self._progress is not None:
            self._progress.start(self._label, options.updates * options.batch)
        try:
            with _interrupts() as interrupted, events_writer(self._run.path, training.sampler.steps) as events:
                while training.updates < options.updates and not interrupted:
                    began = time.perf_counter()
                    episodes, diagnostics = training.update()
                    self._record(episodes, diagnostics, events)
                    self._seconds += time.perf_counter() - began
                    if time.monotonic() - last_checkpoint >= self._checkpoint_every:
                        self._save()
                        last_checkpoint = time.monotonic()
                self._save()
        finally:
            if self._progress is not None:
                self._progress.stop()
        finished = training.updates == options.updates
        return TrainingSummary(self._run.path, finished, training.sampler.steps, self._seconds)

    def _record(self, episodes: list[Episode], diagnostics: dict[str, torch.Tensor], events: Any) -> None:
        for episode in episodes:
            self._recent[episode.row].append(episode.total)
            self._finished[episode.row] += 1
        self._run.append_episodes((e.step, self._seeds[e.row], e.length, e.total) for e in episodes)
        step, means = self._training.sampler.steps, [float(np.mean(r)) if r else None for r in self._recent]
        columns = {name: values.tolist() for name, values in diagnostics.items()}
        self._run.append_metrics(
            [step, seed, "" if means[i] is None else means[i], self._finished[i]]
            + [f"{columns[name][i]:.6g}" if name in columns else "" for name in METRICS[4:]]
            for i, seed in enumerate(self._seeds)
        )
        known = [mean for mean in means if mean is not None]
        mean_return = float(np.mean(known)) if known else None
        if mean_return is not None:
            events.add_scalar("return/mean", mean_return, step)
            events.add_scalar("return/median", float(np.median(known)), step)
        for name, values in columns.items():
            events.add_scalar(f"losses/{name}", float(np.mean(values)), step)
        if self._progress is not None:
            self._progress.update(step, mean_return)

    def _save(self) -> None:
        contents = {
            "training": self._training.saved(),
            "seeds": self._seeds,
            "recent": [list(recent) for recent in self._recent],
            "finished": self._finished,
            "tables": self._run.lengths(),
            "seconds": self._seconds,
        }
        save_checkpoint(self._run.checkpoint, contents)
        steps = self._training.sampler.transitions
        timing = {
            "seconds": self._seconds,
            "transitions": steps,
            "transitions_per_second": steps / max(self._seconds, 1e-9),
        }
        self._run.write_json("timing.json", timing)

    def _load(self) -> None:
        self._run.remove_leftovers()
        if not self._run.checkpoint.exists():  # killed before the first one: start anew
            self._run.clear_tables()
            return
        contents = load_checkpoint(self._run.checkpoint)
        check_belongs(contents, self._seeds, self._training.stack.flat.shape)
        self._run.cut(contents["tables"])
        self._training.restore(contents["training"])
        for recent, values in zip(self._recent, contents["recent"], strict=True):
            recent.extend(values)
        self._finished, self._seconds = contents["finished"], contents["seconds"]


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """A list that is empty until SIGINT comes; a second SIGINT interrupts at once."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def note(number: int, _: object) -> None:
        received.append(number)
        if len(received) > 1:
            raise KeyboardInterrupt
        print("stopping after this update …", file=sys.stderr)

    previous = signal.signal(signal.SIGINT, note)
    try:
        yield received
    finally:
        signal.signal(signal.SIGINT, previous)
