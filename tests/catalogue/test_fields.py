"""Fields in declarations: what an isometry of space does to each kind follows from geometry, and nonsense is refused."""

import copy
import re
import tomllib
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from symmdp.catalogue import declared_symmetry, load_symmetry
from symmdp.catalogue.specification._fields import Anatomy, declared_fields
from symmdp.catalogue.specification._isometry import fields_matrix
from symmdp.catalogue.specification._kinds import Isometry
from symmdp.errors import SpecificationError, SymmdpError
from symmdp.representations import ImageRepresentation

DOCUMENT = Path(__file__).parents[2] / "docs" / "symmetry_files.md"
SIGNED = [
    np.eye(3)[list(order)] * np.array(signs)[:, None]
    for order in permutations(range(3))
    for signs in product((1, -1), repeat=3)
]
NOTHING = Anatomy({}, {})


def block(kind: str, isometry: np.ndarray, **more: Any) -> np.ndarray:
    fields = declared_fields([{"name": "f", "kind": kind, **more}], "observation", NOTHING)
    return fields_matrix(fields, Isometry(isometry, isometry), {}, {})


@pytest.mark.parametrize("isometry", SIGNED, ids=range(48))
def test_kinds_are_those_of_geometry(isometry: np.ndarray):
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(2, 3))
    moved = block("vector", isometry)
    assert np.array_equal(moved, isometry)
    assert np.allclose(np.cross(moved @ a, moved @ b), block("pseudovector", isometry) @ np.cross(a, b))
    c = generator.normal(size=3)
    triple = a @ np.cross(b, c)
    mirrored = (moved @ a) @ np.cross(moved @ b, moved @ c)
    assert np.allclose(mirrored, block("pseudoscalar", isometry) * triple)
    assert np.array_equal(block("scalar", isometry, size=2), np.eye(2))
    tensor = np.outer(a, a) + np.outer(b, b)
    entries = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]
    image = isometry @ tensor @ isometry.T
    assert np.allclose(block("inertia", isometry) @ [tensor[e] for e in entries], [image[e] for e in entries])


@pytest.mark.parametrize("isometry", SIGNED, ids=range(48))
def test_hinges_turn_as_the_angular_velocity_about_their_axes_does(isometry: np.ndarray):
    axes = np.array([[0, 0, 1.0], [2, 1, 1], [0, -1, 1]])
    images = axes @ isometry.T * [[1], [-1], [1]]  # the model writes the axis of the image's second joint the other way round
    fields = declared_fields(
        [
            {"name": "here", "kind": "hinges", "axes": axes.tolist()},
            {"name": "there", "kind": "hinges", "axes": images.tolist()},
        ],
        "observation",
        NOTHING,
    )
    # One way only: the images of the images need not be where the first ones are.
    signs = np.diag(fields[0].block(fields[1], Isometry(isometry, isometry)))
    speeds = np.array([0.3, -0.7, 1.1])
    unit = axes / np.linalg.norm(axes, axis=1, keepdims=True)
    unit_there = images / np.linalg.norm(images, axis=1, keepdims=True)
    turned = np.linalg.det(isometry) * (speeds[:, None] * unit) @ isometry.T
    assert np.allclose((signs * speeds)[:, None] * unit_there, turned)
    slides = declared_fields([{"name": "s", "kind": "slides", "axes": axes[:1].tolist()}], "observation", NOTHING)[0]
    if np.allclose(np.abs(isometry @ axes[0]), axes[0]):
        assert slides.block(slides, Isometry(isometry, isometry)) == pytest.approx((isometry @ axes[0])[2])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_a_quaternion_is_the_orientation_of_a_body(seed: int, mirrored: bool):
    generator = np.random.default_rng(seed)
    world, body, pose = (Rotation.random(rng=generator) for _ in range(3))
    sign = -1 if mirrored else 1
    fields = declared_fields([{"name": "q", "kind": "quaternion"}], "observation", NOTHING)
    matrix = fields_matrix(fields, Isometry(sign * world.as_matrix(), sign * body.as_matrix()), {}, {})
    assert np.allclose(matrix @ matrix.T, np.eye(4))
    moved = Rotation.from_quat(matrix @ pose.as_quat(scalar_first=True), scalar_first=True)
    assert np.allclose(moved.as_matrix(), (world * pose * body.inv()).as_matrix())


def test_a_mirror_of_the_frame_alone_moves_no_quaternion():
    fields = declared_fields([{"name": "q", "kind": "quaternion"}], "observation", NOTHING)
    with pytest.raises(SpecificationError, match=r"mirrored together with the body's own frame"):
        fields_matrix(fields, Isometry(np.eye(3), -np.eye(3)), {}, {})


