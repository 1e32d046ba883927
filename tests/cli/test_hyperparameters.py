"""Every hyper-parameter can be typed, and reaches the options of the run."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import pytest

from symmdp.cli._compare import Compare
from symmdp.cli._hyperparameters import GivenHyperparameters, Hyperparameters, as_typed
from symmdp.cli._plan import new_plan
from symmdp.cli._train import Train
from symmdp.errors import OptionError
from symmdp.policies import Convolutions
from symmdp.training import TrainingOptions, preset

VECTORS = ["CartPole-v1", "--variant", "sample-efficient"]
IMAGES = ["symmdp/GridWorld-v0"]


def options_of(
    arguments: Sequence[str], command: type[Train] | type[Compare] = Train, method: str = "plain"
) -> TrainingOptions:
    """The options of a new run with these arguments."""
    import tyro

    parsed = tyro.cli(command, args=list(arguments))
    return new_plan(
        parsed.environment, method, parsed.algorithm, parsed.variant, 1, parsed.hyperparameters, parsed.directory
    ).options


def plan_arguments(arguments: Sequence[str]) -> tuple:
    """Those of `new_plan` for a comparison, up to the hyper-parameters."""
    import tyro

    parsed = tyro.cli(Compare, args=list(arguments))
    return parsed.environment, None, parsed.algorithm, parsed.variant, 1, parsed.hyperparameters


@pytest.mark.parametrize("command", [Train, Compare])
def test_a_variant_is_another_preset(command: type[Train] | type[Compare]) -> None:
    assert options_of(VECTORS, command) == preset("CartPole-v1", variant="sample-efficient")
    assert options_of(VECTORS[:1], command) == preset("CartPole-v1")
    assert options_of(VECTORS, command) != options_of(VECTORS[:1], command)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("total_steps", 1_000),
        ("environments", 2),
        ("rollout_steps", 128),
        ("epochs", 3),
        ("minibatch", 16),
        ("learning_rate", 0.004),
        ("anneal", True),
        ("max_gradient_norm", 0.7),
        ("discount", 0.9),
        ("gae_lambda", 0.7),
        ("clip_range", 0.1),
        ("entropy_coefficient", 0.01),
        ("value_coefficient", 0.3),
        ("mirror_coefficient", 0.2),
        ("mirror_stop_gradient", "image"),
        ("augmentation", "random"),
        ("hidden", (8, 16)),
        ("activation", "relu"),
        ("normalize_observations", True),
        ("normalize_rewards", True),
        ("log_std", -0.5),
        ("solved_at", 500.0),
        ("solved_window", 20),
        ("evaluation_every", 500),
        ("evaluation_episodes", 7),
        ("evaluation_deterministic", True),
    ],
)
def test_an_option_sets_its_field_and_no_other(name: str, value: object) -> None:
    given = [*VECTORS, "--evaluation-every", "250"] if name.startswith("evaluation_") else VECTORS
    usual = options_of(given)
    values = value if isinstance(value, tuple) else () if value is True else (value,)
    method = {"mirror": "mirror-loss", "augmentation": "augmentation"}.get(name.split("_")[0], "plain")
    assert options_of([*given, as_typed(name), *map(str, values)], method=method) == replace(usual, **{name: value})
    assert getattr(usual, name) != value  # so that the test cannot pass without the option


A2C, REINFORCE, TANH = ["--algorithm", "a2c"], ["--algorithm", "reinforce"], ["--activation", "tanh"]


@pytest.mark.parametrize(
    ("arguments", "methods", "message"),
    [
        ([*A2C, "--epochs", "2"], ["plain"], "--epochs is for --algorithm ppo; a2c would ignore it."),
        ([*REINFORCE, "--epochs", "0"], ["plain"], "--epochs is for --algorithm ppo; reinforce would"),
        ([*A2C, "--minibatch", "32"], ["plain"], "--minibatch is for --algorithm ppo"),
        ([*A2C, "--clip-range", "0.1"], ["plain"], "--clip-range is for --algorithm ppo"),
        ([*REINFORCE, "--gae-lambda", "0.9"], ["plain"], "--gae-lambda is for --algorithm ppo or a2c; reinforce would"),
        (["--mirror-coefficient", "2"], ["plain"], "--mirror-coefficient is for the method mirror-loss, and would be ignored"),
        (["--mirror-stop-gradient", "image"], ["plain", "augmentation"], "trained is plain, augmentation. Leave it out, or"),
        (["--augmentation", "random"], ["mirror-loss"], "--augmentation is for the method augmentation"),
        (TANH, ["nullspace-basis"], "--activation would be ignored: nullspace-basis always has relu."),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(arguments: list[str], methods: list[str], message: str) -> None:
    given = plan_arguments(["CartPole-v1", *arguments])
    with pytest.raises(OptionError, match=re.escape(message)):
        new_plan(*given, None, tuple(methods))


@pytest.mark.parametrize(
    ("arguments", "methods"),
    [
        ([*A2C, "--gae-lambda", "0.9"], ["plain"]),
        (["--mirror-coefficient", "2", "--augmentation", "random"], ["plain", "augmentation", "mirror-loss"]),
        (TANH, ["plain", "nullspace-basis"]),
        (["--activation", "relu"], ["nullspace-basis"]),
    ],
)
def test_an_option_that_one_of_the_methods_uses_is_taken(arguments: list[str], methods: list[str]) -> None:
    plan = new_plan(*plan_arguments(["CartPole-v1", *arguments]), None, tuple(methods))
    assert plan.options != preset("CartPole-v1")
    assert plan.methods == tuple(methods)


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        (["--channels", "8", "8"], "channels", (8, 8)),
        (["--kernel-size", "3", "3"], "kernel_size", (3, 3)),
        (["--stride", "1", "2"], "stride", (1, 2)),
        (["--padding", "1", "0"], "padding", (1, 0)),
        (["--pool", "mean"], "pool", "mean"),
        (["--pool", "none"], "pool", None),
        (["--no-shared"], "shared", False),
    ],
)
def test_an_option_of_convolutions_sets_its_field_and_no_other(arguments: list[str], name: str, value: object) -> None:
    usual = options_of(IMAGES)
    assert usual.convolutions is not None
    assert getattr(usual.convolutions, name) != value
    assert options_of([*IMAGES, *arguments]) == replace(usual, convolutions=replace(usual.convolutions, **{name: value}))


@pytest.mark.parametrize("name", ["normalize_observations", "normalize_rewards"])
def test_normalisation_is_switched_off(name: str) -> None:
    assert getattr(preset("Swimmer-v5"), name)
    assert not getattr(options_of(["Swimmer-v5", as_typed(name, False)]), name)


def test_annealing_is_switched_either_way() -> None:
    assert preset("CartPole-v1").anneal
    assert not options_of(["CartPole-v1", "--no-anneal"]).anneal
    assert options_of(["CartPole-v1", "--anneal"]).anneal
    assert options_of([*VECTORS, "--anneal"]).anneal


def test_every_field_can_be_typed(capsys: pytest.CaptureFixture[str]) -> None:
    """All but the algorithm, which is an option of the command, and the convolutions, whose fields are typed."""
    import tyro

    with pytest.raises(SystemExit):
        tyro.cli(GivenHyperparameters, args=["--help"])
    text = capsys.readouterr().out
    names = [field.name for of in (TrainingOptions, Convolutions) for field in fields(of)]
    for name in names:
        if name not in ("algorithm", "convolutions"):
            typed = as_typed(name, False if name == "shared" else None)
            assert re.search(rf"^\W*{typed}\b", text, re.MULTILINE)
    assert not re.search(r"^\W*--frobs\b", text, re.MULTILINE)
    assert Hyperparameters().given() == {}


@pytest.mark.parametrize(
    ("environment_id", "steps", "threshold"), [("CartPole-v1", 12_000, 500.0), ("symmdp/GridWorld-v0", 12_288, 0.7)]
)
def test_the_documented_comparison_is_one_command(environment_id: str, steps: int, threshold: float) -> None:
    page = (Path(__file__).parents[2] / "docs/reproduction.md").read_text(encoding="utf-8")
    (command,) = re.findall(rf"^\$ symmdp compare ({environment_id} .*?)\n```", page, re.MULTILINE | re.DOTALL)
    options = options_of(shlex.split(command.replace("\\\n", " ")), Compare)
    paper = {"solved_at": threshold, "evaluation_every": 500, "evaluation_episodes": 25, "total_steps": steps}
    assert options == replace(preset(environment_id, variant="sample-efficient"), **paper)


@pytest.mark.parametrize("command", [Train, Compare])
def test_the_help_fits_two_screens(
    command: type[Train] | type[Compare], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import tyro

    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        tyro.cli(command, args=["--help"])
    text = capsys.readouterr().out
    assert len(text.splitlines()) <= 115
    for group in ("training", "loss", "network", "measurement"):
        assert re.search(rf"^\W*{group} options", text, re.MULTILINE)
