import numpy as np

from symmdp.groups import Group
from symmdp.representations._representation import Representation


def trivial(group: Group) -> Representation:
    """The trivial representation of `group`: `ρ(g) = 1` on one dimension."""
    ones = np.ones((len(group.numbered), 1), dtype=np.int64)
    return Representation._of_signed_permutations(group, ones - 1, ones, "trivial")


def regular(group: Group) -> Representation:
    """The regular representation of `group`: `ρ(g) e_h = e_{gh}`, so `(ρ(g) x)[h] = x[g⁻¹h]`, on `|G|` dimensions."""
    source = group.cayley_table[group.inverses].astype(np.int64)
    return Representation._of_signed_permutations(group, source, np.ones_like(source), "regular")
