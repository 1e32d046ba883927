"""Real representations of finite groups: immutable values with an algebra, their kind derived from their matrices."""

from symmdp.representations._characters import character_table, frobenius_schur, inner_product, is_irreducible
from symmdp.representations._constructors import regular, trivial
from symmdp.representations._coordinate_blocks import coordinate_blocks
from symmdp.representations._image import ImageRepresentation, image
from symmdp.representations._induced import cosets, induced
from symmdp.representations._irreducibles import Irrep, IrrepType, irreps
from symmdp.representations._isotypic import IsotypicBlock, IsotypicDecomposition, IsotypicPart, isotypic
from symmdp.representations._kind import Kind
from symmdp.representations._named import determinant, flip, letters, plane, rotations, sign, standard
from symmdp.representations._pixels import pixel_action
from symmdp.representations._products import imprimitive, outer
from symmdp.representations._representation import Representation
from symmdp.representations._squares import exterior_square, symmetric_square

__all__ = [
    "ImageRepresentation",
    "Irrep",
    "IrrepType",
    "IsotypicBlock",
    "IsotypicDecomposition",
    "IsotypicPart",
    "Kind",
    "Representation",
    "character_table",
    "coordinate_blocks",
    "cosets",
    "determinant",
    "exterior_square",
    "flip",
    "frobenius_schur",
    "image",
    "imprimitive",
    "induced",
    "inner_product",
    "irreps",
    "is_irreducible",
    "isotypic",
    "letters",
    "outer",
    "pixel_action",
    "plane",
    "regular",
    "rotations",
    "sign",
    "standard",
    "symmetric_square",
    "trivial",
]
