"""Runs: what they write, that they repeat, resume to the bit, and fail without harm."""

import csv
import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from symmdp import Representation, Symmetry, groups, symmetry_of
from symmdp.errors import CheckpointError, OptionError, RunDirectoryError, SpaceMismatchError, UnknownEnvironmentError
from symmdp.policies import ActorCritic
from symmdp.testing import equivariance_error
from symmdp.training import Training, TrainingOptions, load_policy, train
from symmdp.training._checkpoint import load_checkpoint, save_checkpoint

SHORT = TrainingOptions(
    total_steps=2048, environments=4, rollout_steps=32, epochs=2, minibatch=64, hidden=(16, 16), solved_at=475.0
)
SEEDS = [0, 3]


def run(directory: Path, environment_id: str = "CartPole-v1", options: TrainingOptions = SHORT, **arguments):
    return train(environment_id, symmetry_of(environment_id), options, SEEDS, directory, **arguments)


def policies_in(directory: Path) -> torch.Tensor:
    return load_checkpoint(directory / "checkpoint.pt")["training"]["policies"]


def tables_of(directory: Path) -> tuple[str, str]:
    return (directory / "metrics.csv").read_text(), (directory / "episodes.csv").read_text()


def test_what_a_run_leaves_behind(tmp_path: Path) -> None:
    summary = run(tmp_path / "run")
    assert summary.finished
    assert summary.steps == 2048
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert config["environment_id"] == "CartPole-v1"
    assert config["seeds"] == SEEDS
    assert config["options"]["total_steps"] == 2048
    assert {"versions", "git_revision", "command", "parameters"} <= config.keys()
    metrics = list(csv.DictReader((tmp_path / "run/metrics.csv").read_text().splitlines()))
    assert len(metrics) == 16 * 2
    assert {row["seed"] for row in metrics} == {"0", "3"}
    assert metrics[-1]["step"] == "2048"
    assert all(np.isfinite(float(row["policy_loss"])) for row in metrics)
    episodes = list(csv.DictReader((tmp_path / "run/episodes.csv").read_text().splitlines()))
    assert all(float(row["return"]) == float(row["length"]) for row in episodes)  # CartPole pays 1 a step
    timing = json.loads((tmp_path / "run/timing.json").read_text())
    # Steps that were no reset are transitions: 2 seeds of 2048 steps less the resets.
    assert timing["transitions"] < 2 * 2048
    lengths = sum(int(row["length"]) for row in episodes)
    assert lengths <= timing["transitions"] <= lengths + 8 * 500
    assert list((tmp_path / "run").glob("events.out.tfevents*"))
    assert not list((tmp_path / "run").glob(".*"))


@pytest.mark.parametrize("environment_id", ["CartPole-v1", "Pendulum-v1", "Acrobot-v1"])
@pytest.mark.parametrize("algorithm", ["ppo", "a2c", "reinforce"])
@pytest.mark.parametrize("policy", ["equivariant", "plain"])
def test_the_same_command_gives_the_same_numbers(tmp_path: Path, environment_id: str, algorithm: str, policy: str) -> None:
    options = replace(SHORT, algorithm=algorithm, total_steps=1024)
    for name in ("first", "second"):
        run(tmp_path / name, environment_id, options, policy=policy)
    assert torch.equal(policies_in(tmp_path / "first"), policies_in(tmp_path / "second"))
    assert tables_of(tmp_path / "first") == tables_of(tmp_path / "second")


def assert_respects(policy: ActorCritic, symmetry: Symmetry) -> None:
    """In float32, and cast to float64; actor and critic; every element."""
    for dtype, allowed in ((torch.float32, 1e-5), (torch.float64, 1e-12)):
        cast, trivial = policy.to(dtype), symmetry.group.trivial
        action = symmetry.require_action_representation()
        assert equivariance_error(lambda s: cast(s)[0], symmetry.observation, action, dtype=dtype) <= allowed  # noqa: B023
        assert equivariance_error(lambda s: cast.value(s)[:, None], symmetry.observation, trivial, dtype=dtype) <= allowed  # noqa: B023


@pytest.mark.parametrize("environment_id", ["CartPole-v1", "Pendulum-v1", "Acrobot-v1"])
def test_a_trained_policy_is_equivariant(tmp_path: Path, environment_id: str) -> None:
    symmetry = symmetry_of(environment_id)
    run(tmp_path / "run", environment_id)
    before = Training(environment_id, symmetry, SHORT, SEEDS).stack.flat
    assert (policies_in(tmp_path / "run") - before).abs().max() > 1e-3
    for seed in SEEDS:
        assert_respects(load_policy(tmp_path / "run", seed, symmetry), symmetry)
    run(tmp_path / "plain", environment_id, policy="plain")
    plain = load_policy(tmp_path / "plain", 0, symmetry)
    assert equivariance_error(lambda s: plain(s)[0], symmetry.observation, symmetry.action) > 1e-3  # the negative control


