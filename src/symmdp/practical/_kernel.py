from __future__ import annotations

import os
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

from symmdp.errors import NotebookError
from symmdp.experiments._extras import extra


def kernel_settings() -> dict[str, Any]:
    """Settings of a kernel manager, asynchronous or not, whose kernel runs in this interpreter, whatever kernels are installed.

    Raises:
        MissingExtraError: jupyter_client or ipykernel is not installed.
    """
    with extra("Executing notebooks", "practical"):
        os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")  # or jupyter_core warns that it will become the default
        import ipykernel  # noqa: F401
        from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

    class ThisInterpreter(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=command, display_name="Python 3", language="python", interrupt_mode="signal")

    settings: dict[str, Any] = {"kernel_spec_manager": ThisInterpreter()}
    if os.name == "posix":  # sockets that only this user can open, in a short path, as they must have
        file = Path(tempfile.gettempdir()) / f"symmdp-{uuid.uuid4().hex[:12]}.json"
        settings |= {"transport": "ipc", "connection_file": str(file)}
    return settings


def execute(notebook: Any, folder: Path, timeout: float = 600) -> None:
    """Run a notebook from top to bottom, and keep its outputs in it.

    Args:
        notebook: nbformat's NotebookNode; changed in place.
        folder: where it runs.
        timeout: the most seconds for one cell.

    Raises:
        NotebookError: a cell raised an exception, or took too long.
        MissingExtraError: a package of the extra `practical` is not installed.
    """
    settings = kernel_settings()
    with extra("Executing notebooks", "practical"):
        from jupyter_client.manager import AsyncKernelManager
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    class Manager(AsyncKernelManager):
        def __init__(self, **options: Any):
            super().__init__(**settings, **options)

    client = NotebookClient(
        notebook,
        kernel_manager_class=Manager,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute(env={**os.environ, "MPLBACKEND": "module://matplotlib_inline.backend_inline"})
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise NotebookError(f"The notebook does not run: {error}") from None
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times of day, which would differ from build to build