CREATURE = """
parts.legs = ["leg 1", "leg 2", "leg 3"]
axes = { "leg 1" = "z", "leg 2" = "z", "leg 3" = "z" }
[observation]
fields = [
    { name = "height" },
    { of = "legs", kind = "hinges" },
    { name = "v", kind = "vector" },
    { name = "ω", kind = "pseudovector", frame = "body" },
    { of = "legs", fields = [{ name = "force", kind = "vector", axes = "xy" }, { name = "touch" }] },
]
[action]
fields = [{ of = "legs", name = "torque", kind = "hinges" }]
[[generators]]
name = "turn"
order = 3
turn = { axis = "z", degrees = 120 }
swap = [["leg 1", "leg 2", "leg 3"]]
"""


def creature() -> dict[str, Any]:
    return tomllib.loads(CREATURE)


def test_parts_repeat_fields_and_swap_cyclically():
    symmetry = declared_symmetry(creature())
    assert symmetry.group.order == 3
    names = symmetry.observation_names
    assert names is not None
    assert names[:10] == ("height", "leg 1", "leg 2", "leg 3", "v x", "v y", "v z", "ω x", "ω y", "ω z")
    assert names[10:13] == ("leg 1 force x", "leg 1 force y", "leg 1 touch")
    assert symmetry.action_names == ("leg 1 torque", "leg 2 torque", "leg 3 torque")
    state = np.arange(len(names), dtype=float)
    image = dict(zip(names, symmetry.transform_observation(1, state), strict=True))
    old = dict(zip(names, state, strict=True))
    assert (image["leg 2"], image["leg 3"], image["leg 1"]) == (old["leg 1"], old["leg 2"], old["leg 3"])
    assert image["leg 1 touch"] == old["leg 3 touch"]
    c, s = -0.5, np.sqrt(0.75)
    assert image["v x"] == pytest.approx(c * old["v x"] - s * old["v y"])
    assert image["leg 2 force y"] == pytest.approx(s * old["leg 1 force x"] + c * old["leg 1 force y"])


@pytest.mark.parametrize("frame", ["world", "body"])
def test_a_frame_moves_alone(frame: str):
    contents = creature()
    contents["generators"][0]["frame"] = frame
    symmetry = declared_symmetry(contents)
    matrix, names = symmetry.observation(1), symmetry.observation_names
    assert names is not None
    v, w = names.index("v x"), names.index("ω x")
    moved = {"world": not np.allclose(matrix[v, v], 1), "body": not np.allclose(matrix[w, w], 1)}
    assert moved == {"world": frame == "world", "body": frame == "body"}


def test_a_star_stands_for_any_text():
    fields = [{"of": ["left hip", "left knee", "right hip", "right knee"], "kind": "hinges", "axes": "y"}]
    contents: dict[str, Any] = {
        "observation": {"fields": fields},
        "action": {"fields": fields},
        "generators": [{"mirror": "y", "swap": [["left *", "right *"]]}],
    }
    named = copy.deepcopy(contents)
    named["generators"][0]["swap"] = [["left hip", "right hip"], ["left knee", "right knee"]]
    assert declared_symmetry(contents) == declared_symmetry(named)
    assert declared_symmetry(contents).transform_action(1, np.array([1.0, 2, 3, 4])).tolist() == [3, 4, 1, 2]


def test_images_are_declared_by_their_shape():
    symmetry = declared_symmetry(
        {
            "group": "D4",
            "observation": {"image": [2, 5, 5]},
            "action": {"names": ["up", "right", "down", "left"]},
            "generators": [
                {
                    "observation": "quarter turn",
                    "action": {"moves": {"up": "left", "left": "down", "down": "right", "right": "up"}},
                },
                {"observation": "left-right", "action": {"moves": {"left": "right", "right": "left"}}},
            ],
        }
    )
    assert isinstance(symmetry.observation, ImageRepresentation)
    picture = np.arange(50.0).reshape(2, 5, 5)
    turn, flip = symmetry.group.generators
    assert np.array_equal(symmetry.transform_observation(turn, picture), np.rot90(picture, axes=(1, 2)))
    assert np.array_equal(symmetry.transform_observation(flip, picture), picture[:, :, ::-1])
    assert symmetry.transform_action(turn, 0) == 3


def changed(path: list[Any], value: Any) -> dict[str, Any]:
    contents = creature()
    inner: Any = contents
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return contents


