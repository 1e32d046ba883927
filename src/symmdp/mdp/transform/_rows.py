"""Another element of the group for each row of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from symmdp.errors import ShapeError
from symmdp.mdp._affine import permute_indices, shape_of
from symmdp.mdp._symmetry import Symmetry
from symmdp.representations import Representation


def act_on_rows(rep: Representation, elements: Any, x: Any, center: NDArray | None = None) -> Any:
    """`ρ(g_i)(x_i − c) + c` for each row `i`; arrays or tensors, floats keep their dtype.

    Whole numbers stay whole under signed permutations about the origin, and become floats where they need not.

    Args:
        rep: the representation `ρ`.
        elements: `g_i`, integers of the batch's shape.
        x: shape `(*batch, d)`, or that of images.
        center: `c`, shape `(d,)`.

    Raises:
        ShapeError: `x` is no batch of what `rep` acts on.
    """
    shape = shape_of(rep)
    batch = tuple(elements.shape)
    if tuple(x.shape) != (*batch, *shape):
        raise ShapeError(f"Expected a batch of shape {(*batch, *shape)}, an element for each row; got {tuple(x.shape)}.")
    if isinstance(x, Tensor):
        return _act_on_tensor(rep, elements.reshape(-1), x.reshape(-1, rep.dim), center).reshape(x.shape)
    rows, flat = np.asarray(elements).ravel(), x.reshape(-1, rep.dim)
    if flat.dtype.kind != "f" and not _keeps_integers(rep, center):
        flat = flat.astype(np.float64)
    centered = flat if center is None else flat - center.astype(flat.dtype)
    if rep.source is not None and rep.sign is not None:
        moved = np.take_along_axis(centered, rep.source[rows], axis=1)
        if rep.kind != "permutation":
            signs = rep.sign[rows]  # unsigned numbers have no negative: they become int64
            moved = moved * (signs.astype(moved.dtype) if moved.dtype.kind == "f" else signs)
    else:
        moved = np.einsum("nij,nj->ni", rep.matrices[rows].astype(flat.dtype), centered)
    return (moved if center is None else moved + center.astype(flat.dtype)).reshape(x.shape)


def _act_on_tensor(rep: Representation, rows: Tensor, flat: Tensor, center: NDArray | None) -> Tensor:
    if not flat.is_floating_point() and not _keeps_integers(rep, center):
        flat = flat.to(torch.get_default_dtype())
    c = None if center is None else torch.tensor(center, dtype=flat.dtype, device=flat.device)
    centered = flat if c is None else flat - c
    if rep.source is not None and rep.sign is not None:
        moved = centered.gather(1, torch.tensor(rep.source, device=flat.device)[rows])
        if rep.kind != "permutation":
            dtype = flat.dtype if flat.is_floating_point() else torch.int64
            moved = moved * torch.tensor(rep.sign, dtype=dtype, device=flat.device)[rows]
    else:
        matrices = torch.tensor(rep.matrices, dtype=flat.dtype, device=flat.device)
        moved = (matrices[rows] @ centered.unsqueeze(-1)).squeeze(-1)
    return moved if c is None else moved + c


def _keeps_integers(rep: Representation, center: NDArray | None) -> bool:
    return rep.source is not None and center is None


def actions_of_rows(symmetry: Symmetry, elements: Any, actions: Any, observations: Any, discrete: bool) -> Any:
    """`K_{g_i} a_i` for each row `i`, or `K_{g_i}^{s_i} a_i` where the map depends on the state.

    Raises:
        ShapeError: there is not an action for each row, or one does not have the shape that `K` acts on.
        SymmetryError: discrete actions are no whole numbers.
    """
    batch = tuple(elements.shape)
    if tuple(actions.shape[: len(batch)]) != batch:
        raise ShapeError(f"Actions have shape {tuple(actions.shape)}; expected as many rows as elements, {batch}.")
    rep = symmetry.action
    if not isinstance(rep, Representation):
        return _by_function(symmetry, elements, actions, observations, discrete)
    if not discrete:
        return act_on_rows(rep, elements, actions, symmetry.action_center)
    # Discrete actions may have axes of their own, as (batch, 1) in replay buffers.
    rows = elements.reshape((*elements.shape, *[1] * (actions.ndim - elements.ndim)))
    images = np.stack([permute_indices(rep, g, np.arange(rep.dim)) for g in symmetry.group.numbered])
    if isinstance(actions, Tensor):
        permute_indices(rep, 0, actions)  # checks them
        return torch.tensor(images, device=actions.device)[rows, actions.long()].to(actions.dtype)
    permute_indices(rep, 0, actions)
    return images[rows, actions.astype(np.int64)].astype(actions.dtype)


def _by_function(symmetry: Symmetry, elements: Any, actions: Any, observations: Any, discrete: bool) -> Any:
    batch = tuple(elements.shape)
    own = tuple(actions.shape[len(batch) :])
    flat_actions = actions.reshape(-1, *own)
    flat = zip(elements.reshape(-1).tolist(), flat_actions, observations.reshape(-1, *symmetry.observation_shape), strict=True)
    images = [symmetry.transform_action(g, a, s, discrete=discrete) for g, a, s in flat]
    if isinstance(actions, Tensor):
        return torch.stack([torch.as_tensor(a) for a in images]).to(actions).reshape(actions.shape)
    return np.stack([np.asarray(a) for a in images]).astype(actions.dtype).reshape(actions.shape)
