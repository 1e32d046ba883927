from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from symmdp.errors import RepresentationError
from symmdp.nn._sequential import images_of, representations_of
from symmdp.representations import Representation


class Residual(nn.Module):
    """A residual connection: `y = P x + f(x)`, where `P` is the identity unless a projection is given.

    Args:
        module: `f`, an equivariant module with `rep_in` and `rep_out`.
        projection: `P`, an equivariant module between the same representations; needed when they differ.

    Shape:
        those of `module`; further arguments of the call (a mask, say) go to `module`.

    Raises:
        RepresentationError: `module` has no representations, or its two differ and there is no projection between them.

    Source: He et al. 2016 (arXiv 1512.03385), equations 1 and 2.
    """

    def __init__(self, module: nn.Module, projection: nn.Module | None = None):
        super().__init__()
        reps = representations_of(module)
        if reps is None:
            raise RepresentationError(
                f"A residual block needs a module with rep_in and rep_out; {type(module).__name__} has none. Build it from "
                "symmdp.nn's layers, EquivariantSequential(...) for example."
            )
        self.rep_in, self.rep_out = reps
        if projection is None and self.rep_in != self.rep_out:
            raise RepresentationError(
                f"x + f(x) needs f's input and output to transform alike; {type(module).__name__} maps {self.rep_in!r} to "
                f"{self.rep_out!r}. Pass projection=EquivariantLinear(rep_in, rep_out, bias=False)."
            )
        if projection is not None and representations_of(projection) != reps:
            raise RepresentationError(
                f"The projection must map {self.rep_in!r} to {self.rep_out!r}, as the module does; "
                f"{type(projection).__name__} has {representations_of(projection)}."
            )
        self.takes_images, self.gives_images = images_of(module)
        self.plane: Representation | None = getattr(module, "plane", None)
        self.module = module
        self.projection = projection

    def forward(self, x: Tensor, *arguments: Any, **options: Any) -> Tensor:
        """`P x + f(x)`."""
        shortcut = x if self.projection is None else self.projection(x)
        return shortcut + self.module(x, *arguments, **options)
