"""Grading: points where they are due, and a reason instead of a hang where a notebook misbehaves."""

import csv
import json
import os
import time
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from symmdp.cli import main
from symmdp.errors import OptionError
from symmdp.practical import find_sources
from symmdp.practical.grading import Grade, Limits, Mark, grade, write_sheet
from symmdp.practical.grading._submission import read_submission

SOURCES = find_sources()
LIMITS = Limits(notebook=100, cell=3, memory=3000, output=64)


def cell_of(notebook: Any, exercise: str) -> int:
    """Where a notebook checks an exercise."""
    return next(i for i, cell in enumerate(notebook.cells) if cell.id == f"check-{exercise}")


def written(path: Path, notebook: Any) -> Path:
    for cell in notebook.cells:
        if cell.source.startswith(("pictures.", "print(symmdp.verify")):
            cell.source = "pass"  # which take their time, and are not what is tested
    path.write_text(nbformat.writes(notebook))
    return path


def insert(notebook: Any, exercise: str, code: str) -> None:
    """A cell before the check of an exercise."""
    cell = nbformat.v4.new_code_cell(code)
    notebook.cells.insert(cell_of(notebook, exercise), cell)


def test_a_notebook_with_many_faults_keeps_what_it_earned(tmp_path):
    notebook = SOURCES[0].solution()
    insert(notebook, "invariance-or-equivariance", "while True:\n    pass")
    insert(notebook, "group-axioms", "for _ in range(10**6):\n    print('x' * 1000)")
    insert(notebook, "mirror-image", "import torch\nlarge = torch.ones(3, 2**30)")
    insert(notebook, "cartpole-representations", "check = print\nraise ValueError('never mind')")
    insert(notebook, "composition-table", "composition_table = lambda matrices: 1 / 0")
    insert(notebook, "symmetry-error", "this is not Python")
    insert(notebook, "what-breaks", "from IPython.display import HTML\nfor _ in range(99):\n    display(HTML('y' * 9999))")
    notebook.cells[cell_of(notebook, "policy-in-the-mirror")].source = "check('policy-in-the-mirror', [0.2, 0.8], [0.5, 0.5])"
    insert(notebook, "policy-in-the-mirror", "policy_at_origin = [0.9, 0.1]")
    del notebook.cells[cell_of(notebook, "orbit-sizes")]
    insert(notebook, "canonical-state", "import sys\nsys.exit()")
    insert(notebook, "canonical-state", "import symmdp.practical\nsymmdp.practical.check = lambda *answers: None")
    start = time.monotonic()
    found = grade(written(tmp_path / "many.ipynb", notebook), LIMITS)
    marks = {mark.exercise: mark for mark in found.marks}
    lost = {name: mark.reason for name, mark in marks.items() if not mark.earned}
    assert set(lost) == {"composition-table", "policy-in-the-mirror", "canonical-state"}, lost
    assert "composition_table raised ZeroDivisionError: division by zero" in lost["composition-table"]
    assert "the origin is its own mirror image" in lost["policy-in-the-mirror"]
    assert "was tampered with" in lost["canonical-state"]
    assert (found.earned, found.possible) == (14, 19)
    assert found.complete
    assert "check cell altered, the original was run: policy-in-the-mirror" in found.notes
    assert "check cell deleted, the original was run: orbit-sizes" in found.notes
    assert time.monotonic() - start < LIMITS.notebook


def test_what_failed_before_a_check_is_named(tmp_path):
    notebook = SOURCES[1].student()
    insert(notebook, "dimensions", "del shape_of_W\nwhile True:\n    pass")
    insert(notebook, "symmetrizer", "del symmetrize\n'a' + 1")
    insert(notebook, "effect-of-symmetrizer", "del row_relation\nprint('x' * 10**6)")
    insert(notebook, "equivariant-bias", "import os\nbias_for_actions, number_of_biases_for_signs = [1, 1], 0")
    insert(notebook, "network-test", "os._exit(3)")
    found = grade(written(tmp_path / "named.ipynb", notebook), LIMITS)
    marks = {mark.exercise: mark for mark in found.marks}
    assert "NameError" in marks["dimensions"].reason
    assert "ran for more than 3 s, and was stopped" in marks["dimensions"].reason
    assert "TypeError" in marks["symmetrizer"].reason
    assert "printed more than 64 KiB of output" in marks["effect-of-symmetrizer"].reason
    assert marks["equivariant-bias"].earned == 1
    for name in ("network-test", "safe-nonlinearities", "weights-from-basis"):
        assert marks[name].reason.startswith("not run: code cell")
        assert "ended the kernel" in marks[name].reason
    assert found.earned == 1
    assert not found.complete


@pytest.mark.slow
def test_nothing_survives_a_notebook(tmp_path):
    """A loop that cannot be interrupted, and a child that left its process group."""
    notebook = SOURCES[1].solution()
    pid = tmp_path / "pid"
    insert(
        notebook,
        "symmetrizer",
        "import signal, subprocess, sys\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "code = 'import time; time.sleep(600)'\n"
        "child = subprocess.Popen([sys.executable, '-c', code], start_new_session=True)\n"
        f"open({str(pid)!r}, 'w').write(str(child.pid))\n"
        "while True:\n"
        "    pass",
    )
    found = grade(written(tmp_path / "stubborn.ipynb", notebook), LIMITS)
    marks = {mark.exercise: mark for mark in found.marks}
    assert marks["dimensions"].earned == 2
    assert "could not be interrupted" in marks["symmetrizer"].reason
    assert (found.earned, found.complete) == (2, False)
    assert not psutil.pid_exists(int(pid.read_text()))


