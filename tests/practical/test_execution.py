"""The notebooks in kernels of their own: solutions run from top to bottom, and blank exercises earn nothing."""

import nbformat
import pytest

from symmdp.errors import NotebookError
from symmdp.practical import NOTEBOOKS, build, exercises_of
from symmdp.practical._kernel import execute
from symmdp.practical.grading import grade

PLACES = [pytest.param(place, marks=[] if place == 1 else [pytest.mark.slow]) for place in range(1, len(NOTEBOOKS) + 1)]


@pytest.mark.parametrize("place", PLACES)
def test_solutions_run(place, tmp_path):
    student, solution = build(tmp_path, [place])
    notebook = nbformat.read(solution, as_version=4)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    printed = "".join(output.text for output in outputs if output.output_type == "stream")
    for exercise in exercises_of(place):
        assert f"✓ {exercise.name}: {exercise.points} point" in printed
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert student.stat().st_size < 100_000


@pytest.mark.slow
@pytest.mark.parametrize("place", range(1, len(NOTEBOOKS) + 1))
def test_blank_notebooks_earn_nothing(place, tmp_path):
    student, _ = build(tmp_path, [place], run=False)
    found = grade(student)
    assert found.complete
    assert found.earned == 0
    assert found.possible == sum(exercise.points for exercise in exercises_of(place))
    assert all(mark.reason for mark in found.marks)


def test_a_cell_that_fails_stops_the_build(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0"), nbformat.v4.new_code_cell("print(1)")])
    with pytest.raises(NotebookError, match="ZeroDivisionError"):
        execute(notebook, tmp_path)
    assert not notebook.cells[1].outputs
