from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text

from symmdp.experiments import Run, draw_learning_curves, learning_curves_figure
from symmdp.experiments._learning_curves import spread
from symmdp.experiments._method_style import style_of

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


def test_names_of_many_methods_stand_beside_their_lines_without_overlap(tmp_path: Path, write_run: WriteRun) -> None:
    methods = ("equivariant", "plain", "random-basis", "nullspace-basis", "augmentation", "mirror-loss", "canonicalization")
    runs = [Run.load(write_run(tmp_path / m, m, solved_at=6_000 + 4_000 * k)) for k, m in enumerate(methods)]
    figure = learning_curves_figure(runs)
    figure.draw_without_rendering()
    labels = [t for t in figure.axes[0].texts if isinstance(t, Annotation) and t.get_text().split()[0] in methods]
    assert sorted(label.get_text().split()[0] for label in labels) == sorted(methods)
    boxes = [Text.get_window_extent(label) for label in labels]  # without its line
    assert not any(a.y0 < b.y1 and b.y0 < a.y1 for i, a in enumerate(boxes) for b in boxes[:i])
    assert max(box.x1 for box in boxes) <= figure.bbox.x1
    for label, box in zip(labels, boxes, strict=True):
        assert label.arrow_patch is not None
        assert label.arrow_patch.get_window_extent().x1 <= box.x0 + 3  # its line ends where its name begins
    assert len({line.get_color() for line in figure.axes[0].lines[: len(methods)]}) == len(methods)


@given(st.lists(st.floats(0, 1), max_size=8).map(sorted))
def test_spread_keeps_order_and_distance(places: list[float]) -> None:
    found = spread(places, 0.05)
    assert all(b - a >= 0.05 - 1e-9 for a, b in pairwise(found))
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in found)
    if all(b - a >= 0.05 for a, b in pairwise(places)):
        assert found == pytest.approx(places)


def contrast(colour: str, other: str) -> float:
    def luminance(text: str) -> float:
        parts = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(colour), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_method_is_seen_on_white_and_on_black_and_told_apart_without_colour() -> None:
    names = ["equivariant", "plain", "random-basis", "nullspace-basis", "augmentation", "mirror-loss", "canonicalization"]
    styles = [style_of(name) for name in names] + [style_of("another", k) for k in range(3)]
    assert all(contrast(style.light, "#ffffff") >= 3 and contrast(style.dark, "#14171c") >= 3 for style in styles)
    assert len({style.light for style in styles}) == len({style.dark for style in styles}) == len(styles)
    assert len({style.dash for style in styles}) == len(styles) - 1  # equivariant and plain are both solid
