from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import wrappers
from numpy.typing import NDArray

from symmdp.errors import SymmetryError
from symmdp.mdp._affine import shape_of
from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.simulators._find import TRANSPARENT
from symmdp.mdp.transform._canonical_env import CanonicalStates
from symmdp.representations import ImageRepresentation, Representation

# They change rewards alike in a state and in its image, the type of numbers, or when an observation comes.
_HARMLESS = (
    *TRANSPARENT,
    wrappers.ClipReward,
    wrappers.DelayObservation,
    wrappers.DtypeObservation,
    wrappers.HumanRendering,
    wrappers.NormalizeReward,
    wrappers.RenderCollection,
    wrappers.StickyAction,
    wrappers.TransformReward,
)


def wrapped_symmetry(env: gym.Env, symmetry: Symmetry) -> Symmetry:
    """The symmetry of a wrapped environment, from that of the environment below the wrappers.

    Stacked frames carry a copy of `L_g` each, the time is invariant, and rescaled observations or actions are moved by
    `D ρ(g) D⁻¹`, where `D` is the scale. Wrappers that leave observations and actions alone change nothing.

    Args:
        env: with its wrappers.
        symmetry: of `env.unwrapped`; `verify` checks it there.

    Raises:
        SymmetryError: a wrapper breaks the symmetry, or what it does is not known; the message says what to use instead.
        SpaceMismatchError: the result does not fit the spaces of `env`.

    Example:
        `wrapped_symmetry(FlattenObservation(FrameStackObservation(env, 4)), symmetry)` acts on four frames.
    """
    layers: list[gym.Wrapper] = []
    inner: Any = env
    while isinstance(inner, gym.Wrapper):
        layers.append(inner)
        inner = inner.env
    found = below = _Parts.of(symmetry)
    for layer in reversed(layers):
        if type(layer) in _HARMLESS:
            continue
        rule = _RULES.get(type(layer))
        if rule is None:
            raise SymmetryError(
                f"What {type(layer).__name__} does to observations or actions is not known. Declare the symmetry of the "
                "wrapped environment yourself."
            )
        found = rule(layer, found)
    if found is below:
        derived = symmetry
    else:
        derived = Symmetry(
            symmetry.group,
            found.observation,
            found.action,
            observation_center=found.observation_center,
            action_center=found.action_center,
            observation_names=found.observation_names,
            action_names=symmetry.action_names,
            element_names=symmetry.element_names,
            name=symmetry.name,
        )
    derived.check_spaces(env.observation_space, env.action_space)
    return derived


@dataclass(frozen=True, eq=False)
class _Parts:
    observation: Representation
    action: Any
    observation_center: NDArray[np.float64] | None
    action_center: NDArray[np.float64] | None
    observation_names: tuple[str, ...] | None

    @classmethod
    def of(cls, symmetry: Symmetry) -> _Parts:
        return cls(
            symmetry.observation,
            symmetry.action,
            symmetry.observation_center,
            symmetry.action_center,
            symmetry.observation_names,
        )

    def needs_representation(self, layer: gym.Wrapper) -> None:
        if not isinstance(self.action, Representation):
            raise SymmetryError(
                f"The action map depends on the state, and {type(layer).__name__} changes observations or actions; write the "
                "map of the wrapped environment yourself."
            )


def _stacked(layer: Any, parts: _Parts) -> _Parts:
    parts.needs_representation(layer)
    if parts.observation_center is not None and layer.padding_type != "reset":
        raise SymmetryError(
            "FrameStackObservation pads with frames that the symmetry moves, for its centre is not the origin. Use "
            "padding_type='reset'."
        )
    count = layer.stack_size
    names = parts.observation_names
    if names is not None:
        ages = ["" if age == 0 else f" (t−{age})" for age in reversed(range(count))]
        names = tuple(f"{name}{age}" for age in ages for name in names)
    center = None if parts.observation_center is None else np.tile(parts.observation_center, count)
    return replace(parts, observation=count * parts.observation, observation_center=center, observation_names=names)


def _reshaped(layer: Any, parts: _Parts) -> _Parts:
    if layer.observation_space.shape != shape_of(parts.observation):
        raise SymmetryError(
            f"ReshapeObservation gives observations the shape {layer.observation_space.shape}; the symmetry acts on "
            f"{shape_of(parts.observation)}. Choose that shape, or declare the symmetry of the new one yourself."
        )
    return parts


def _flattened(layer: Any, parts: _Parts) -> _Parts:
    if isinstance(parts.observation, ImageRepresentation):
        parts.needs_representation(layer)
        return replace(parts, observation=parts.observation.on_vectors)
    if not isinstance(layer.env.observation_space, gym.spaces.Box):
        raise SymmetryError(
            f"FlattenObservation puts a {type(layer.env.observation_space).__name__} space in an order of its own; declare the "
            "symmetry of the flat observation yourself."
        )
    return parts


def _timed(layer: Any, parts: _Parts) -> _Parts:
    parts.needs_representation(layer)
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


def _rescaled_action(layer: Any, parts: _Parts) -> _Parts:
    parts.needs_representation(layer)
    inner, outer = layer.env.action_space, layer.action_space
    action, center = _rescaled(parts.action, parts.action_center, inner, outer, layer)
    return replace(parts, action=action, action_center=center)


def _rescaled_observation(layer: Any, parts: _Parts) -> _Parts:
    parts.needs_representation(layer)
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


def _clipped(layer: Any, parts: _Parts) -> _Parts:
    parts.needs_representation(layer)
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


def _normalized(layer: Any, parts: _Parts) -> _Parts:
    raise SymmetryError(
        "NormalizeObservation takes a mean and a variance for each coordinate from the data, which breaks the symmetry. "
        "Normalise with statistics that the group leaves unchanged, or leave the wrapper out."
    )


def _canonical(layer: Any, parts: _Parts) -> _Parts:
    raise SymmetryError(
        "Of canonical states there is one in each orbit, so that no symmetry is left: use a plain network, of "
        "symmetry.restrict_to_trivial()."
    )


_RULES: dict[type, Callable[[Any, _Parts], _Parts]] = {
    wrappers.FrameStackObservation: _stacked,
    wrappers.FlattenObservation: _flattened,
    wrappers.ReshapeObservation: _reshaped,
    wrappers.TimeAwareObservation: _timed,
    wrappers.RescaleAction: _rescaled_action,
    wrappers.RescaleObservation: _rescaled_observation,
    wrappers.ClipAction: _clipped,
    wrappers.NormalizeObservation: _normalized,
    CanonicalStates: _canonical,
}
