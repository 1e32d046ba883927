"""The pictures draw without warnings, are not blank, show what they say, and refuse what they cannot draw."""

import io

import numpy as np
import pytest
import torch
from matplotlib.image import imread

import symmdp
from symmdp.errors import OptionError, ShapeError, SpaceMismatchError
from symmdp.mdp import make_environment
from symmdp.practical import pictures
from symmdp.practical.pictures import Picture


def leaning(states: torch.Tensor) -> torch.Tensor:
    """An equivariant policy that pushes to where the pole leans."""
    push = 8 * states[:, 2] + 2 * states[:, 3]
    return torch.softmax(torch.stack([-push, push], -1), -1)


def lopsided(states: torch.Tensor) -> torch.Tensor:
    return leaning(states + 0.1)


W = torch.tensor([[0.1, 0.5, -0.8, -0.7], [-0.4, 0.3, 0.0, 0.8]], requires_grad=True)
DRAWN = {
    "mirror_pair": lambda: pictures.mirror_pair(),
    "mirror_pair with policy": lambda: pictures.mirror_pair((2.3, 0, 0.1, 0), 1, leaning),
    "phase_plane": lambda: pictures.phase_plane(),
    "symmetrized_weights": lambda: pictures.symmetrized_weights(W, W - W.flip(0)),
    "symmetrized_weights, tall": lambda: pictures.symmetrized_weights(np.ones((8, 4)), np.zeros((8, 4))),
    "basis_images": lambda: pictures.basis_images([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[1, 1], [1, 1]]]),
    "basis_images, two rows": lambda: pictures.basis_images(np.eye(6).reshape(6, 2, 3)),
    "policy_maps": lambda: pictures.policy_maps({"plain": lopsided, "equivariant": leaning, "constant": half}),
    "learning_curves": lambda: pictures.learning_curves({"plain": [[1, 2, 3]], "equivariant": torch.ones(2, 5)}, window=2),
    "grid_world_turns": lambda: pictures.grid_world_turns(),
    "grid_world_turns, noop": lambda: pictures.grid_world_turns(0, 0),
    "commuting_squares": lambda: pictures.commuting_squares(),
    "residual_map": lambda: pictures.residual_map(cells=9),
    "pong_flip": lambda: pictures.pong_flip(),
    "slider": lambda: pictures.MirrorSlider(leaning).still(),
}


def half(states: torch.Tensor) -> torch.Tensor:
    return torch.full((len(states), 2), 0.5)


def pixels(picture: Picture) -> np.ndarray:
    return imread(io.BytesIO(picture.png()))[..., :3]


@pytest.mark.parametrize("name", list(DRAWN))
def test_pictures_are_drawn(name):
    picture = DRAWN[name]()
    image = pixels(picture)
    assert 800 < image.shape[1] < 1600
    painted = (image < 0.95).any(axis=2)
    assert 0.01 < painted.mean() < 0.9
    # In each quarter of the picture there is something to see.
    assert all(part.any() for rows in np.array_split(painted, 2) for part in np.array_split(rows, 2, axis=1))
    bundle, size = picture._repr_mimebundle_()
    assert bundle["image/png"].startswith(b"\x89PNG")
    assert bundle["text/plain"] == picture.words
    assert size["image/png"]["width"] < 1000
    assert not painted[:, -1].any(), "something is cut off at the right"
    assert not painted[:, 0].any(), "something is cut off at the left"


def test_a_picture_is_written(tmp_path):
    pictures.commuting_squares().save(tmp_path / "squares.pdf")
    assert (tmp_path / "squares.pdf").read_bytes().startswith(b"%PDF")


def test_the_mirror_image_is_one():
    """Left and right of the picture are mirror images, but for the letters: the two poles are."""
    image = pixels(pictures.mirror_pair((0.7, 0, 0.15, 0), 1))
    pole = np.abs(image - np.array([0xE6, 0x9F, 0x00]) / 255).max(axis=2) < 0.02
    assert pole.sum() > 1000
    assert (pole != pole[:, ::-1]).sum() < 0.1 * pole.sum()
    assert (pole != np.roll(pole, 40, axis=1)).sum() > pole.sum() / 2  # the negative control


