from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import partial
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from symmdp.errors import OptionError
from symmdp.nn._activation import CReLU, GatedActivation, NormActivation, Pointwise
from symmdp.nn._sequential import representations_of
from symmdp.representations import Representation

POINTWISE: MappingProxyType[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "tanh": torch.tanh,
        "relu": torch.relu,
        "elu": F.elu,
        "gelu": F.gelu,
        "silu": F.silu,
        "mish": F.mish,
        "leaky_relu": F.leaky_relu,
        "softplus": F.softplus,
        "softsign": F.softsign,
        "sigmoid": torch.sigmoid,
        "sin": torch.sin,
    }
)
LIFTED: MappingProxyType[str, Callable[[Representation], nn.Module]] = MappingProxyType(
    {"crelu": CReLU, "norm": partial(NormActivation, blocks=True), "gated": GatedActivation}
)

Activation = str | type[nn.Module] | Callable[[Tensor], Tensor]


def activation_module(rep: Representation, activation: Activation) -> nn.Module:
    """The nonlinearity on a representation: a module whose `rep_in` and `rep_out` say what to put before and after it.

    Args:
        rep: the representation that is acted on.
        activation: a pointwise function; the name of one (`"tanh"`, `"relu"`, …); `"norm"`, `"gated"` or `"crelu"`; or a
            class of `symmdp.nn` that takes a representation, such as `GatedActivation`.

    Raises:
        OptionError: the name is unknown, or the class is not one of equivariant modules.
        ActivationError: the nonlinearity would break equivariance under `rep`.
    """
    if isinstance(activation, str):
        if activation in LIFTED:
            return LIFTED[activation](rep)
        if activation in POINTWISE:
            return Pointwise(rep, POINTWISE[activation])
        known = [*POINTWISE, *LIFTED]
        near = difflib.get_close_matches(activation, known, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise OptionError(f"There is no activation {activation!r}. {hint}Known: {', '.join(known)}; or pass a function.")
    if isinstance(activation, type):
        try:
            module = activation(rep)
        except TypeError:
            module = None
        if module is None or representations_of(module) is None:
            raise OptionError(
                f"{activation.__name__} is a class without representations. Pass an instance, {activation.__name__}(), or "
                "a class of symmdp.nn that takes a representation, such as GatedActivation."
            )
        return module
    return Pointwise(rep, activation)
