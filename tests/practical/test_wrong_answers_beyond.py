"""Typical wrong answers to notebook 4, each caught by the right message."""

import copy

import gymnasium as gym
import numpy as np
import pytest
import torch

import symmdp
from symmdp import Representation, Symmetry, groups
from symmdp.errors import OptionError, WrongAnswerError
from symmdp.policies import ActorCritic
from symmdp.practical import check, faulty_cart_pole
from symmdp.practical._faulty_cart_poles import CART_POLES
from symmdp.representations import flip, image

AFTER = [0, 4, 1, 2, 3]


def wrong(name, *answers):
    """What `check` says."""
    with pytest.raises(WrongAnswerError) as caught:
        check(name, *answers)
    assert str(caught.value).startswith(f"{name}: ")
    return str(caught.value)


def turned(quarter):
    return [np.linalg.matrix_power(quarter, k) for k in range(4)]


QUARTER = np.eye(5)[AFTER].T


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (turned(QUARTER.T), "Your quarter turn is transposed"),
        (turned(np.eye(5)[[1, 2, 3, 4, 0]]), "moves noop"),
        (turned(np.eye(5)), "up should become left"),
        ([*turned(QUARTER)[1:], np.eye(5)], "should be the identity"),
        ([np.eye(5), QUARTER, QUARTER.T, QUARTER @ QUARTER], "the list is identity, r, r², r³"),
        (turned(QUARTER)[:2], "should hold 4 matrices"),
        (turned(QUARTER[1:, 1:]), "expected 5 × 5"),
    ],
)
def test_turned_actions(answer, message):
    check("turned-actions", lambda: turned(QUARTER))
    assert message in wrong("turned-actions", lambda: answer)


def symmetrize(W, group, *, out=torch.linalg.inv, into=lambda matrix: matrix, divide=4):
    return sum(out(K_g) @ W @ into(L_g) for L_g, K_g in zip(*group, strict=True)) / divide


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"out": lambda matrix: matrix}, "the inverse is missing (or"),
        ({"out": lambda matrix: matrix, "divide": 1}, "the inverse and the factor 1/|G| are missing"),
        ({"divide": 1}, "the factor 1/|G| is missing"),
        ({"divide": 2}, "this group has 4 elements"),
        ({"into": torch.linalg.inv}, "or on both sides, which is the same sum"),
        ({"out": lambda matrix: matrix.T}, "it takes the transpose for the inverse"),
    ],
)
def test_symmetrizers(options, message):
    check("any-symmetrizer", symmetrize)
    assert message in wrong("any-symmetrizer", lambda W, group: symmetrize(W, group, **options))


def test_the_missing_inverse_is_not_seen_under_a_mirror():
    """Why the exercise is about turns: over C2 the wrong symmetrizer is the right one."""
    group = [[torch.eye(4), -torch.eye(4)], [torch.eye(2), torch.eye(2).flip(0)]]
    W = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        symmetrize(W, group, out=lambda matrix: matrix, divide=2), symmetrize(W, group, divide=2), rtol=0, atol=0
    )


def test_layers_without_the_inverse():
    right = {1: False, 2: True, 3: False, 4: True}
    check("layers-without-inverse", right)
    assert "1 layer: without the inverse" in wrong("layers-without-inverse", right | {1: True})
    assert "4 layers: without the inverse" in wrong("layers-without-inverse", right | {4: False})
    assert "should be a dictionary" in wrong("layers-without-inverse", [False, True])
    assert "no answer yet" in wrong("layers-without-inverse", {1: ..., 2: ..., 3: ..., 4: ...})


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (2205, "the number of all weights"),
        (551, "a quarter of all, rounded"),
        (2208, "divide it by |G|"),
        (13, "use the traces"),
        (551.25, "should be a whole number"),
    ],
)
def test_dimension(answer, message):
    check("grid-world-dimension", 552)
    assert message in wrong("grid-world-dimension", answer)


C2 = groups.cyclic(2)
PONG = [0, 1, 3, 2, 5, 4]


def pong(channels=None, plane=None, permutation=PONG, size=(80, 80)):
    action = Representation(C2, [np.eye(6), np.eye(6)[permutation]])
    return Symmetry(C2, image(channels or 4 * C2.trivial, plane or flip(C2, "y"), *size), action)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (pong(plane=flip(C2, "x")), "exchanges the players"),
        (pong(plane=Representation(C2, [np.eye(2), -np.eye(2)])), "half a turn"),
        (pong(plane=2 * C2.trivial), "it leaves the frames alone"),
        (pong(channels=Representation(C2, [np.eye(4), np.eye(4)[::-1]])), "which is time"),
        (pong(channels=Representation(C2, [np.eye(4), -np.eye(4)])), "light would become dark"),
        (pong(permutation=range(6)), "leaves all actions alone"),
        (pong(permutation=[0, 1, 3, 2, 4, 5]), "does not take RIGHTFIRE (4) to LEFTFIRE (5)"),
        (pong(permutation=[1, 0, 3, 2, 5, 4]), "moves NOOP"),
        (pong(size=(84, 84)), "expected (4, 80, 80)"),
        (symmdp.symmetry_of("CartPole-v1"), "expected (4, 80, 80)"),
        (PONG, "should be a symmdp.Symmetry"),
    ],
)
def test_pong(answer, message):
    check("pong-symmetry", pong())
    assert message in wrong("pong-symmetry", answer)


