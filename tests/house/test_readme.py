"""What the README shows is run, and prints what the README says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from symmdp.cli import main

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_python_blocks_run_in_order_and_print_what_follows_them(tmp_path):
    script = tmp_path / "readme.py"
    script.write_text("\n".join(blocks("python")), encoding="utf-8")
    command = [sys.executable, "-W", "error", script]
    environment = os.environ | {"PYTHONUTF8": "1"}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert run.returncode == 0, run.stderr
    expected = [line for block in blocks("text") for line in block.splitlines()]
    assert len(expected) >= 3
    for line in expected:
        assert line in run.stdout
    assert (tmp_path / "runs/small/results.csv").exists()


def test_the_mistake_on_the_command_line_is_answered_as_shown(capsys):
    (shown,) = re.findall(r"^symmdp: error: .*$", README, re.MULTILINE)
    assert main(["verify", "CartPole-v2"]) == 2
    assert capsys.readouterr().err.strip() == shown


def test_every_command_exists(capsys):
    commands = set(re.findall(r"^\$ symmdp (\w+)", README, re.MULTILINE))
    assert commands == {"list", "show", "verify", "train", "compare", "report", "practical"}
    for command in commands:
        assert main([command, "--help"]) == 0


ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md"], ids=lambda page: page.stem)
def test_figures_and_files_that_are_linked_exist(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    assert links or page.parent.name == "decisions"
    for link in links:
        if not link.startswith("http"):
            assert (page.parent / link).exists(), link
