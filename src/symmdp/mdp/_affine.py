"""The affine action `x ↦ ρ(g)(x − c) + c` on NumPy arrays and torch tensors, and `K_g` on action indices."""

from __future__ import annotations

from typing import overload

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from symmdp.errors import ShapeError, SymmetryError
from symmdp.representations import ImageRepresentation, Representation


@overload
def act(rep: Representation, g: int, x: Tensor, center: NDArray | None, what: str) -> Tensor: ...
@overload
def act(rep: Representation, g: int, x: ArrayLike, center: NDArray | None, what: str) -> NDArray: ...
def act(rep: Representation, g: int, x: ArrayLike | Tensor, center: NDArray | None, what: str) -> NDArray | Tensor:
    """`ρ(g) x + (c − ρ(g) c)`, which the identity leaves unchanged to the bit; `x` is `(..., d)`, floats keep their dtype.

    Images are `(..., channels, height, width)`.

    Raises:
        GroupError: `g` is no element.
        ShapeError: the last axes of `x` do not have the shape that `rep` acts on.
    """
    g = rep.group.check_element(g)
    array = x if isinstance(x, Tensor) else np.asarray(x)
    shape = shape_of(rep)
    if tuple(array.shape[-len(shape) :]) != shape:
        if len(shape) == 3:
            raise ShapeError(f"{what} has shape {tuple(array.shape)}; expected images, (…, {', '.join(map(str, shape))}).")
        raise ShapeError(
            f"{what} has shape {tuple(array.shape)}; expected {rep.dim} coordinates on the last axis, shape (..., {rep.dim})."
        )
    offset = None if center is None else center - _linear(rep, g, center)
    flat = array.reshape(*array.shape[: -len(shape)], rep.dim)
    image = _act_on_tensor(rep, g, flat, offset) if isinstance(flat, Tensor) else _act_on_array(rep, g, flat, offset)
    return image.reshape(array.shape)


def shape_of(rep: Representation) -> tuple[int, ...]:
    """What the representation acts on: `(dim,)`, or `(channels, height, width)` for images."""
    return rep.shape if isinstance(rep, ImageRepresentation) else (rep.dim,)


def _linear(rep: Representation, g: int, x: NDArray) -> NDArray:
    if rep.source is None or rep.sign is None:
        return x @ rep(g).T.astype(x.dtype)
    image = x[..., rep.source[g]]
    if (rep.sign[g] == 1).all():
        return image
    return image * (rep.sign[g].astype(x.dtype) if np.issubdtype(x.dtype, np.floating) else rep.sign[g])


def _act_on_array(rep: Representation, g: int, x: NDArray, offset: NDArray | None) -> NDArray:
    if not np.issubdtype(x.dtype, np.floating) and (rep.source is None or offset is not None):
        x = x.astype(np.float64)
    image = _linear(rep, g, x)
    return image if offset is None else image + offset.astype(image.dtype)


def _act_on_tensor(rep: Representation, g: int, x: Tensor, offset: NDArray | None) -> Tensor:
    if not x.is_floating_point() and (rep.source is None or offset is not None):
        x = x.to(torch.get_default_dtype())
    dtype = x.dtype if x.is_floating_point() else torch.int64
    if rep.source is not None and rep.sign is not None:
        image = x[..., torch.tensor(rep.source[g], device=x.device)]
        if not (rep.sign[g] == 1).all():
            image = image * torch.tensor(rep.sign[g], dtype=dtype, device=x.device)
    else:
        image = x @ torch.tensor(rep(g).T, dtype=dtype, device=x.device)
    return image if offset is None else image + torch.tensor(offset, dtype=dtype, device=x.device)


@overload
def permute_indices(rep: Representation, g: int, actions: Tensor) -> Tensor: ...
@overload
def permute_indices(rep: Representation, g: int, actions: ArrayLike) -> NDArray: ...
def permute_indices(rep: Representation, g: int, actions: ArrayLike | Tensor) -> NDArray | Tensor:
    """The indices `b` with `K_g e_a = e_b`, for indices `a` of any shape; the dtype is kept.

    Raises:
        GroupError: `g` is no element.
        SymmetryError: `rep` is no permutation representation, or an action is no whole number.
        ShapeError: an index is not one of `0 … dim − 1`.
    """
    g = rep.group.check_element(g)
    if rep.source is None or rep.kind != "permutation":
        raise SymmetryError(
            f"Discrete actions and states need a permutation representation; {rep!r} is {rep.kind}. Build one from permutation "
            "matrices, or give float vectors (discrete=False)."
        )
    image = np.argsort(rep.source[g])  # (K x)[i] = x[source[i]], so e_a goes to the i with source[i] = a
    if isinstance(actions, Tensor):
        index = actions.long()
        _check_indices(bool((index != actions).any()), index[(index < 0) | (index >= rep.dim)], rep.dim)
        return torch.tensor(image, device=actions.device)[index].to(actions.dtype)
    array = np.asarray(actions)
    if array.dtype.kind not in "iubf":
        raise SymmetryError(f"Discrete actions and states are whole numbers; got {actions!r}.")
    with np.errstate(invalid="ignore"):  # what is not finite is no whole number, as the check finds
        index = array.astype(np.int64)
    _check_indices(bool((index != array).any()), index[(index < 0) | (index >= rep.dim)], rep.dim)
    return np.asarray(image[index]).astype(array.dtype)


def _check_indices(is_fractional: bool, outside: NDArray | Tensor, n: int) -> None:
    if is_fractional:
        raise SymmetryError("Discrete actions and states must be whole numbers; for vectors use discrete=False.")
    if len(outside):
        raise ShapeError(
            f"Discrete actions (and states) are the indices 0 … {n - 1}; got {int(outside[0])}. "
            "For a Discrete space with a start, subtract it first."
        )
