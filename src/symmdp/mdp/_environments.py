"""Environments by name: a Gymnasium id, or one with options, as in `LunarLander-v3 (continuous=True)`."""

from __future__ import annotations

import ast
import difflib
import importlib
import inspect
import re
import warnings
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec, load_env_creator

from symmdp.errors import MissingExtraError, OptionError, SimulatorError, SymmdpError, UnknownEnvironmentError

_EXTRAS = {"mujoco": "mujoco", "box2d": "box2d", "ale_py": "atari", "atari": "atari"}  # part of an entry point: extra

_UNSEEN = ("render_mode", "num_envs", "vectorization_mode", "vector_kwargs")  # options that change nothing for an agent


def environment_name(environment_id: str, options: Mapping[str, Any]) -> str:
    """The name of an environment that `gymnasium.make` makes with `options`; without any, the id alone."""
    given = ", ".join(f"{key}={value!r}" for key, value in options.items())
    return f"{environment_id} ({given})" if given else environment_id


def parse_environment_name(name: str) -> tuple[str, dict[str, Any]]:
    """The id and the options of `ID (key=value, …)`, where values are Python literals.

    Raises:
        OptionError: what stands in brackets cannot be read so.
    """
    found = re.fullmatch(r"\s*([^\s(]+)\s*(?:\((.*)\))?\s*", name, re.DOTALL)
    if found is None:
        return name, {}
    try:
        call = ast.parse(f"f({found[2] or ''})", mode="eval").body
        if not isinstance(call, ast.Call) or call.args or any(keyword.arg is None for keyword in call.keywords):
            raise ValueError
        return found[1], {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError):
        raise OptionError(
            f"The options in {name!r} cannot be read; expected values of Python, such as "
            f"{environment_name(found[1], {'continuous': True, 'map_name': '8x8'})!r}."
        ) from None


def name_of_environment(env: Any) -> str:
    """The name of an environment that exists, single or vectorised: its id with the options that differ from the id's own."""
    spec = env.spec
    if spec is None:
        return type(env.unwrapped).__name__
    known = gym.registry.get(spec.id)
    usual = {} if known is None else {"max_episode_steps": known.max_episode_steps, **known.kwargs}
    options = {key: value for key, value in spec.kwargs.items() if key not in _UNSEEN and not _same(usual.get(key), value)}
    return environment_name(spec.id, options)


def environment_spec(name: str) -> tuple[EnvSpec, dict[str, Any]]:
    """What Gymnasium has registered under the id of a name, and the name's options.

    Of an id `module:ID`, as for `gymnasium.make`, the module is imported first, which registers it.

    Raises:
        UnknownEnvironmentError: nothing, or the module cannot be imported.
        MissingExtraError: the id's module is not installed.
        OptionError: the options cannot be read.
    """
    environment_id, options = parse_environment_name(name)
    module, colon, inner = environment_id.partition(":")
    if colon:
        _import(module, environment_id)
        environment_id = inner
    if environment_id.startswith("ALE/"):
        _register_atari(environment_id)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a newer version of the environment exists; the user asked for this one
            return gym.spec(environment_id), options
    except (gym.error.Error, ModuleNotFoundError) as error:
        raise _unknown(environment_id, error) from None


def _usual_options(name: str) -> dict[str, Any]:
    """The options that an environment has where none are given: those it is registered with, and its constructor's defaults.

    Where its package is not installed, the former alone; of an environment that Gymnasium does not have, none.
    """
    try:
        spec, _ = environment_spec(name)
    except SymmdpError:
        return {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # packages that are imported here deprecate what they use
            creator = spec.entry_point if callable(spec.entry_point) else load_env_creator(str(spec.entry_point))
        defaults = {key: given.default for key, given in inspect.signature(creator).parameters.items()}
    except (ImportError, gym.error.Error, TypeError, ValueError):  # it cannot be imported, or does not say what it takes
        defaults = {}
    return {key: value for key, value in defaults.items() if value is not inspect.Parameter.empty} | spec.kwargs


def unusual_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Those options of an environment that are not what it has anyway."""
    usual = _usual_options(name)
    return {key: value for key, value in options.items() if key not in usual or not _same(usual[key], value)}


def make_environment(name: str, **arguments: Any) -> gym.Env:
    """The environment of a name.

    Args:
        name: an id, with options or without.
        arguments: further ones of `gymnasium.make`.

    Raises:
        UnknownEnvironmentError: Gymnasium has no such environment.
        OptionError: it has no such option, or the options cannot be read; or it raises an exception with these.
        SimulatorError: it raises an exception without any.
        MissingExtraError: it needs a package that is not installed.
    """
    spec, options = environment_spec(name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return gym.make(spec.id, **options, **arguments)
    except gym.error.DependencyNotInstalled as error:
        raise MissingExtraError(f"{spec.id} needs a package that is not installed ({error}). {_hint(spec)}") from None
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"{spec.id} needs {error.name}, which is not installed. {_hint(spec)}") from None
    except gym.error.Error as error:
        raise _unknown(spec.id, error) from None
    except SymmdpError:
        raise
    except Exception as error:  # whatever its constructor raises
        said = str(error).partition("\n")[0].rstrip(".")
        if options:
            raise OptionError(f"{spec.id} cannot be made with {environment_name('', options).strip()}: {said}.") from error
        raise SimulatorError(f"{spec.id} cannot be made: {type(error).__name__}: {said}.") from error


def _import(module: str, environment_id: str) -> None:
    """Import the module that registers an environment.

    Raises:
        UnknownEnvironmentError: it cannot be imported.
    """
    try:
        importlib.import_module(module)
    except Exception as error:  # whatever it raises
        said = str(error).partition("\n")[0].rstrip(".")
        raise UnknownEnvironmentError(
            f"The module of {environment_id!r} cannot be imported ({type(error).__name__}: {said}). Name one that Python "
            "finds, for instance on PYTHONPATH, and that registers the environment."
        ) from error


def _register_atari(environment_id: str) -> None:
    """Import ale_py, which registers its games with Gymnasium, and let its banner not be printed.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        ale_py = importlib.import_module("ale_py")  # an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{environment_id} needs {error.name}, which is not installed. Try: pip install 'symmdp[atari]'"
        ) from None
    gym.register_envs(ale_py)
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)


def _unknown(environment_id: str, error: Exception) -> UnknownEnvironmentError:
    near = difflib.get_close_matches(environment_id, gym.registry, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else " gymnasium.pprint_registry() lists those there are."
    return UnknownEnvironmentError(f"Gymnasium has no environment {environment_id!r} ({str(error).rstrip('.')}).{hint}")


def _hint(spec: EnvSpec) -> str:
    """Which extra brings the package that an environment needs."""
    extra = next((extra for part, extra in _EXTRAS.items() if part in str(spec.entry_point)), None)
    return f"Try: pip install 'symmdp[{extra}]'" if extra else "Install it, and try again."


def _same(one: Any, other: Any) -> bool:
    return repr(one) == repr(other)  # options may be arrays, whose == is no truth value
