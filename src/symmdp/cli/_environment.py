"""The environment that the command line names: an id, and options of `gymnasium.make`."""

from __future__ import annotations

import ast
from typing import Annotated, Any

import tyro

from symmdp.errors import OptionError

EnvironmentId = Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="ID")]
EnvironmentOptions = Annotated[
    tuple[str, ...],
    tyro.conf.arg(name="option", metavar="KEY=VALUE [KEY=VALUE ...]", help_behavior_hint="(optional)"),
]


def environment_named(environment_id: str, options: tuple[str, ...]) -> str:
    """The name of the environment with these options, as in `LunarLander-v3 (continuous=True)`.

    Raises:
        OptionError: an option is not KEY=VALUE, is given twice, or stands in the name as well.
    """
    if not options:
        return environment_id  # help and --version need no torch, which the import below loads
    from symmdp.mdp import environment_name, parse_environment_name

    known, given = parse_environment_name(environment_id)
    for option in options:
        key, equals, value = option.partition("=")
        if not (key.isidentifier() and equals):
            raise OptionError(f"--option takes KEY=VALUE, such as continuous=True; got {option!r}.")
        if key in given:
            raise OptionError(f"The option {key} of {known} is given twice.")
        given[key] = _value(value)
    return environment_name(known, given)


def _value(text: str) -> Any:
    """A literal of Python (or true, false), else the text itself."""
    if text in ("true", "false"):
        return text == "true"
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
