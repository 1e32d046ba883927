"""Checks that the parts of a declaration share."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from symmdp.errors import SpecificationError


def check_keys(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """Raise SpecificationError where a table has a key that is not known."""
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it may have {', '.join(known)}."
            raise SpecificationError(f"{where} has the unknown key {key!r}; {hint}")


def checked_text(value: object, what: str) -> str:
    """A text that is not empty; SpecificationError otherwise."""
    if not isinstance(value, str) or not value:
        raise SpecificationError(f"{what} is a text; got {value!r}.")
    return value
