"""The symmetry of vectors and actions under each wrapper, from that of the environment below it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from symmdp.errors import SymmetryError
from symmdp.mdp._affine import act, shape_of
from symmdp.mdp.wrappers._parts import Parts, aged, tiled
from symmdp.representations import ImageRepresentation, Representation


def stacked(layer: Any, parts: Parts) -> Parts:
    """Each frame carries a copy of `L_g`."""
    parts.action_representation(layer)
    if parts.observation_center is not None and layer.padding_type != "reset":
        raise SymmetryError(
            "FrameStackObservation pads with frames that the symmetry moves, for its centre is not the origin. Use "
            "padding_type='reset'."
        )
    if layer.padding_type == "_custom":
        raise SymmetryError(
            "FrameStackObservation pads with a frame of your own, which the symmetry may move. Use padding_type='reset'."
        )
    count = layer.stack_size
    names = parts.observation_names
    center = None if parts.observation_center is None else np.tile(parts.observation_center, count)
    return replace(
        parts,
        observation=count * parts.observation,
        observation_center=center,
        observation_names=None if names is None else aged(names, count),
    )


def reshaped(layer: Any, parts: Parts) -> Parts:
    """The same, where the new shape is the one that the symmetry acts on."""
    if layer.observation_space.shape != shape_of(parts.observation):
        raise SymmetryError(
            f"ReshapeObservation gives observations the shape {layer.observation_space.shape}; the symmetry acts on "
            f"{shape_of(parts.observation)}. Choose that shape, or declare the symmetry of the new one yourself."
        )
    _check_order(layer, parts.observation)
    return parts


def flattened(layer: Any, parts: Parts) -> Parts:
    """Images become vectors."""
    if isinstance(parts.observation, ImageRepresentation):
        parts.action_representation(layer)
        _check_order(layer, parts.observation)
        return replace(parts, observation=parts.observation.on_vectors)
    if not isinstance(layer.env.observation_space, gym.spaces.Box):
        raise SymmetryError(
            f"FlattenObservation puts a {type(layer.env.observation_space).__name__} space in an order of its own; declare the "
            "symmetry of the flat observation yourself."
        )
    return parts


def _check_order(layer: Any, rep: Representation) -> None:
    """Raise SymmetryError where the entries of images do not come in the order (channels, height, width)."""
    if not isinstance(rep, ImageRepresentation):
        return
    below, size = layer.env.observation_space.shape, rep.shape[1:]
    if below[-2:] != size and not (rep.shape[0] == 1 and below == (*size, 1)):
        raise SymmetryError(
            f"{type(layer).__name__} keeps the order of the entries of observations of shape {below}, which is not that of "
            f"images of shape {rep.shape} (channels, height, width). Move the axis of channels to the front first."
        )


def cast(layer: Any, parts: Parts) -> Parts:
    """The same, where rounding to the new type commutes with what the group does to numbers."""
    old, new = layer.env.observation_space.dtype, np.dtype(layer.observation_space.dtype)
    # Whole numbers are cut off towards zero, which commutes with signs; unsigned ones wrap, or lose their sign.
    moved = parts.observation.kind != "permutation" or parts.observation_center is not None
    keeps_signs = new.kind == "i" and parts.observation.kind.is_signed_permutation and parts.observation_center is None
    if new.kind != "f" and new != old and moved and not keeps_signs:
        raise SymmetryError(
            f"DtypeObservation turns {old} into {new}, which does not commute with what the symmetry does to numbers. Use "
            "float32 or float64."
        )
    return parts


def delayed(layer: Any, parts: Parts) -> Parts:
    """Nothing changes but when observations come; the first ones are zero."""
    rep, center = parts.observation, parts.observation_center
    zero = np.zeros((1, *shape_of(rep)))
    if any(not np.allclose(act(rep, g, zero, center, "zero"), 0.0, atol=1e-9) for g in rep.group.generators):
        raise SymmetryError(
            "DelayObservation begins with observations of zero, which the symmetry moves, for its centre is not the origin. "
            "Delay observations that have the origin as centre."
        )
    return parts


def timed(layer: Any, parts: Parts) -> Parts:
    """The time is invariant."""
    parts.action_representation(layer)
    if not layer.flatten or not isinstance(layer.env.observation_space, gym.spaces.Box):
        raise SymmetryError("TimeAwareObservation gives a dictionary here; use it with flatten=True over a Box.")
    center = parts.observation_center
    names = parts.observation_names
    return replace(
        parts,
        observation=parts.observation + parts.observation.group.trivial,
        observation_center=None if center is None else np.append(center, 0.0),
        observation_names=None if names is None else (*names, "time"),
    )


def with_history(layer: Any, parts: Parts) -> Parts:
    """`L ⊕ k K`: the last `k` actions are moved as actions are."""
    action = parts.action_representation(layer)
    if isinstance(parts.observation, ImageRepresentation):
        raise SymmetryError("ActionHistory puts actions behind vectors. Flatten the images first (FlattenObservation).")
    initial, own = layer.initial, tiled(parts.action_center, action.dim)
    for g in action.group.generators:
        if not np.allclose(action(g) @ (initial - own), initial - own, atol=1e-9):
            raise SymmetryError(
                f"ActionHistory has {initial} in place of actions before the first one, which the symmetry moves. Give a fixed "
                f"point, such as its centre: initial={own.tolist()}."
            )
    centers = None
    if parts.observation_center is not None or parts.action_center is not None:
        first = tiled(parts.observation_center, parts.observation.dim)
        centers = np.concatenate([first, tiled(parts.action_center, action.dim, layer.length)])
    names = parts.observation_names
    if names is not None:
        actions = parts.action_names or tuple(f"action {i}" for i in range(action.dim))
        names = (*names, *aged(actions, layer.length, newest=1))
    return replace(
        parts,
        observation=parts.observation + layer.length * action,
        observation_center=centers,
        observation_names=names,
    )


def maximum_of_two(layer: Any, parts: Parts) -> Parts:
    """`max(s, s')` by coordinates commutes with permutations of them."""
    parts.action_representation(layer)
    if parts.observation.kind != "permutation" or parts.observation_center is not None:
        raise SymmetryError(
            "MaxAndSkipObservation takes the larger of two values of each coordinate, which commutes with permutations of the "
            f"coordinates only, without a centre; observations are moved by {parts.observation!r}. Repeat actions without "
            "the maximum."
        )
    return parts


def symmetrically_normalized(layer: Any, parts: Parts) -> Parts:
    """`z(L_g x) = ρ(g) z(x)`: the same representation, about the origin."""
    parts.action_representation(layer)
    own = layer.statistics.symmetry
    same = own.observation == parts.observation and np.array_equal(
        tiled(own.observation_center, own.observation.dim), tiled(parts.observation_center, parts.observation.dim)
    )
    if not same:
        raise SymmetryError(
            f"{type(layer).__name__} keeps the symmetry {own!r}, and the environment below it has observations moved by "
            f"{parts.observation!r}. Give it the symmetry of the environment that it wraps, as wrapped_symmetry derives it."
        )
    return replace(parts, observation_center=None)


def rescaled_action(layer: Any, parts: Parts) -> Parts:
    """`D ρ(g) D⁻¹` with the scale `D`."""
    parts.action_representation(layer)
    inner, outer = layer.env.action_space, layer.action_space
    action, center = _rescaled(parts.action, parts.action_center, inner, outer, layer)
    return replace(parts, action=action, action_center=center)


def rescaled_observation(layer: Any, parts: Parts) -> Parts:
    """Likewise."""
    parts.action_representation(layer)
    inner, outer = layer.env.observation_space, layer.observation_space
    rep, center = _rescaled(parts.observation, parts.observation_center, inner, outer, layer)
    return replace(parts, observation=rep, observation_center=center)


def _rescaled(
    rep: Representation, center: NDArray | None, inner: gym.spaces.Box, outer: gym.spaces.Box, layer: gym.Wrapper
) -> tuple[Representation, NDArray | None]:
    """`x' = D (x - low) + low'` for `x` in the inner box: `ρ' = D ρ D⁻¹`, and the fixed point is mapped along."""
    low, high = inner.low.astype(np.float64).ravel(), inner.high.astype(np.float64).ravel()
    if not (np.isfinite(low).all() and np.isfinite(high).all()) or len(low) != rep.dim:
        raise SymmetryError(f"{type(layer).__name__} rescales a box of {len(low)} finite bounds; {rep!r} does not fit.")
    new_low, new_high = outer.low.astype(np.float64).ravel(), outer.high.astype(np.float64).ravel()
    scale = (new_high - new_low) / (high - low)
    moved = scale * ((np.zeros(rep.dim) if center is None else center) - low) + new_low
    moved[np.abs(moved) < 1e-9 * np.maximum(1, np.abs(new_high))] = 0.0
    matrices = scale[:, None] * rep.matrices / scale
    rounded = np.rint(matrices)
    exact = rounded if np.abs(matrices - rounded).max() < 1e-9 else matrices
    # A centre that the group moves onto itself anyway, as where it fixes the coordinate, needs no mention.
    same = np.allclose(exact @ moved, moved, atol=1e-9)
    return Representation(rep.group, exact, rep.name), None if same else moved


def clipped(layer: Any, parts: Parts) -> Parts:
    """Bounds that the symmetry keeps."""
    parts.action_representation(layer)
    box = layer.env.action_space
    middle, half = (box.high.astype(np.float64) + box.low) / 2, (box.high.astype(np.float64) - box.low) / 2
    center = np.zeros(len(middle)) if parts.action_center is None else parts.action_center
    kept = parts.action.kind.is_signed_permutation and all(
        np.allclose(matrix @ (middle - center), middle - center) and np.allclose(np.abs(matrix) @ half, half)
        for matrix in (parts.action(g) for g in parts.action.group.generators)
    )
    if not kept:
        raise SymmetryError("ClipAction clips to bounds that the symmetry moves, and so breaks it.")
    return parts


def normalized(layer: Any, parts: Parts) -> Parts:
    """Statistics per coordinate break a symmetry."""
    raise SymmetryError(
        "NormalizeObservation takes a mean and a variance for each coordinate from the data, which breaks the symmetry. "
        "Use symmdp.mdp.SymmetricNormalization (of vectorised environments: VectorSymmetricNormalization), whose "
        "statistics the group leaves unchanged."
    )


def canonical(layer: Any, parts: Parts) -> Parts:
    """None is left."""
    raise SymmetryError(
        "Of canonical states there is one in each orbit, so that no symmetry is left: use a plain network, of "
        "symmetry.restrict_to_trivial()."
    )


def of_your_own(layer: Any, parts: Parts) -> Parts:
    """A function that may do anything."""
    raise SymmetryError(
        f"{type(layer).__name__} applies a function of yours, and what it does to the symmetry is not known. Declare the "
        "symmetry of the wrapped environment yourself, and test it on rollouts from a state and from its image."
    )


def filtered(layer: Any, parts: Parts) -> Parts:
    """Parts of a dictionary."""
    raise SymmetryError(
        f"{type(layer).__name__} keeps some parts of a {type(layer.env.observation_space).__name__} space, and a symmetry acts "
        "on vectors or images. Flatten what is kept, and declare the symmetry of the flat observation yourself."
    )
