from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from symmdp.errors import OptionError
from symmdp.groups import Group
from symmdp.nn._activation import Pointwise
from symmdp.nn._initialization import orthogonal_
from symmdp.nn._linear import EquivariantLinear
from symmdp.representations import Representation


class EquivariantMLP(nn.Sequential):
    """A multi-layer perceptron that is equivariant: `f(ρ_in(g) x) = ρ_out(g) f(x)` for every `g`.

    Hidden layers carry copies of the regular representation, on which any pointwise nonlinearity is allowed, and in which
    every representation is contained. Over the trivial group it is the plain MLP. Weights are orthogonal at the start.

    Args:
        rep_in: the representation on the input, of dimension `in`.
        rep_out: the representation on the output, of dimension `out`.
        hidden: the widths of the hidden layers, each rounded up to a multiple of `|G|`; or representations.
        activation: pointwise.
        gain: of the hidden layers' orthogonal weights.
        output_gain: of the last layer's.
        generator: where initial values are drawn from; torch's default generator when not given.
        dtype: of the parameters; torch's default when not given.
        device: of the parameters.

    Shape:
        `(..., in)` to `(..., out)`.

    Raises:
        GroupMismatchError: representations of two different groups.
        ActivationError: the activation is not allowed on a hidden representation.
        OptionError: a width below 1.

    Source: van der Pol et al. 2020, section 4.3 and figure 3.
    """

    def __init__(
        self,
        rep_in: Representation,
        rep_out: Representation,
        hidden: Sequence[int | Representation] = (64, 64),
        *,
        activation: Callable[[Tensor], Tensor] = torch.tanh,
        gain: float = math.sqrt(2),
        output_gain: float = 1.0,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ):
        reps = [hidden_representation(rep_in.group, h) if isinstance(h, int) else h for h in hidden]
        layers: list[nn.Module] = []
        before = rep_in
        for rep in reps:
            layer = EquivariantLinear(before, rep, generator=generator, dtype=dtype, device=device)
            layers += [orthogonal_(layer, gain, generator), Pointwise(rep, activation)]
            before = rep
        last = EquivariantLinear(before, rep_out, generator=generator, dtype=dtype, device=device)
        super().__init__(*layers, orthogonal_(last, output_gain, generator))
        self.rep_in, self.rep_out = rep_in, rep_out


def hidden_representation(group: Group, width: int) -> Representation:
    """`⌈width / |G|⌉` copies of the regular representation: at least `width` hidden units.

    Raises:
        OptionError: `width < 1`.
    """
    if width < 1:
        raise OptionError(f"A hidden layer has at least one unit; got width {width}.")
    return -(-width // group.order) * group.regular
