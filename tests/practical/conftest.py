"""The notebooks' sources, and what their solution and exercise cells define."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")  # before jupyter_core is imported, which warns without it
os.environ.setdefault("MPLBACKEND", "Agg")

from symmdp.practical import NOTEBOOKS, Source, find_sources

SOURCES = {source.name: source for source in find_sources()}
Answers = Callable[[int], dict[str, Any]]


def run_cells(notebook: Any) -> dict[str, Any]:
    """What the code cells define, without checks; `failed` are the exceptions of cells that fail."""
    names: dict[str, Any] = {"__name__": "notebook", "failed": []}
    for cell in notebook.cells:
        if cell.cell_type == "code" and "check" not in cell.metadata.tags:
            try:
                exec(compile(cell.source, "cell", "exec"), names)
            except Exception as error:
                names["failed"].append(error)
    return names


@cache
def _solved(place: int) -> dict[str, Any]:
    names = run_cells(SOURCES[NOTEBOOKS[place - 1]].solution())
    assert not names["failed"]
    return names


@cache
def _unsolved(place: int) -> dict[str, Any]:
    return run_cells(SOURCES[NOTEBOOKS[place - 1]].student())


@pytest.fixture
def solved() -> Answers:
    """A function from the place of a notebook to what its solution defines."""
    return lambda place: dict(_solved(place))


@pytest.fixture
def unsolved() -> Answers:
    """A function from the place of a notebook to what its exercises define, blank."""
    return lambda place: dict(_unsolved(place))


@pytest.fixture(params=list(SOURCES))
def source(request: pytest.FixtureRequest) -> Source:
    return SOURCES[request.param]
