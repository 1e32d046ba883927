from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from symmdp.errors import MissingExtraError


@contextmanager
def extra(purpose: str, name: str = "experiments") -> Iterator[None]:
    """Import optional dependencies in this block.

    Raises:
        MissingExtraError: one is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "a package").partition(".")[0]
        raise MissingExtraError(
            f"{purpose} needs {package}, which is not installed. Try: pip install 'symmdp[{name}]'"
        ) from None
