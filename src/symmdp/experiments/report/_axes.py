"""Axes of an SVG as wide as its place: horizontal places are percentages, vertical ones pixels, so text keeps its size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symmdp.experiments._extras import extra
from symmdp.experiments.report._elements import element, short

WIDE = 1000.0  # units of the drawing that is stretched to the width


@dataclass(frozen=True)
class Axes:
    """A plane of steps or returns.

    Attributes:
        x: the interval that is seen.
        y: likewise.
        height: in pixels.
        share: of the width that `x` takes; the rest, at the right, is for what never happens.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    height: float
    share: float = 1.0

    def across(self, value: float) -> str:
        """A horizontal place, in per cent of the width."""
        return f"{short(100 * self.share * (value - self.x[0]) / (self.x[1] - self.x[0]))}%"

    def down(self, value: float) -> float:
        """A vertical place, in pixels from the top."""
        return self.height * (self.y[1] - value) / (self.y[1] - self.y[0])

    def line(self, x: ArrayLike, y: ArrayLike, **attributes: str | float | None) -> Element:
        """A line through the points, broken where a value is not a number; for a `stretched` drawing."""
        across, down = self._points(x), np.asarray(y, dtype=np.float64)
        parts = [_path(across[run], self.down_all(down[run])) for run in _runs(np.isfinite(down))]
        return element("path", d="".join(parts), vector_effect="non-scaling-stroke", **attributes)

    def band(self, x: ArrayLike, low: ArrayLike, high: ArrayLike, **attributes: str | float | None) -> Element:
        """The area between two lines where the upper one is a number; down to the axis where the lower one is not."""
        across, top = self._points(x), np.asarray(high, dtype=np.float64)
        bottom = np.where(np.isfinite(low), low, self.y[0])
        parts = []
        for run in _runs(np.isfinite(top)):
            there, back = self.down_all(top[run]), self.down_all(bottom[run])
            parts.append(_path(np.r_[across[run], across[run][::-1]], np.r_[there, back[::-1]]) + "z")
        return element("path", d="".join(parts), **attributes)

    def stretched(self, *drawing: Element) -> Element:
        """A drawing of lines and bands, over the whole width."""
        return element(
            "svg",
            *drawing,
            viewBox=f"0 0 {WIDE:g} {short(self.height)}",
            preserveAspectRatio="none",
            width="100%",
            height=self.height,
        )

    def chart(self, text: str, contents: Sequence[Element], **attributes: str | None) -> Element:
        """The whole drawing, with what it shows in words."""
        return element(
            "svg", contents, role="img", aria_label=text, width="100%", height=self.height, overflow="visible", **attributes
        )

    def ticks_x(self, name: str = "", most: int = 6) -> list[Element]:
        """Numbers below the plane."""
        found = [
            element("text", steps_text(tick), x=self.across(tick), y=self.height + 18, text_anchor="middle", class_="tick")
            for tick in _ticks(*self.x, most)
        ]
        if name:
            found.append(element("text", name, x="100%", y=self.height + 36, text_anchor="end", class_="tick"))
        return found

    def ticks_y(self, name: str = "", most: int = 6) -> list[Element]:
        """Numbers at the left, and faint lines; the name of what they count above them."""
        found = [element("text", name, x=0.0, dx=-44, y=-14, class_="tick")] if name else []
        for tick in _ticks(*self.y, most):
            down = self.down(tick)
            found.append(element("line", x1=0.0, x2="100%", y1=down, y2=down, class_="grid"))
            text = f"{tick:,.10g}".replace("-", "−")
            found.append(element("text", text, x=0.0, dx=-8, y=down, dy="0.32em", text_anchor="end", class_="tick"))
        return found

    def down_all(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """`down` of many values, kept within the plane and a margin."""
        return np.clip(self.height * (self.y[1] - values) / (self.y[1] - self.y[0]), -self.height, 2 * self.height)

    def _points(self, x: ArrayLike) -> NDArray[np.float64]:
        return WIDE * self.share * (np.asarray(x, dtype=np.float64) - self.x[0]) / (self.x[1] - self.x[0])


def reach(*values: ArrayLike, margin: float = 0.05) -> tuple[float, float]:
    """An interval around all finite values; from 0 to 1 where there are none."""
    finite = [v[np.isfinite(v)] for v in (np.asarray(value, dtype=np.float64).ravel() for value in values)]
    known = np.concatenate([np.zeros(0), *finite])
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    pad = margin * (high - low) or 0.5 * abs(high) or 0.5
    return low - pad, high + pad


def steps_text(value: float) -> str:
    """Environment steps for people, short."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{letter}"
    return f"{value:.4g}".replace("-", "−")


def _ticks(low: float, high: float, most: int) -> list[float]:
    with extra("The report"):
        from matplotlib.ticker import MaxNLocator
    found = MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    slack = 1e-9 * (high - low)
    return [
        0.0 if math.isclose(tick, 0, abs_tol=slack) else float(tick) for tick in found if low - slack <= tick <= high + slack
    ]


def _runs(known: NDArray[np.bool_]) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.r_[0, known.astype(np.int8), 0]))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _path(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    points: Sequence[str] = [f"{a:.5g} {b:.5g}" for a, b in zip(x.round(1), y.round(1), strict=True)]
    return "M" + "L".join(points if len(points) > 1 else [points[0], points[0]])
