from __future__ import annotations

import math
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from symmdp.experiments._number import steps
from symmdp.experiments._results import MethodResult
from symmdp.experiments.report._axes import Axes, reach
from symmdp.experiments.report._elements import element
from symmdp.experiments.report._key import key, method_class
from symmdp.experiments.report._numbers import interval, signed

_SHARE = 0.82  # of the width, for what happens; the rest is for the seeds of which it never does
_EDGE, _BEYOND = 1.06, 1.14  # where that rest begins and where its dots are, in widths of the former
_BEYOND_TEXT = f"{100 * _SHARE * _BEYOND:.1f}%"


def steps_figure(results: Sequence[MethodResult]) -> Element | None:
    """Steps to solve of every seed, in a row for each method, with quartiles; the seeds that never solve it at the right."""
    if results[0].threshold is None:
        return None
    end = max(float(result.total_steps) for result in results)
    axes = Axes((0.0, end), (0.0, 1.0), 44.0, share=_SHARE)
    rows = []
    for k, result in enumerate(results):
        low, median, high = (min(q, _BEYOND * end) for q in result.quartiles)
        places = result.steps_to_solve
        box = element("rect", x=axes.across(low), y=10, width=_width(axes, low, high), height=24, rx=3, class_="box")
        bar = element("line", x1=axes.across(median), x2=axes.across(median), y1=5, y2=39, class_="bar")
        text = f"median {steps(result.quartiles[1])}; {result.solved} of {len(result.seeds)} seeds solve it"
        never = element("line", x1=axes.across(_EDGE * end), x2=axes.across(_EDGE * end), y1=0, y2=44, class_="grid")
        rows.append(_row(k, result.method, text, axes, [never, box, *_dots(axes, places, _BEYOND * end), bar]))
    feet = [
        *axes.ticks_x("environment steps of each seed"),
        element("text", "never", x=_BEYOND_TEXT, y=62, text_anchor="middle", class_="tick"),
    ]
    return _rows_figure(
        f"Steps until a seed is solved (a return of {results[0].threshold:g}): each dot is a seed, the box holds the middle "
        "half, the bar is the median.",
        rows,
        axes,
        feet,
    )


def final_figure(results: Sequence[MethodResult]) -> Element:
    """Final returns of every seed, in a row for each method, with their interquartile mean; seeds without one at the right."""
    axes = Axes(reach(*(result.final_returns for result in results)), (0.0, 1.0), 44.0, share=_SHARE)
    beyond = axes.x[0] + _BEYOND * (axes.x[1] - axes.x[0])
    rows = []
    for k, result in enumerate(results):
        marks = []
        low, high = (max(bound, axes.x[0]) for bound in result.interval)
        if math.isfinite(low) and math.isfinite(high):
            marks.append(
                element("rect", x=axes.across(low), y=16, width=_width(axes, low, high), height=12, rx=3, class_="box")
            )
        places = [math.inf if math.isnan(final) else final for final in result.final_returns]
        marks.extend(_dots(axes, places, beyond))
        if math.isfinite(result.final_return):
            at = axes.across(result.final_return)
            marks.append(element("line", x1=at, x2=at, y1=5, y2=39, class_="bar"))
        edge = axes.across(axes.x[0] + _EDGE * (axes.x[1] - axes.x[0]))
        marks.insert(0, element("line", x1=edge, x2=edge, y1=0, y2=44, class_="grid"))
        rows.append(
            _row(k, result.method, f"interquartile mean {signed(result.final_return)} {interval(result.interval)}", axes, marks)
        )
    feet = [*axes.ticks_x("final return"), element("text", "none", x=_BEYOND_TEXT, y=62, text_anchor="middle", class_="tick")]
    return _rows_figure(
        "Final return: each dot is a seed, the bar is the interquartile mean, the box its 95 % bootstrap interval; seeds "
        "without one, which diverged or ended no episode, stand at the right and count as the worst.",
        rows,
        axes,
        feet,
    )


def _row(k: int, method: str, text: str, axes: Axes, marks: Sequence[Element]) -> Element:
    chart = axes.chart(f"{method}: {text}.", [element("line", x1=0, x2="100%", y1=22, y2=22, class_="grid"), *marks])
    head = element("p", key(method, k), element("span", text, class_="said"), class_="row-head")
    return element("div", head, chart, class_=f"row {method_class(k)}")


def _rows_figure(caption: str, rows: Sequence[Element], axes: Axes, feet: Sequence[Element]) -> Element:
    foot = element(
        "svg",
        element("g", feet, transform=f"translate(0 {-axes.height:g})"),
        width="100%",
        height=40,
        aria_hidden="true",
        overflow="visible",
    )
    return element("figure", element("figcaption", caption), element("div", rows, foot, class_="canvas rows"))


def _width(axes: Axes, low: float, high: float) -> str:
    return f"{max(100 * axes.share * (high - low) / (axes.x[1] - axes.x[0]), 0.3):.2f}%"


def _dots(axes: Axes, places: Sequence[float], beyond: float) -> list[Element]:
    """A dot for each seed; of those near each other, they fan out up and down."""
    found, last, rank = [], -math.inf, 0
    near = 0.012 * (axes.x[1] - axes.x[0])
    for place in sorted(min(place, beyond) for place in places):
        rank = rank + 1 if place - last < near else 0
        last = place if rank == 0 else last
        offset = 5.0 * ((rank + 1) // 2) * (1 if rank % 2 else -1)
        found.append(element("circle", cx=axes.across(place), cy=22 + max(min(offset, 18), -18), r=4, class_="dot"))
    return found
