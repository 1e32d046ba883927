"""HTML and SVG as trees: what is written is well-formed, and its text escaped, by construction."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

Child = Element | str | None


def element(tag: str, *children: Child | Iterable[Child], **attributes: str | float | None) -> Element:
    """An element with its children in order.

    Args:
        tag: its name.
        children: elements and texts, or several of them; None is left out.
        attributes: a trailing underscore is dropped and others become hyphens (`class_`, `aria_label`); None is left out.
    """
    given = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items() if value is not None}
    found = Element(tag, {name: value if isinstance(value, str) else short(value) for name, value in given.items()})
    last: Element | None = None
    for child in _flat(children):
        if isinstance(child, Element):
            found.append(child)
            last = child
        elif last is None:
            found.text = (found.text or "") + child
        else:
            last.tail = (last.tail or "") + child
    return found


def short(value: float) -> str:
    """A coordinate with at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def to_html(root: Element) -> str:
    """The element as HTML text."""
    return tostring(root, encoding="unicode", method="html")


def _flat(children: Iterable[Child | Iterable[Child]]) -> Iterable[Element | str]:
    for child in children:
        if isinstance(child, Element | str):
            yield child
        elif child is not None:
            yield from _flat(child)