def test_the_map_of_an_equivariant_policy_says_so():
    titles = [axes.get_title() for axes in pictures.policy_maps({"a": lopsided, "b": leaning}).figure.axes[:2]]
    assert titles[1].endswith(": 0")
    assert float(titles[0].rpartition(": ")[2]) > 0.1


def test_residuals_find_the_wall_and_the_goal():
    valley = symmdp.catalogue.entry_of("MountainCar-v0").candidate
    positions, speeds, size, flags = pictures.symmetry_residuals("MountainCar-v0", valley, cells=19)
    assert (positions[0], speeds[-1]) == pytest.approx((-1.2, 0.07))
    assert size[0, 0] > 0.1  # against the wall
    assert size[9, 9] < 1e-12  # in the valley
    assert flags[-1, -1]  # beyond the goal
    assert not flags[:9].any()


def test_residuals_need_a_plane():
    with pytest.raises(SpaceMismatchError, match="two observed coordinates"):
        pictures.symmetry_residuals("CartPole-v1", symmdp.symmetry_of("CartPole-v1"))


def test_the_paddle_of_pong_moves_up_with_action_2():
    """The picture's words for the actions."""
    env = make_environment("ALE/Pong-v5", frameskip=1, repeat_action_probability=0.0)
    screen, _ = env.reset(seed=0)
    rows = []
    for action in [0] * 60 + [2] * 6 + [3] * 6:
        screen, *_ = env.step(action)
        paddle = (screen[34:194, 140:144] == (92, 186, 92)).all(axis=2).any(axis=1)
        rows.append(np.flatnonzero(paddle).mean() if paddle.any() else np.nan)
    env.close()
    assert rows[65] < rows[59]
    assert rows[71] > rows[65]


def test_the_frames_of_pong_are_those_of_the_environment():
    frames = pictures.pong_frames()
    assert frames.shape == (4, 80, 80)
    assert frames.dtype == np.uint8
    assert (frames[0] != frames[-1]).any()


def test_sliders_move_both_images():
    slider = pictures.MirrorSlider(leaning)
    before = slider.widget.children[2].value
    slider.widget.children[0].children[1].children[0].value = -0.15  # θ
    after = slider.widget.children[2].value
    assert slider.state[2] == pytest.approx(-0.15)
    assert after != before
    assert bytes(after).startswith(b"\x89PNG")
    slider.widget.children[1].value = 0
    assert slider.action == 0
    assert slider.widget.children[2].value != after


def test_sliders_have_a_picture_beside_them():
    bundle, _ = pictures.MirrorSlider()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["image/png"].startswith(b"\x89PNG")


def test_without_ipywidgets_there_is_the_picture_alone(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ipywidgets", None)
    slider = pictures.MirrorSlider()
    assert slider.widget is None
    assert set(slider._repr_mimebundle_()[0]) == {"image/png", "text/plain"}


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (lambda: pictures.mirror_pair((1, 2, 3)), ShapeError, "four numbers"),
        (lambda: pictures.mirror_pair(policy=lambda s: s), ShapeError, r"expected \(2, 2\)"),
        (lambda: pictures.symmetrized_weights(W, W.T), ShapeError, "two matrices of one shape"),
        (lambda: pictures.symmetrized_weights(W, "no"), ShapeError, "Expected numbers"),
        (lambda: pictures.symmetrized_weights(W, [[1, 2], [3]]), ShapeError, "rows of one length"),
        (lambda: pictures.basis_images(W), ShapeError, r"\(rank, out, in\)"),
        (lambda: pictures.policy_maps({}), ShapeError, "at least one policy"),
        (lambda: pictures.learning_curves({}), ShapeError, "at least one method"),
        (lambda: pictures.learning_curves({"plain": [1, 2]}), ShapeError, r"\(seeds, episodes\)"),
        (lambda: pictures.grid_world_turns(49), OptionError, "0 … 48"),
        (lambda: pictures.commuting_squares(("a", "b"), ("f", "g")), ShapeError, "2 layers have 3"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, error, message):
    with pytest.raises(error, match=message):
        draw()
