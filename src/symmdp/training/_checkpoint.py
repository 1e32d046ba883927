from __future__ import annotations

import io
import pickle
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from symmdp.errors import CheckpointError
from symmdp.training._row import Row
from symmdp.training._run_directory import write_atomically

_FORMAT = "symmdp training checkpoint, version 2"


def save_checkpoint(path: Path, contents: dict[str, Any]) -> None:
    """Write a checkpoint as a whole, or leave the previous one as it is.

    Raises:
        CheckpointError: it cannot be written (a full disk, say).
    """
    buffer = io.BytesIO()
    torch.save({"format": _FORMAT, **contents}, buffer)
    try:
        write_atomically(path, buffer.getvalue())
    except OSError as error:
        kept = "the previous checkpoint is kept" if path.exists() else "there is no earlier one"
        raise CheckpointError(
            f"Cannot write the checkpoint {path}: {error.strerror or error}; {kept}. Free some space and --resume."
        ) from None


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint; tensors and plain values only (`weights_only=True`), no code is run.

    Raises:
        CheckpointError: it is missing, damaged, or none of ours.
    """
    try:
        contents = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"There is no checkpoint {path}; the run stopped before it wrote one. Start anew.") from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        told = "" if isinstance(error, pickle.UnpicklingError) else str(error).strip()  # torch's is advice for programmers
        reason = textwrap.shorten(told.splitlines()[0] if told else type(error).__name__, 120, placeholder=" …")
        raise CheckpointError(
            f"The checkpoint {path} is damaged or no checkpoint of symmdp ({reason}). Put a copy in its place, or start anew "
            "in another directory."
        ) from None
    if not isinstance(contents, dict) or contents.get("format") != _FORMAT:
        raise CheckpointError(f"{path} was not written by this version of symmdp: expected {_FORMAT!r}.")
    return contents


def check_belongs(contents: dict[str, Any], rows: Sequence[Row], shape: torch.Size) -> None:
    """Check that a checkpoint is one of this run.

    Raises:
        CheckpointError: its seeds, learning rates or its policies' sizes are others.
    """
    found, seeds = contents["training"]["policies"].shape, [row.seed for row in rows]
    if contents["seeds"] != seeds or found != shape:
        raise CheckpointError(
            f"The checkpoint belongs to another run: it holds seeds {contents['seeds']} with {found[1]} parameters each; "
            f"this run has seeds {seeds} with {shape[1]}."
        )
    rates = [row.learning_rate for row in rows]
    if contents["learning_rates"] != rates:
        raise CheckpointError(
            f"The checkpoint belongs to another run: its learning rates are {sorted(set(contents['learning_rates']))}; "
            f"this run's are {sorted(set(rates))}."
        )
