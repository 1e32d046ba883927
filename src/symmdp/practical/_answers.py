"""Reading a student's answers: lists, arrays and tensors alike, and words for what is none of these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray

from symmdp.errors import WrongAnswerError


def fail(message: str) -> NoReturn:
    """Say what is wrong with an answer.

    Raises:
        WrongAnswerError: always.
    """
    raise WrongAnswerError(message)


def is_blank(answer: object) -> bool:
    """Whether an answer is still what the exercise left: `...`, `None`, or a tuple or list of them."""

    def left(part: object) -> bool:
        return part is None or part is ...

    return left(answer) or (isinstance(answer, tuple | list) and len(answer) > 0 and all(left(part) for part in answer))


def array(answer: object, what: str, shape: Sequence[int] | None = None) -> NDArray[np.float64]:
    """An answer as a float64 array.

    Args:
        answer: a number, nested lists, a NumPy array or a torch tensor.
        what: what it is called in messages, with its article: "your symmetrized W".
        shape: what it must have.

    Raises:
        WrongAnswerError: it is no such thing, is not finite, or has another shape.
    """
    if is_blank(answer):
        fail(f"There is no answer yet: {what} is {answer!r}.")
    try:
        if isinstance(answer, list | tuple):
            answer = [array(part, f"a part of {what}") for part in answer]
        elif isinstance(answer, torch.Tensor):
            answer = answer.detach().cpu().resolve_conj().resolve_neg().numpy()
        found = np.asarray(answer)
        if np.iscomplexobj(found) or found.dtype.kind not in "biuf":
            raise TypeError
        found = found.astype(np.float64)
    except (TypeError, ValueError, RuntimeError, OSError):
        fail(f"{_capital(what)} should be made of real numbers; it is {_brief(answer)}.")
    if shape is not None and found.shape != tuple(shape):
        expected = " × ".join(map(str, shape)) if shape else "a single number"
        given = " × ".join(map(str, found.shape)) if found.shape else "a single number"
        hint = ""
        if found.shape == tuple(shape)[::-1]:
            hint = " It is the transpose's shape: an output comes from W @ input, so rows count outputs and columns inputs."
        fail(f"{_capital(what)} has the shape {given}; expected {expected}.{hint}")
    if not np.isfinite(found).all():
        fail(f"{_capital(what)} has entries that are not finite (NaN or infinity).")
    return found


def matrices(answer: object, what: str, count: int, shape: Sequence[int]) -> NDArray[np.float64]:
    """A list of `count` matrices, as an array of shape `(count, *shape)`.

    Raises:
        WrongAnswerError: it is no list of as many, or a matrix among them is none.
    """
    if is_blank(answer):
        fail(f"There is no answer yet: {what} is {answer!r}.")
    if not isinstance(answer, Iterable) or isinstance(answer, str | dict | set):
        fail(f"{_capital(what)} should be a list of {count} matrices; it is {_brief(answer)}.")
    try:
        parts = list(answer)
    except TypeError:  # a tensor without axes
        fail(f"{_capital(what)} should be a list of {count} matrices; it is {_brief(answer)}.")
    found = [array(part, f"matrix {i} of {what}", shape) for i, part in enumerate(parts[: count + 1])]
    if len(parts) != count:
        fail(f"{_capital(what)} should hold {count} matrices, one for each element of the group; it holds {len(parts)}.")
    return np.stack(found)


def number(answer: object, what: str) -> float:
    """An answer that is one number.

    Raises:
        WrongAnswerError: it is not.
    """
    found = array(answer, what)
    if found.size != 1:
        fail(f"{_capital(what)} should be one number; it has {found.size} entries.")
    return float(found.reshape(()))


def integer(answer: object, what: str) -> int:
    """An answer that is a whole number.

    Raises:
        WrongAnswerError: it is not.
    """
    found = number(answer, what)
    if found != round(found):
        fail(f"{_capital(what)} should be a whole number; it is {found:g}.")
    return round(found)


def boolean(answer: object, what: str) -> bool:
    """An answer that is True or False.

    Raises:
        WrongAnswerError: it is neither.
    """
    if is_blank(answer):
        fail(f"There is no answer yet: {what} is {answer!r}.")
    if isinstance(answer, np.ndarray | torch.Tensor) and answer.ndim == 0:
        answer = answer.item()
    if not isinstance(answer, bool | np.bool_):
        fail(f"{_capital(what)} should be True or False; it is {_brief(answer)}.")
    return bool(answer)


def choice(answer: object, what: str, options: Sequence[str]) -> str:
    """An answer that is one of `options`, whatever its case and spaces around it.

    Raises:
        WrongAnswerError: it is none of them.
    """
    if is_blank(answer):
        fail(f"There is no answer yet: {what} is {answer!r}.")
    listed = ", ".join(repr(option) for option in options)
    if not isinstance(answer, str):
        fail(f"{_capital(what)} should be one of {listed}; it is {_brief(answer)}.")
    found = " ".join(answer.lower().split())
    for option in options:
        if found == option.lower():
            return option
    fail(f"{_capital(what)} is {answer!r}; expected one of {listed}.")


def function(answer: object, what: str) -> Callable[..., Any]:
    """An answer that is a function; calls of it turn exceptions and blank results into words.

    Raises:
        WrongAnswerError: it is none; and, when it is called, that it raised an exception, or returned nothing.
    """
    if is_blank(answer):
        fail(f"There is no answer yet: {what} is {answer!r}.")
    if not callable(answer):
        fail(f"{_capital(what)} should be a function; it is {_brief(answer)}. Pass the function itself, without calling it.")

    def called(*arguments: Any, **options: Any) -> Any:
        try:
            result = answer(*arguments, **options)
        except WrongAnswerError:
            raise
        except NotImplementedError:
            fail(f"There is no answer yet: {what} raises NotImplementedError.")
        except Exception as error:
            fail(f"{_capital(what)} raised {type(error).__name__}: {error}")
        if is_blank(result):
            fail(f"{_capital(what)} returned {result!r}: it has no answer yet, or lacks a return.")
        return result

    return called


def _brief(answer: object) -> str:
    text = " ".join(repr(answer).split())
    return f"{type(answer).__name__} {text if len(text) <= 60 else text[:57] + '…'}"


def _capital(text: str) -> str:
    """A beginning of a sentence; the names of variables and functions stay as they are."""
    return text[:1].upper() + text[1:] if text.startswith(("your ", "a ", "the ", "matrix ", "what ")) else text


def by_name(answer: object, what: str, names: Sequence[str]) -> dict[str, object]:
    """An answer that is a dictionary with an entry, not blank, for each of `names`.

    Raises:
        WrongAnswerError: it is none, or lacks an entry.
    """
    if not isinstance(answer, dict):
        fail(f"{_capital(what)} should be a dictionary; it is {_brief(answer)}.")
    missing = [repr(name) for name in names if is_blank(answer.get(name))]
    if missing:
        fail(f"There is no answer yet in {what} for {', '.join(missing)}.")
    return {name: answer[name] for name in names}


def first_match(found: NDArray[np.float64] | float, mistakes: Mapping[str, NDArray[np.float64] | float]) -> str | None:
    """The first of the typical mistakes that leads to what was found.

    Args:
        found: a wrong answer.
        mistakes: what it says in words, with the answer that comes out of it.
    """
    for words, value in mistakes.items():
        if np.shape(found) == np.shape(value) and np.allclose(found, value, rtol=1e-5, atol=1e-7):
            return words
    return None
