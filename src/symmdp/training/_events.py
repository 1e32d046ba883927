from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol


class Events(Protocol):
    """Where scalars for TensorBoard go."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> object:
        """Record one value."""
        ...


class _NoEvents:
    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
        pass


@contextmanager
def events_writer(directory: Path, step: int) -> Iterator[Events]:
    """A TensorBoard writer in the run directory, values after `step` replaced; none where TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        yield _NoEvents()
        return
    writer = SummaryWriter(str(directory), purge_step=step or None)
    try:
        yield writer
    finally:
        writer.close()
