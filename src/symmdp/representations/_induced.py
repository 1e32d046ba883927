import numpy as np

from symmdp.errors import GroupMismatchError
from symmdp.groups import Subgroup
from symmdp.representations._constructors import trivial
from symmdp.representations._representation import Representation


def cosets(subgroup: Subgroup) -> Representation:
    """The quotient representation of `H ≤ G`: `G` permutes the left cosets, `ρ(g) e_{xH} = e_{gxH}`, in `[G : H]` dimensions.

    Coordinate `k` is `subgroup.left_cosets[k]`. The trivial subgroup gives the regular representation, `G` itself the trivial.
    """
    induced_trivial = induced(trivial(subgroup.group), subgroup)
    source, sign, name = induced_trivial.source, induced_trivial.sign, f"cosets of {subgroup.group.name}"
    if source is None or sign is None:
        raise AssertionError("a signed permutation induces one")
    return Representation._of_signed_permutations(subgroup.parent, source.copy(), sign.copy(), name)


def induced(rep: Representation, subgroup: Subgroup) -> Representation:
    """The representation of `G` that a representation `σ` of `H ≤ G` induces, of dimension `[G : H] dim σ`.

    With `r_k` the least element of coset `k` and `g r_k = r_l h`, block `(l, k)` of `ρ(g)` is `σ(h)`. Signed permutations
    induce signed permutations, orthogonal matrices orthogonal ones.

    Args:
        rep: a representation of `subgroup.group`.
        subgroup: `H` with its embedding in `G`.

    Raises:
        GroupMismatchError: `rep` is a representation of another group.

    Source: Serre, *Linear Representations of Finite Groups*, section 3.3.
    """
    if rep.group != subgroup.group:
        raise GroupMismatchError(
            f"Only a representation of {subgroup.group!r} can be induced from it; got {rep!r}. rep.restrict(subgroup) gives "
            "one of the subgroup from one of the whole group."
        )
    group, d, name = subgroup.parent, rep.dim, f"induced({rep.name})"
    chosen = np.array([coset[0] for coset in subgroup.left_cosets])
    count = len(chosen)
    coset_of = np.empty(group.order, dtype=np.intp)
    for k, coset in enumerate(subgroup.left_cosets):
        coset_of[list(coset)] = k
    number = np.full(group.order, -1)
    number[list(subgroup.embedding)] = np.arange(subgroup.group.order)
    moved = group.cayley_table[:, chosen]  # g r_k, shape (|G|, cosets)
    into = coset_of[moved]
    h = number[group.cayley_table[group.inverses[chosen[into]], moved]]
    if rep.source is not None and rep.sign is not None:
        # Row (l, i) of ρ(g) has the entry sign_h[i] in column (k, source_h[i]), where l = into[g, k].
        every = np.arange(group.order)[:, None]
        source = np.empty((group.order, count, d), dtype=np.int64)
        sign = np.empty_like(source)
        source[every, into] = np.arange(count)[:, None] * d + rep.source[h]
        sign[every, into] = rep.sign[h]
        flat = (group.order, count * d)
        return Representation._of_signed_permutations(group, source.reshape(flat), sign.reshape(flat), name)
    matrices = np.zeros((group.order, count, d, count, d))
    for k in range(count):
        matrices[np.arange(group.order), into[:, k], :, k, :] = rep.matrices[h[:, k]]
    return Representation._of_matrices(group, matrices.reshape(group.order, count * d, count * d), name)
