import numpy as np
import scipy  # which loads its parts when they are first used
from numpy.typing import NDArray

from symmdp.representations._representation import Representation

_COUPLED = 1e-12


def coordinate_blocks(rep: Representation) -> list[NDArray[np.intp]]:
    """The finest sets of coordinates that every `ρ(g)` maps into themselves, each sorted, ordered by their least.

    They are the connected components of the entries of the generators; for signed permutations those are read off
    `source`, in time and memory in proportion to the dimension.
    """
    generators = list(rep.group.generators)
    if rep.source is not None:
        columns = rep.source[generators].ravel()
        rows = np.tile(np.arange(rep.dim), len(generators))
    else:
        rows, columns = np.nonzero((np.abs(rep.matrices[generators]) > _COUPLED).any(axis=0))
    graph = scipy.sparse.coo_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(rep.dim, rep.dim))
    _, label = scipy.sparse.csgraph.connected_components(graph, directed=False)
    members = np.argsort(label, kind="stable")
    blocks = np.split(members, np.flatnonzero(np.diff(label[members])) + 1)
    return sorted(blocks, key=lambda block: int(block[0]))
