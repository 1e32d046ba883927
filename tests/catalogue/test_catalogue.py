import dataclasses

import gymnasium as gym
import pytest
from gymnasium.envs.registration import EnvSpec

from symmdp.catalogue import CatalogueEntry, entries, entry_of, symmetry_of
from symmdp.errors import NoSymmetryError, UnknownEnvironmentError
from symmdp.mdp import make_environment, unusual_options, verify


@pytest.fixture(params=entries(), ids=lambda entry: entry.name)
def entry(request: pytest.FixtureRequest) -> CatalogueEntry:
    return request.param


def made(entry: CatalogueEntry) -> gym.Env:
    return make_environment(entry.name)


def test_every_claim_holds(entry: CatalogueEntry):
    symmetry = entry.symmetry or entry.candidate
    assert symmetry is not None
    if entry.preprocessing:
        pytest.skip("tests/catalogue/test_atari.py tests its claim, for which it plays longer")
    env = made(entry)
    report = verify(env, symmetry, samples=1000)
    env.close()
    failed = {part.part for part in report.failures}
    if entry.status == "approximate":
        assert failed <= set(entry.breaks)  # rare differences do not show in every sample
    else:
        assert failed == set(entry.breaks) if entry.status != "none" else failed
    if entry.status == "exact":
        assert report.largest_error <= 10 * entry.error  # other versions of the mathematics library round otherwise
    elif entry.status == "in distribution":
        assert report.method
        assert report.largest_error <= 5 * entry.error  # a mean of differences that are random
    elif entry.median_error is not None:
        assert report.median_error == pytest.approx(entry.median_error, rel=0.5)
    else:
        assert report.largest_error == pytest.approx(entry.error, rel=0.5)


def test_every_entry_is_complete(entry: CatalogueEntry):
    assert (entry.symmetry is None) == (entry.status == "none") == (entry.candidate is not None)
    symmetry = entry.symmetry or entry.candidate
    assert symmetry is not None
    assert symmetry.observation_names is not None
    assert symmetry.action_names is not None
    env = made(entry)
    for known in (symmetry, *entry.alternatives):
        if not entry.preprocessing:
            known.check_spaces(env.observation_space, env.action_space)
    assert (entry.median_error is not None) == (entry.status == "approximate")
    assert entry.engine.startswith("gymnasium ")
    assert entry.notes


def test_entries_are_frozen_and_distinct():
    names = [entry.name for entry in entries()]
    assert len(set(names)) == len(names)
    with pytest.raises(dataclasses.FrozenInstanceError):
        entries()[0].error = 1.0  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("environment", ["CartPole-v1", "Pendulum-v1", "Acrobot-v1"])
def test_symmetry_of_known_environments(environment: str):
    assert symmetry_of(environment) is entry_of(environment).symmetry
    assert symmetry_of(environment).group.order == 2


@pytest.mark.parametrize("environment", ["MountainCar-v0", "MountainCarContinuous-v0"])
def test_an_environment_without_symmetry_says_why(environment: str):
    with pytest.raises(NoSymmetryError, match=rf"{environment} has no symmetry.*wall.*goal"):
        symmetry_of(environment)


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("CartPole-v0", "CartPole-v1"),
        ("cartpole", "CartPole-v1"),
        ("Acrobat-v1", "Acrobot-v1"),
        ("Zork-v9", "It knows CartPole-v1"),
    ],
)
def test_unknown_environments_get_suggestions(given: str, near: str):
    with pytest.raises(UnknownEnvironmentError, match=near):
        symmetry_of(given)


def test_other_options_are_another_environment():
    with pytest.raises(
        UnknownEnvironmentError, match=r"no entry for Ant-v5 \(include_cfrc_ext_in_observation=False\).*knows Ant-v5"
    ):
        entry_of("Ant-v5", include_cfrc_ext_in_observation=False)


def test_rendering_and_time_limits_play_no_role():
    known = symmetry_of("CartPole-v1")
    assert symmetry_of("CartPole-v1", render_mode="rgb_array", max_episode_steps=100) == known
    assert entry_of("CartPole-v1 (max_episode_steps=100)").name == "CartPole-v1"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("LunarLander-v3 (continuous=False)", "LunarLander-v3"),
        ("LunarLander-v3 (enable_wind=False, continuous=True)", "LunarLander-v3 (continuous=True)"),
        ("Ant-v5 (include_cfrc_ext_in_observation=True)", "Ant-v5"),
        ("FrozenLake-v1 (map_name='4x4', is_slippery=True)", "FrozenLake-v1"),
        ("ALE/Pong-v5 (frameskip=4)", "ALE/Pong-v5"),
    ],
)
def test_options_that_are_the_usual_ones_play_no_role(given: str, name: str):
    assert entry_of(given) is entry_of(name)


@pytest.mark.parametrize(
    "given",
    [
        "LunarLander-v3 (continuous=True, gravity=-9.0)",
        "LunarLander-v3 (continous=False)",
        "CartPole-v1 (sutton_barto_reward=True)",
    ],
)
def test_options_that_are_not_the_usual_ones_are_refused(given: str):
    with pytest.raises(UnknownEnvironmentError, match="options may change what is observed"):
        entry_of(given)


def test_usual_options_are_those_of_the_id_before_those_of_the_class(monkeypatch: pytest.MonkeyPatch):
    spec = EnvSpec("Longer-v0", "gymnasium.envs.toy_text:FrozenLakeEnv", kwargs={"map_name": "8x8"})
    monkeypatch.setitem(gym.registry, "Longer-v0", spec)
    assert unusual_options("Longer-v0", {"map_name": "8x8", "is_slippery": True}) == {}
    assert unusual_options("Longer-v0", {"map_name": "4x4", "size": 3}) == {"map_name": "4x4", "size": 3}
    absent = EnvSpec("Absent-v0", "no_such_module:Env", kwargs={"a": 1})
    monkeypatch.setitem(gym.registry, "Absent-v0", absent)
    assert unusual_options("Absent-v0", {"a": 1, "b": 2}) == {"b": 2}
    assert unusual_options("Unknown-v0", {"a": 1}) == {"a": 1}


@pytest.mark.parametrize("given", [None, 3, ["CartPole-v1"]])
def test_the_catalogue_is_asked_by_ids(given):
    with pytest.raises(UnknownEnvironmentError, match=f"got {type(given).__name__}"):
        symmetry_of(given)
