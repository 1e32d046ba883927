from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from symmdp.errors import NotebookError
from symmdp.practical._build import find_sources
from symmdp.practical._registry import exercises_of
from symmdp.practical.grading._limits import Limits
from symmdp.practical.grading._run import Outcome, run_steps
from symmdp.practical.grading._submission import Step, Submission, read_submission


@dataclass(frozen=True)
class Mark:
    """What an exercise earned.

    Args:
        exercise: its name.
        title: what it asks.
        earned: points, all or none.
        possible: points of the right answer.
        reason: why points were lost; empty where none were.
    """

    exercise: str
    title: str
    earned: int
    possible: int
    reason: str


@dataclass(frozen=True)
class Grade:
    """What a notebook earned.

    Args:
        path: the file.
        notebook: which of the notebooks it is; empty if it is none.
        marks: one for each exercise.
        notes: what a lecturer should know besides.
        complete: every check was run.
        seconds: that it took.
    """

    path: Path
    notebook: str
    marks: tuple[Mark, ...]
    notes: tuple[str, ...]
    complete: bool
    seconds: float

    @property
    def earned(self) -> int:
        """The points of all exercises together."""
        return sum(mark.earned for mark in self.marks)

    @property
    def possible(self) -> int:
        """The points that could have been earned."""
        return sum(mark.possible for mark in self.marks)


def grade(path: Path, limits: Limits | None = None) -> Grade:
    """Run a student's notebook in a process of its own, with the original checks, and add up points.

    Cells run in order in an empty temporary folder, whatever fails before them. Check cells are those of the source, not of
    the student. A notebook that crashes, loops or prints without end keeps the points that it had earned.

    This is no sandbox: the student's code may do what the user who grades may do.

    Args:
        path: of the notebook.
        limits: what it may use; the defaults of `Limits` when not given.

    Raises:
        MissingExtraError: a package of the extra `practical` is not installed.
        NotebookError: the practical's own sources are missing, or no kernel starts here.
    """
    limits = limits or Limits()
    start = time.monotonic()
    sources = find_sources()
    try:
        submission = read_submission(path, sources)
    except NotebookError as error:
        return Grade(path, "", (), (str(error),), False, time.monotonic() - start)
    outcomes = run_steps(submission.steps, limits)
    marks, complete = _marks(submission, outcomes)
    return Grade(path, submission.source.name, marks, _notes(submission), complete, time.monotonic() - start)


def _marks(submission: Submission, outcomes: list[Outcome]) -> tuple[tuple[Mark, ...], bool]:
    found: dict[str, tuple[bool, str]] = {}
    complete = True
    failed: list[str] = []  # cells since the last check
    for step, outcome in zip(submission.steps, outcomes, strict=True):
        if outcome.reason.startswith("not run"):
            complete = False
        if step.exercise is None:
            if not outcome.ok:
                failed.append(outcome.reason if step.where in outcome.reason else f"{step.where} failed: {outcome.reason}")
            continue
        found[step.exercise] = _judged(step.exercise, step, outcome, failed)
        failed = []
    marks = []
    for exercise in exercises_of(submission.source.place):
        right, reason = found[exercise.name]
        marks.append(Mark(exercise.name, exercise.title, exercise.points if right else 0, exercise.points, reason))
    return tuple(marks), complete


def _judged(exercise: str, step: Step, outcome: Outcome, failed: list[str]) -> tuple[bool, str]:
    """Whether an answer is right, and why not."""
    if outcome.ok and f"✓ {exercise}:" in outcome.printed:
        return True, ""
    if outcome.ok:
        return False, "the check ran but did not report: symmdp.practical was tampered with"
    reason = outcome.reason.removeprefix(f"{exercise}: ")
    if failed and not reason.startswith("not run") and "no answer yet" not in reason:
        reason = f"{reason.removesuffix('.')}. Before it, {'; '.join(failed[:3])}"
    return False, reason


def _notes(submission: Submission) -> tuple[str, ...]:
    notes = []
    if submission.is_solution:
        notes.append("this is the solution notebook")
    for names, what in ((submission.altered, "altered"), (submission.deleted, "deleted")):
        if names:
            cells = "cell" if len(names) == 1 else "cells"
            notes.append(f"check {cells} {what}, the original was run: {', '.join(names)}")
    return tuple(notes)
