from __future__ import annotations

import ast
import copy
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symmdp.errors import NotebookError, OptionError
from symmdp.experiments._extras import extra
from symmdp.practical._exercise import NOTEBOOKS
from symmdp.practical._registry import exercise_named, exercises_of


@dataclass(frozen=True)
class Source:
    """A notebook's source: text, exercises, their solutions and checks.

    Args:
        name: the name of the file, without its ending.
        notebook: all cells, as nbformat's NotebookNode; each has the metadata `tags`, with `exercise`, `solution` or `check`.
    """

    name: str
    notebook: Any

    @property
    def place(self) -> int:
        """The notebook's place in the practical, from 1."""
        return NOTEBOOKS.index(self.name) + 1

    @property
    def checks(self) -> dict[str, str]:
        """The code of the check cell of each exercise, in order."""
        cells = [cell for cell in self.notebook.cells if "check" in cell.metadata.tags]
        return {str(checked_exercise(cell.source)): cell.source for cell in cells}

    def student(self) -> Any:
        """The notebook without solutions."""
        return self._without("solution", "student")

    def solution(self) -> Any:
        """The notebook with solutions in place of the exercises; not executed."""
        return self._without("exercise", "solution")

    def _without(self, tag: str, kind: str) -> Any:
        notebook = copy.deepcopy(self.notebook)
        notebook.cells = [cell for cell in notebook.cells if tag not in cell.metadata.tags]
        notebook.metadata["symmdp"] = {"practical": self.name, "kind": kind, "cells": digest(notebook)}
        return notebook


def digest(notebook: Any) -> str:
    """A digest of what the cells say, by which a notebook that somebody has worked in differs from how it was built."""
    said = json.dumps([[cell.cell_type, cell.source.strip()] for cell in notebook.cells], ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def is_edited(path: Path) -> bool:
    """Whether somebody has worked in the notebook, which was built once; also where it cannot be read any more."""
    import nbformat

    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        return digest(notebook) != notebook.metadata["symmdp"]["cells"]
    except Exception:  # nbformat raises whatever its parsers do
        return True


def read_source(path: Path) -> Source:
    """Read a source in jupytext's percent format, and check that it can be built.

    Its rules: a code cell tagged `solution` comes directly after one tagged `exercise`, and the other way round; a hint
    (`<details>`) comes before each exercise, and a check after it, both before the next; a cell that calls `check` does
    nothing else; every exercise of the registry is checked once, in order.

    Raises:
        NotebookError: the file cannot be read, or breaks a rule.
        MissingExtraError: jupytext is not installed.
    """
    with extra("Reading the notebooks", "practical"):
        import jupytext
    if path.stem not in NOTEBOOKS:
        raise NotebookError(f"{path.name} is no notebook of the practical; they are {', '.join(NOTEBOOKS)}.")
    try:
        notebook = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    except (OSError, UnicodeDecodeError) as error:
        raise NotebookError(f"{path} cannot be read: {error}") from None
    notebook.metadata = type(notebook.metadata)(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    notebook.nbformat_minor = 5
    for number, cell in enumerate(notebook.cells):
        tags = list(cell.metadata.get("tags", ()))
        name = checked_exercise(cell.source) if cell.cell_type == "code" else None
        if name is not None and not {"solution", "exercise"} & set(tags):
            tags.append("check")
        cell.metadata = type(cell.metadata)(tags=tags)
        cell["id"] = f"check-{name}" if "check" in tags else f"cell-{number}"
    source = Source(path.stem, notebook)
    _check_rules(source)
    return source


def checked_exercise(code: str) -> str | None:
    """The exercise that a cell checks: the cell is one call `check("name", …)`; `None` for any other cell."""
    try:
        statements = ast.parse(code).body
    except SyntaxError:
        return None
    match statements:
        case [ast.Expr(ast.Call(ast.Name("check"), [ast.Constant(str(name)), *_]))]:
            return name
    return None


def _check_rules(source: Source) -> None:
    hinted = True  # since the last exercise
    checked = True
    cells = source.notebook.cells
    names = [checked_exercise(cell.source) for cell in cells if "check" in cell.metadata.tags]
    for number, cell in enumerate(cells):
        tags = cell.metadata.tags
        where = f"{source.name}, cell {number} ({_first_line(cell.source)})"
        if number == 0:
            hinted = False
        if "exercise" in tags:
            following = cells[number + 1].metadata.tags if number + 1 < len(cells) else []
            if "solution" not in following:
                raise NotebookError(f"{where}: an exercise is directly followed by its solution.")
            if not hinted or not checked:
                raise NotebookError(f"{where}: the exercise has no {'hint' if not hinted else 'predecessor with a check'}.")
            hinted = checked = False
        elif "solution" in tags and cell.cell_type == "code" and "exercise" not in cells[number - 1].metadata.tags:
            raise NotebookError(f"{where}: a solution comes directly after its exercise.")
        elif "check" in tags:
            checked = True
        elif cell.cell_type == "code" and "solution" not in tags and re.search(r"\bcheck\(", cell.source):
            raise NotebookError(f'{where}: a cell that calls check is one line, check("name", …).')
        elif cell.cell_type == "markdown" and "<details>" in cell.source:
            hinted = True
    if not checked:
        raise NotebookError(f"{source.name}: the last exercise has no check.")
    for name in names:
        try:
            exercise_named(str(name))
        except OptionError as error:
            raise NotebookError(f"{source.name}: {error}") from None
    expected = [exercise.name for exercise in exercises_of(source.place)]
    if names != expected:
        raise NotebookError(f"{source.name} checks {', '.join(map(str, names))}; the registry has {', '.join(expected)}.")


def _first_line(code: str) -> str:
    line = code.strip().partition("\n")[0]
    return line if len(line) <= 50 else line[:49] + "…"