def test_a_seed_does_not_depend_on_its_company() -> None:
    symmetry = symmetry_of("CartPole-v1")
    together, alone = (Training("CartPole-v1", symmetry, SHORT, seeds) for seeds in ([2, 7, 9], [7]))
    assert torch.equal(together.stack.flat[1], alone.stack.flat[0])
    for _ in range(3):
        episodes = [e.total for e in together.update()[0] if e.row == 1]
        assert episodes == [e.total for e in alone.update()[0]]
        assert torch.equal(together.stack.flat[1], alone.stack.flat[0])


@pytest.mark.parametrize("algorithm", ["ppo", "a2c", "reinforce"])
@pytest.mark.parametrize("policy", ["equivariant", "plain"])
def test_it_learns(algorithm: str, policy: str) -> None:
    from symmdp.training import preset, training_of

    options = replace(preset("CartPole-v1", algorithm), total_steps=20_480)
    training = training_of("CartPole-v1", symmetry_of("CartPole-v1"), options, [0, 1, 2], policy)
    totals: list[list[float]] = [[], [], []]
    while training.updates < options.updates:
        for episode in training.update()[0]:
            totals[episode.row].append(episode.total)
    first, last = (
        np.median([np.mean(part) for part in parts]) for parts in ([t[:20] for t in totals], [t[-10:] for t in totals])
    )
    assert first < 40
    assert last > 100


KILLED = """
import sys, torch
from pathlib import Path
from symmdp import Symmetry, symmetry_of
from symmdp.training import TrainingOptions, train
torch.set_num_threads(1)
options = TrainingOptions.from_dict({options})
train({environment!r}, symmetry_of({environment!r}), options, {seeds}, Path(sys.argv[1]), checkpoint_every=0)
"""


@pytest.mark.parametrize("environment_id", ["CartPole-v1", "Pendulum-v1"])
def test_a_killed_run_resumes_and_ends_as_the_unbroken_one(tmp_path: Path, environment_id: str) -> None:
    from dataclasses import asdict

    options = replace(SHORT, total_steps=6144)
    script = KILLED.format(options=asdict(options), environment=environment_id, seeds=SEEDS)
    rng = np.random.default_rng(time.time_ns())  # a random moment, each time another
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "killed")], env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    while not (tmp_path / "killed/checkpoint.pt").exists():
        assert process.poll() is None, "the run ended before it wrote a checkpoint"
        time.sleep(0.005)
    time.sleep(rng.uniform(0, 0.4))
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the run ended before it was killed"
    (tmp_path / "killed/.checkpoint.pt.1.tmp").write_bytes(b"left by the killed process")
    with (tmp_path / "killed/metrics.csv").open("a") as file:
        file.write("half a li")  # a row that the kill cut
    summary = run(tmp_path / "killed", environment_id, options, resume=True)
    assert summary.finished
    run(tmp_path / "unbroken", environment_id, options)
    assert torch.equal(policies_in(tmp_path / "killed"), policies_in(tmp_path / "unbroken"))
    assert tables_of(tmp_path / "killed") == tables_of(tmp_path / "unbroken")
    assert not list((tmp_path / "killed").glob(".*.tmp"))


class StopsAt:
    """Progress that sends SIGINT to its own process at a step, as Ctrl-C does."""

    def __init__(self, step: int):
        self.step, self.log = step, list[str]()

    def start(self, label: str, total: int) -> None:
        self.log.append(f"start {label} {total}")

    def update(self, step: int, mean_return: float | None) -> None:
        if step == self.step:
            os.kill(os.getpid(), signal.SIGINT)

    def stop(self) -> None:
        self.log.append("stop")


def test_control_c_leaves_a_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    progress = StopsAt(640)
    summary = run(tmp_path / "run", progress=progress, checkpoint_every=1e9)
    assert not summary.finished
    assert summary.steps == 640
    assert progress.log == ["start CartPole-v1 equivariant 2048", "stop"]
    assert "stopping" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert run(tmp_path / "run", resume=True).finished
    run(tmp_path / "unbroken")
    assert torch.equal(policies_in(tmp_path / "run"), policies_in(tmp_path / "unbroken"))
    finished = run(tmp_path / "run", resume=True)  # nothing is left to do
    assert finished.finished
    assert finished.steps == 2048


