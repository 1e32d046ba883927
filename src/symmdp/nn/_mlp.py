from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import nn

from symmdp.errors import OptionError
from symmdp.groups import Group
from symmdp.nn._activation_names import Activation, activation_module
from symmdp.nn._initialization import orthogonal_
from symmdp.nn._linear import EquivariantLinear
from symmdp.nn._normalization import EquivariantLayerNorm, EquivariantRMSNorm
from symmdp.nn._residual import Residual
from symmdp.nn._residual_pathway import ResidualPathwayLinear
from symmdp.nn._sequential import EquivariantSequential
from symmdp.representations import Representation

Norm = Literal["layer", "rms"]


class EquivariantMLP(EquivariantSequential):
    """A multi-layer perceptron that is equivariant: `f(ρ_in(g) x) = ρ_out(g) f(x)` for every `g`.

    Hidden layers carry copies of the regular representation, on which any pointwise nonlinearity is allowed, and in which
    every representation is contained. Over the trivial group it is the plain MLP. Weights are orthogonal at the start.
    A hidden layer is a linear map, the norm if one is asked for, and the activation.

    Args:
        rep_in: the representation on the input, of dimension `in`.
        rep_out: the representation on the output, of dimension `out`.
        hidden: the widths of the hidden layers, each rounded up to a multiple of `|G|`; or representations.
        activation: a pointwise function or its name (`"tanh"`, `"relu"`, `"elu"`, `"gelu"`, `"silu"`, …), or for hidden
            representations of your own that allow none, `"norm"`, `"gated"` or `"crelu"`, or an activation class of
            `symmdp.nn`.
        norm: `"layer"` or `"rms"` normalises before each activation.
        residual: whether each hidden layer after the first adds its input to its output; the hidden representations must
            then be equal.
        free_path: whether each linear map has a free one beside it, zero at the start (`ResidualPathwayLinear`): for
            symmetries that hold approximately. The network is then equivariant at the start only.
        gain: of the hidden layers' orthogonal weights.
        output_gain: of the last layer's.
        generator: where initial values are drawn from; torch's default generator when not given.
        dtype: of the parameters; torch's default when not given.
        device: of the parameters.

    Shape:
        `(..., in)` to `(..., out)`.

    Raises:
        GroupMismatchError: representations of two different groups.
        ActivationError: the activation or the norm is not allowed on a hidden representation.
        OptionError: a width below 1, an unknown activation or norm, or residual layers that do not fit.

    Source: van der Pol et al. 2020, section 4.3 and figure 3.
    """

    def __init__(
        self,
        rep_in: Representation,
        rep_out: Representation,
        hidden: Sequence[int | Representation] = (64, 64),
        *,
        activation: Activation = torch.tanh,
        norm: Norm | None = None,
        residual: bool = False,
        free_path: bool = False,
        gain: float = math.sqrt(2),
        output_gain: float = 1.0,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ):
        if not isinstance(hidden, Sequence):
            raise OptionError(f"hidden lists the hidden layers' widths or representations, such as (64, 64); got {hidden!r}.")
        reps = [h if isinstance(h, Representation) else hidden_representation(rep_in.group, h) for h in hidden]
        layers: list[nn.Module] = []
        before = rep_in
        for place, rep in enumerate(reps):
            act = activation_module(rep, activation).to(device)
            after_linear, after = _representations(act)
            block = [
                _linear(before, after_linear, free_path, gain, generator, dtype=dtype, device=device),
                *_norm(norm, after_linear, dtype=dtype, device=device),
                act,
            ]
            if residual and place > 0:
                if after != before:
                    raise OptionError(
                        f"Residual hidden layers need equal representations; layer {place} goes from {before!r} to {after!r}. "
                        "Give every hidden layer the same width (or representation), or leave residual=False."
                    )
                block = [Residual(EquivariantSequential(*block))]
            layers += block
            before = after
        last = _linear(before, rep_out, free_path, output_gain, generator, dtype=dtype, device=device)
        super().__init__(*layers, last)


def hidden_representation(group: Group, width: int) -> Representation:
    """`⌈width / |G|⌉` copies of the regular representation: at least `width` hidden units.

    Raises:
        OptionError: `width` is no integer of at least 1.
    """
    if not isinstance(width, int) or width < 1:
        raise OptionError(f"A hidden layer has at least one unit; got width {width!r}.")
    return -(-width // group.order) * group.regular


def _linear(
    rep_in: Representation,
    rep_out: Representation,
    free_path: bool,
    gain: float,
    generator: torch.Generator | None,
    *,
    dtype: torch.dtype | None,
    device: torch.device | str | None,
) -> EquivariantLinear | ResidualPathwayLinear:
    """A linear map that is orthogonal at the start."""
    kind = ResidualPathwayLinear if free_path else EquivariantLinear
    layer = kind(rep_in, rep_out, generator=generator, dtype=dtype, device=device)
    orthogonal_(layer.equivariant if isinstance(layer, ResidualPathwayLinear) else layer, gain, generator)
    return layer


def _norm(
    norm: str | None, rep: Representation, *, dtype: torch.dtype | None, device: torch.device | str | None
) -> list[nn.Module]:
    if norm is None:
        return []
    if norm not in get_args(Norm):
        raise OptionError(f"norm is None, {' or '.join(repr(name) for name in get_args(Norm))}; got {norm!r}.")
    kind = EquivariantLayerNorm if norm == "layer" else EquivariantRMSNorm
    return [kind(rep, dtype=dtype, device=device)]


def _representations(module: nn.Module) -> tuple[Representation, Representation]:
    return module.rep_in, module.rep_out  # pyright: ignore[reportReturnType]
