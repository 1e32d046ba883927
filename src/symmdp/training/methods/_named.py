from __future__ import annotations

from difflib import get_close_matches

from symmdp.errors import OptionError
from symmdp.training.methods._augmentation import Augmenting
from symmdp.training.methods._basis import NullspaceBasis, RandomBasis
from symmdp.training.methods._canonicalization import Canonicalizing
from symmdp.training.methods._equivariant import Equivariant
from symmdp.training.methods._method import Method
from symmdp.training.methods._mirror_loss import MirrorPenalty
from symmdp.training.methods._plain import Plain

METHODS: tuple[Method, ...] = (
    Equivariant(),
    Plain(),
    RandomBasis(),
    NullspaceBasis(),
    Augmenting(),
    MirrorPenalty(),
    Canonicalizing(),
)
"""All methods, in the order in which tables list them."""


def method_named(name: str) -> Method:
    """The method of a name, such as "equivariant".

    Raises:
        OptionError: there is none.
    """
    for method in METHODS:
        if method.name == name:
            return method
    names = [method.name for method in METHODS]
    near = get_close_matches(str(name), names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise OptionError(f"There is no method {name!r}; the methods are {', '.join(map(repr, names))}.{hint}")
