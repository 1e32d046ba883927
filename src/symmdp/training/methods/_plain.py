from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from symmdp.training.methods._method import Method


@dataclass(frozen=True)
class Plain(Method):
    """The ordinary network: that of the trivial group, with matched parameter count."""

    name: ClassVar[str] = "plain"
