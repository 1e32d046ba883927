from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symmdp import groups
from symmdp.catalogue import declared_symmetry, load_symmetry, symmetry_of
from symmdp.errors import SpecificationError, SymmdpError
from symmdp.mdp import verify

EXAMPLE = Path(__file__).parents[2] / "examples" / "cartpole.toml"

TURN = """
group = "C4"
[observation]
names = ["x", "y"]
[action]
names = ["right", "up", "left", "down"]
[[generators]]
name = "quarter turn"
observation.moves = { x = "y", y = "-x" }
action.permutation = [1, 2, 3, 0]
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "symmetry.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_is_the_symmetry_of_the_catalogue() -> None:
    symmetry = load_symmetry(EXAMPLE, "CartPole-v1")
    assert symmetry == symmetry_of("CartPole-v1")
    assert symmetry.fingerprint == symmetry_of("CartPole-v1").fingerprint
    assert symmetry.element_names == ("identity", "mirror")
    assert verify("CartPole-v1", symmetry, samples=50).passed


def test_moves_say_where_a_coordinate_goes(tmp_path: Path) -> None:
    symmetry = load_symmetry(write(tmp_path, TURN))
    assert symmetry.group == groups.cyclic(4)
    np.testing.assert_array_equal(symmetry.transform_observation(1, [1.0, 0.0]), [0.0, 1.0])
    np.testing.assert_array_equal(symmetry.transform_observation(1, [0.0, 1.0]), [-1.0, 0.0])
    assert [int(symmetry.transform_action(1, a)) for a in range(4)] == [1, 2, 3, 0]
    assert symmetry.element_name(1) == "quarter turn"


FORMS = [
    'observation.moves = { x = "y", y = "−x" }',
    "observation.permutation = [1, 0]\nobservation.signs = [1, -1]",
    "observation.matrix = [[0, -1], [1, 0]]",
    "observation.matrix = [[0.0, -1.0], [1.0, 0.0]]",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("group", ['group = "C4"\n', ""])
def test_all_forms_say_the_same(tmp_path: Path, form: str, group: str) -> None:
    text = TURN.replace('group = "C4"', group).replace('observation.moves = { x = "y", y = "-x" }', form)
    symmetry, wanted = load_symmetry(write(tmp_path, text)), load_symmetry(write(tmp_path, TURN))
    assert symmetry.group.order == 4
    np.testing.assert_array_equal(symmetry.observation(1), wanted.observation(1))


def test_centers_sizes_and_sides_that_stay(tmp_path: Path) -> None:
    text = """
    [observation]
    names = ["x", "v"]
    center = { x = 2 }
    [action]
    size = 1
    center = [0.5]
    [[generators]]
    observation.signs = [-1, -1]
    [[generators]]
    action.signs = [-1]
    """
    symmetry = load_symmetry(write(tmp_path, text))
    assert symmetry.group.order == 4
    first, second = symmetry.group.generators
    np.testing.assert_array_equal(symmetry.transform_observation(first, [3.0, 1.0]), [1.0, -1.0])
    np.testing.assert_array_equal(symmetry.transform_action(first, [0.75]), [0.75])
    np.testing.assert_array_equal(symmetry.transform_action(second, [0.75]), [0.25])


BAD: list[tuple[str, str, str]] = [
    ('group = "C4"', 'group = "C3"', "relation|homomorphism"),
    ('group = "C4"', 'group = "D4"', "2 generators; the file has 1"),
    ('group = "C4"', 'group = "E8"', "group is one of"),
    ('group = "C4"', "group = 4", "group is a text"),
    ('group = "C4"', 'grup = "C4"', "did you mean 'group'"),
    ('name = "quarter turn"', "order = 2", "no involution: it gives the identity after 4 times"),
    ('name = "quarter turn"', "order = 3", "not of order 3"),
    ('name = "quarter turn"', "order = true", "integer of at least 1"),
    ('name = "quarter turn"', "name = 3", "is a text"),
    ('names = ["x", "y"]', "names = []", "list of strings"),
    ('names = ["x", "y"]', 'names = ["x", "x"]', "'x' twice"),
    ('names = ["x", "y"]', 'names = ["x", "y", "z"]\nsize = 2', "leave the size out"),
    ('names = ["x", "y"]', "size = 0", "1 to 4096"),
    ('names = ["x", "y"]', "size = 1000000000", "1 to 4096"),
    ('names = ["x", "y"]', "center = [1, 2]", "needs names, or a size"),
    ('names = ["x", "y"]', 'names = ["x", "y"]\ncenter = [1]', "lists 2 numbers"),
    ('names = ["x", "y"]', 'names = ["x", "y"]\ncenter = ["a", "b"]', "has numbers"),
    ('names = ["x", "y"]', 'names = ["x", "y"]\ncenter = [nan, 0]', "must be finite"),
    ('{ x = "y", y = "-x" }', '{ x = "y" }', "nothing goes to 'x'"),
    ('{ x = "y", y = "-x" }', '{ x = "yy", y = "x" }', "did you mean 'y'"),
    ('{ x = "y", y = "-x" }', '{ position = "y" }', "names 'position'"),
    ('{ x = "y", y = "-x" }', "{ x = 1 }", "goes to a name"),
    ('{ x = "y", y = "-x" }', "[1, 2]", "are a table"),
    ('{ x = "y", y = "-x" }', '{ x = "y", y = "-x" }\nobservation.signs = [1, 1]', "nothing else"),
    ('observation.moves = { x = "y", y = "-x" }', "observation.matrix = [[1, 0]]", "2 rows of 2 numbers"),
    ('observation.moves = { x = "y", y = "-x" }', 'observation.matrix = [[1, "a"], [0, 1]]', "2 rows of 2 numbers"),
    ('observation.moves = { x = "y", y = "-x" }', "observation.matrix = [[1, 1], [0, 1]]", "relation|homomorphism"),
    ('observation.moves = { x = "y", y = "-x" }', "observation.matrix = [[1, 0], [0, 0]]", "invertible"),
    ('observation.moves = { x = "y", y = "-x" }', "observation.sign = [1, -1]", "did you mean 'signs'"),
    ('observation.moves = { x = "y", y = "-x" }', "observation.signs = [1, 2]", "1 or -1"),
    ('observation.moves = { x = "y", y = "-x" }', "observation.signs = [1]", "2 integers"),
    ("[1, 2, 3, 0]", "[1, 2, 3, 3]", "nothing goes to 'right'"),
    ("[1, 2, 3, 0]", "[1, 2, 3, 4.5]", "4 integers"),
    ("[[generators]]", "[generators]", r"\[\[generators\]\]"),
    ("[action]", "[actions]", "did you mean 'action'"),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD)
def test_what_is_no_symmetry_is_refused_with_the_reason(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in TURN
    path = write(tmp_path, TURN.replace(old, new))
    with pytest.raises(SpecificationError, match=message) as caught:
        load_symmetry(path)
    assert "symmetry.toml" in str(caught.value)


def test_without_a_group_what_generates_an_infinite_one_is_refused(tmp_path: Path) -> None:
    text = TURN.replace('group = "C4"', "").replace('moves = { x = "y", y = "-x" }', "matrix = [[1, 1], [0, 1]]")
    with pytest.raises(SpecificationError, match="infinite"):
        load_symmetry(write(tmp_path, text))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(SpecificationError, match="cannot be read"):
        load_symmetry(tmp_path / "absent.toml")
    with pytest.raises(SpecificationError, match="cannot be read"):
        load_symmetry(tmp_path)
    with pytest.raises(SpecificationError, match="no TOML"):
        load_symmetry(write(tmp_path, "group = "))
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecificationError, match="no TOML"):
        load_symmetry(tmp_path / "binary.toml")
    with pytest.raises(SpecificationError, match="of 'CartPole-v1', not of 'Pendulum-v1'"):
        load_symmetry(EXAMPLE, "Pendulum-v1")


@pytest.mark.parametrize("value", [1, "text", [1], {"a": 1}, True, 1.5])
@pytest.mark.parametrize("key", ["name", "group", "observation", "action", "generators"])
def test_values_of_any_type_give_a_typed_error(value: Any, key: str) -> None:
    import tomllib

    from symmdp.catalogue import declared_symmetry

    contents = tomllib.loads(TURN) | {key: value}
    if key == "name" and value == "text":
        assert declared_symmetry(contents).name == "text"
        return
    with pytest.raises(SymmdpError):
        declared_symmetry(contents)


@pytest.mark.parametrize("contents", [None, [1], "observation"])
def test_a_declaration_is_a_mapping(contents: Any) -> None:
    with pytest.raises(SpecificationError, match="a declaration is a mapping"):
        declared_symmetry(contents)
