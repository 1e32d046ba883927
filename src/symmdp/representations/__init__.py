"""Real representations of finite groups: immutable values with an algebra, their kind derived from their matrices."""

from symmdp.representations._characters import character_table, frobenius_schur, inner_product, is_irreducible
from symmdp.representations._constructors import regular, trivial
from symmdp.representations._irreducibles import Irrep, IrrepType, irreps
from symmdp.representations._kind import Kind
from symmdp.representations._representation import Representation

__all__ = [
    "Irrep",
    "IrrepType",
    "Kind",
    "Representation",
    "character_table",
    "frobenius_schur",
    "inner_product",
    "irreps",
    "is_irreducible",
    "regular",
    "trivial",
]
