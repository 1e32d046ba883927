"""The builder: what students get, and what a source must not do."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

from symmdp.errors import NotebookError
from symmdp.practical import EXERCISES, NOTEBOOKS, build, exercises_of, find_sources, read_source, sources_folder

REFERENCE_NAMES = {
    "get_cartpole_state_group_representations",
    "get_cartpole_action_group_representations",
    "symmetrize",
    "test_network_is_equivariant",
    "get_equivariant_basis",
}


def test_students_get_no_solution(source):
    student = source.student()
    solutions = [cell.source for cell in source.notebook.cells if "solution" in cell.metadata.tags]
    text = "\n".join(cell.source for cell in student.cells)
    assert solutions
    assert not [code for code in solutions if code in text]
    assert not [cell for cell in student.cells if "solution" in cell.metadata.tags]
    assert not [cell for cell in student.cells if cell.get("outputs")]


def test_every_exercise_has_a_hint_and_a_check(source):
    cells = source.student().cells
    exercises = [i for i, cell in enumerate(cells) if "exercise" in cell.metadata.tags]
    assert exercises
    for before, here, after in zip([-1, *exercises], exercises, [*exercises[1:], len(cells)], strict=False):
        assert any("<details><summary>Hint" in cell.source for cell in cells[before + 1 : here])
        assert any("check" in cell.metadata.tags for cell in cells[here:after])
        assert "..." in cells[here].source


def test_checks_take_variables_that_students_define(source):
    defined = set()
    for cell in source.student().cells:
        if cell.cell_type != "code":
            continue
        tree = ast.parse(cell.source)
        if "check" in cell.metadata.tags:
            (call,) = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
            assert all(isinstance(answer, ast.Name) and answer.id in defined for answer in call.args[1:])
        defined |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        defined |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def test_both_are_valid_and_equal_from_build_to_build(source):
    again = read_source(sources_folder() / f"{source.name}.py")
    for one, other in ((source.student(), again.student()), (source.solution(), again.solution())):
        nbformat.validate(one)
        assert len({cell.id for cell in one.cells}) == len(one.cells)
        assert nbformat.writes(one) == nbformat.writes(other)


def test_the_solution_has_a_solution_for_each_exercise(source):
    kinds = [cell.metadata.tags for cell in source.notebook.cells if cell.cell_type == "code"]
    exercises = sum("exercise" in tags for tags in kinds)
    solution = [cell.metadata.tags for cell in source.solution().cells if cell.cell_type == "code"]
    assert sum("solution" in tags for tags in solution) == exercises
    assert not any("exercise" in tags for tags in solution)


def test_details_are_closed(source):
    for cell in source.notebook.cells:
        assert cell.source.count("<details>") == cell.source.count("</details>")
        assert cell.source.count("$") % 2 == 0


def test_functions_keep_the_names_of_the_reference():
    names = set()
    for source in find_sources([1, 2]):
        for cell in source.student().cells:
            if cell.cell_type == "code":
                names |= {node.name for node in ast.parse(cell.source).body if isinstance(node, ast.FunctionDef)}
    assert names >= REFERENCE_NAMES


def test_build_writes_both(tmp_path):
    written = build(tmp_path, [2], run=False)
    assert [path.relative_to(tmp_path).as_posix() for path in written] == [
        "student/2_equivariant_layers.ipynb",
        "solution/2_equivariant_layers.ipynb",
    ]
    assert sorted(tmp_path.rglob("*.*")) == sorted(written)
    kinds = [nbformat.read(path, as_version=4).metadata.symmdp.kind for path in written]
    assert kinds == ["student", "solution"]


def test_work_of_students_is_not_overwritten(tmp_path, capsys):
    student, solution = build(tmp_path, [2], run=False)
    assert build(tmp_path, [2], run=False) == [student, solution]
    notebook = nbformat.read(student, as_version=4)
    notebook.cells[-1].source += "\n\nMy notes."
    nbformat.write(notebook, student)
    kept = student.read_text()
    capsys.readouterr()
    assert build(tmp_path, [2], run=False) == [solution]
    assert student.read_text() == kept
    assert "is kept, since it was changed" in capsys.readouterr().err
    student.write_text("{")
    assert build(tmp_path, [2], run=False) == [solution]


def test_there_is_no_fifth_notebook(tmp_path):
    with pytest.raises(NotebookError, match="numbered from 1 to 4"):
        build(tmp_path, [5])


HINT = "# %% [markdown]\n# <details><summary>Hint</summary>\n# Think.\n# </details>\n\n"
EXERCISE = '# %% tags=["exercise"]\nx = ...\n\n'
SOLUTION = '# %% tags=["solution"]\nx = 1\n\n'
CHECK = '# %%\ncheck("symmetrizer", x)\n\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HINT + EXERCISE + CHECK, "directly followed by its solution"),
        (HINT + EXERCISE + HINT + SOLUTION + CHECK, "directly followed by its solution"),
        (EXERCISE + SOLUTION + CHECK, "no hint"),
        (HINT + EXERCISE + SOLUTION, "the last exercise has no check"),
        (HINT + EXERCISE + SOLUTION + HINT + EXERCISE + SOLUTION + CHECK, "check"),
        (HINT + SOLUTION + CHECK, "a solution comes directly after its exercise"),
        (HINT + EXERCISE + SOLUTION + '# %%\ny = 1\ncheck("symmetrizer", y)\n', "is one line"),
        (HINT + EXERCISE + SOLUTION + CHECK, "the registry has dimensions, symmetrizer"),
        (HINT + EXERCISE + SOLUTION + CHECK.replace("symmetrizer", "symetrizer"), "Did you mean 'symmetrizer'"),
    ],
)
def test_a_source_that_breaks_a_rule_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "2_equivariant_layers.py"
    path.write_text(text)
    with pytest.raises(NotebookError, match=message):
        read_source(path)


def test_other_files_are_no_sources(tmp_path):
    with pytest.raises(NotebookError, match="is no notebook of the practical"):
        read_source(tmp_path / "other.py")
    with pytest.raises(NotebookError, match="cannot be read"):
        read_source(tmp_path / "1_symmetry_of_an_mdp.py")


def test_the_lecturers_page_lists_every_exercise_with_its_points():
    page = (Path(__file__).parents[2] / "practical" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| (\d+) \|", page, re.MULTILINE)
    assert rows == [(exercise.name, str(exercise.points)) for exercise in EXERCISES]
    totals = re.findall(r"^### \d .*\((\d+) points\)", page, re.MULTILINE)
    places = range(1, len(NOTEBOOKS) + 1)
    assert totals == [str(sum(exercise.points for exercise in exercises_of(place))) for place in places]


def test_points_and_names():
    for place in range(1, len(NOTEBOOKS) + 1):
        exercises = exercises_of(place)
        assert all(exercise.points > 0 and exercise.notebook == place for exercise in exercises)
    assert sum(exercise.points for exercise in exercises_of(1)) == 19
    assert sum(exercise.points for exercise in exercises_of(2)) == 17