def test_killed_before_the_first_checkpoint(tmp_path: Path) -> None:
    run(tmp_path / "run")
    wanted = tables_of(tmp_path / "run")
    (tmp_path / "run/checkpoint.pt").unlink()
    assert run(tmp_path / "run", resume=True).finished
    assert tables_of(tmp_path / "run") == wanted


def test_a_run_directory_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/precious.txt").write_text("mine")
    with pytest.raises(RunDirectoryError, match=r"exists already and is never overwritten.*--resume"):
        run(tmp_path / "taken")
    assert [p.name for p in (tmp_path / "taken").iterdir()] == ["precious.txt"]
    with pytest.raises(RunDirectoryError, match="is a file"):
        run(tmp_path / "taken/precious.txt")
    with pytest.raises(RunDirectoryError, match="holds no run"):
        run(tmp_path / "taken", resume=True)
    with pytest.raises(RunDirectoryError, match="does not exist"):
        run(tmp_path / "nowhere", resume=True)
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "taken/config.json").write_text('{"another": "program"}')
    with pytest.raises(RunDirectoryError, match="not that of a training run"):
        run(tmp_path / "taken", resume=True)
    (tmp_path / "taken/config.json").write_text("{broken")
    with pytest.raises(RunDirectoryError, match="cannot be read"):
        run(tmp_path / "taken", resume=True)


def test_a_directory_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunDirectoryError, match="not a writable folder"):
        run(tmp_path / "file/run")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(RunDirectoryError, match="not a writable folder"):
        run(tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "foreign", "pickle", "other run"])
def test_damaged_and_foreign_checkpoints(tmp_path: Path, damage: str) -> None:
    run(tmp_path / "run")
    path = tmp_path / "run/checkpoint.pt"
    whole, tables = path.read_bytes(), tables_of(tmp_path / "run")
    if damage == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "text":
        path.write_text("not a checkpoint")
    elif damage == "foreign":
        torch.save({"state_dict": torch.zeros(3)}, path)
    elif damage == "pickle":
        torch.save({"format": print}, path)  # code, which weights_only refuses
    else:
        train("CartPole-v1", symmetry_of("CartPole-v1"), SHORT, [1, 2], tmp_path / "other")
        path.write_bytes((tmp_path / "other/checkpoint.pt").read_bytes())
    damaged = path.read_bytes()
    with pytest.raises(CheckpointError, match=r"checkpoint|written by"):
        run(tmp_path / "run", resume=True)
    assert path.read_bytes() == damaged
    assert tables_of(tmp_path / "run") == tables


def test_a_full_disk_leaves_the_previous_checkpoint_whole(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the full disk: the write fails half way."""
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"value": 1})
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(CheckpointError, match="the previous checkpoint is kept"):
            save_checkpoint(path, {"value": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert load_checkpoint(path)["value"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_resumed_run_keeps_its_options(tmp_path: Path) -> None:
    run(tmp_path / "run")
    with pytest.raises(OptionError, match=r"learning_rate = 0.001, not 0.01"):
        run(tmp_path / "run", options=replace(SHORT, learning_rate=0.01), resume=True)
    with pytest.raises(OptionError, match="method 'equivariant', not 'plain'"):
        run(tmp_path / "run", policy="plain", resume=True)
    with pytest.raises(OptionError, match="no seed 1"):
        load_policy(tmp_path / "run", 1, symmetry_of("CartPole-v1"))


def test_a_policy_is_not_read_under_another_symmetry(tmp_path: Path) -> None:
    """The parameters have the same shapes under both, and would make a different function."""
    run(tmp_path / "run")
    c2 = groups.cyclic(2)
    flip = Representation(c2, [np.eye(4), np.diag([1, -1, 1, -1])])
    with pytest.raises(CheckpointError, match="another symmetry"):
        load_policy(tmp_path / "run", 0, Symmetry(c2, flip, c2.regular))


def test_bad_arguments_write_nothing(tmp_path: Path) -> None:
    symmetry = symmetry_of("CartPole-v1")
    for seeds in ([], [1, 1], [-1]):
        with pytest.raises(OptionError, match="Seeds must be different"):
            train("CartPole-v1", symmetry, SHORT, seeds, tmp_path / "run")
    with pytest.raises(UnknownEnvironmentError, match="NoSuch-v0"):
        train("NoSuch-v0", symmetry, SHORT, SEEDS, tmp_path / "run")
    with pytest.raises(SpaceMismatchError):
        train("Pendulum-v1", symmetry, SHORT, SEEDS, tmp_path / "run")
    with pytest.raises(OptionError, match="no method 'square'"):
        run(tmp_path / "run", policy="square")
    assert not (tmp_path / "run").exists()
