from dataclasses import asdict

import pytest

from symmdp.errors import OptionError
from symmdp.training import TrainingOptions, preset


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"algorithm": "dqn"}, "'ppo', 'a2c' or 'reinforce'"),
        ({"total_steps": 0}, "total_steps must be an integer from 1 to 1,000,000,000,000; got 0"),
        ({"environments": 1.5}, "environments"),
        ({"epochs": True}, "epochs"),
        ({"learning_rate": -1.0}, "learning_rate must be a finite number from 0 to 1; got -1.0"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"discount": 1.1}, "discount"),
        ({"hidden": (0,)}, "hidden"),
        ({"evaluation_every": 0}, "evaluation_every must be an integer from 1"),
        ({"evaluation_episodes": 0}, "evaluation_episodes must be an integer from 1"),
        ({"evaluation_deterministic": 1}, "evaluation_deterministic must be True or False; got 1"),
        ({"hidden": (1.5,)}, "hidden"),
        ({"minibatch": 100}, "minibatch must divide .* = 256; got 100. The nearest divisors are 64 and 128"),
    ],
)
def test_bad_values(values: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        TrainingOptions(**values)


def test_every_field_is_documented() -> None:
    import inspect

    source = inspect.getsource(TrainingOptions)
    for name in asdict(TrainingOptions()):
        after = source.split(f"\n    {name}: ")[1].split("\n")[1]
        assert after.strip().startswith('"""'), name


@pytest.mark.parametrize("algorithm", ["ppo", "a2c", "reinforce"])
@pytest.mark.parametrize("environment_id", ["CartPole-v1", "Acrobot-v1", "Pendulum-v1"])
def test_presets(environment_id: str, algorithm: str) -> None:
    options = preset(environment_id, algorithm)
    assert options.algorithm == algorithm
    assert options.solved_at is not None
    assert TrainingOptions.from_dict(asdict(options)) == options


def test_a_variant_of_a_preset_is_another_one() -> None:
    usual, efficient = preset("CartPole-v1"), preset("CartPole-v1", variant="sample-efficient")
    assert efficient != usual == preset("CartPole-v1", variant=None)
    assert efficient.batch < usual.batch
    assert efficient.solved_at == usual.solved_at
    assert TrainingOptions.from_dict(asdict(efficient)) == efficient


def test_no_preset() -> None:
    with pytest.raises(OptionError, match=r"no variant 'fast' of the preset for CartPole-v1 with ppo; .* 'sample-efficient'"):
        preset("CartPole-v1", variant="fast")
    with pytest.raises(OptionError, match="no variant 'sample-efficient' of the preset for CartPole-v1 with a2c"):
        preset("CartPole-v1", "a2c", variant="sample-efficient")
    with pytest.raises(OptionError, match="no variant 'sample-efficient' of the preset for Pendulum-v1"):
        preset("Pendulum-v1", variant="sample-efficient")
    with pytest.raises(OptionError, match=r"Did you mean CartPole-v1\?"):
        preset("CartPol-v1")
    with pytest.raises(OptionError, match="'ppo', 'a2c' or 'reinforce'"):
        preset("CartPole-v1", "sac")
    with pytest.raises(OptionError, match="Unknown option 'lr'"):
        TrainingOptions.from_dict({"lr": 1})
