"""MuJoCo environments as simulators: their state, planted faults, and what explains them."""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import gymnasium as gym
import mujoco
import numpy as np
import pytest

from symmdp import groups
from symmdp.catalogue import entry_of, symmetry_of
from symmdp.errors import SimulatorError
from symmdp.mdp import Explanation, Symmetry, explain, simulator_of, verify
from symmdp.representations import Representation

ASSETS = Path(gym.__file__).parent / "envs" / "mujoco" / "assets"
NAMES = (
    *("InvertedPendulum", "InvertedDoublePendulum", "Reacher", "Swimmer", "Hopper", "HalfCheetah", "Pusher"),
    *("Walker2d", "Ant", "Humanoid", "HumanoidStandup"),
)


def make(environment_id: str, **options) -> gym.Env:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a newer version exists
        return gym.make(environment_id, **options)


def sampled(environment_id: str, count: int = 30):
    simulator = simulator_of(make(environment_id))
    reached, generator = [], np.random.default_rng(0)
    for seed in range(3):
        simulator.reset(seed)
        for _ in range(5):
            reached.append(simulator.get_state())
            simulator.step(generator.uniform(-0.4, 0.4, size=simulator.action_space.shape))
    return simulator, simulator.sample_states(count, np.array(reached), generator)


@pytest.mark.parametrize("name", NAMES)
def test_states_can_be_set_and_recovered(name: str):
    simulator, states = sampled(f"{name}-v5")
    for state in states:
        simulator.set_state(state)
        observation = simulator.observe()
        assert np.allclose(simulator.get_state(), state, rtol=0, atol=1e-12)
        simulator.set_state(simulator.state_of(observation))
        assert np.allclose(simulator.observe(), observation, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_step_depends_on_state_and_action_alone(name: str):
    simulator, states = sampled(f"{name}-v5")
    actions = np.random.default_rng(1).uniform(-0.4, 0.4, size=(len(states), *(simulator.action_space.shape or ())))

    def outcome(i: int):
        simulator.set_state(states[i])
        observation, reward, terminated = simulator.step(actions[i])
        return *observation, reward, terminated

    first = [outcome(i) for i in range(len(states))]
    assert first == [outcome(i) for i in reversed(range(len(states)))][::-1]


@pytest.mark.parametrize("name", ["Reacher", "Pusher", "Walker2d", "Ant", "Humanoid"])
def test_it_shows_what_the_environment_shows(name: str):
    env = make(f"{name}-v5")
    simulator, action = simulator_of(env), np.full(env.action_space.shape or (), 0.1)
    shown, _ = env.reset(seed=5)
    expected = env.step(action)
    simulator.reset(5)
    assert np.array_equal(simulator.observe(), shown)
    observation, reward, terminated = simulator.step(action)
    assert np.array_equal(observation, expected[0])
    assert (reward, terminated) == (expected[1], expected[2])


@pytest.mark.parametrize("name", ["Hopper", "Walker2d", "HalfCheetah", "Ant", "Humanoid"])
def test_sampled_poses_keep_to_the_limits_and_stay_above_the_floor(name: str):
    simulator, states = sampled(f"{name}-v5", 100)
    model = simulator.model  # pyright: ignore[reportAttributeAccessIssue]
    data = mujoco.MjData(model)
    limited = np.flatnonzero(model.jnt_limited)
    angles = states[:, model.jnt_qposadr[limited]]
    low, high = model.jnt_range[limited].T
    low, high = np.minimum(low, 0), np.maximum(high, 0)  # the ant's ankles start outside their limits
    assert (angles >= low - 0.1).all()
    assert (angles <= high + 0.1).all()
    assert angles.std(axis=0).min() > 0.05
    for state in states:
        data.qpos[:] = state[: model.nq]
        mujoco.mj_forward(model, data)
        assert min((contact.dist for contact in data.contact[: data.ncon]), default=0.0) > -0.1


def test_an_observation_that_shows_no_state_is_refused():
    from gymnasium.envs.mujoco.swimmer_v5 import SwimmerEnv

    class Reversed(SwimmerEnv):
        def _get_obs(self):
            return super()._get_obs()[::-1]

    with pytest.raises(SimulatorError, match=r"Reversed observes 8 numbers that do not begin with the 5 positions"):
        simulator_of(Reversed())


def test_positions_may_be_observed_whole():
    env = make("Swimmer-v5", exclude_current_positions_from_observation=False)
    simulator = simulator_of(env)
    simulator.reset(0)
    assert np.array_equal(simulator.get_state(), simulator.observe())


BASE = (ASSETS / "walker2d_v5.xml").read_text() if (ASSETS / "walker2d_v5.xml").exists() else ""
FAULTS = {  # the parameter: what has it on the right, the text of the left one, and what takes its place
    "armature": ("leg_joint", 'name="leg_left_joint"', 'name="leg_left_joint" armature="{}"', 0.01, 1),
    "stiffness": ("leg_joint", 'name="leg_left_joint"', 'name="leg_left_joint" stiffness="{}"', 0.0, 1),
    "friction": ("foot_geom", 'friction="1.9" name="foot_left_geom"', 'friction="{} .1 .1" name="foot_left_geom"', 1.9, 1),
    "mass": ("leg", 'name="leg_left_geom"', 'name="leg_left_geom" density="{}"', 1000.0, 2.7813566959781637e-3),
}


@pytest.mark.parametrize("size", [1e-2, 1e-3, 1e-4])
@pytest.mark.parametrize("parameter", FAULTS)
def test_a_planted_fault_is_found_and_named(parameter: str, size: float, tmp_path: Path):
    name, old, new, value, unit = FAULTS[parameter]
    wrong = value * (1 + size) if value else size
    assert old in BASE
    model = tmp_path / "walker.xml"
    model.write_text(BASE.replace(old, new.format(repr(wrong))))
    env, symmetry = gym.make("Walker2d-v5", xml_file=str(model)), symmetry_of("Walker2d-v5")
    assert "observation" in {part.part for part in verify(env, symmetry, samples=500).failures}
    found = {difference.parameter: difference for difference in explain(env, symmetry).differences}
    assert set(found) - {"inertia"} == {parameter}  # heavier is harder to turn as well
    difference = found[parameter]
    assert difference.name == name
    assert difference.image.replace("_left", "") == name
    assert difference.value[0] == pytest.approx(value * unit)
    assert difference.found[0] == pytest.approx(wrong * unit, rel=1e-9)


def walker(swap: bool = True, sign: int = 1, order: tuple[int, ...] = (3, 4, 5, 0, 1, 2)) -> Symmetry:
    """The exchange of the legs, or a wrong one."""
    true, c2 = symmetry_of("Walker2d-v5"), groups.cyclic(2)
    observation = true.observation(1).astype(float) if swap else np.eye(17)
    observation[1] *= sign
    action = np.eye(6)[list(order)]
    reps = [Representation.from_generators(c2, [matrix]) for matrix in (observation, action)]
    return Symmetry(c2, *reps, observation_names=true.observation_names, action_names=true.action_names)


def test_wrong_symmetries_are_rejected():
    for wrong in (walker(sign=-1), walker(order=(3, 5, 4, 0, 2, 1)), walker(order=(0, 1, 2, 3, 4, 5)), walker(swap=False)):
        report = verify("Walker2d-v5", wrong, samples=100)
        assert "observation" in {part.part for part in report.failures}
        assert report.failures[0].violations > 50
    assert verify("Walker2d-v5", walker(), samples=100).passed


def test_a_wrong_order_of_actuators_is_explained():
    found = explain("Walker2d-v5", walker(order=(3, 5, 4, 0, 2, 1))).differences
    assert {difference.parameter for difference in found} == {"joint"}
    assert {(d.name, d.expected, d.found) for d in found} >= {("1 (leg_joint)", "leg_left_joint", "foot_left_joint")}


def by_name(explanation: Explanation) -> dict[tuple[str, str], tuple]:
    return {(d.name, d.parameter): (d.value, d.image, d.found) for d in explanation.differences}


def test_the_defects_of_the_humanoid_are_named():
    explanation = explain("Humanoid-v5", symmetry_of("Humanoid-v5"))
    assert by_name(explanation) == {
        ("right_hip_y", "armature"): ((0.008,), "left_hip_y", (0.01,)),
        ("right_knee", "stiffness"): ((0.0,), "left_knee", (1.0,)),
    }
    assert "PGS" in explanation.notes[0]
    assert "right_hip_y" in str(explanation)
    assert json.loads(json.dumps(explanation.as_dict()))["differences"][0]["parameter"] == "armature"
    images = {name: image for _, kind, name, image in explanation.images if kind == "body"}
    assert images["right_foot"] == "left_foot"
    assert images["left_lower_arm"] == "right_lower_arm"
    assert images["pelvis"] == "pelvis"


def test_a_humanoid_without_its_defects_is_symmetric(tmp_path: Path):
    text = (ASSETS / "humanoid.xml").read_text()
    knee = 'range="-160 -2" stiffness="1"'
    for old, new in (('armature="0.0080"', 'armature="0.01"'), (knee, 'range="-160 -2"'), ('solver="PGS"', 'solver="Newton"')):
        assert old in text
        text = text.replace(old, new)
    model = tmp_path / "humanoid.xml"
    model.write_text(text)
    env, symmetry = gym.make("Humanoid-v5", xml_file=str(model)), symmetry_of("Humanoid-v5")
    report = verify(env, symmetry, samples=200)
    assert report.passed
    assert report.largest_error < 1e-10
    explanation = explain(env, symmetry)
    assert explanation.differences == explanation.notes == ()
    assert "no parameter that differs" in str(explanation)


def test_the_friction_of_the_feet_of_walker2d_v4_is_named():
    explanation = explain("Walker2d-v4", symmetry_of("Walker2d-v5"))
    assert by_name(explanation) == {("foot_geom", "friction"): ((0.9, 0.1, 0.1), "foot_left_geom", (1.9, 0.1, 0.1))}


def test_the_leaning_pole_is_named_and_its_mirror_about_the_upright_pose_leaves_nothing():
    entry = entry_of("InvertedPendulum-v5")
    assert entry.symmetry is not None
    found = by_name(explain("InvertedPendulum-v5", entry.symmetry))
    assert set(found) >= {("pole", "centre of mass"), ("cpole", "direction")}
    assert {name for name, _ in found} == {"pole", "cpole"}
    assert explain("InvertedPendulum-v5", entry.alternatives[0]).differences == ()


def test_the_side_wind_of_gravity_is_named():
    found = by_name(explain("InvertedDoublePendulum-v5", symmetry_of("InvertedDoublePendulum-v5")))
    assert found == {("model", "gravity"): ((1e-5, 0.0, -9.81), "model", (1e-5, 0.0, -9.81))}


@pytest.mark.parametrize("name", ["Reacher", "Swimmer", "Walker2d", "Ant"])
def test_true_symmetries_have_nothing_to_explain(name: str):
    assert explain(f"{name}-v5", symmetry_of(f"{name}-v5")).differences == ()


def test_only_models_are_explained():
    with pytest.raises(SimulatorError, match="CartPole-v1 has none"):
        explain("CartPole-v1", symmetry_of("CartPole-v1"))


MISSING = """
import sys
import symmdp, symmdp.mdp
from symmdp.errors import MissingExtraError
assert "mujoco" not in sys.modules
symmetry = symmdp.symmetry_of("Walker2d-v5")
for package in ("imageio", "mujoco"):
    for name in [m for m in sys.modules if m.startswith(("gymnasium.envs.mujoco", "mujoco", "symmdp.mdp.simulators._mujoco"))]:
        del sys.modules[name]
    sys.modules[package] = None
    for call in (symmdp.verify, symmdp.mdp.explain):
        try:
            call("Walker2d-v5", symmetry)
        except MissingExtraError as error:
            assert "pip install 'symmdp[mujoco]'" in str(error), error
        else:
            raise AssertionError(package)
"""


def test_a_missing_extra_is_named():
    subprocess.run([sys.executable, "-c", MISSING], check=True)
