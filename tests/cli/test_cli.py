import builtins
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import pytest
from gymnasium.envs.classic_control.cartpole import CartPoleEnv
from gymnasium.envs.registration import EnvSpec

from symmdp.cli import main
from symmdp.cli._parse import parse
from symmdp.cli._plan import _unused
from symmdp.cli._progress import RichBar, RichProgress
from symmdp.experiments import Run

SMALL = ["--steps", "256", "--environments", "4", "--epochs", "1", "--hidden", "8"]
EXAMPLE = Path(__file__).parents[2] / "examples" / "cartpole.toml"
COMMAND = [sys.executable, "-c", "import sys; from symmdp.cli import main; sys.exit(main())"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("symmdp: error: ")
    return lines[0]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(r"symmdp \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)


COMMANDS = ["list", "show", "verify", "train", "compare", "report", "practical"]


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    assert main([*command, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: {' '.join(['symmdp', *command])}")
    assert "None" not in text


def test_list_shows_every_entry(capsys: pytest.CaptureFixture[str]) -> None:
    from symmdp.catalogue import entries

    assert main(["list"]) == 0
    text = capsys.readouterr().out
    assert all(entry.environment_id in text for entry in entries())
    assert "x → −x" in text
    assert "left ↔ right" in text


def test_verify_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "CartPole-v1", "--samples", "50"]) == 0
    assert "CartPole-v1: symmetric" in capsys.readouterr().out


def test_verify_rejects_a_candidate_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "MountainCar-v0", "--samples", "100"]) == 1
    text = capsys.readouterr().out
    assert "NOT symmetric" in text
    assert "the inelastic wall" in text


def test_verify_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "MountainCar-v0", "--samples", "100", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["passed"] is False


