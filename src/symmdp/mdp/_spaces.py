from __future__ import annotations

import gymnasium as gym

from symmdp.errors import SpaceMismatchError
from symmdp.representations import ImageRepresentation, Representation


def check_observation_space(space: gym.Space, rep: Representation, has_center: bool) -> None:
    """Raise SpaceMismatchError unless `space` is a Box of what `rep` acts on, or Discrete with `rep` a permutation of it."""
    if isinstance(space, gym.spaces.Discrete):
        _check_permutation(space, rep, has_center, "observation", "states")
    elif isinstance(rep, ImageRepresentation):
        _check_images(space, rep)
    else:
        _check_box(space, rep, "observation", "gymnasium.wrappers.FlattenObservation")


def check_action_space(space: gym.Space, rep: Representation | None, has_center: bool) -> None:
    """Raise SpaceMismatchError unless `space` is Discrete with `rep` a permutation of its actions, or a Box `(dim,)`.

    `rep` is `None` where a function of the state moves the actions; then any Discrete or vector Box fits.
    """
    if isinstance(space, gym.spaces.Discrete):
        if rep is None:
            return
        _check_permutation(space, rep, has_center, "action", "actions")
        return
    _check_box(space, rep, "action", "a gymnasium.ActionWrapper")


def _check_permutation(space: gym.spaces.Discrete, rep: Representation, has_center: bool, what: str, things: str) -> None:
    n = int(space.n)
    if rep.dim != n:
        raise SpaceMismatchError(
            f"The {what} space {space} has {n} {things}, but the symmetry's {what} representation has dimension {rep.dim}. "
            f"Give a permutation representation of dimension {n}, one dimension for each."
        )
    if rep.kind != "permutation":
        raise SpaceMismatchError(
            f"The {what} space {space} is discrete, so the symmetry must permute its {n} {things}; its {what} "
            f"representation has dimension {rep.dim} and is {rep.kind}. Give permutation matrices."
        )
    if has_center:
        raise SpaceMismatchError(
            f"The {what} space {space} is discrete, but the symmetry has an {what}_center, which only vectors have. "
            f"Leave {what}_center out."
        )


def _check_images(space: gym.Space, rep: ImageRepresentation) -> None:
    if isinstance(space, gym.spaces.Box) and space.shape == rep.shape:
        return
    channels, height, width = rep.shape
    hint = f"Choose height, width and channels in symmdp.representations.image to fit ({space})."
    if isinstance(space, gym.spaces.Box) and space.shape == (height, width, channels):
        hint = "Its channels come last: move them to the front (gymnasium.wrappers.TransformObservation)."
    elif isinstance(space, gym.spaces.Box) and space.shape == (height, width) and channels == 1:
        hint = "Give it an axis of one channel (gymnasium.wrappers.ReshapeObservation)."
    raise SpaceMismatchError(
        f"The observation space has shape {space.shape}, but the symmetry acts on images of shape {rep.shape} "
        f"(channels, height, width). {hint}"
    )


def _check_box(space: gym.Space, rep: Representation | None, what: str, wrapper: str) -> None:
    if not isinstance(space, gym.spaces.Box):
        allowed = "a Box of vectors" if what == "observation" else "Discrete or a Box of vectors"
        raise SpaceMismatchError(
            f"The {what} space is a {type(space).__name__} ({space}), but a symmetry acts on {allowed}. "
            f"Flatten it into one vector ({wrapper}), or choose one of its parts."
        )
    if len(space.shape) != 1:
        raise SpaceMismatchError(
            f"The {what} space has shape {space.shape}, but the symmetry acts on vectors"
            f"{f' of {rep.dim} coordinates' if rep else ''}. Flatten it ({wrapper}), or, if these are images, "
            "declare their representation with symmdp.representations.image."
        )
    if rep is not None and space.shape[0] != rep.dim:
        raise SpaceMismatchError(
            f"The {what} space has {space.shape[0]} coordinates, but the symmetry's {what} representation has dimension "
            f"{rep.dim}. Declare the symmetry on all {space.shape[0]} coordinates, or choose an environment (and its "
            f"{what} options) with {rep.dim}."
        )
