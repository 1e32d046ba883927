"""The report in a headless Chromium, on a phone and on a desk, by day and by night."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from symmdp.experiments.report import write_report

SIZES = {"phone": (390, 844), "narrow": (360, 640), "desk": (1440, 900), "wide": (1600, 1000)}

# Every element with a text of its own, with its colour, the nearest opaque colour behind it and its size.
TEXTS = """
(() => {
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.getClientRects().length === 0) continue;
    const style = getComputedStyle(element);
    let behind = element;
    let colour = "rgba(0, 0, 0, 0)";
    while (behind && colour === "rgba(0, 0, 0, 0)") {
      colour = getComputedStyle(behind).backgroundColor;
      behind = behind.parentElement;
    }
    const ink = element instanceof SVGElement ? style.fill : style.color;
    found.push([element.textContent.trim().slice(0, 40), ink, colour, parseFloat(style.fontSize)]);
  }
  return found;
})()
"""
STROKES = """
[...document.querySelectorAll("path.median, line.bar, path.leader")].map((line) => getComputedStyle(line).stroke)
"""


def luminance(colour: str) -> float:
    parts = [float(part) / 255 for part in colour.partition("(")[2].rstrip(")").split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(colour: str, other: str) -> float:
    low, high = sorted((luminance(colour), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.fixture
def reports(tmp_path: Path, write_comparison: Callable[..., Path]) -> dict[str, Path]:
    """One with all there can be, and several in one with an unfinished one."""
    methods = ("equivariant", "plain", "random-basis", "nullspace-basis", "augmentation", "mirror-loss", "canonicalization")
    seven = write_comparison(tmp_path / "seven", methods, evaluated=True)
    failure = {"seed": 2, "learning_rate": 0.003, "step": 9_000, "reason": "a loss that is not a number " * 3}
    (seven / "plain" / "failures.json").write_text(json.dumps({"failures": [failure]}))
    (seven / "tuning" / "plain").mkdir(parents=True)
    rates = [0.0001 * 2**k for k in range(9)]
    tuning = {"rates": rates, "scores": [-100.5] * 9, "chosen": rates[3], "seeds": list(range(10))}
    (seven / "tuning" / "plain" / "tuning.json").write_text(json.dumps(tuning))
    several = tmp_path / "several"
    write_comparison(several / ("a-folder-with-a-name-that-is-long-and-has-no-place-to-break" * 2))
    shutil.rmtree(write_comparison(several / "b") / "plain")
    return {"seven": write_report(seven)[0], "several": write_report(several)[0]}


def test_the_report_as_it_is_seen(browser: Any, reports: dict[str, Path]) -> None:
    for name, path in reports.items():
        for size, (width, height) in SIZES.items():
            for dark in (False, True):
                where = f"{name}, {size}, {'dark' if dark else 'light'}"
                browser.open(path, width=width, height=height, dark=dark)
                browser.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
                assert browser.problems == [], where
                assert browser.requests == [path.as_uri()], where
                seen = browser.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
                assert seen[0] <= seen[1] <= width, where
                images = browser.evaluate("[...document.images].map((image) => image.complete && image.naturalWidth > 0)")
                assert images, where
                assert all(images), where
                texts = browser.evaluate(TEXTS)
                assert len(texts) > 200, where
                for text, ink, behind, points in texts:
                    assert contrast(ink, behind) >= 4.5, (where, text, ink, behind)
                    assert points >= 11, (where, text)
                page = browser.evaluate("getComputedStyle(document.body).backgroundColor")
                assert (luminance(page) < 0.1) == dark, where
                assert all(contrast(stroke, page) >= 3 for stroke in browser.evaluate(STROKES)), where
    if (folder := os.environ.get("SYMMDP_SCREENSHOTS")) is not None:  # to look at
        browser.screenshot(Path(folder) / "report.png")


def test_names_stand_beside_lines_on_a_desk_and_above_them_on_a_phone(browser: Any, reports: dict[str, Path]) -> None:
    shown = """
    [".legend", ".ends"].map((name) =>
      [...document.querySelectorAll(name)].filter((e) => getComputedStyle(e).display !== "none").length)
    """
    browser.open(reports["seven"], width=390, height=844)
    assert browser.evaluate(shown) == [2, 0]
    browser.open(reports["seven"], width=1440, height=900)
    assert browser.evaluate(shown) == [0, 2]
    boxes = browser.evaluate("""
    [...document.querySelector(".ends").querySelectorAll("text")].map((text) => {
      const box = text.getBoundingClientRect();
      return [box.top, box.bottom, box.right];
    })
    """)
    assert len(boxes) == 7
    assert all(a[1] <= b[0] + 1 for a, b in zip(sorted(boxes), sorted(boxes)[1:], strict=False))
    assert max(box[2] for box in boxes) < 1440


def test_wide_tables_scroll_in_their_box(browser: Any, reports: dict[str, Path]) -> None:
    browser.open(reports["seven"], width=390, height=844)
    inner, outer = browser.evaluate("['scrollWidth', 'clientWidth'].map((name) => document.querySelector('.scroll')[name])")
    assert outer < 390 < inner
    first = "document.querySelector('.scroll tbody th').getBoundingClientRect().left"
    before = browser.evaluate(first)
    browser.evaluate("document.querySelector('.scroll').scrollLeft = 200")
    assert browser.evaluate(first) == before  # the names of the methods stay


def test_print_is_black_on_white(browser: Any, reports: dict[str, Path]) -> None:
    browser.open(reports["seven"], width=760, height=1000, dark=True, media="print")
    assert browser.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    # 718 pixels are the width of A4 between Chromium's margins.
    browser.open(reports["seven"], width=718, height=1000, media="print")
    assert browser.evaluate("document.documentElement.scrollWidth") <= 718
    assert browser.evaluate("[...document.querySelectorAll('.scroll')].every((b) => b.scrollWidth <= b.clientWidth)")


def test_the_checks_can_fail(browser: Any, tmp_path: Path) -> None:
    """The negative control of the tests above."""
    path = tmp_path / "bad.html"
    path.write_text("<p style='width: 900px; color: #999; background: #fff'>pale</p><img src='no.png'><script>throw 1</script>")
    browser.open(path, width=390, height=844)
    assert browser.evaluate("document.documentElement.scrollWidth") > 390
    assert browser.problems
    assert len(browser.requests) == 2
    assert browser.evaluate("document.images[0].naturalWidth") == 0
    ((_, ink, behind, _),) = browser.evaluate(TEXTS)
    assert contrast(ink, behind) < 4.5
