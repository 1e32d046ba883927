"""Checks in general: right answers pass in any form; blank ones and rubbish fail, in words."""

import ast
import inspect

import numpy as np
import pytest
import torch

from symmdp.errors import OptionError, WrongAnswerError
from symmdp.practical import EXERCISES, NOTEBOOKS, check, exercises_of, find_sources

NAMES = [exercise.name for exercise in EXERCISES]


def answers_to(place: int) -> dict[str, list[str]]:
    """The variables that each check of a notebook takes."""
    (source,) = find_sources([place])
    calls = {name: ast.parse(code).body[0] for name, code in source.checks.items()}
    return {
        name: [node.id for node in call.value.args[1:] if isinstance(node, ast.Name)]
        for name, call in calls.items()
        if isinstance(call, ast.Expr) and isinstance(call.value, ast.Call)
    }


@pytest.mark.parametrize("place", [1, 2])
def test_solutions_pass(place, solved, capsys):
    names = solved(place)
    capsys.readouterr()
    for exercise, variables in answers_to(place).items():
        check(exercise, *(names[variable] for variable in variables))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"✓ {exercise.name}" for exercise in exercises_of(place)]


@pytest.mark.parametrize("place", [1, 2])
def test_blank_exercises_fail(place, unsolved):
    names = unsolved(place)
    for exercise, variables in answers_to(place).items():
        assert all(variable in names for variable in variables) or names["failed"]
        answers = [names.get(variable) for variable in variables]
        with pytest.raises(WrongAnswerError, match="no answer yet"):
            check(exercise, *answers)


def _raises(*_):
    raise KeyError("x")


class _Hostile:
    """An object that no conversion survives."""

    def __array__(self, *_, **__):
        raise OSError("gone")

    def __call__(self, *_, **__):
        return self


def _itself():
    answer = []
    answer.append(answer)
    return answer


RUBBISH = [
    _Hostile(),
    _itself(),
    None,
    ...,
    "text",
    3,
    -1.5,
    float("nan"),
    [],
    {},
    [[1, 2], [3]],
    np.zeros((0, 3)),
    np.array(["a"]),
    torch.tensor(1.0),
    torch.full((2, 2), torch.nan),
    object(),
    lambda *_: None,
    lambda: 1,
    lambda *_, **__: "text",
    lambda *_, **__: torch.zeros(3, 3),
    _raises,
    {"a": 1},
    1j,
    iter([1]),
]


@pytest.mark.parametrize("name", NAMES)
def test_rubbish_fails_in_words(name):
    (exercise,) = (exercise for exercise in EXERCISES if exercise.name == name)
    count = len(inspect.signature(exercise.check).parameters)
    for answer in RUBBISH:
        with pytest.raises(WrongAnswerError) as caught:
            check(name, *[answer] * count)
        assert str(caught.value).startswith(f"{name}: ")
        assert len(str(caught.value)) > len(name) + 15


@pytest.mark.parametrize("name", NAMES)
def test_a_check_that_was_edited_says_so(name):
    with pytest.raises(WrongAnswerError, match=r"Please restore the line"):
        check(name, *[1] * 9)


def test_an_unknown_exercise_is_an_error():
    with pytest.raises(OptionError, match="Did you mean 'symmetrizer'"):
        check("symetrizer", 1)


def test_matrices_may_be_lists_arrays_or_tensors(capsys):
    swap = [[0, 1], [1, 0]]
    L = np.stack([np.eye(4), -np.eye(4)])
    for states, actions in (
        (L, np.array([np.eye(2), swap])),
        (L.tolist(), [[[1, 0], [0, 1]], swap]),
        (torch.tensor(L, requires_grad=True), torch.tensor([[[1, 0], [0, 1]], swap])),
        (tuple(torch.tensor(matrix, dtype=torch.float32) for matrix in L), [np.eye(2), torch.tensor(swap)]),
    ):
        check("cartpole-representations", lambda states=states: states, lambda actions=actions: actions)
    assert capsys.readouterr().out.count("3 points") == 4


def test_a_notebook_shows_the_message_alone():
    with pytest.raises(WrongAnswerError) as caught:
        check("orbit-sizes", 2, 2)
    (shown,) = caught.value._render_traceback_()
    assert shown == f"✗ {caught.value}"
    assert "Traceback" not in shown


def test_every_notebook_of_the_practical_is_counted():
    assert {exercise.notebook for exercise in EXERCISES} <= set(range(1, len(NOTEBOOKS) + 1))
    assert len(set(NAMES)) == len(NAMES)
