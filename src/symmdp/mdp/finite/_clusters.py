"""Numbers that are equal up to a tolerance, as an equivalence relation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def clusters(values: NDArray[np.float64], tolerance: float) -> NDArray[np.int64]:
    """The number of the cluster of each value, from the lowest cluster to the highest; shape `(n,)`.

    Each cluster begins at the lowest value that those below leave over, and reaches `tolerance` further. So being in one
    cluster is transitive, and no two values of a cluster differ by more than the tolerance; but of a crowd of values that
    is wider than the tolerance, two that are closer may be parted. Values equal up to rounding, in crowds further apart than
    the tolerance, are never parted.
    """
    distinct = np.unique(values)
    if not len(distinct):
        return np.zeros(0, dtype=np.int64)
    begins = np.concatenate([[True], np.diff(distinct) > tolerance])
    crowds = np.append(np.flatnonzero(begins), len(distinct))
    wide = distinct[crowds[1:] - 1] - distinct[crowds[:-1]] > tolerance
    for first, end in zip(crowds[:-1][wide], crowds[1:][wide], strict=True):
        while (first := first + int(np.searchsorted(distinct[first:end] - distinct[first], tolerance, "right"))) < end:
            begins[first] = True
    return (np.cumsum(begins) - 1)[np.searchsorted(distinct, values)]
