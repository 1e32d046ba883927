"""The symmetry of images under Gymnasium's wrappers: which of them keep flips and turns of the pixels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import wrappers
from numpy.typing import NDArray

from symmdp.errors import MissingExtraError, SymmetryError
from symmdp.mdp.wrappers._parts import Parts
from symmdp.representations import ImageRepresentation, Representation, image, pixel_action

_GREY_LEVELS = 1  # images are rounded to whole grey levels, and ties may fall either way
_TRIED = 4  # random images for each element


def grayscale(layer: Any, parts: Parts) -> Parts:
    """Luminance is a function of a pixel's own colours, and commutes with moves of pixels."""
    rep = _image(layer, parts, layer.env.observation_space.shape[:2])
    _check_colours(layer, rep)
    return _with_image(layer, parts, image(rep.group.trivial, rep.plane, *rep.shape[1:]))


def resized(layer: Any, parts: Parts) -> Parts:
    """`cv2.resize` commutes with the moves of pixels to a grey level for some sizes, which is tried."""
    rep = _image(layer, parts, layer.env.observation_space.shape[:2])
    return _with_image(layer, parts, _resized(layer, rep, tuple(layer.shape)))


def atari(layer: Any, parts: Parts) -> Parts:
    """Random no-ops, skipped frames and their maximum, grey levels, and a smaller screen."""
    rep = _image(layer, parts, layer.env.observation_space.shape[:2])
    _check_colours(layer, rep)
    action = parts.action_representation(layer)
    if layer.noop_max > 0 and not all(action(g)[0, 0] == 1 for g in action.group.generators):
        raise SymmetryError("AtariPreprocessing begins an episode with action 0, which the symmetry moves. Use noop_max=0.")
    width, height = layer.screen_size
    rep = _resized(layer, rep, (height, width))
    if layer.grayscale_obs:
        rep = image(rep.group.trivial, rep.plane, height, width)
    return _with_image(layer, parts, rep)


def _image(layer: Any, parts: Parts, size: tuple[int, ...]) -> ImageRepresentation:
    parts.action_representation(layer)
    name, rep = type(layer).__name__, parts.observation
    if not isinstance(rep, ImageRepresentation):
        raise SymmetryError(
            f"{name} changes images, but the symmetry acts on vectors: {rep!r}. Declare it with symmdp.representations.image, "
            "and put FlattenObservation around the other wrappers."
        )
    if rep.shape[1:] != tuple(size):
        raise SymmetryError(
            f"{name} takes images of {size[0]} × {size[1]} pixels with the channels last; the symmetry acts on images of shape "
            f"{rep.shape} (channels, height, width). Choose that height and width, and move the axis of channels after it."
        )
    if parts.observation_center is not None:
        raise SymmetryError(f"{name} changes colours, and the symmetry has an observation_center. Leave the centre out.")
    return rep


def _check_colours(layer: Any, rep: ImageRepresentation) -> None:
    if not rep.channels.is_trivial:
        raise SymmetryError(
            f"{type(layer).__name__} weighs the colours of a pixel, or takes the larger of two values, and the symmetry moves "
            f"channels by {rep.channels!r}. It must leave colours as they are: 3 * group.trivial."
        )


def _resized(layer: Any, rep: ImageRepresentation, size: tuple[int, int]) -> ImageRepresentation:
    if any(abs(rep.plane(g)[0, 1]) == 1 for g in rep.group.generators) and size[0] != size[1]:
        raise SymmetryError(
            f"{type(layer).__name__} makes images of {size[0]} × {size[1]} pixels, which the symmetry cannot turn. Choose a "
            "square."
        )
    worst = resize_error(rep, size)
    if worst > _GREY_LEVELS:
        raise SymmetryError(
            f"{type(layer).__name__} resizes {rep.shape[1]} × {rep.shape[2]} pixels to {size[0]} × {size[1]}, and cv2 does so "
            f"with an error of up to {worst} grey levels against {rep.plane.name}. Choose a size that makes both axes "
            "smaller, or neither."
        )
    return image(rep.channels, rep.plane, *size)


def resize_error(rep: ImageRepresentation, size: tuple[int, int]) -> int:
    """The largest difference, in grey levels, between resizing a moved image and moving the resized one.

    Raises:
        MissingExtraError: OpenCV is not installed.
    """
    height, width = rep.shape[1:]
    try:
        resize = wrappers.ResizeObservation(_Screen(height, width), size).observation
    except gym.error.DependencyNotInstalled:
        raise MissingExtraError("Images are resized by OpenCV: pip install opencv-python.") from None
    large, small = (_sources(rep.plane, *shape) for shape in ((height, width), size))
    rng, worst = np.random.default_rng(0), 0
    for g in rep.group.generators:
        for _ in range(_TRIED):
            given = rng.integers(0, 256, (height, width), dtype=np.uint8)
            moved = np.ascontiguousarray(given.ravel()[large[g]].reshape(height, width))
            expected = resize(given).ravel()[small[g]].reshape(size)
            worst = max(worst, int(np.abs(resize(moved).astype(np.int64) - expected).max()))
    return worst


def _sources(plane: Representation, height: int, width: int) -> NDArray[np.int64]:
    """Which pixel each pixel is taken from, for each element."""
    source = pixel_action(plane, height, width).source
    if source is None:
        raise AssertionError("pixels are permuted")
    return source


class _Screen(gym.Env):
    """Grey images of a size, for Gymnasium's own resizing."""

    def __init__(self, height: int, width: int):
        self.observation_space = gym.spaces.Box(0, 255, (height, width), np.uint8)


def _with_image(layer: Any, parts: Parts, rep: ImageRepresentation) -> Parts:
    return replace(parts, observation=rep, observation_names=None)
