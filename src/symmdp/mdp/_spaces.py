from __future__ import annotations

import gymnasium as gym

from symmdp.errors import SpaceMismatchError
from symmdp.representations import Representation


def check_observation_space(space: gym.Space, rep: Representation) -> None:
    """Raise SpaceMismatchError unless `space` is a Box of shape `(dim,)`."""
    _check_box(space, rep, "observation", "gymnasium.wrappers.FlattenObservation")


def check_action_space(space: gym.Space, rep: Representation | None, has_center: bool) -> None:
    """Raise SpaceMismatchError unless `space` is Discrete with `rep` a permutation of its actions, or a Box `(dim,)`.

    `rep` is `None` where a function of the state moves the actions; then any Discrete or vector Box fits.
    """
    if isinstance(space, gym.spaces.Discrete):
        if rep is None:
            return
        n = int(space.n)
        if rep.dim != n:
            raise SpaceMismatchError(
                f"The action space {space} has {n} actions, but the symmetry's action representation has dimension {rep.dim}. "
                f"Give a permutation representation of dimension {n}, one dimension for each action."
            )
        if rep.kind != "permutation":
            raise SpaceMismatchError(
                f"The action space {space} is discrete, so the symmetry must permute its {n} actions; its action "
                f"representation has dimension {rep.dim} and is {rep.kind}. Give permutation matrices."
            )
        if has_center:
            raise SpaceMismatchError(
                f"The action space {space} is discrete, but the symmetry has an action_center, which only vectors have. "
                "Leave action_center out."
            )
        return
    _check_box(space, rep, "action", "a gymnasium.ActionWrapper")


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
            f"{f' of {rep.dim} coordinates' if rep else ''}. Flatten it ({wrapper}); images as such are not supported here."
        )
    if rep is not None and space.shape[0] != rep.dim:
        raise SpaceMismatchError(
            f"The {what} space has {space.shape[0]} coordinates, but the symmetry's {what} representation has dimension "
            f"{rep.dim}. Declare the symmetry on all {space.shape[0]} coordinates, or choose an environment (and its "
            f"{what} options) with {rep.dim}."
        )
