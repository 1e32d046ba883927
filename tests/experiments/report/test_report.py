import csv
import json
import math
import re
import shutil
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from symmdp import symmetry_of
from symmdp.errors import RunDirectoryError
from symmdp.experiments import MethodResult, Run, write_results
from symmdp.experiments.report import experiments_in, write_report
from symmdp.training import TrainingOptions, train

WriteComparison = Callable[..., Path]
WriteRun = Callable[..., Path]
SEVEN = ("equivariant", "plain", "random-basis", "nullspace-basis", "augmentation", "mirror-loss", "canonicalization")
VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """What a page says: elements with their attributes, tables as rows of cells, text; tags must match."""

    def __init__(self, path: Path):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.text = ""
        self._open: list[str] = []
        self._table: list[list[str]] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self._table = self.tables[attributes["aria-label"]] = []
        elif tag == "tr":
            self._table.append([])
        elif tag in ("th", "td"):
            self._table[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data
        if "table" in self._open and ("td" in self._open or "th" in self._open):
            self._table[-1][-1] += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def table(self, name: str) -> dict[str, dict[str, str]]:
        """Rows by their heads, cells by those of their columns."""
        (found,) = [rows for label, rows in self.tables.items() if name in label]
        return {row[0].strip(): dict(zip(found[0], row, strict=True)) for row in found[1:]}


def page_of(directory: Path) -> Page:
    path, _ = write_report(directory)
    assert path == directory / "report.html"
    return Page(path)


def steps(value: int | str) -> str:
    return value if isinstance(value, str) else f"{value:,}"


@pytest.mark.parametrize(("methods", "evaluated"), [(SEVEN[:2], False), (SEVEN, True)])
def test_numbers_are_those_of_the_results(
    tmp_path: Path, write_comparison: WriteComparison, methods: tuple[str, ...], evaluated: bool
) -> None:
    directory = write_comparison(tmp_path / "c", methods, evaluated=evaluated)
    failures = [{"seed": 2, "learning_rate": 0.003, "step": 9_000, "reason": "a loss of NaN"}]
    (directory / "plain" / "failures.json").write_text(json.dumps({"failures": failures}))
    write_results(directory, "CartPole-v1", [MethodResult.of(Run.load(directory / method)) for method in methods])
    expected = json.loads((directory / "results.json").read_text())
    page = page_of(directory)
    assert expected["headline"]
    assert expected["headline"] in page.text
    shown = page.table("Each method over all its seeds")
    assert list(shown) == list(methods)
    for summary in expected["methods"]:
        row = shown[summary["method"]]
        assert row["parameters"] == f"{summary['parameters']:,}"
        assert row["learning rate"] == f"{summary['learning_rate']:g}"
        assert row["solved"] == f"{summary['solved']}/6"
        assert row["diverged"] == f"{len(summary['diverged'])}/6" == ("1/6" if summary["method"] == "plain" else "0/6")
        for column, name, value in (
            ("steps to solve, median seed", "steps_to_solve", "median"),
            ("median return reaches 475", "median_reaches_threshold", "step"),
        ):
            low, high = summary[name]["interval_95"]
            wanted = steps(summary[name][value])
            if low != "unsolved":
                wanted += f" [{steps(low)} – {'never' if high == 'unsolved' else steps(high)}]"
            assert row[column] == wanted
        for column, name in (("final return, IQM", "final_return"), ("area under curve, IQM", "area_under_curve")):
            low, high = ("failed" if bound is None else f"{bound:,.1f}" for bound in summary[name]["interval_95"])
            assert row[column] == f"{summary[name]['interquartile_mean']:,.1f} [{low} – {high}]"
        if evaluated:
            assert row["seconds + evaluations"] == f"{summary['seconds']:,.1f} + {summary['evaluation_seconds']:,.1f}"
        else:
            assert row["seconds"] == f"{summary['seconds']:,.1f}"
        assert row["steps/s"] == f"{summary['steps_per_second']:,.0f}"
    better = page.table("Probability that")
    for method, found in expected["probability_of_improvement"].items():
        assert better[method]["better final return"].startswith(f"{found['final_return']['probability']:.2f} [")
    (link,) = [a["href"] for a in page.all("a") if a.get("download") == "results.csv"]
    assert b64decode(link.partition(",")[2]) == (directory / "results.csv").read_bytes()
    with open(directory / "results.csv") as file:
        assert len(list(csv.reader(file))) == 1 + 6 * len(methods)


def test_it_holds_all_that_it_shows(tmp_path: Path, write_comparison: WriteComparison) -> None:
    page = page_of(write_comparison(tmp_path / "c"))
    for tag, attributes in page.elements:
        assert tag not in ("script", "iframe", "object", "base")
        for name in ("src", "href", "data", "srcset", "action", "poster", "xlink:href"):
            assert attributes.get(name, "#").startswith(("#", "data:")), (tag, attributes)
        assert not any(name.startswith("on") for name in attributes)
    assert "http://" not in page.source
    assert "https://" not in page.source
    assert "url(" not in page.source
    assert "@import" not in page.source
    assert [meta["content"] for meta in page.all("meta") if "http-equiv" in meta] == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    ]


