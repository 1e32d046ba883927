from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from symmdp.errors import PlainModuleError
from symmdp.nn._to_plain_conv import IMAGE_LAYERS
from symmdp.nn._to_plain_layers import VECTOR_LAYERS, Handler
from symmdp.representations import Representation

_LAYERS: Mapping[type[nn.Module], Handler] = MappingProxyType({**VECTOR_LAYERS, **IMAGE_LAYERS})

# What a subclass may not change, lest its plain copy be another function.
_MEANING = ("forward", "step", "weight", "bias")


def to_plain(module: nn.Module) -> nn.Module:
    """The same function in ordinary `torch.nn` modules: a deep copy without group, representation or symmdp layer.

    Weights are whole matrices: `EquivariantLinear` becomes `nn.Linear`, `EquivariantConv2d` a `nn.Conv2d`, `EquivariantMLP`
    `nn.Sequential`, the norms `nn.LayerNorm` and `nn.RMSNorm` where they are the same function. What `torch.nn` has
    no equal of (gates, set attention, recurrence over a sequence) becomes a small module of tensors alone. Modules of your
    own keep their `forward` and get plain children; attributes that hold representations or other objects of symmdp, by
    themselves or in lists, tuples, sets and dictionaries, are left out of the copy. A module with a method `to_plain` is
    asked for its plain copy.

    Args:
        module: any module; it is not changed. What is shared within it is shared in the copy.

    Returns:
        a module with the dtype, the device and the train or eval mode of each part, for the same arguments. It is made for
        `torch.export`, ONNX and places without symmdp: training it further would break the symmetry. The small modules are
        classes of symmdp to `pickle`; where there are none, as in a multi-layer perceptron, the pickle needs torch alone.

    Raises:
        PlainModuleError: a layer is unknown, a subclass changes what its layer computes, a layer has hooks, or a `forward`
            reads an attribute that is left out (as `self.layer.rep_in`).
        ShapeError: a layer holds a stack of layers.
    """
    if not isinstance(module, nn.Module):
        raise PlainModuleError(f"to_plain takes a torch.nn.Module; got {module!r}.")
    # Weights must be expanded where autograd sees which of them learn, and be no tensors of inference mode.
    with torch.inference_mode(False), torch.enable_grad():
        return _convert(module, {})


def _convert(module: nn.Module, memo: dict[int, Any]) -> nn.Module:
    """The plain copy; `memo`, which is `copy.deepcopy`'s, gives what was converted before."""
    if id(module) not in memo:
        own: list[nn.Module] = []
        _convert_layers(module, memo, own)
        # Layers are in the memo now: a deep copy of the modules around them puts the plain ones in their places.
        for part in own:
            memo.update({id(vars(part)[name]): None for name in _left_out(part)})
        copy.deepcopy(module, memo)
        for part in own:
            for name in _left_out(part):
                vars(memo[id(part)]).pop(name, None)
    return memo[id(module)]


def _convert_layers(module: nn.Module, memo: dict[int, Any], own: list[nn.Module]) -> None:
    """Put the plain copy of every layer within a module into the memo, and the modules that keep their forward into `own`."""
    if id(module) in memo or any(module is part for part in own):
        return
    asked = getattr(module, "to_plain", None)
    if callable(asked):
        memo[id(module)] = asked()
    elif (handler := _handler(module)) is not None:
        memo[id(module)] = _replaced(module, handler, memo)
    else:
        _check_reads(module)
        own.append(module)
        for leaf in _leaves(vars(module)):
            if isinstance(leaf, nn.Module):
                _convert_layers(leaf, memo, own)


def _replaced(module: nn.Module, handler: Handler, memo: dict[int, Any]) -> nn.Module:
    converted: set[int] = set()

    def convert(child: nn.Module) -> nn.Module:
        plain = _convert(child, memo)
        converted.update(id(part) for part in plain.modules())
        return plain

    plain = handler(module, convert)
    for part in plain.modules():
        if id(part) not in converted:
            part.training = module.training
    return plain


def _check_reads(module: nn.Module) -> None:
    lost = {name for part in module.modules() for name, value in vars(part).items() if isinstance(value, Representation)}
    lost.update(_left_out(module))
    code = getattr(type(module).forward, "__code__", None)
    missing = sorted(lost.intersection(() if code is None else code.co_names))
    if missing:
        raise PlainModuleError(
            f"{type(module).__name__}.forward reads {', '.join(missing)}, which hold objects of symmdp that a plain module has "
            "not. Keep the numbers that it needs (a dimension, say) as attributes of their own, or give the class a method "
            "to_plain() that returns a plain module."
        )


def _handler(module: nn.Module) -> Handler | None:
    kind = type(module)
    for base in kind.__mro__:
        if base in _LAYERS:
            _check_unchanged(module, base)
            return _LAYERS[base]
    if _is_of_symmdp(kind):
        raise PlainModuleError(
            f"to_plain does not know {kind.__name__}. Give the class a method to_plain() that returns a plain module, or "
            f"convert the parts that it knows: {', '.join(sorted(layer.__name__ for layer in _LAYERS))}."
        )
    return None


def _check_unchanged(module: nn.Module, base: type[nn.Module]) -> None:
    kind = type(module)
    own = inspect.getattr_static
    changed = [name for name in _MEANING if own(kind, name, None) is not own(base, name, None)]
    if changed:
        raise PlainModuleError(
            f"{kind.__name__} derives from {base.__name__} and has its own {', '.join(changed)}, unknown to to_plain. Give "
            "the class a method to_plain() that returns a plain module."
        )
    if module._forward_hooks or module._forward_pre_hooks:
        raise PlainModuleError(
            f"{kind.__name__} has forward hooks, which its plain copy would not call. Remove them, or put the layer into a "
            "module of your own and hook that."
        )


def _left_out(module: nn.Module) -> list[str]:
    """The attributes that hold objects of symmdp which are no modules."""
    return [name for name, value in vars(module).items() if any(map(_is_value_of_symmdp, _leaves(value)))]


def _leaves(value: object) -> Iterator[object]:
    """A value, or what is in it when it is a list, tuple, set or dictionary, and in those within."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _is_value_of_symmdp(value: object) -> bool:
    return not isinstance(value, nn.Module) and _is_of_symmdp(value if isinstance(value, type) else type(value))


def _is_of_symmdp(kind: type) -> bool:
    """Whether a class is defined in symmdp, apart from the plain modules, whose files are named `_plain…`."""
    place = kind.__module__.split(".")
    return place[0] == "symmdp" and not place[-1].startswith("_plain")