TURN, FIELD = ["generators", 0], ["observation", "fields", 1]
BAD: list[tuple[list[Any], Any, str]] = [
    ([*TURN, "mirror"], "y", "one of them says what happens to space"),
    ([*TURN, "turn"], 90, "is a table such as"),
    ([*TURN, "turn"], {"axis": "w", "degrees": 90}, "'x', 'y' or 'z'"),
    ([*TURN, "turn"], {"axis": "z", "degrees": "ninety"}, "are a number"),
    ([*TURN, "turn"], {"axis": "z", "degrees": float("nan")}, "are a number"),
    ([*TURN, "turn"], {"axis": "z", "degrees": 100}, "infinite|no finite order|not of order"),
    ([*TURN, "turn"], {"axis": "x", "degrees": 120}, "moves the axes of"),
    ([*TURN, "frame"], "torso", "'world' or 'body'"),
    ([*TURN, "swap"], "leg 1", "lists pairs of fields"),
    ([*TURN, "swap"], [["leg 1"]], "lists pairs of fields"),
    ([*TURN, "swap"], [["leg 1", 2]], "lists pairs of fields"),
    ([*TURN, "swap"], [["leg 1", "leg 9"]], "names the field 'leg 9'"),
    ([*TURN, "swap"], [["leg 1", "leg 2"], ["leg 2", "leg 3"]], "'leg 2' twice"),
    ([*TURN, "swap"], [["leg 1", "height"]], "cannot change places|not on its side"),
    ([*TURN, "swap"], [["arm *", "leg *"]], "which no field has"),
    ([*TURN, "swap"], [["leg *", "leg 1"]], "all of .* have one star"),
    ([*TURN, "space"], [[1, 0, 0]], "one of them says"),
    ([*TURN, "observation"], {"fields": {"heigth": [1]}}, "did you mean 'height'"),
    ([*TURN, "observation"], {"fields": {"v": [1, 1]}}, "3 signs, 1 or -1"),
    ([*TURN, "observation"], {"fields": 3}, "table of signs or matrices"),
    ([*TURN, "observation"], ["v"], "is a table with"),
    ([*FIELD, "of"], "arms", "or a list's name in"),
    ([*FIELD, "of"], [], "list of names"),
    ([*FIELD, "kind"], "hinge", "one of scalar"),
    ([*FIELD, "axes"], "w", "'x', 'y', 'z' or a vector"),
    ([*FIELD, "axes"], [[0, 0, 0]], "'x', 'y', 'z' or a vector"),
    ([*FIELD, "axes"], 3, "are letters x, y and z"),
    ([*FIELD, "frame"], "head", "is 'world' or 'body'"),
    ([*FIELD, "size"], 3, "follows from its kind"),
    ([*FIELD, "fields"], [{"name": "a"}], "parts .of. and the list of fields"),
    ([*FIELD, "coordinates"], ["a"], "coordinates beside of"),
    ([*FIELD, "nmae"], "a", "did you mean 'name'"),
    (["observation", "fields", 0, "axes"], "x", "has no axes"),
    (["observation", "fields", 0, "components"], ["a", "a"], "2 different names"),
    (["observation", "fields", 0, "size"], 5000, "1 to 4096"),
    (["observation", "fields", 2, "axes"], "xxy", "its axes differ"),
    (["observation", "fields", 4, "fields"], [{"name": "a", "of": "legs"}], "unknown key 'of'"),
    (["observation", "fields", 0, "name"], "v", "has the field 'v' twice"),
    (["observation", "fields"], [], "list of tables"),
    (["observation", "fields"], [3], "is a table such as"),
    (["observation", "names"], ["a"], "names and size follow"),
    (["parts"], 3, "table of lists"),
    (["parts", "legs"], "leg", "list of names"),
    (["axes"], 3, "table of joints"),
    (["axes", "leg 1"], "up", "'x', 'y', 'z' or a vector"),
    (["elements"], ["identity"], "Expected 3 element_names"),
    (["elements"], "identity", "sequence of strings"),
]


@pytest.mark.parametrize(("path", "value", "message"), BAD, ids=[f"{path[-1]}-{i}" for i, (path, _, _) in enumerate(BAD)])
def test_what_is_no_declaration_is_refused_with_the_reason(path: list[Any], value: Any, message: str):
    with pytest.raises(SymmdpError, match=message):
        declared_symmetry(changed(path, value))


@pytest.mark.parametrize("key", ["mirror", "swap", "frame"])
def test_space_moves_fields_only(key: str):
    contents = {
        "observation": {"size": 2},
        "action": {"size": 2},
        "generators": [{key: "y", "observation": {"signs": [-1, 1]}}],
    }
    with pytest.raises(SpecificationError, match="which moves fields"):
        declared_symmetry(contents)


def test_the_documented_files_are_symmetries(tmp_path: Path):
    blocks = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 3
    orders = []
    for i, text in enumerate(blocks):
        path = tmp_path / f"{i}.toml"
        path.write_text(text if "[action]" in text else f"{text}\n[action]\nsize = 4\n", encoding="utf-8")
        orders.append(load_symmetry(path).group.order)
    assert orders == [2, 2, 2]
