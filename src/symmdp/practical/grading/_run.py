from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symmdp.errors import NotebookError
from symmdp.experiments._extras import extra
from symmdp.practical._kernel import kernel_settings
from symmdp.practical.grading._limits import Limits
from symmdp.practical.grading._submission import Step

_MARK = "SYMMDP_GRADING"  # an environment variable, by which every process of a notebook is found, whoever its parent is
_START = 120.0  # seconds for the kernel to start
_GRACE = 5.0  # seconds for a cell to end once it is interrupted


@dataclass(frozen=True)
class Outcome:
    """What came of a step.

    Args:
        ok: it ran to its end.
        reason: in words, if it did not.
        printed: its standard output, as far as it was kept.
    """

    ok: bool
    reason: str = ""
    printed: str = ""


def run_steps(steps: Sequence[Step], limits: Limits) -> list[Outcome]:
    """Run the steps one after the other in a kernel of their own, and kill all its processes afterwards.

    A step that fails is followed by the next one; one that takes too long or shows too much is interrupted first. If it
    cannot be interrupted, or the kernel dies, those that are left are not run.

    Raises:
        NotebookError: no kernel could be started.
        MissingExtraError: a package of the extra `practical` is not installed.
    """
    mark = uuid.uuid4().hex
    with tempfile.TemporaryDirectory(prefix="symmdp-grading-", ignore_cleanup_errors=True) as folder:
        kernel = _Kernel(mark, Path(folder), limits)
        try:
            return kernel.run_all(steps)
        finally:
            kernel.kill()


class _Kernel:
    def __init__(self, mark: str, folder: Path, limits: Limits):
        with extra("Grading", "practical"):
            import zmq
            from jupyter_client.manager import KernelManager
        self._limits, self._mark = limits, mark
        settings = kernel_settings()
        context = zmq.Context()
        # A message beyond that is dropped before it is read; the size of the output is watched on both sides.
        context.setsockopt(zmq.MAXMSGSIZE, 64 * limits.output * 1024)
        context.setsockopt(zmq.LINGER, 0)
        self._context = context
        self._manager: Any = KernelManager(**settings, context=context)
        program = "from symmdp.practical.grading._kernel_process import main; main()"
        limited = [str(limits.memory), str(limits.output * 1024)]
        self._manager.kernel_spec.argv = [sys.executable, "-c", program, *limited, "-f", "{connection_file}"]
        environment = {**os.environ, _MARK: mark, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._manager.start_kernel(cwd=str(folder), env=environment, **quiet)
        self._client: Any = self._manager.blocking_client()
        self._client.start_channels()
        try:
            self._client.wait_for_ready(timeout=_START)
        except RuntimeError as error:
            self.kill()
            raise NotebookError(f"The kernel did not start: {error}. Is the limit on memory too low?") from None

    def run_all(self, steps: Sequence[Step]) -> list[Outcome]:
        end = time.monotonic() + self._limits.notebook
        outcomes: list[Outcome] = []
        stopped = ""
        for step in steps:
            if not stopped and time.monotonic() >= end:
                stopped = f"the {self._limits.notebook:g} s for the notebook were used up"
            if stopped:
                outcomes.append(Outcome(False, f"not run: {stopped}"))
                continue
            outcome, stopped = self._run(step, end)
            outcomes.append(outcome)
        return outcomes

    def _run(self, step: Step, end: float) -> tuple[Outcome, str]:
        """What came of a step, and why no other can be run after it, if so."""
        seconds = min(self._limits.cell, end - time.monotonic())
        request = self._client.execute(step.code, allow_stdin=False, stop_on_error=False)
        found = self._watch(request, time.monotonic() + seconds)
        if found.dead:
            return Outcome(False, f"{step.where} ended the kernel"), f"{step.where} ended the kernel"
        if found.idle:
            return Outcome(not found.error, found.error, found.printed), ""
        if found.too_much:
            reason = f"{step.where} showed more than {self._limits.output} KiB, and was stopped"
        else:
            reason = f"{step.where} ran for more than {seconds:.3g} s, and was stopped"
        self._manager.interrupt_kernel()
        ended = self._watch(request, time.monotonic() + _GRACE, listen=False)
        if ended.idle:
            return Outcome(False, reason), ""
        return Outcome(False, reason), f"{reason}; it could not be interrupted"

    def _watch(self, request: str, until: float, listen: bool = True) -> _Seen:
        """Follow the messages about a request, until it is done, the time is up, or there are too many of them."""
        seen = _Seen()
        most = 2 * self._limits.output * 1024  # what is printed is capped in the kernel, pictures and tables only here
        while (left := until - time.monotonic()) > 0:
            try:
                message = self._client.get_iopub_msg(timeout=min(left, 0.5))
            except queue.Empty:
                if not self._manager.is_alive():
                    seen.dead = True
                    return seen
                continue
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                seen.idle = True
                return seen
            if not listen:
                continue
            if kind == "stream" and content["name"] == "stdout":
                seen.printed = (seen.printed + content["text"])[-4096:]
            elif kind == "error":
                seen.error = _error(content)
            seen.size += sum(len(str(value)) for value in content.get("data", {}).values()) + len(content.get("text", ""))
            if seen.size > most:
                seen.too_much = True
                return seen
        return seen

    def kill(self) -> None:
        """End the kernel with its process group, and every process that it left behind."""
        import psutil

        self._client.stop_channels()
        groups = {getattr(self._manager.provisioner, "pgid", None)}
        for _ in range(5):  # while they are killed, they may start others
            processes = [process for process in psutil.process_iter() if process.pid != os.getpid() and self._owns(process)]
            if os.name == "posix":
                for group in (groups | {_group(process.pid) for process in processes}) - {None, os.getpgrp()}:
                    _quietly_kill_group(group)
            for process in processes:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            psutil.wait_procs(processes, timeout=5)
            groups = set()
            if not processes:
                break
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()
        self._context.destroy(linger=0)

    def _owns(self, process: Any) -> bool:
        import psutil

        try:
            return process.environ().get(_MARK) == self._mark
        except (psutil.Error, OSError):
            return False


@dataclass
class _Seen:
    """What the messages about a request said."""

    idle: bool = False
    dead: bool = False
    too_much: bool = False
    error: str = ""
    printed: str = ""
    size: int = 0


def _error(content: dict[str, Any]) -> str:
    name, value = str(content.get("ename", "")), " ".join(str(content.get("evalue", "")).split())
    value = value if len(value) <= 400 else value[:399] + "…"
    if name == "WrongAnswerError":
        return value
    if name == "OutputLimitError":
        return f"it printed {value}, and was stopped"
    return f"{name}: {value}" if value else name


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except OSError:
        return None


def _quietly_kill_group(group: int | None) -> None:
    with contextlib.suppress(OSError):
        if group is not None:
            os.killpg(group, signal.SIGKILL)
