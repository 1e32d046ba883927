"""The state of an environment as JSON, to the bit: plain Python data (classic control), MuJoCo's, or what it gives itself."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

from symmdp.errors import SimulatorError
from symmdp.training._mujoco_snapshot import mujoco_data, mujoco_state, restore_mujoco_state

_NOT_STATE = (gym.Space, EnvSpec)
_MUJOCO, _MUJOCO_ENGINE = "mujoco", ("model", "data", "mujoco_renderer")
_OWN = "symmdp_state"  # what an environment that holds an engine gives by a method of this name


def snapshot(environment: gym.Env) -> list[dict[str, Any]]:
    """The plain-data attributes and the random state of an environment and each of its wrappers, outermost first.

    Raises:
        SimulatorError: the environment holds something else (a physics engine, say), which cannot be saved this way.
    """
    return [_attributes(layer) for layer in _layers(environment)]


def restore_snapshot(environment: gym.Env, saved: list[dict[str, Any]]) -> None:
    """Set an environment of the same make to what `snapshot` gave."""
    for layer, attributes in zip(_layers(environment), saved, strict=True):
        for name, value in attributes.items():
            if name == _MUJOCO:
                restore_mujoco_state(layer.data, value)
            elif name == _OWN:
                layer.symmdp_restore(value)
            elif name == "_np_random":
                layer.np_random.bit_generator.state = value
            else:
                setattr(layer, name, _decode(value))


def _layers(environment: gym.Env) -> list[Any]:
    layers: list[Any] = [environment]
    while isinstance(layers[-1], gym.Wrapper):
        layers.append(layers[-1].env)
    return layers


def _attributes(layer: Any) -> dict[str, Any]:
    attributes = {}
    give = None if isinstance(layer, gym.Wrapper) else getattr(layer, _OWN, None)
    if callable(give):
        attributes[_OWN] = give()
    data = None if isinstance(layer, gym.Wrapper) else mujoco_data(layer)
    if data is not None:
        attributes[_MUJOCO] = mujoco_state(data)
    for name, value in vars(layer).items():
        if name == "_np_random":
            if value is not None:
                attributes[name] = value.bit_generator.state
        elif _OWN in attributes or (data is not None and name in _MUJOCO_ENGINE):
            continue
        elif isinstance(value, _NOT_STATE) or (isinstance(layer, gym.Wrapper) and not isinstance(value, int | bool)):
            continue  # spaces, specs, and what a wrapper holds besides its counters and flags
        else:
            attributes[name] = _encode(value, type(layer).__name__, name)
    return attributes


def _encode(value: Any, owner: str, name: str) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return {"array": value.tolist(), "dtype": str(value.dtype)}
    if isinstance(value, tuple | list):
        return {type(value).__name__: [_encode(v, owner, name) for v in value]}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {k: _encode(v, owner, name) for k, v in value.items()}}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise SimulatorError(
        f"The state of {owner} cannot be saved: its attribute {name!r} is a {type(value).__name__}, not plain data. "
        "Training here needs environments whose state is numbers and arrays, as classic control is, or MuJoCo's."
    )


def _decode(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "array" in value:
        array = np.array(value["array"], dtype=value["dtype"])
        return array if array.ndim else array[()]
    if "dict" in value:
        return {k: _decode(v) for k, v in value["dict"].items()}
    kind, items = next(iter(value.items()))
    return tuple(map(_decode, items)) if kind == "tuple" else list(map(_decode, items))
