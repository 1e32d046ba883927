"""Real representations of finite groups: immutable values with an algebra, their kind derived from their matrices."""

from symmdp.representations._constructors import regular, trivial
from symmdp.representations._kind import Kind
from symmdp.representations._products import imprimitive, outer
from symmdp.representations._representation import Representation

__all__ = ["Kind", "Representation", "imprimitive", "outer", "regular", "trivial"]
