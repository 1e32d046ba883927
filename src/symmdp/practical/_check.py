from __future__ import annotations

import inspect

from symmdp.errors import WrongAnswerError
from symmdp.practical._answers import is_blank
from symmdp.practical._registry import exercise_named


def check(exercise: str, *answers: object) -> None:
    """Say whether an answer is right, and if not, what is wrong with it.

    A right answer prints a line with the points. Answers may be lists, NumPy arrays or torch tensors.

    Args:
        exercise: its name.
        answers: the variables or functions that the exercise asks for.

    Raises:
        OptionError: there is no such exercise.
        WrongAnswerError: an answer is missing or wrong; the message says how.
    """
    found = exercise_named(exercise)
    if any(is_blank(answer) for answer in answers):
        raise WrongAnswerError(f"{found.name}: there is no answer yet. Replace the ... above, run that cell, then this one.")
    try:
        inspect.signature(found.check).bind(*answers)
    except TypeError:
        raise WrongAnswerError(
            f"{found.name}: check was given {len(answers)} answers; this exercise has "
            f"{len(inspect.signature(found.check).parameters)}. Please restore the line that calls check."
        ) from None
    try:
        praise = found.check(*answers)
    except WrongAnswerError as error:
        raise WrongAnswerError(f"{found.name}: {error}") from None
    except Exception as error:  # an answer may be any object, and raise anything where it is used
        raise WrongAnswerError(f"{found.name}: your answer could not be used: {type(error).__name__}: {error}") from error
    points = f"{found.points} point{'s' if found.points != 1 else ''}"
    print(f"✓ {found.name}: {points}. {praise}")
