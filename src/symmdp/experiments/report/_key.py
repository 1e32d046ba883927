from __future__ import annotations

from xml.etree.ElementTree import Element

from symmdp.experiments._method_style import style_of
from symmdp.experiments.report._elements import element


def key(method: str, position: int) -> Element:
    """The name of a method after a piece of its line."""
    sample = element("line", x1=1, x2=27, y1=6, y2=6, class_="median", stroke_dasharray=dashes(method, position))
    line = element("svg", sample, width=28, height=12, aria_hidden="true", class_=f"key {method_class(position)}")
    return element("span", line, " ", method, class_="name")


def method_class(position: int) -> str:
    """The CSS classes that give an element the colour of a method."""
    return f"method m{position}"


def dashes(method: str, position: int) -> str | None:
    """The dash pattern of a method, as SVG spells it."""
    return " ".join(f"{length:g}" for length in style_of(method, position).dash) or None
