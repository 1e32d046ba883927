"""What a network gives, and how the group moves it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symmdp.errors import GroupMismatchError, OptionError
from symmdp.mdp._symmetry import Symmetry
from symmdp.representations import Representation

Output = Representation | None | tuple[Representation | None, ...]
"""A representation for each output; None: invariant, of any shape."""


class Outputs:
    """The representations of a network's outputs: one, or a tuple of as many as it returns."""

    def __init__(self, symmetry: Symmetry, output: Output | str):
        if isinstance(output, str):
            if output != "action":
                raise OptionError(f"output is 'action', a Representation, None or a tuple of these; got {output!r}.")
            output = symmetry.require_action_representation()
        self.is_tuple = isinstance(output, tuple)
        self.reps = output if isinstance(output, tuple) else (output,)
        for rep in self.reps:
            if rep is not None and (not isinstance(rep, Representation) or rep.group != symmetry.group):
                raise GroupMismatchError(
                    f"An output is a Representation of {symmetry.group.name}, or None where it is invariant; got {rep!r}."
                )
        self._action, self._center = symmetry.action, symmetry.action_center

    def center(self, rep: Representation | None) -> NDArray[np.float64] | None:
        """The fixed point of actions, where the output is one."""
        return self._center if rep is not None and rep is self._action else None

    def split(self, values: Any) -> tuple[Any, ...]:
        """The values as a tuple.

        Raises:
            OptionError: they are not as many as the representations.
        """
        found = tuple(values) if isinstance(values, tuple | list) else (values,)
        if len(found) != len(self.reps):
            raise OptionError(f"The network gives {len(found)} outputs; {len(self.reps)} representations were given for them.")
        return found

    def joined(self, values: list[Any]) -> Any:
        """As the network gives them."""
        return tuple(values) if self.is_tuple else values[0]