def test_verify_tests_what_was_logged(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "CartPole-v1", "--transitions", "1500"]) == 0
    text = capsys.readouterr().out
    assert "CartPole-v1: symmetric in distribution" in text
    assert "Statistical, of 1500 logged transitions" in text
    assert main(["verify", "MountainCar-v0", "--transitions", "1000"]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verify", "CartPole-v1", "--transitions", "0"], "steps must be"),
        (["verify", "CartPole-v1", "--transitions", "50"], "needs 100 transitions at least"),
        ([], "Expected one of"),
        (["frob"], "no command 'frob'"),
        (["train"], "ID"),
        (["verify", "CartPole-v9"], "Did you mean CartPole-v1"),
        (["verify", "CartPole-v1", "--samples", "1"], "samples"),
        (["train", "CartPole-v1", "--seeds", "0"], "1 to 10,000"),
        (["train", "CartPole-v1", "--seeds", "99999999999999999999"], "1 to 10,000"),
        (["train", "CartPole-v1", "--seeds", "many"], "--seeds"),
        (["train", "CartPole-v1", "--algorithm", "sarsa"], "sarsa"),
        (["train", "CartPole-v1", "--frobs", "3"], "--frobs"),
        (["train", "CartPole-v1", "--minibatch", "7"], "--minibatch must divide"),
        (["train", "CartPole-v1", "--steps", "-5"], "--steps must be"),
        (["train", "CartPole-v1", "--entropy-coefficient", "inf"], "--entropy-coefficient must be a finite number"),
        (["train", "CartPole-v1", "--solved-at", "nan"], "--solved-at must be a finite return"),
        (["train", "CartPole-v1", "--directory", ""], "empty name"),
        (["train", "CartPole-v1", "--resume", "absent", "--steps", "9"], "--steps cannot be given"),
        (["train", "CartPole-v1", "--learning-rate", "nan"], "--learning-rate"),
        (["train", "CartPole-v1", "--resume", "absent"], "absent"),
        (["train", "CartPole-v1", "--resume", "absent", "--seeds", "2"], "--seeds cannot be given"),
        (["compare", "MountainCar-v0"], "no symmetry"),
        (["compare", "CartPole-v1", "--rates", "0.1", "0.2"], "--rates says how to tune; give it together with --tune"),
        (["compare", "CartPole-v1", "--tuning-steps", "9"], "--tuning-steps says how to tune"),
        (["compare", "CartPole-v1", "--tune", "--rates", "0.1"], "--rates must be two different learning rates or more"),
        (
            ["compare", "CartPole-v1", "--tune", "--tuning-steps", "128", "--evaluation-every", "500"],
            "steps to tune for must be at least those between two evaluations, 500",
        ),
        (["compare", "CartPole-v1", "--tune", "--tuning-seeds", "0"], "--tuning-seeds is the number of seeds"),
        (["compare", "CartPole-v1", "--tune", "--tuning-steps", "0"], "--tuning-steps must be"),
        (["compare", "CartPole-v1", "--tune", "--learning-rate", "0.1"], "--learning-rate or --tune, not both"),
        (["compare", "CartPole-v1", "--tune", "--seeds", "1001"], "1000 is one of both"),
        (["compare", "CartPole-v1", "--tune", "--resume", "absent"], "--tune cannot be given together with --resume"),
        (
            ["train", "CartPole-v1", "--variant", "fast"],
            "no variant 'fast' of the preset for CartPole-v1 with ppo; there are 'sam",
        ),
        (["train", "CartPole-v1", "--variant", "sample-efficient", "--algorithm", "a2c"], "for CartPole-v1 with a2c"),
        (
            ["train", "Pendulum-v1", "--variant", "sample-efficient"],
            "no variant 'sample-efficient' of the preset for Pendulum-v1",
        ),
        (["train", "CartPole-v1", "--resume", "absent", "--variant", "x"], "--variant cannot be given together with --resume"),
        (["compare", "CartPole-v1", "--anneal", "--no-anneal"], "Give --anneal or --no-anneal, not both"),
        (["compare", "CartPole-v1", "--anneal", "yes"], "yes"),
        (["compare", "CartPole-v1", "--resume", "absent", "--no-anneal"], "--no-anneal cannot be given together with --resume"),
        (["compare", "CartPole-v1", "--tune", "--learning-rates", "0.1"], "--learning-rates"),
        (["train", "CartPole-v1", "--value-coefficient", "-1"], "--value-coefficient must be a finite number from 0"),
        (["train", "CartPole-v1", "--max-gradient-norm", "0"], "--max-gradient-norm must be a finite number from 1e-12"),
        (["train", "CartPole-v1", "--clip-range", "2"], "--clip-range must be a finite number from 0 to 1"),
        (["train", "Pendulum-v1", "--log-std", "-99"], "--log-std must be a finite number from -20 to 5"),
        (["train", "CartPole-v1", "--solved-window", "0"], "--solved-window must be an integer from 1"),
        (
            ["train", "CartPole-v1", "--steps", "256", "--evaluation-every", "999"],
            "--evaluation-every must be at most the number",
        ),
        (["train", "CartPole-v1", "--evaluation-episodes", "5"], "--evaluation-episodes needs --evaluation-every N"),
        (["compare", "CartPole-v1", "--evaluation-deterministic"], "--evaluation-deterministic needs --evaluation-every N"),
        (["verify", "ALE/Pong-v5", "--transitions", "600"], "Leave out --transitions: it is tested statistically on positions"),
        (["train", "CartPole-v1", "--no-shared"], "--no-shared is for policies of images"),
        (["train", "CartPole-v1", "--channels", "8"], "--channels is for policies of images"),
        (["train", "symmdp/GridWorld-v0", "--channels", "8"], "--kernel-size has an entry for each of the 1 convolutions"),
        (["train", "symmdp/GridWorld-v0", "--stride", "0", "1"], "--stride holds integers from 1"),
        (["compare", "CartPole-v1", "--resume", "absent"], "absent"),
        (["report"], "DIR"),
        (["report", "absent"], "absent does not exist"),
        (["report", "."], "holds no run, no comparison"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], message: str
) -> None:
    assert main(arguments) == 2
    assert message in one_line(capsys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_mistakes_are_told_alike_on_any_terminal(encoding: str) -> None:
    done = subprocess.run(
        [*COMMAND, "verify", "CartPole-v1", "--bogus", "3"],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.decode() == "symmdp: error: Unrecognized options: --bogus, 3. See: symmdp verify --help\n"


def test_train_writes_a_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["train", "CartPole-v1", "--policy", "plain", "--seeds", "2", *SMALL]) == 0
    (directory,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"CartPole-v1-plain-\d{8}-\d{6}", directory.name)
    run = Run.load(directory)
    assert (run.method, run.seeds, run.total_steps) == ("plain", (0, 1), 256)
    out = capsys.readouterr().out
    assert "plain" in out
    assert str(directory.relative_to(tmp_path)) in out


def test_train_over_learning_rates_with_evaluations(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    small = [value for value in SMALL if value not in ("--epochs", "1")]
    arguments = ["train", "CartPole-v1", *small, "--algorithm", "a2c", "--seeds", "2", "--learning-rates", "0.001", "0.01"]
    arguments += ["--evaluation-every", "128", "--evaluation-episodes", "2", "--directory", "run"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "equivariant, 0.001" in out
    assert "equivariant, 0.01" in out
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert config["algorithm"] == "a2c"
    assert config["learning_rates"] == [0.001, 0.01]
    lines = (tmp_path / "run/evaluations.csv").read_text().splitlines()
    assert len(lines) == 1 + 3 * 4  # at steps 0, 128 and 256, of two seeds with two rates
    assert main(["train", "CartPole-v1", "--resume", "run"]) == 0
    assert "equivariant, 0.01" in capsys.readouterr().out
    assert main(["train", "CartPole-v1", "--resume", "run", "--learning-rates", "0.1"]) == 2
    assert "--learning-rates cannot be given together with --resume" in one_line(capsys)
    assert main(["train", "CartPole-v1", "--learning-rate", "0.1", "--learning-rates", "0.1", "0.2"]) == 2
    assert "not both" in one_line(capsys)
    assert main(["train", "CartPole-v1", "--learning-rates", "2"]) == 2
    assert "from 0 to 1" in one_line(capsys)


def test_a_single_learning_rate_in_a_list(tmp_path: Path) -> None:
    assert main(["train", "CartPole-v1", *SMALL, "--learning-rates", "0.004", "--directory", "run"]) == 0
    assert json.loads((tmp_path / "run/config.json").read_text())["options"]["learning_rate"] == 0.004


def test_a_failure_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    from symmdp.training import Failure, TrainingSummary

    arguments = ["train", "CartPole-v1", *SMALL, "--directory", "run"]
    assert main(arguments) == 0
    (Path("run") / "failures.json").write_text(
        json.dumps({"failures": [{"seed": 0, "learning_rate": 0.001, "step": 128, "reason": "the loss is not finite"}]})
    )
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        failure = Failure(0, 0.001, 128, "the loss is not finite")
        patch.setattr("symmdp.training.train", lambda *_, **__: TrainingSummary(Path("run"), True, 256, 1.0, (failure,)))
        assert main(["train", "CartPole-v1", "--resume", "run"]) == 0
    captured = capsys.readouterr()
    assert "seed 0 diverged with learning rate 0.001 at step 128: the loss is not finite" in captured.err
    assert re.search(r"0/1\s+1/1", captured.out)  # solved, and diverged


def test_train_refuses_a_directory_that_is_not_empty(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    assert main(["train", "CartPole-v1", *SMALL, "--directory", "taken"]) == 2
    assert "never overwritten" in one_line(capsys)
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["notes.txt"]


def test_resume_checks_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "CartPole-v1", *SMALL, "--directory", "run"]) == 0
    capsys.readouterr()
    assert main(["compare", "CartPole-v1", "--resume", "run"]) == 2
    assert "symmdp train" in one_line(capsys)
    assert main(["train", "Pendulum-v1", "--resume", "run"]) == 2
    assert "a run of CartPole-v1" in one_line(capsys)
    assert main(["train", "CartPole-v1", "--resume", "run"]) == 0


@pytest.mark.slow
def test_interrupted_comparison_says_how_to_resume(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []

    def interrupt(self: RichBar, step: int, mean_return: float | None) -> None:
        if not sent:
            sent.append(step)
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(RichBar, "update", interrupt)
        assert main(["compare", "CartPole-v1", "--seeds", "2", *SMALL, "--steps", "40000", "--directory", "a folder"]) == 130
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "symmdp: interrupted; to go on: symmdp compare CartPole-v1 --resume 'a folder'"
    assert main(["compare", "CartPole-v1", "--resume", "a folder"]) == 0
    assert "written to a folder" in capsys.readouterr().out
    assert (tmp_path / "a folder" / "mirror_image.png").exists()


def test_interrupt_elsewhere(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("symmdp.cli._commands.parse", interrupt)
    assert main(["list"]) == 130
    assert capsys.readouterr().err == "symmdp: interrupted\n"


@pytest.mark.parametrize("module", ["rich", "tyro", "matplotlib", "pygame"])
def test_names_the_extra_that_is_missing_before_training(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object, **options: object) -> object:
        if name.partition(".")[0] == module:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest, **options)  # pyright: ignore[reportArgumentType]

    for name in [name for name in sys.modules if name.startswith("symmdp.cli.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    from symmdp.cli._main import main as fresh

    assert fresh(["compare", "CartPole-v1", *SMALL, "--seeds", "1", "--directory", "run"]) == 2
    assert one_line(capsys).endswith(f"needs {module}, which is not installed. Try: pip install 'symmdp[experiments]'")
    assert not list(tmp_path.iterdir())


def test_default_directory_is_new_every_time(tmp_path: Path) -> None:
    first = _unused("ALE/Pong-v5", "compare")
    assert first.parent == Path("runs")
    assert first.name.startswith("ALE-Pong-v5-compare-")
    for _ in range(2):  # the clock may tick between two names
        _unused("X-v0", "plain").mkdir(parents=True)
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_progress_is_silent_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    bar = RichProgress().bar()
    bar.start("CartPole-v1 plain", 100)
    bar.update(50, None)
    bar.update(100, 20.5)
    bar.stop()
    assert capsys.readouterr() == ("", "")


def test_two_bars_on_a_terminal() -> None:
    import io

    from rich.console import Console

    screen = io.StringIO()
    progress = RichProgress(Console(file=screen, force_terminal=True, width=100, _environ={"TERM": "xterm"}))
    first, second = progress.bar(), progress.bar()
    first.start("CartPole-v1 equivariant", 100)
    second.start("CartPole-v1 plain", 100)
    first.update(100, 20.5)
    first.stop()
    second.update(50, None)
    second.stop()
    second.stop()  # once more does no harm
    assert "CartPole-v1 equivariant" in screen.getvalue()
    assert "100/100" in screen.getvalue()
    assert "return 20.5" in screen.getvalue()
    assert "50/100" in screen.getvalue()


def test_process_with_bad_input(tmp_path: Path) -> None:
    done = subprocess.run([*COMMAND, "train", "Nothing-v0"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_reader_that_leaves_early() -> None:
    process = subprocess.Popen([*COMMAND, "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141


def test_a_terminal_without_the_characters() -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    done = subprocess.run([*COMMAND, "list"], capture_output=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"x ? ?x" in done.stdout


def test_parse_gives_a_status_for_help() -> None:
    from symmdp.cli._list import List

    assert parse(List, ("list",), ["--help"]) == 0


def test_show_prints_the_group_both_representations_and_an_orbit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "CartPole-v1"]) == 0
    text = capsys.readouterr().out
    for part in ("exact", "C2, 2 elements", "→ −θ", "→ right", "A state and its images", "1.2 ", "−1.2"):
        assert part in text
    assert main(["show", "MountainCar-v0"]) == 0
    assert "What looks like a symmetry, and is none" in capsys.readouterr().out


def test_show_every_entry(capsys: pytest.CaptureFixture[str]) -> None:
    from symmdp.catalogue import entries

    for entry in entries():
        assert main(["show", entry.name]) == 0
        assert capsys.readouterr().out.replace("\n", " ").startswith(f"{entry.name}: {entry.status}")


def test_show_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "Acrobot-v1", "--figure", "orbit.png"]) == 0
    assert (tmp_path / "orbit.png").stat().st_size > 1000
    assert main(["show", "CartPole-v1", "--figure", "orbit.jpg"]) == 2
    assert ".png file" in one_line(capsys)
    assert main(["show", "CartPole-v1", "--figure", "nowhere/orbit.png"]) == 2
    assert one_line(capsys) == "symmdp: error: --figure names a file in a folder; there is no folder 'nowhere'."
    assert main(["show", "MountainCar-v0", "--figure", "other.png"]) == 2
    assert "cannot be drawn" in one_line(capsys)


@pytest.mark.parametrize("command", ["show", "verify", "train", "compare"])
def test_a_declared_symmetry_is_accepted_everywhere(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    small = {"verify": ["--samples", "50"], "train": SMALL, "compare": [*SMALL, "--seeds", "1"]}.get(command, [])
    assert main([command, "CartPole-v1", "--symmetry", str(EXAMPLE), *small]) == 0
    assert "CartPole-v1" in capsys.readouterr().out or command == "show"


@pytest.mark.parametrize("command", ["show", "verify", "train", "compare"])
def test_a_bad_declaration_is_one_line(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.toml").write_text(EXAMPLE.read_text(encoding="utf-8").replace("order = 2", "order = 3"), encoding="utf-8")
    assert main([command, "CartPole-v1", "--symmetry", "bad.toml"]) == 2
    assert "not of order 3" in one_line(capsys)
    assert not (tmp_path / "runs").exists()


SIZES = """
observation = {{ size = {observation} }}
action = {{ size = {action} }}
generators = [{{ name = "turn", order = 2, observation.signs = {signs}, action.signs = {action_signs} }}]
"""


@pytest.mark.parametrize(
    ("environment", "observation", "action", "said"),
    [
        ("CartPole-v1", 5, 2, "dimension 5"),
        ("CartPole-v1", 4, 3, "has 2 actions"),
        ("ALE/Pong-v5", 4, 6, r"shape (4, 80, 80)"),
    ],
)
def test_show_compares_the_sizes_of_a_declaration(
    environment: str, observation: int, action: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = SIZES.format(observation=observation, action=action, signs=[-1] * observation, action_signs=[1] * action)
    (tmp_path / "sizes.toml").write_text(text, encoding="utf-8")
    assert main(["show", environment, "--symmetry", "sizes.toml"]) == 2
    assert said in one_line(capsys)
    fitting = SIZES.format(observation=4, action=2, signs=[-1] * 4, action_signs=[1, 1])
    (tmp_path / "sizes.toml").write_text(fitting, encoding="utf-8")
    assert main(["show", "CartPole-v1", "--symmetry", "sizes.toml"]) == 0
    assert main(["show", "CartPole-v7", "--symmetry", "sizes.toml"]) == 2


def test_verify_rejects_a_wrong_declaration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace('angle = "-angle"\n', "", 1)
    (tmp_path / "wrong.toml").write_text(text, encoding="utf-8")
    assert main(["verify", "CartPole-v1", "--symmetry", "wrong.toml", "--samples", "50"]) == 1
    assert "NOT symmetric" in capsys.readouterr().out


class Fragile(CartPoleEnv):
    def step(self, action):
        if abs(self.state[0]) > 3:
            raise RuntimeError("the cart left the rail")
        return super().step(action)


def test_verify_keeps_what_was_found_before_the_environment_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(gym.registry, "Fragile-v0", EnvSpec("Fragile-v0", Fragile))
    text = EXAMPLE.read_text(encoding="utf-8").replace("CartPole-v1", "Fragile-v0")
    (tmp_path / "fragile.toml").write_text(text, encoding="utf-8")
    command = ["verify", "Fragile-v0", "--symmetry", "fragile.toml", "--samples", "400"]
    assert main(command) == 2
    printed = capsys.readouterr()
    assert printed.out.startswith("Verification ended with an error. What it had found:\nFragile-v0")
    assert "initial states" in printed.out
    assert printed.err.startswith("symmdp: error: Fragile-v0 raised RuntimeError: the cart left the rail, in step(")
    assert main([*command, "--json"]) == 2
    report = json.loads(capsys.readouterr().out)
    assert "the cart left the rail" in report["stopped"]
    assert [part["part"] for part in report["parts"]] == ["observation", "reward", "termination", "initial states", "bounds"]


class Stuck(CartPoleEnv):
    def close(self):
        raise OSError("the window is gone")


def test_verify_keeps_the_report_of_an_environment_that_fails_to_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(gym.registry, "Stuck-v0", EnvSpec("Stuck-v0", Stuck))
    text = EXAMPLE.read_text(encoding="utf-8").replace("CartPole-v1", "Stuck-v0")
    (tmp_path / "stuck.toml").write_text(text, encoding="utf-8")
    assert main(["verify", "Stuck-v0", "--symmetry", "stuck.toml", "--samples", "50"]) == 2
    printed = capsys.readouterr()
    assert "Stuck-v0: symmetric under C2" in printed.out
    assert printed.err.startswith(
        "symmdp: error: Stuck-v0 raised OSError: the window is gone, in close(), after everything else."
    )
    assert printed.err.count("\n") == 1


def test_a_run_with_a_declared_symmetry_is_resumed_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["CartPole-v1", "--symmetry", str(EXAMPLE)]
    assert main(["train", *options, *SMALL, "--directory", "run"]) == 0
    assert main(["train", *options, "--resume", "run"]) == 0
    wrong = EXAMPLE.read_text(encoding="utf-8").replace('position = "-position"\n', "", 1)
    (tmp_path / "wrong.toml").write_text(wrong, encoding="utf-8")
    capsys.readouterr()
    assert main(["train", "CartPole-v1", "--symmetry", "wrong.toml", "--resume", "run"]) == 2
    assert "symmetry" in one_line(capsys)


def test_options_of_the_environment(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    options = ["--option", "sutton_barto_reward=true", "--symmetry", str(EXAMPLE)]
    assert main(["verify", "CartPole-v1", *options, "--samples", "30"]) == 0
    assert capsys.readouterr().out.startswith("CartPole-v1 (sutton_barto_reward=True): symmetric")
    run = tmp_path / "run"
    assert main(["train", "CartPole-v1", *options, "--steps", "600", "--directory", str(run)]) == 0
    assert Run.load(run).environment_id == "CartPole-v1 (sutton_barto_reward=True)"
    assert main(["train", "CartPole-v1 (sutton_barto_reward=True)", *options[2:], "--resume", str(run)]) == 0
    capsys.readouterr()
    assert main(["train", "CartPole-v1", *options[2:], "--resume", str(run)]) == 2
    assert "holds a run of CartPole-v1 (sutton_barto_reward=True), not of CartPole-v1." in one_line(capsys)


@pytest.mark.parametrize("option", ["continuous", "=1", "a b=1", "a=1 a=2"])
def test_an_option_that_cannot_be_read_is_one_line(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = option.split() if option.count("=") == 2 else [option]
    assert main(["verify", "CartPole-v1", "--option", *given]) == 2
    assert "KEY=VALUE" in (line := one_line(capsys)) or "given twice" in line


def test_report_of_a_run_and_of_the_folder_that_holds_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "CartPole-v1", "--seeds", "2", *SMALL, "--directory", "runs/a run"]) == 0
    capsys.readouterr()
    assert main(["report", "runs/a run"]) == 0
    assert capsys.readouterr().out == "0 of 2 seeds solve it, the median seed not.\nwritten to runs/a run/report.html\n"
    assert "symmdp report 'runs/a run'" in (tmp_path / "runs/a run/report.html").read_text(encoding="utf-8")
    assert main(["report", "runs"]) == 0
    assert (tmp_path / "runs/report.html").exists()


def test_report_of_evaluations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluated = ["--evaluation-every", "128", "--evaluation-episodes", "2"]
    assert main(["train", "CartPole-v1", "--seeds", "2", *SMALL, *evaluated, "--directory", "run"]) == 0
    run = Run.load(tmp_path / "run", going_on=True)
    assert run.finished
    assert run.evaluations is not None
    assert [evaluation.steps[-1] for evaluation in run.evaluations] == [256, 256]
    assert main(["report", "run"]) == 0
    assert "return in evaluation episodes" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_the_methods_that_can_be_typed_are_all_methods() -> None:
    from typing import get_args

    from symmdp.cli._methods import MethodName
    from symmdp.training import METHODS

    assert get_args(MethodName) == tuple(method.name for method in METHODS)


@pytest.mark.slow
def test_compare_named_methods(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = ["--methods", "equivariant", "random-basis", "mirror-loss"]
    given = ["--mirror-coefficient", "0.5", "--mirror-stop-gradient", "original", "--activation", "relu"]
    assert main(["compare", "CartPole-v1", *named, "--seeds", "2", *SMALL, *given, "--directory", "c"]) == 0
    out = capsys.readouterr().out
    for line in (
        "equivariant: 54 parameters, hidden widths 8;",
        "as many coefficients as the equivariant policy in every layer",
    ):
        assert line in out
    config = json.loads((tmp_path / "c" / "mirror-loss" / "config.json").read_text())
    assert config["options"]["mirror_coefficient"] == 0.5
    assert config["options"]["mirror_stop_gradient"] == "original"
    assert config["options"]["activation"] == "relu"
    assert main(["compare", "CartPole-v1", "--resume", "c", *named]) == 2
    assert "--methods cannot be given together with --resume" in one_line(capsys)
    assert main(["compare", "CartPole-v1", "--resume", "c"]) == 0
    assert main(["compare", "CartPole-v1", "--methods", "square"]) == 2
    assert "'square'" in one_line(capsys)
    assert main(["compare", "CartPole-v1", "--methods", "plain", "plain", *SMALL]) == 2
    assert "each once" in one_line(capsys)
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_compare_tunes_each_method(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tuning = ["--tune", "--rates", "0.1", "0.001", "--tuning-seeds", "2", "--tuning-steps", "128"]
    evaluated = ["--evaluation-every", "128", "--evaluation-episodes", "2", "--solved-at", "500"]
    command = ["compare", "CartPole-v1", "--methods", "plain", "--seeds", "2", *SMALL, *tuning, *evaluated]
    assert main([*command, "--directory", "a folder"]) == 0
    out = capsys.readouterr().out
    assert "median evaluation" in out
    assert re.search(
        r"plain: learning rate [\d.]+, chosen from 2 on 2 other seeds[^;]*; [\d.]+ is the (lowest|highest) rate", out
    )
    assert "written to a folder; the report is a folder/report.html" in out
    config = json.loads((tmp_path / "a folder" / "config.json").read_text())
    assert config["tuning"] == {"rates": [0.001, 0.1], "seeds": [1000, 1001], "steps": 128}
    before = (tmp_path / "a folder" / "results.csv").read_bytes()
    assert main(["compare", "CartPole-v1", "--resume", "a folder"]) == 0
    assert (tmp_path / "a folder" / "results.csv").read_bytes() == before


def test_the_command_is_recorded_as_it_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["train", "symmdp/GridWorld-v0", "--steps", "64", "--rollout-steps", "8", "--epochs", "1"]
    command += ["--channels", "8", "--kernel-size", "3", "--stride", "2", "--pool", "none", "--hidden", "8"]
    monkeypatch.setattr(sys, "argv", ["/bin/symmdp", *command, "--directory", "it's here"])
    assert main() == 0
    config = json.loads((tmp_path / "it's here" / "config.json").read_text())
    assert shlex.split(config["command"]) == ["symmdp", *sys.argv[1:]]
    shape = config["options"]["convolutions"]
    assert [shape[name] for name in ("channels", "kernel_size", "stride", "pool")] == [[8], [3], [2], None]


@pytest.mark.parametrize("policy", ["nullspace-basis", "augmentation", "canonicalization"])
def test_train_every_kind_of_policy(policy: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command = ["train", "Pendulum-v1", "--policy", policy, "--steps", "400", "--rollout-steps", "50", "--minibatch", "50"]
    assert main([*command, "--epochs", "1", "--hidden", "8", "--directory", "run"]) == 0
    assert policy in capsys.readouterr().out
    assert Run.load(tmp_path / "run").method == policy
