from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symmdp.groups import Group
from symmdp.representations import Representation

_LARGE = 1024  # dimensions: matrices of larger signed permutations are not written out


def fingerprint_of(
    group: Group, reps: Iterable[Representation | Callable[..., Any]], centers: Iterable[NDArray[np.float64] | None]
) -> str:
    """A digest of a group, of its representations and of their centres, the same in every process; functions count by name."""
    digest = hashlib.sha256()
    for rep in reps:
        if isinstance(rep, Representation) and rep.dim > _LARGE and rep.source is not None and rep.sign is not None:
            digest.update(rep.source.tobytes() + rep.sign.astype(np.int8).tobytes())
        elif isinstance(rep, Representation):
            digest.update((np.round(rep.matrices.astype(np.float64), 9) + 0.0).tobytes())
        else:
            digest.update(getattr(rep, "__qualname__", type(rep).__qualname__).encode())
    if group.is_listed:
        digest.update(group.cayley_table.astype(np.int64).tobytes())
    for center in centers:
        digest.update(b"none" if center is None else center.tobytes())
    return digest.hexdigest()[:16]
