import numpy as np

from symmdp.errors import RepresentationError
from symmdp.groups import Group
from symmdp.representations._representation import Representation


def outer(group: Group, a: Representation, b: Representation) -> Representation:
    """The outer tensor product `(ρ ⊠ σ)(g, h) = ρ(g) ⊗ σ(h)`, a representation of the direct product `A × B`.

    With `b` trivial, a representation of `A` alone seen as one of `A × B`.

    Args:
        group: `groups.direct_product(a.group, b.group)`.
        a: `ρ`, a representation of `A`.
        b: `σ`, a representation of `B`.

    Raises:
        RepresentationError: `group` is not the product of the two groups.
    """
    count = len(a.group.generators)
    if len(group.generators) != count + len(b.group.generators):
        raise RepresentationError(
            f"{group.name} is not the direct product of {a.group.name} and {b.group.name}; use "
            "groups.direct_product(a.group, b.group)."
        )
    left = [np.kron(a(s), np.eye(b.dim, dtype=np.int64)) for s in a.group.generators]
    right = [np.kron(np.eye(a.dim, dtype=np.int64), b(s)) for s in b.group.generators]
    return Representation.from_generators(group, left + right, f"{a.name} ⊠ {b.name}")


def imprimitive(group: Group, rep: Representation, n: int) -> Representation:
    """The action of a wreath product `H ≀ S_n` on `n` slots: `H` acts by `ρ` in each, and `S_n` permutes them.

    For `H = C2` and its sign representation: all signed permutations of `n` coordinates.

    Args:
        group: `groups.wreath_product(rep.group, n)`.
        rep: `ρ`, a representation of `H`, of dimension `d`; the result has dimension `n d`.
        n: the number of slots.

    Raises:
        RepresentationError: `group` is not that wreath product.
    """
    inside = len(rep.group.generators)
    if len(group.generators) != inside + min(n - 1, 2):
        raise RepresentationError(
            f"{group.name} is not the wreath product of {rep.group.name} and S{n}; use groups.wreath_product(rep.group, {n})."
        )
    images = []
    for s in rep.group.generators:
        image = np.eye(n * rep.dim, dtype=rep.matrices.dtype)
        image[: rep.dim, : rep.dim] = rep(s)
        images.append(image)
    swap, cycle = np.arange(n), np.roll(np.arange(n), -1)
    swap[:2] = swap[:2][::-1]
    for slots in (swap, cycle)[: min(n - 1, 2)]:
        images.append(np.kron(np.eye(n, dtype=np.int64)[slots].T, np.eye(rep.dim, dtype=np.int64)))
    return Representation.from_generators(group, images, f"{rep.name} in {n} slots")
