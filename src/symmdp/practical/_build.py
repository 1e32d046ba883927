from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from symmdp.errors import NotebookError
from symmdp.experiments._extras import extra
from symmdp.practical._exercise import NOTEBOOKS
from symmdp.practical._kernel import execute
from symmdp.practical._source import Source, is_edited, read_source
from symmdp.training._run_directory import write_atomically


def sources_folder() -> Path:
    """The folder of the notebooks' sources: in an installed package beside this module, in a checkout at its root.

    Raises:
        NotebookError: there is none.
    """
    here = Path(__file__).resolve()
    for folder in (here.parent / "sources", here.parents[3] / "practical" / "sources"):
        if any((folder / f"{name}.py").is_file() for name in NOTEBOOKS):
            return folder
    raise NotebookError(f"The sources of the practical are neither in the package nor in a checkout around {here.parent}.")


def find_sources(only: Sequence[int] = ()) -> list[Source]:
    """The sources of the notebooks, checked.

    Args:
        only: their places, from 1; all that are there when empty.

    Raises:
        NotebookError: there is no such notebook, or its source breaks a rule of `read_source`.
    """
    folder = sources_folder()
    for place in only:
        if not 1 <= place <= len(NOTEBOOKS) or not (folder / f"{NOTEBOOKS[place - 1]}.py").is_file():
            raise NotebookError(f"There is no notebook {place}; they are numbered from 1 to {len(NOTEBOOKS)}.")
    names = [NOTEBOOKS[place - 1] for place in only] or NOTEBOOKS
    return [read_source(folder / f"{name}.py") for name in names if (folder / f"{name}.py").is_file()]


def build(folder: Path, only: Sequence[int] = (), run: bool = True) -> list[Path]:
    """Write the student and the solution notebook of each source, each as a whole or not at all.

    A student notebook that somebody has worked in is kept, and a line on stderr says so.

    Args:
        folder: gets `student/NAME.ipynb` and `solution/NAME.ipynb`.
        only: places of notebooks, from 1; all when empty.
        run: execute the solutions, so that they hold their outputs.

    Returns:
        The files that were written.

    Raises:
        NotebookError: a source breaks a rule, or a cell of a solution fails.
        OSError: a file cannot be written.
        MissingExtraError: a package of the extra `practical` is not installed.
    """
    with extra("Building the notebooks", "practical"):
        import nbformat
    written = []
    for source in find_sources(only):
        for kind, notebook in (("student", source.student()), ("solution", source.solution())):
            path = folder / kind / f"{source.name}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            if kind == "student" and path.exists() and is_edited(path):
                print(
                    f"{path} is kept, since it was changed after it was built; delete or move it for a new one", file=sys.stderr
                )
                continue
            if kind == "solution" and run:
                print(f"executing {path}", file=sys.stderr, flush=True)
                execute(notebook, path.parent)
            write_atomically(path, (nbformat.writes(notebook) + "\n").encode())
            written.append(path)
    return written