def test_figures_say_what_they_show(tmp_path: Path, write_comparison: WriteComparison) -> None:
    page = page_of(write_comparison(tmp_path / "c", SEVEN, evaluated=True))
    images = page.all("img") + [svg for svg in page.all("svg") if svg.get("role") == "img"]
    assert len(images) == 1 + 2 + 3 * 7  # mirror image; two figures of all; a panel and two rows for each method
    assert all(len(image.get("alt") or image["aria-label"]) > 20 for image in images)
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1
    bands = [path["d"] for path in page.all("path") if path.get("class", "").startswith("band")]
    assert len(bands) == 2 * 7
    assert all(path.startswith("M") and "nan" not in path and "inf" not in path for path in bands)
    assert not re.search(r"\b(nan|inf)\b", page.source.partition("</style>")[2].replace("a loss of NaN", ""))
    dots = [circle for circle in page.all("circle") if circle["class"] == "dot"]
    assert len(dots) == 2 * 7 * 6  # no seed is left out


def test_every_option_version_and_command(tmp_path: Path, write_comparison: WriteComparison) -> None:
    directory = write_comparison(tmp_path / "c")
    path = directory / "plain" / "config.json"
    config = json.loads(path.read_text())
    config["options"]["learning_rate"] = 0.01
    path.write_text(json.dumps(config))
    page = page_of(directory)
    options = page.table("All options")
    assert set(config["options"]) <= set(options)
    assert options["learning_rate"]["value"] == "equivariant: 0.003plain: 0.01"
    assert options["anneal"]["value"] == "yes"
    assert page.table("Versions")["torch"]["version"] == "2.13.0+cpu"
    assert "symmdp compare CartPole-v1 --seeds 6 --directory runs/<b>" in page.text  # escaped, or it were an element
    assert "git checkout 0123456789abcdef0123456789abcdef01234567\n" in page.text
    assert "changes that were not committed" in page.text
    assert f"symmdp report {directory}" in page.text
    assert not page.all("b")


def test_equal_directories_make_equal_reports(tmp_path: Path, write_comparison: WriteComparison) -> None:
    directory = write_comparison(tmp_path / "c")
    assert page_of(directory).source == page_of(directory).source


def test_what_is_not_finished_is_said(tmp_path: Path, write_comparison: WriteComparison) -> None:
    directory = write_comparison(tmp_path / "c", SEVEN[:4])
    shutil.rmtree(directory / "random-basis")
    metrics = directory / "plain" / "metrics.csv"
    metrics.write_text("\n".join(metrics.read_text().splitlines()[:61]) + "\n11000,")
    (directory / "plain" / "timing.json").unlink()
    episodes = directory / "plain" / "episodes.csv"
    episodes.write_text(episodes.read_text()[:-3])
    (directory / "nullspace-basis" / "episodes.csv").unlink()
    page = page_of(directory)
    assert "Not finished, so there is no verdict" in page.text
    assert "plain has made 10,000 of 30,000 steps." in page.text
    assert "random-basis has not begun." in page.text
    assert "nullspace-basis cannot be read" in page.text
    shown = page.table("Each method")
    assert list(shown) == ["equivariant", "plain"]
    assert shown["plain"]["seconds"] == "–"
    assert "solves it in" not in page.text


def test_nothing_has_begun(tmp_path: Path, write_comparison: WriteComparison) -> None:
    directory = write_comparison(tmp_path / "c")
    shutil.rmtree(directory / "equivariant")
    shutil.rmtree(directory / "plain")
    page = page_of(directory)
    assert "equivariant has not begun." in page.text
    assert not page.tables


def test_a_single_run(tmp_path: Path, write_run: WriteRun) -> None:
    directory = write_run(tmp_path / "run", "plain", seeds=range(3))
    _, (verdict,) = write_report(directory)
    median = MethodResult.of(Run.load(directory)).quartiles[1]
    assert verdict == f"3 of 3 seeds solve it, the median seed in {median:,.0f} steps."
    page = Page(directory / "report.html")
    assert list(page.table("Each method")) == ["plain"]
    assert "Probability of improvement" not in page.text
    free = write_run(tmp_path / "free", "plain", seeds=[0], threshold=None)
    assert write_report(free)[1][0].startswith("Final return ")
    assert "steps to solve" not in str(Page(free / "report.html").tables)


def test_no_column_says_that_nothing_diverged(tmp_path: Path, write_comparison: WriteComparison) -> None:
    shown = page_of(write_comparison(tmp_path / "c", SEVEN[:2])).table("Each method over all its seeds")
    assert "solved" in shown["plain"]
    assert "diverged" not in shown["plain"]


