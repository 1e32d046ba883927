"""The symmetries of MuJoCo environments: their groups, what holds of their alternatives, and their command line."""

import json

import numpy as np
import pytest

from symmdp.catalogue import entries, entry_of, symmetry_of
from symmdp.cli import main
from symmdp.mdp import verify


def test_the_ant_has_d4_on_actions_and_its_double_cover_on_observations():
    ant = symmetry_of("Ant-v5")
    observation, action = ant.observation, ant.require_action_representation()
    assert ant.group.order == 16
    assert len({action(g).tobytes() for g in ant.group}) == 8
    half = next(g for g in ant.group if g and np.array_equal(action(g), np.eye(8)))
    signs = np.ones(105)
    signs[1:5] = -1  # q and −q are the same pose
    assert np.allclose(observation(half), np.diag(signs))


@pytest.mark.parametrize(("name", "order"), [("Ant", 2), ("Reacher", 2)])
def test_an_alternative_that_keeps_initial_states_passes(name: str, order: int):
    entry = entry_of(f"{name}-v5")
    assert entry.breaks == ("initial states",)
    (smaller,) = entry.alternatives
    assert smaller.group.order == order
    report = verify(entry.environment_id, smaller, samples=200)
    assert report.passed
    assert report.largest_error <= 10 * entry.error


def test_the_mirror_about_the_upright_pole_is_exact_for_the_dynamics_alone():
    (leaning,) = entry_of("InvertedPendulum-v5").alternatives
    report = verify("InvertedPendulum-v5", leaning, samples=1000)
    assert {part.part for part in report.failures} == {"reward", "termination", "initial states"}
    assert next(part.error for part in report.parts if part.part == "observation") < 1e-14


def test_coordinates_have_names_of_their_own():
    for entry in entries():
        symmetry = entry.symmetry or entry.candidate
        assert symmetry is not None
        for names in (symmetry.observation_names, symmetry.action_names):
            assert names is not None
            assert len(set(names)) == len(names)


def test_verify_shows_the_parameters_that_differ(capsys: pytest.CaptureFixture[str]):
    assert main(["verify", "Humanoid-v5", "--samples", "20"]) == 1
    shown = capsys.readouterr().out
    for text in ("gymnasium 1.2.2, MuJoCo 3.3.7", "right_hip_y", "armature", "0.008", "right_knee", "stiffness", "PGS"):
        assert text in shown
    assert "and 336 more" not in shown.splitlines()[0]
    assert "The catalogue lists it as approximate" in shown


def test_verify_explains_as_json(capsys: pytest.CaptureFixture[str]):
    assert main(["verify", "Walker2d-v4", "--samples", "200", "--json"]) == 1
    (difference,) = json.loads(capsys.readouterr().out)["explanation"]["differences"]
    assert (difference["name"], difference["value"][0], difference["found"][0]) == ("foot_geom", 0.9, 1.9)


def test_a_symmetry_that_breaks_initial_states_alone_needs_no_explanation(capsys: pytest.CaptureFixture[str]):
    assert main(["verify", "Reacher-v5", "--samples", "50"]) == 1
    shown = capsys.readouterr().out
    assert "Parameters of the model" not in shown
    assert "The catalogue lists it as exact, breaking initial states" in shown
