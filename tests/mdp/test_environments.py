import keyword
from collections.abc import Iterator
from pathlib import Path

import gymnasium as gym
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symmdp.catalogue import entry_of, symmetry_of
from symmdp.errors import OptionError, SimulatorError, UnknownEnvironmentError
from symmdp.mdp import environment_name, environment_spec, make_environment, parse_environment_name, verify

VALUES = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(), st.none())
NESTED = st.one_of(VALUES, st.lists(VALUES, max_size=3), st.tuples(VALUES, VALUES))


KEYS = st.from_regex(r"[a-z_][a-z0-9_]*", fullmatch=True).filter(lambda key: not keyword.iskeyword(key))


@given(st.dictionaries(KEYS, NESTED, max_size=4))
def test_a_name_is_read_as_it_was_written(options: dict) -> None:
    assert parse_environment_name(environment_name("space/Lander-v3", options)) == ("space/Lander-v3", options)


BAD = ("1", "a=b", "**{}", "a=1)) + (b", "a=__import__('os')", "a=")


@pytest.mark.parametrize("options", BAD)
def test_options_that_are_no_literals_are_refused(options: str) -> None:
    with pytest.raises(OptionError, match="cannot be read"):
        parse_environment_name(f"A-v0 ({options})")


def test_an_environment_is_made_with_the_options_of_its_name() -> None:
    env = make_environment("CartPole-v1 (sutton_barto_reward=True)")
    env.reset(seed=0)
    assert env.step(0)[1] == 0.0
    assert environment_spec("CartPole-v1 (sutton_barto_reward=True)")[1] == {"sutton_barto_reward": True}


def test_a_report_names_the_options() -> None:
    symmetry = symmetry_of("CartPole-v1")
    by_name = verify("CartPole-v1 (sutton_barto_reward=True)", symmetry, samples=20)
    by_environment = verify(gym.make("CartPole-v1", sutton_barto_reward=True), symmetry, samples=20)
    assert by_name.passed
    assert by_name.environment == by_environment.environment == "CartPole-v1 (sutton_barto_reward=True)"
    assert verify(gym.make("CartPole-v1", render_mode="rgb_array"), symmetry, samples=20).environment == "CartPole-v1"


def test_an_option_that_the_environment_does_not_have_is_refused() -> None:
    with pytest.raises(OptionError, match=r"CartPole-v1 cannot be made with \(gravity=1\): .*gravity"):
        make_environment("CartPole-v1 (gravity=1)")
    with pytest.raises(UnknownEnvironmentError, match="Did you mean CartPole-v1"):
        make_environment("CartPol-v1 (gravity=1)")


def test_the_catalogue_knows_an_environment_by_its_options() -> None:
    with pytest.raises(UnknownEnvironmentError, match=r"no entry for CartPole-v1 \(sutton_barto_reward=True\)"):
        entry_of("CartPole-v1 (sutton_barto_reward=True)")
    assert entry_of("CartPole-v1 ()") == entry_of("CartPole-v1")


@pytest.fixture
def registered() -> Iterator[None]:
    """Environments that are registered in a test are forgotten after it."""
    known = set(gym.registry)
    yield
    for added in set(gym.registry) - known:
        del gym.registry[added]


@pytest.mark.usefixtures("registered")
def test_a_module_before_the_id_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "a_module_of_mine.py").write_text(
        "import gymnasium as gym\n"
        "from gymnasium.envs.classic_control.cartpole import CartPoleEnv\n"
        "gym.register('Mine-v0', CartPoleEnv)\n",
        encoding="utf-8",
    )
    report = verify("a_module_of_mine:Mine-v0", symmetry_of("CartPole-v1"), samples=20)
    assert report.passed
    assert report.environment == "a_module_of_mine:Mine-v0"
    with pytest.raises(UnknownEnvironmentError, match="Yours-v0"):
        make_environment("a_module_of_mine:Yours-v0")
    (tmp_path / "a_broken_module.py").write_text("raise RuntimeError('no licence')", encoding="utf-8")
    for module, says in (("no_such_module", "No module named"), ("a_broken_module", "RuntimeError: no licence"), ("", "Empty")):
        with pytest.raises(UnknownEnvironmentError, match=f"cannot be imported .*{says}"):
            make_environment(f"{module}:Mine-v0")


def _raising(**options: int) -> gym.Env:
    raise ZeroDivisionError("no frames\nat all")


@pytest.mark.usefixtures("registered")
def test_what_a_constructor_raises_is_one_line() -> None:
    gym.register("Raising-v0", _raising)
    with pytest.raises(SimulatorError, match=r"^Raising-v0 cannot be made: ZeroDivisionError: no frames\.$"):
        make_environment("Raising-v0")
    with pytest.raises(OptionError, match=r"^Raising-v0 cannot be made with \(frames=0\): no frames\.$"):
        make_environment("Raising-v0 (frames=0)")
