"""The floors of the house: a module imports only from floors above its own, and the core imports four libraries."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import symmdp

SOURCE = Path(symmdp.__file__).parent
FLOORS = [
    "errors",
    "groups",
    "representations",
    "maps",
    "nn",
    "mdp",
    "testing",
    "catalogue",
    "policies",
    "training",
    "experiments",
    "practical",
    "cli",
]
CORE = {"torch", "numpy", "scipy", "gymnasium"}
# Libraries of the extras, and the floors that may import them.
EXTRAS = {
    "mdp": {"mujoco", "Box2D"},
    "catalogue": {"ale_py", "envpool"},
    "experiments": {"matplotlib", "rich", "pygame"},
    "practical": {
        "IPython",
        "ipykernel",
        "ipywidgets",
        "jupyter_client",
        "jupytext",
        "matplotlib",
        "nbclient",
        "nbformat",
        "psutil",
        "zmq",
    },
    "cli": {"rich", "tyro", "matplotlib"},
    "training": {"tensorboard"},
}
# group.trivial, group.regular and group.natural are representations: the only doors to a floor below.
DOORS = {("groups/_group.py", "symmdp.representations"), ("groups/_unlisted.py", "symmdp.representations")}
MODULES = sorted(SOURCE.rglob("*.py"))


def imports_of(path: Path) -> set[str]:
    """Absolute names that a module imports when it runs: those under TYPE_CHECKING are for the type checker alone."""
    tree = ast.parse(path.read_text())
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            skipped.update(ast.walk(node))
    names: set[str] = set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            names.update([f"{module}.{alias.name}" for alias in node.names] if module == "symmdp" else [module])
    return names


def floor_of(path: Path) -> str | None:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return None if parts == ("__init__",) else parts[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_one_way(path: Path) -> None:
    floor = floor_of(path)
    if floor is None or floor == "__main__":
        return
    assert floor in FLOORS, f"{floor} is no floor of the house"
    for name in imports_of(path):
        top = name.split(".")[0]
        if top == "symmdp":
            other = name.split(".")[1]
            if (str(path.relative_to(SOURCE)), f"symmdp.{other}") in DOORS:
                continue
            assert FLOORS.index(other) <= FLOORS.index(floor), f"{path.name} ({floor}) imports {name}, a floor below"
        elif top not in sys.stdlib_module_names:
            assert top in CORE | EXTRAS.get(floor, set()), f"{path.name} ({floor}) imports {top}"


def test_the_test_sees_a_wrong_import(tmp_path: Path) -> None:
    """The negative control of the test above."""
    module = tmp_path / "module.py"
    module.write_text(
        "from __future__ import annotations\nimport rich.table\nfrom symmdp import nn\nfrom symmdp.training import train\n"
    )
    assert imports_of(module) == {"__future__", "rich.table", "symmdp.nn", "symmdp.training"}


def test_import_loads_the_core_only() -> None:
    code = "import sys, symmdp; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "torch" in loaded
    extras = {
        "matplotlib",
        "rich",
        "tyro",
        "tensorboard",
        "pygame",
        "stable_baselines3",
        "mujoco",
        "Box2D",
        "nbformat",
        "IPython",
    }
    assert not extras & set(loaded)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_holds_one_concept(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 350
    assert path.stem not in ("utils", "helpers", "common", "misc")


def test_the_public_names_of_the_issue_exist() -> None:
    import symmdp.nn
    import symmdp.policies
    import symmdp.testing
    import symmdp.training

    for name in ("Representation", "EquivariantMaps", "Symmetry", "symmetry_of", "verify", "groups"):
        assert hasattr(symmdp, name)
    for name in ("EquivariantLinear", "EquivariantMLP"):
        assert hasattr(symmdp.nn, name)
    for name in ("equivariance_error", "assert_equivariant"):
        assert hasattr(symmdp.testing, name)
    assert hasattr(symmdp.policies, "ActorCritic")
    for module in (symmdp, symmdp.nn, symmdp.policies, symmdp.training):
        assert sorted(module.__all__) == module.__all__ or set(module.__all__) <= set(dir(module))
