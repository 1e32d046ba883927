import os
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle

from symmdp.catalogue import symmetry_of
from symmdp.errors import MissingExtraError, ShapeError, SimulatorError, SymmetryError
from symmdp.experiments import asymmetry, draw_mirror_image, mirror_image_figure
from symmdp.experiments._asymmetry import visited_observations
from symmdp.experiments._drawing import can_draw, draw_states
from symmdp.experiments._mirror_image import most_telling_observation
from symmdp.policies import ActorCritic

DRAWN = ["CartPole-v1", "Pendulum-v1", "Acrobot-v1"]
STATES = {
    "CartPole-v1": [-0.6, 0.1, 0.12, -0.2],
    "Pendulum-v1": [np.cos(2.0), np.sin(2.0), 1.0],
    "Acrobot-v1": [np.cos(0.7), np.sin(0.7), np.cos(1.2), np.sin(1.2), 0.5, -0.5],
}


def policies(environment_id: str) -> dict[str, ActorCritic]:
    symmetry, environment = symmetry_of(environment_id), gym.make(environment_id)
    found = {}
    for name, own in (("equivariant", symmetry), ("plain", symmetry.restrict_to_trivial())):
        generator = torch.Generator().manual_seed(1)
        found[name] = ActorCritic(own, environment.observation_space, environment.action_space, (8,), generator=generator)
        with torch.no_grad():
            for parameter in found[name].actor.parameters():
                parameter.mul_(6).add_(0.1)
    environment.close()
    return found


@pytest.mark.parametrize("environment_id", DRAWN)
def test_pictures_of_a_state_and_its_image_are_mirror_images(environment_id: str) -> None:
    state = np.array(STATES[environment_id])
    before = dict(os.environ)
    picture, image = draw_states(environment_id, np.stack([state, symmetry_of(environment_id).transform_observation(1, state)]))
    difference = np.abs(picture.astype(int) - image[:, ::-1]).sum(axis=2) > 60
    against_itself = np.abs(picture.astype(int) - picture[:, ::-1]).sum(axis=2) > 60
    assert difference.mean() < 0.2 * against_itself.mean()  # the renderer rounds to whole pixels
    assert dict(os.environ) == before


def test_which_environments_can_be_drawn() -> None:
    assert all(can_draw(name) for name in [*DRAWN, "CartPole-v0"])
    assert not can_draw("MountainCar-v0")
    assert not can_draw("Nothing-v0")
    with pytest.raises(SimulatorError, match="cannot be drawn"):
        draw_states("MountainCar-v0", np.zeros((1, 2)))


@pytest.mark.parametrize("environment_id", DRAWN)
def test_asymmetry_is_zero_for_the_equivariant_policy_only(environment_id: str) -> None:
    states, symmetry = np.array([STATES[environment_id]]), symmetry_of(environment_id)
    both = policies(environment_id)
    assert asymmetry(both["equivariant"], symmetry, states, 1)[0] < 1e-6
    assert asymmetry(both["plain"], symmetry, states, 1)[0] > 1e-3


@pytest.mark.parametrize("environment_id", DRAWN)
def test_figure_shows_both_policies_in_both_states(environment_id: str) -> None:
    symmetry = symmetry_of(environment_id)
    figure = mirror_image_figure(environment_id, symmetry, policies(environment_id), STATES[environment_id])
    assert len(figure.axes) == 2 + 2 * 2
    bars = [[bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)] for axes in figure.axes[2:]]
    there, image = bars[0], bars[1]  # of the equivariant policy
    moved = np.array(there)[::-1] if len(there) > 1 else -np.array(there)
    assert image == pytest.approx(moved, abs=1e-6)
    assert figure.get_suptitle() == "Mirror the state: the equivariant policy mirrors its actions, the plain one does not"
    if environment_id == "CartPole-v1":
        assert [label.get_text() for label in figure.axes[2].get_yticklabels()] == ["← left", "→ right"]


def test_writes_png_and_pdf(tmp_path: Path) -> None:
    state = STATES["CartPole-v1"]
    path = tmp_path / "mirror_image.png"
    draw_mirror_image("CartPole-v1", symmetry_of("CartPole-v1"), policies("CartPole-v1"), state, path, caption="a caption")
    png = path.read_bytes()
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20]) == 1600
    assert path.with_suffix(".pdf").stat().st_size > 5_000


def test_state_shown_is_a_visited_one_where_the_policy_is_worst() -> None:
    symmetry, both = symmetry_of("CartPole-v1"), policies("CartPole-v1")
    visited = visited_observations("CartPole-v1", both, episodes=2)
    chosen = most_telling_observation("CartPole-v1", symmetry, both["plain"], visited)
    looks = (np.abs(visited[:, [0, 2]]) / visited[:, [0, 2]].std(axis=0)).sum(axis=1)
    searched = visited[looks >= np.quantile(looks, 0.9)]
    assert (searched == chosen).all(axis=1).any()
    of_chosen = asymmetry(both["plain"], symmetry, chosen[None], 1)[0]
    assert of_chosen == pytest.approx(asymmetry(both["plain"], symmetry, searched, 1).max(), rel=1e-4)
    assert np.array_equal(visited, visited_observations("CartPole-v1", both, episodes=2))


def test_bad_input() -> None:
    symmetry, both = symmetry_of("CartPole-v1"), policies("CartPole-v1")
    with pytest.raises(ShapeError, match=r"\(4,\)"):
        mirror_image_figure("CartPole-v1", symmetry, both, [0.0, 0.0])
    with pytest.raises(SymmetryError, match="trivial"):
        mirror_image_figure("CartPole-v1", symmetry.restrict_to_trivial(), both, STATES["CartPole-v1"])


def test_names_the_extra_without_pygame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygame", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'symmdp\[experiments\]'"):
        draw_states("CartPole-v1", np.zeros((1, 4)))
