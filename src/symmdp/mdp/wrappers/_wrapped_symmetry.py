from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
from gymnasium import wrappers
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv, VectorWrapper
from gymnasium.wrappers import vector

from symmdp.errors import SimulatorError, SymmetryError
from symmdp.mdp._symmetry import Symmetry, require_symmetry
from symmdp.mdp.simulators._find import TRANSPARENT
from symmdp.mdp.transform._canonical_env import CanonicalStates, VectorCanonicalStates
from symmdp.mdp.transform._symmetric_normalization import SymmetricNormalization, VectorSymmetricNormalization
from symmdp.mdp.wrappers import _image_rules, _rules
from symmdp.mdp.wrappers._action_history import ActionHistory, VectorActionHistory
from symmdp.mdp.wrappers._parts import Parts

# They change rewards alike in a state and in its image, or nothing.
_HARMLESS = (
    *TRANSPARENT,
    wrappers.ClipReward,
    wrappers.HumanRendering,
    wrappers.NormalizeReward,
    wrappers.RenderCollection,
    wrappers.StickyAction,
    wrappers.TransformReward,
    vector.ClipReward,
    vector.DictInfoToList,
    vector.HumanRendering,
    vector.NormalizeReward,
    vector.RecordEpisodeStatistics,
    vector.RecordVideo,
    vector.TransformReward,
    vector.VectorizeTransformReward,
)


def wrapped_symmetry(env: gym.Env | VectorEnv, symmetry: Symmetry) -> Symmetry:
    """The symmetry of a wrapped environment, from that of the environment below the wrappers.

    Stacked frames carry a copy of `L_g` each, a history of `k` actions adds `k K_g`, the time is invariant, and rescaled
    observations or actions are moved by `D ρ(g) D⁻¹`, where `D` is the scale. Under `SymmetricNormalization` the representation
    stays and the centre becomes the origin. Images lose their colours, and change their size where `cv2` does that alike for an
    image and the moved one, to a grey level. Wrappers that leave observations and actions alone change nothing.

    Args:
        env: with its wrappers; of a vectorised one also those around each environment (of an `AsyncVectorEnv` one environment
            is made to see them).
        symmetry: of `env.unwrapped`, or of the environments that are vectorised; `verify` checks it there.

    Raises:
        SymmetryError: a wrapper breaks the symmetry, or what it does is not known; the message says what to use instead. Or
            the second argument is no symmetry.
        SimulatorError: the first is no environment.
        SpaceMismatchError: the result does not fit the spaces of `env`.
        MissingExtraError: a wrapper resizes images, and OpenCV is not installed.

    Example:
        `wrapped_symmetry(FlattenObservation(FrameStackObservation(env, 4)), symmetry)` acts on four frames.
    """
    require_symmetry(symmetry)
    if not isinstance(env, gym.Env | VectorEnv):
        raise SimulatorError(f"Expected a gymnasium.Env or a VectorEnv, with its wrappers; got {type(env).__name__}.")
    found = below = Parts.of(symmetry)
    for layer in reversed(_layers(env)):
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
            action_names=found.action_names,
            element_names=symmetry.element_names,
            name=symmetry.name,
        )
    if isinstance(env, VectorEnv):
        derived.check_spaces(env.single_observation_space, env.single_action_space)
    else:
        derived.check_spaces(env.observation_space, env.action_space)
    return derived


def _layers(env: gym.Env | VectorEnv) -> list[Any]:
    """The wrappers, the outermost first; of Gymnasium's vector wrappers the single ones that they repeat."""
    layers: list[Any] = []
    inner: Any = env
    while True:
        if isinstance(inner, VectorWrapper):
            if isinstance(inner, vector.VectorizeTransformObservation | vector.VectorizeTransformAction):
                layers.append(inner.wrapper)
            else:
                layers.append(inner)
            inner = inner.env
        elif isinstance(inner, gym.Wrapper):
            layers.append(inner)
            inner = inner.env
        elif isinstance(inner, SyncVectorEnv):
            kinds = [[type(layer) for layer in _layers(one)] for one in inner.envs]
            if any(kind != kinds[0] for kind in kinds):
                raise SymmetryError(
                    "The vectorised environments have different wrappers, and so perhaps different symmetries. Wrap them alike."
                )
            inner = inner.envs[0]
        elif isinstance(inner, AsyncVectorEnv):
            made = inner.env_fns[0]()
            layers += _layers(made)
            made.close()
            return layers
        else:
            return layers


_RULES: dict[type, Callable[[Any, Parts], Parts]] = {
    ActionHistory: _rules.with_history,
    CanonicalStates: _rules.canonical,
    SymmetricNormalization: _rules.symmetrically_normalized,
    VectorActionHistory: _rules.with_history,
    VectorCanonicalStates: _rules.canonical,
    VectorSymmetricNormalization: _rules.symmetrically_normalized,
    wrappers.AtariPreprocessing: _image_rules.atari,
    wrappers.ClipAction: _rules.clipped,
    wrappers.DelayObservation: _rules.delayed,
    wrappers.DtypeObservation: _rules.cast,
    wrappers.FilterObservation: _rules.filtered,
    wrappers.FlattenObservation: _rules.flattened,
    wrappers.FrameStackObservation: _rules.stacked,
    wrappers.GrayscaleObservation: _image_rules.grayscale,
    wrappers.MaxAndSkipObservation: _rules.maximum_of_two,
    wrappers.NormalizeObservation: _rules.normalized,
    wrappers.RescaleAction: _rules.rescaled_action,
    wrappers.RescaleObservation: _rules.rescaled_observation,
    wrappers.ReshapeObservation: _rules.reshaped,
    wrappers.ResizeObservation: _image_rules.resized,
    wrappers.TimeAwareObservation: _rules.timed,
    wrappers.TransformAction: _rules.of_your_own,
    wrappers.TransformObservation: _rules.of_your_own,
    vector.NormalizeObservation: _rules.normalized,
    vector.TransformAction: _rules.of_your_own,
    vector.TransformObservation: _rules.of_your_own,
}
