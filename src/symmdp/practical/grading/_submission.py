from __future__ import annotations

import ast
import re
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symmdp.errors import NotebookError
from symmdp.experiments._extras import extra
from symmdp.practical._exercise import NOTEBOOKS
from symmdp.practical._registry import EXERCISES
from symmdp.practical._source import Source, checked_exercise

_LARGEST = 64 * 2**20  # bytes of a notebook's file
_CALL = re.compile(r"""\bcheck\(\s*["']([\w-]+)["']""")


@dataclass(frozen=True)
class Step:
    """Something to run.

    Args:
        code: of the student's cell, or of the original check.
        where: what it is called in reasons.
        exercise: the exercise that the original check is for; `None` for the student's cells.
        cell: the id of the cell, by which it is known where it stood in the source.
    """

    code: str
    where: str
    exercise: str | None = None
    cell: str = ""


@dataclass(frozen=True)
class Submission:
    """A student's notebook, with the original checks in place of its own.

    Args:
        source: of the notebook that it was built from.
        steps: to run, in order.
        altered: exercises whose check cell was changed.
        deleted: exercises whose check cell is missing.
        is_solution: whether it is the solution notebook, by its metadata.
    """

    source: Source
    steps: tuple[Step, ...]
    altered: tuple[str, ...]
    deleted: tuple[str, ...]
    is_solution: bool


def read_submission(path: Path, sources: list[Source]) -> Submission:
    """Read a student's notebook, and find out which of the notebooks it is.

    Args:
        path: the file.
        sources: of all notebooks.

    Raises:
        NotebookError: the file is no notebook, or none of the practical.
    """
    notebook = _read(path)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    source = _source_of(notebook, cells, sources)
    checks = source.checks
    steps: list[Step] = []
    seen: set[str] = set()
    altered: list[str] = []
    for number, cell in enumerate(cells, start=1):
        pure = checked_exercise(cell.source)
        name = pure or _named_in(cell)
        if name not in checks or name in seen:
            if pure is None or name not in checks:  # a second check of an exercise is left out
                steps.append(Step(cell.source, f"code cell {number}", cell=str(cell.get("id", ""))))
            continue
        seen.add(name)
        if not _same(cell.source, checks[name]):
            altered.append(name)
            if pure is None:  # it does more than check, perhaps what the answer needs
                steps.append(Step(cell.source, f"code cell {number}", cell=str(cell.get("id", ""))))
        steps.append(_check(name, checks))
    deleted = [name for name in checks if name not in seen]
    order = [cell.id for cell in source.notebook.cells]
    for name in reversed(deleted):
        # Where it stood: before the first cell that comes after it in the source.
        later = set(order[order.index(f"check-{name}") + 1 :])
        place = next((i for i, step in enumerate(steps) if step.cell in later), len(steps))
        steps.insert(place, _check(name, checks))
    metadata = notebook.metadata.get("symmdp")
    is_solution = isinstance(metadata, dict) and metadata.get("kind") == "solution"
    return Submission(source, tuple(steps), tuple(altered), tuple(deleted), is_solution)


def _read(path: Path) -> Any:
    with extra("Grading", "practical"):
        import nbformat
    try:
        if path.stat().st_size > _LARGEST:
            raise NotebookError(f"no notebook was read: the file has {path.stat().st_size // 2**20} MiB. Clear its outputs.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # notebooks of older versions lack ids
            notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
            nbformat.validate(notebook)
    except NotebookError:
        raise
    except OSError as error:
        raise NotebookError(f"no notebook: the file cannot be read: {error.strerror}") from None
    except Exception as error:  # nbformat raises whatever its parsers do
        raise NotebookError(f"no notebook: {type(error).__name__}: {_first_line(str(error))}") from None
    return notebook


def _source_of(notebook: Any, cells: list[Any], sources: list[Source]) -> Source:
    metadata = notebook.metadata.get("symmdp")
    named = metadata.get("practical") if isinstance(metadata, dict) else None
    if named not in NOTEBOOKS:
        places = {exercise.name: exercise.notebook for exercise in EXERCISES}
        found = Counter(places[name] for cell in cells if (name := _named_in(cell)) in places)
        if not found:
            raise NotebookError("no notebook of the practical: it has none of their check cells")
        named = NOTEBOOKS[found.most_common(1)[0][0] - 1]
    for source in sources:
        if source.name == named:
            return source
    raise NotebookError(f"the notebook {named} has no source here")


def _named_in(cell: Any) -> str | None:
    """The exercise that a cell checks, by its id, or by a call of `check` somewhere in it."""
    identity = str(cell.get("id", ""))
    if identity.startswith("check-"):
        return identity.removeprefix("check-")
    found = _CALL.search(cell.source)
    return found[1] if found else None


def _check(name: str, checks: dict[str, str]) -> Step:
    # The student's cells may have given the name `check` to something else.
    return Step(f"from symmdp.practical import check\n{checks[name]}", f"the check of {name}", name, f"check-{name}")


def _same(code: str, other: str) -> bool:
    """Whether two pieces of code differ in layout and comments at most."""
    try:
        return ast.dump(ast.parse(code)) == ast.dump(ast.parse(other))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _first_line(text: str) -> str:
    line = text.strip().partition("\n")[0]
    return line if len(line) <= 160 else line[:159] + "…"