def test_causes_of_broken_symmetries():
    pong_breaks = {"the scores above the field": "only if they are seen", "a left-right mirror": "it is no symmetry"}
    pong_breaks["the paddle at the ends of its range"] = "a little"
    assert "it exchanges the players" in wrong("pong-breaks", pong_breaks | {"a left-right mirror": "a little"})
    causes = {"observation": "wall", "reward": "nothing", "termination": "goal"}
    causes |= {"initial states": "where episodes start", "bounds": "range of positions"}
    check("mountain-car", causes)
    assert "a car that hits the wall stops" in wrong("mountain-car", causes | {"observation": "goal"})
    assert "it is −1 at every step" in wrong("mountain-car", causes | {"reward": "goal"})
    assert "expected one of" in wrong("mountain-car", causes | {"bounds": "gravity"})


TILT = float(np.arctan2(0.0005, 0.3))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([0, TILT, 0, 0], "the wrong sign"),
        ([0, -2 * TILT, 0, 0], "twice the tilt"),
        ([0, -np.degrees(TILT), 0, 0], "in degrees"),
        ([0, 0, 0, 0], "Your centre is the origin"),
        ([-TILT, 0, 0, 0], "Only the angle has another centre"),
        ([0, 0.3, 0, 0], "off the vertical"),
        (-TILT, "a single number; expected 4"),
    ],
)
def test_tilt(answer, message):
    check("tilted-pole", [0, -TILT, 0, 0])
    assert message in wrong("tilted-pole", answer)


def test_the_tilt_is_that_of_the_model():
    pytest.importorskip("mujoco")
    mirror = symmdp.symmetry_of("InvertedPendulum-v5")
    errors = []
    for center in (0.0, -TILT):
        tilted = Symmetry(mirror.group, mirror.observation, mirror.action, observation_center=[0, center, 0, 0])
        errors.append(symmdp.verify("InvertedPendulum-v5", tilted, samples=50).epsilon["observation"].largest)
    assert errors[0] > 1e-3
    assert errors[1] < 1e-12


@pytest.mark.parametrize("name", list(CART_POLES))
def test_a_planted_fault_shows_in_its_part_alone(name):
    parts = {
        "nothing": set(),
        "a push is weaker": {"observation"},
        "a wall on one side": {"termination"},
        "the reward takes sides": {"reward"},
        "it starts leaning": {"initial states"},
    }
    report = symmdp.verify(faulty_cart_pole(name), symmdp.symmetry_of("CartPole-v1"))
    assert {part.part for part in report.failures} == parts[CART_POLES[name]]
    other = "a wall on one side" if CART_POLES[name] != "a wall on one side" else "nothing"
    assert f"{name}: not '{other}'" in wrong("planted-faults", CART_POLES | {name: other})


def test_there_are_five_cart_poles():
    with pytest.raises(OptionError, match="amber, birch"):
        faulty_cart_pole("fir")


def acrobot(symmetry=None, name="Acrobot-v1"):
    env = gym.make(name)
    return ActorCritic(symmetry or symmdp.symmetry_of(name), env.observation_space, env.action_space, hidden=(8,))


class Constant(torch.nn.Module):
    def forward(self, states):
        return torch.zeros(len(states), 3), torch.zeros(len(states))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: acrobot(symmdp.symmetry_of("Acrobot-v1").restrict_to_trivial()), "built on the trivial group"),
        (lambda: acrobot(name="CartPole-v1"), "raised"),
        (lambda: ActorCritic, "ready to be used"),
        (lambda: torch.nn.Linear(6, 3), "two things"),
        (Constant, "the same logits in every state"),
        (lambda: None, "returned None"),
    ],
)
def test_policies_for_acrobot(make, message):
    check("acrobot-policy", acrobot)
    assert message in wrong("acrobot-policy", make)


def test_plain_copies():
    policy = acrobot()
    check("plain-copy", policy, policy.to_plain())
    assert "plain is the policy itself" in wrong("plain-copy", policy, policy)
    assert "still holds layers of symmdp" in wrong("plain-copy", policy, copy.deepcopy(policy))
    assert "another function" in wrong("plain-copy", policy, acrobot().to_plain())
    assert "should be a torch.nn.Module" in wrong("plain-copy", policy, policy.state_dict())