@pytest.mark.parametrize("episodes", [[], [(9, 0, 9, math.nan)]])
def test_a_run_with_hardly_a_number(tmp_path: Path, write_run: WriteRun, episodes: list) -> None:
    page = page_of(write_run(tmp_path / "run", "plain", seeds=[0], episodes=episodes))
    assert page.table("Each method")["plain"]["final return, IQM"] == "failed [– – –]"
    assert "0 of 1 seed solve it" in page.text


def test_a_run_that_was_stopped_before_its_first_update(tmp_path: Path) -> None:
    options = TrainingOptions(total_steps=512, environments=2, rollout_steps=32, minibatch=64, hidden=(8,), solved_at=475.0)
    options = replace(options, evaluation_every=256, evaluation_episodes=2)
    train("CartPole-v1", symmetry_of("CartPole-v1"), options, [0, 1], tmp_path / "run", stop=lambda: True)
    page = page_of(tmp_path / "run")
    assert "0 of 2 seeds solve it" in page.text


def test_several_comparisons_in_one_report(tmp_path: Path, write_comparison: WriteComparison, write_run: WriteRun) -> None:
    write_comparison(tmp_path / "runs" / "b")
    write_comparison(tmp_path / "runs" / "a", ("equivariant", "augmentation"))
    write_run(tmp_path / "runs" / "single", "plain")
    (tmp_path / "runs" / "broken").mkdir()
    (tmp_path / "runs" / "broken" / "config.json").write_text("{")
    (tmp_path / "runs" / "notes").mkdir()
    page = page_of(tmp_path / "runs")
    assert [article["id"] for article in page.all("article")] == ["experiment-1", "experiment-2", "experiment-3"]
    links = [a["href"] for a in page.all("a") if a["href"].startswith("#")]
    assert links == ["#experiment-1", "#experiment-2", "#experiment-3"]
    overview = page.table("All experiments")
    assert [name.rsplit("v1: ")[1] for name in overview] == [
        "equivariant and augmentationa",
        "equivariant and plainb",
        "plainsingle",
    ]
    assert "0." in overview["CartPole-v1: equivariant and plainb"]["ratio of median steps [95 %]"]
    assert "broken" in page.text
    # The same place has another colour in another experiment.
    colours = dict(re.findall(r"(#experiment-\d \.m\d)\{--light:(#\w+)", page.source))
    assert colours["#experiment-1 .m0"] == colours["#experiment-2 .m0"] != colours["#experiment-3 .m0"]
    assert colours["#experiment-2 .m1"] == colours["#experiment-3 .m0"] != colours["#experiment-1 .m1"]


def test_tuning_is_shown_where_it_is(tmp_path: Path, write_comparison: WriteComparison) -> None:
    directory = write_comparison(tmp_path / "c")
    (directory / "tuning" / "plain").mkdir(parents=True)
    path = directory / "tuning" / "plain" / "tuning.json"
    path.write_text(json.dumps({"rates": [0.001, 0.01], "scores": [-12.25, None], "chosen": 0.001, "seeds": [7, 8]}))
    row = page_of(directory).table("learning rate that was tried")["plain"]
    assert row == {"method": "plain", "seeds": "7 8", "0.001": "−12.2 ✓", "0.01": "failed", "seconds": "–"}
    timing = {"seconds": 7.0, "evaluation_seconds": 1.5}
    (directory / "tuning" / "plain" / "timing.json").write_text(json.dumps(timing))
    assert page_of(directory).table("learning rate that was tried")["plain"]["seconds"] == "8.5"
    assert "plain: 0.001 is the lowest rate of the grid; a lower one may be better." in page_of(directory).text
    path.write_text(json.dumps({"rates": [0.001], "scores": [None], "chosen": None, "seeds": [7]}))
    assert page_of(directory).table("learning rate that was tried")["plain"]["0.001"] == "failed"
    path.write_text(json.dumps({"rates": [0.001], "scores": ["high"], "chosen": 0.1, "seeds": []}))
    with pytest.raises(RunDirectoryError, match=r"tuning\.json"):
        write_report(directory)


def test_bad_directories(tmp_path: Path, write_comparison: WriteComparison) -> None:
    with pytest.raises(RunDirectoryError, match="does not exist"):
        write_report(tmp_path / "absent")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunDirectoryError, match="is a file"):
        write_report(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunDirectoryError, match="holds no run"):
        write_report(tmp_path / "empty")
    assert not list((tmp_path / "empty").iterdir())
    directory = write_comparison(tmp_path / "c")
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps(config | {"methods": ["../plain"]}))
    with pytest.raises(RunDirectoryError, match="names of folders"):
        experiments_in(directory)
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "report.html").mkdir()
    with pytest.raises(RunDirectoryError, match="Cannot write"):
        write_report(directory)
