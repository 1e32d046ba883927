from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from symmdp.experiments import Run, draw_learning_curves, learning_curves_figure

WriteRun = Callable[..., Path]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts] + [figure.axes[0].get_title(loc="left")]


@pytest.fixture
def runs(tmp_path: Path, write_run: WriteRun) -> list[Run]:
    fast = write_run(tmp_path / "equivariant", "equivariant", seeds=range(5), solved_at=6_000)
    slow = write_run(tmp_path / "plain", "plain", seeds=range(5), solved_at=12_000)
    return [Run.load(fast), Run.load(slow)]


def test_draws_every_seed_a_median_and_a_band(runs: list[Run]) -> None:
    axes = learning_curves_figure(runs).axes[0]
    curves = [line for line in axes.lines if len(np.asarray(line.get_xdata())) > 2]
    assert len(curves) == 2 * (5 + 1)
    assert len(axes.collections) == 2 + 2  # bands, and lines dropped from the medians
    assert axes.get_xlim() == (0, 30_000)


def test_says_what_is_seen(runs: list[Run]) -> None:
    found = texts(learning_curves_figure(runs))
    assert any(text.startswith("equivariant\n") and text.endswith("steps") for text in found)
    assert any(text.startswith("plain\n") for text in found)
    assert "solved: 475" in found
    assert "× the plain one's steps" in found[-1]


def test_labels_of_the_medians_do_not_overlap(runs: list[Run]) -> None:
    figure = learning_curves_figure(runs)
    figure.draw_without_rendering()
    labels = [t for t in figure.axes[0].texts if isinstance(t, Annotation) and "\n" in t.get_text()]
    first, second = (label.get_window_extent() for label in labels)
    assert not first.overlaps(second)


def test_names_a_method_that_does_not_solve(tmp_path: Path, write_run: WriteRun) -> None:
    run = Run.load(write_run(tmp_path / "plain", "plain", solved_at=100_000))
    assert "plain: unsolved" in texts(learning_curves_figure([run]))


@pytest.mark.parametrize("episodes", [[], [(9, 0, 9, 9.0)], [(9, 0, 9, float("nan"))]])
def test_draws_what_little_there_is(tmp_path: Path, write_run: WriteRun, episodes: list) -> None:
    run = Run.load(write_run(tmp_path / "plain", "plain", episodes=episodes, threshold=None))
    draw_learning_curves([run], tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5_000


def test_writes_png_and_pdf(runs: list[Run], tmp_path: Path) -> None:
    draw_learning_curves(runs, tmp_path / "learning_curves.png")
    png = (tmp_path / "learning_curves.png").read_bytes()
    assert png.startswith(b"\x89PNG")
    assert (int.from_bytes(png[16:20]), int.from_bytes(png[20:24])) == (1440, 864)
    assert (tmp_path / "learning_curves.pdf").read_bytes().startswith(b"%PDF")
    assert not list(tmp_path.glob(".*"))
