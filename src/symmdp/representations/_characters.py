import numpy as np
from numpy.typing import NDArray

from symmdp.errors import RepresentationError
from symmdp.groups import Group
from symmdp.representations._irreducibles import irreps
from symmdp.representations._representation import Representation, same_group

_TOLERANCE = 1e-6


def inner_product(a: Representation, b: Representation) -> int:
    """The inner product of characters, `⟨χ_a, χ_b⟩ = 1/|G| Σ_g χ_a(g⁻¹) χ_b(g)`: the dimension of `Hom_G(a, b)`.

    Raises:
        GroupMismatchError: they are representations of two different groups.
        RepresentationError: it is no integer, so the matrices are inaccurate.
    """
    same_group(a, b, "compared")
    return _integer(float(a.character[a.group.inverses] @ b.character) / a.group.order, "inner product of the characters")


def frobenius_schur(rep: Representation) -> int:
    """The Frobenius-Schur indicator `1/|G| Σ_g χ(g²)`.

    For a real irreducible representation it is 1 for the real type, 0 for the complex and -2 for the quaternionic type
    (which is twice a complex representation of indicator -1).

    Raises:
        RepresentationError: it is no integer, so the matrices are inaccurate.

    Source: Serre, *Linear Representations of Finite Groups*, section 13.2.
    """
    squares = np.diagonal(rep.group.cayley_table)
    return _integer(float(rep.character[squares].sum()) / rep.group.order, "Frobenius-Schur indicator")


def is_irreducible(rep: Representation) -> bool:
    """Whether no subspace but 0 and the whole is invariant, over the real numbers.

    `⟨χ, χ⟩` and the Frobenius-Schur indicator are then 1 and 1, 2 and 0, or 4 and -2, and only then.

    Raises:
        RepresentationError: the matrices are too inaccurate to tell.
    """
    return (inner_product(rep, rep), frobenius_schur(rep)) in ((1, 1), (2, 0), (4, -2))


def character_table(group: Group) -> NDArray[np.float64]:
    """The real character table: `table[i, k]` is the character of `irreps(group)[i]` on `group.conjugacy_classes[k]`.

    Rows are orthogonal, `1/|G| Σ_k |class k| χ_i(k) χ_j(k) = c δ_ij` with `c` = 1, 2 or 4 by type.

    Raises:
        RepresentationError: the irreducible representations cannot be told apart in float64.
    """
    representatives = [members[0] for members in group.conjugacy_classes]
    table = np.stack([irrep.rep.character[representatives] for irrep in irreps(group)]).astype(np.float64)
    rounded = np.rint(table)
    return np.where(np.abs(table - rounded) < 1e-9, rounded, table) + 0.0


def _integer(value: float, what: str) -> int:
    if abs(value - round(value)) > _TOLERANCE * max(1.0, abs(value)):
        raise RepresentationError(
            f"The {what} is {value}, not an integer. The matrices are not accurate; give them in float64, to full precision."
        )
    return round(value)