@pytest.mark.slow
def test_the_time_of_a_notebook_is_limited(tmp_path):
    notebook = SOURCES[1].solution()
    for exercise in ("symmetrizer", "equivariant-bias", "network-test"):
        insert(notebook, exercise, "import time\ntime.sleep(60)")
    start = time.monotonic()
    found = grade(written(tmp_path / "slow.ipynb", notebook), Limits(notebook=5, cell=4))
    assert time.monotonic() - start < 60
    assert "the 5 s for the notebook were used up" in found.marks[-1].reason
    assert not found.complete


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no notebook"),
        (b"print('hello')", "no notebook"),
        (b"\x00\xff\xfe" * 100, "no notebook"),
        (b"[" * 100_000, "no notebook"),
        (b"{}", "no notebook"),
        (b"[1, 2]", "no notebook"),
        (json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode(), "none of their check cells"),
        (json.dumps({"cells": 3, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode(), "no notebook"),
    ],
)
def test_no_notebook(tmp_path, content, reason):
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    found = grade(path)
    assert reason in found.notes[0]
    assert (found.earned, found.possible, found.complete, found.notebook) == (0, 0, False, "")
    assert "\n" not in found.notes[0]


def checks_run(tmp_path: Path, notebook: Any) -> tuple[list[str], Any]:
    submission = read_submission(written(tmp_path / "read.ipynb", notebook), SOURCES)
    return [step.exercise for step in submission.steps if step.exercise], submission


def test_original_checks_are_run_once_and_in_order(tmp_path):
    source = SOURCES[1]
    expected = list(source.checks)
    notebook = source.student()
    assert checks_run(tmp_path, notebook)[0] == expected
    for cell in notebook.cells:
        cell.metadata.clear()
        del cell["id"]
    notebook.nbformat_minor = 4
    notebook.metadata.clear()  # as an editor may leave it
    names, submission = checks_run(tmp_path, notebook)
    assert names == expected
    assert submission.source is source
    assert not submission.altered
    notebook.cells = [cell for cell in notebook.cells if not cell.source.startswith("check(")]
    notebook.metadata["symmdp"] = {"practical": source.name}
    names, submission = checks_run(tmp_path, notebook)
    assert names == expected
    assert list(submission.deleted) == expected


def test_an_answer_beside_the_check_counts(tmp_path):
    notebook = SOURCES[1].student()
    where = cell_of(notebook, "effect-of-symmetrizer")
    notebook.cells[where].source = "row_relation = 'x'\ncheck('effect-of-symmetrizer', row_relation)  # my answer"
    notebook.cells.append(nbformat.v4.new_code_cell("check('effect-of-symmetrizer', 'again')"))
    names, submission = checks_run(tmp_path, notebook)
    assert names == list(SOURCES[1].checks)
    assert submission.altered == ("effect-of-symmetrizer",)
    codes = [step.code for step in submission.steps]
    at = next(i for i, code in enumerate(codes) if code.startswith("row_relation = 'x'"))
    assert submission.steps[at + 1].exercise == "effect-of-symmetrizer"
    assert not any("again" in code for code in codes)


def test_layout_and_comments_are_no_alteration(tmp_path):
    notebook = SOURCES[1].student()
    cell = notebook.cells[cell_of(notebook, "equivariant-bias")]
    cell.source = "# run me\ncheck(\n    'equivariant-bias', bias_for_actions, number_of_biases_for_signs\n)"
    assert not checks_run(tmp_path, notebook)[1].altered


def test_the_sheet(tmp_path):
    marks = (Mark("a", "A", 2, 2, ""), Mark("b", "B", 0, 3, '=HYPERLINK("x"), "quoted"\nand more'))
    path = tmp_path / "grades.csv"
    write_sheet([Grade(Path("one.ipynb"), "1", marks, ("@note",), True, 1.0)], path)
    rows = list(csv.DictReader(path.read_text().splitlines(keepends=True)))
    assert [row["exercise"] for row in rows] == ["a", "b", "total"]
    assert [(row["earned"], row["possible"]) for row in rows] == [("2", "2"), ("0", "3"), ("2", "5")]
    assert rows[1]["reason"].startswith("'=HYPERLINK")
    assert rows[2]["reason"] == "'@note"
    assert os.listdir(tmp_path) == ["grades.csv"]


def test_command(tmp_path, capsys):
    path = tmp_path / "x.ipynb"
    path.write_text("{}")
    sheet = tmp_path / "points.csv"
    assert main(["practical", "grade", str(path), "--output", str(sheet)]) == 1
    assert "0 of 0 points" in capsys.readouterr().out
    assert len(sheet.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["practical", "grade", "missing.ipynb"], "There is no file 'missing.ipynb'"),
        (["practical", "grade"], "Give at least one notebook"),
        (["practical", "grade", "x.ipynb", "--timeout", "-1"], "must be a positive number of seconds"),
        (["practical", "grade", "x.ipynb", "--output", "nowhere/grades.csv"], "nowhere"),
        (["practical", "build", "--only", "7"], "There is no notebook 7"),
        (["practical"], "build, grade"),
    ],
)
def test_mistakes_are_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    Path("x.ipynb").write_text("{}")
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("symmdp: error: ")
    assert message in error
    assert len(error.splitlines()) == 1


def test_limits_are_positive():
    with pytest.raises(OptionError, match="memory must be a positive number of MiB; got 0"):
        Limits(memory=0)
