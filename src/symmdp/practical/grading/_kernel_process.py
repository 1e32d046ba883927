"""The process in which a notebook is graded: ipykernel, with limits on memory and output."""

from __future__ import annotations

import sys
from typing import Any

from ipykernel.iostream import OutStream
from ipykernel.kernelapp import IPKernelApp


class OutputLimitError(Exception):
    """A cell printed more than it may."""


class CappedStream(OutStream):
    """Standard output or error of the cells: each cell may write so much, and then its prints raise an exception."""

    most = 0  # bytes; set before the kernel starts

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, **{**options, "watchfd": False, "echo": None})
        self._cell: object = None
        self._written = 0

    def write(self, string: str) -> int | None:
        """Write, or refuse."""
        cell = self.parent_header.get("msg_id")
        if cell != self._cell:
            self._cell, self._written = cell, 0
        self._written += len(string)
        if self._written > self.most:
            raise OutputLimitError(f"more than {self.most // 1024} KiB of output")
        return super().write(string)


def limit_memory(mebibytes: int) -> None:
    """Limit what this process may allocate, where the system knows such limits; and leave no core dumps."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return
    most = mebibytes * 2**20
    # Data: what is written to. Address space is much larger than that (libraries, arenas and stacks of threads).
    for kind, value in ((resource.RLIMIT_DATA, most), (resource.RLIMIT_AS, 8 * most), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def main() -> None:
    """Start the kernel; the arguments of the process are MiB of memory, bytes of output, and those of ipykernel."""
    memory, output, *rest = sys.argv[1:]
    CappedStream.most = int(output)
    limit_memory(int(memory))
    application = IPKernelApp.instance()
    application.outstream_class = f"{CappedStream.__module__}.{CappedStream.__name__}"
    application.initialize(rest)
    application.start()
