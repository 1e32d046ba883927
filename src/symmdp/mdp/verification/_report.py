from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

TRANSITION_PARTS = ("observation", "reward", "termination")
_MOST = 24  # names of coordinates in the headline
UNITS = {"initial states": "resets", "bounds": "bounds"}


@dataclass(frozen=True)
class PartResult:
    """What verification found for one part of the MDP under one element of the group.

    Attributes:
        part: `observation`, `reward`, `termination`, `initial states` or `bounds`.
        element: the element of the group.
        element_name: what it is called.
        passed: whether no violation was found; `None` where nothing could be checked.
        checked: how many transitions, resets or bounds were compared.
        violations: how many of them differ by more than the tolerance (of initial states: how many coordinates, or
            pairs of them, have distributions that differ).
        error: the largest difference. Observations and rewards: in units of the spread (standard deviation) of that
            coordinate over the sampled transitions; termination: 1 where flags differ; initial states: the
            Kolmogorov–Smirnov distance; bounds: in units of half the box; `None` where nothing could be checked.
        median: the median of that difference over transitions, for the parts that compare them.
        p_value: where transitions are compared in distribution, the probability that a symmetric environment shows such
            differences; then `error` is the largest mean difference of a coordinate, and `violations` counts coordinates.
        coordinate: the coordinate with the largest error, where the part has coordinates and there is an error.
        coordinate_name: what it is called.
        faults: names of all coordinates at fault, the worst first.
        errors: the largest error of each coordinate.
        share_bound: the exact (Clopper–Pearson) one-sided upper confidence bound on the share of states, drawn as the
            sample was, that violate the tolerance; for the parts that compare transitions.
        detail: where the largest error was found, or why nothing was checked.
        unit: what `checked` counts, where it is not what it is for other environments: `laws` of a state and action, of which
            `error` is then the distance in total variation; the share is known exactly, and coordinates are states.
    """

    part: str
    element: int
    element_name: str
    passed: bool | None
    checked: int
    violations: int
    error: float | None
    coordinate: int | None = None
    coordinate_name: str | None = None
    faults: tuple[str, ...] = ()
    errors: tuple[float, ...] = ()
    share_bound: float | None = None
    median: float | None = None
    p_value: float | None = None
    detail: str = ""
    unit: str = ""

    @property
    def verdict(self) -> str:
        """`pass`, `FAIL` or `not checked`."""
        return "not checked" if self.passed is None else "pass" if self.passed else "FAIL"


@dataclass(frozen=True)
class Epsilon:
    """How far a part is from symmetric: the `ε` of an approximate symmetry, over all elements that were checked.

    Attributes:
        largest: the largest difference, in the units of `PartResult.error`.
        median: the median over transitions of that difference, for the element where it is largest; None for parts that
            compare no transitions, and where transitions are compared in distribution.
        share: the largest share of transitions that differ by more than the tolerance; None likewise.
    """

    largest: float
    median: float | None
    share: float | None


@dataclass(frozen=True)
class VerificationReport:
    """What `verify` found; prints as a table. Look at its parts: it is deliberately more than a yes or no.

    Attributes:
        environment: its id, or the name of its class.
        symmetry: the name of the symmetry.
        group: the name of its group.
        engine: the simulator's version.
        samples: how many states were sampled.
        tolerance: the largest scaled error that is no violation.
        seed: of the sampled states and actions.
        confidence: of the bounds on shares.
        parts: five results for each generator of the group (four where there is a table: states and actions have no bounds).
        method: how transitions were compared, where it was not state by state.
    """

    environment: str
    symmetry: str
    group: str
    engine: str
    samples: int
    tolerance: float
    seed: int
    confidence: float
    parts: tuple[PartResult, ...]
    method: str = ""

    @property
    def failures(self) -> tuple[PartResult, ...]:
        """The parts that are not symmetric."""
        return tuple(part for part in self.parts if part.passed is False)

    @property
    def passed(self) -> bool:
        """Whether transitions were compared and no part was found to differ; `parts` says which could not be checked."""
        return not self.failures and not self._is_undecided

    @property
    def _is_undecided(self) -> bool:
        """Whether there are results for transitions, and none of them could be compared."""
        found = [part.passed for part in self.parts if part.part in TRANSITION_PARTS]
        return bool(found) and all(passed is None for passed in found)

    @property
    def largest_error(self) -> float:
        """The largest scaled error over observations, rewards and termination."""
        return max((part.error for part in self.parts if part.part in TRANSITION_PARTS and part.error is not None), default=0.0)

    @property
    def median_error(self) -> float:
        """The largest median over transitions of the scaled error of observations, rewards or termination."""
        return max((part.median for part in self.parts if part.median is not None), default=0.0)

    @property
    def epsilon(self) -> dict[str, Epsilon]:
        """For each part that was checked, how far from symmetric it is: `report.epsilon["reward"].largest`.

        `observation` is the transition's: `L_g s'` against what follows from `L_g s`. Where initial states or bounds differ,
        transitions may still be symmetric.
        """
        found: dict[str, Epsilon] = {}
        for name in dict.fromkeys(part.part for part in self.parts):
            parts = [part for part in self.parts if part.part == name and part.error is not None]
            if parts:
                pairwise = [part for part in parts if part.median is not None and part.p_value is None]
                found[name] = Epsilon(
                    largest=max(part.error for part in parts if part.error is not None),
                    median=max((part.median for part in pairwise if part.median is not None), default=None),
                    share=max((part.violations / part.checked for part in pairwise), default=None),
                )
        return found

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        if self.failures:
            found = dict.fromkeys(_difference(part) for part in self.failures)
            return f"{self.environment}: NOT symmetric under {self.group}: {'; '.join(found)}"
        if self._is_undecided:
            return f"{self.environment}: undecided under {self.group}: no transition could be compared"
        unchecked = dict.fromkeys(part.part for part in self.parts if part.passed is None)
        note = f"; not checked: {', '.join(unchecked)}" if unchecked else ""
        if any(part.p_value is not None for part in self.parts):
            least = min(part.p_value for part in self.parts if part.p_value is not None)
            return f"{self.environment}: symmetric in distribution under {self.group} (least p-value {least:.2g}{note})"
        return f"{self.environment}: symmetric under {self.group} (largest error {self.largest_error:.1e}{note})"

    def as_dict(self) -> dict[str, Any]:
        """Everything, in plain values that JSON can hold (numbers that are not finite as strings)."""
        derived = {name: getattr(self, name) for name in ("passed", "largest_error", "headline")}
        return _plain({**asdict(self), **derived, "epsilon": {part: asdict(e) for part, e in self.epsilon.items()}})

    def _epsilon_line(self) -> str:
        """The `ε` of an approximate symmetry, by parts of transitions; sampled states bound it from below."""
        shown = {part: e for part, e in self.epsilon.items() if part in TRANSITION_PARTS and e.median is not None}
        values = [f"{part} {e.largest:.2g} (median {e.median:.2g})" for part, e in shown.items()]
        return f"As an approximate symmetry, ε is at least: {', '.join(values)}" if values else ""

    def __str__(self) -> str:
        share = f"share ≤ ({self.confidence:.0%})"
        if any(part.p_value is not None for part in self.parts):
            rows = [("element", "part", "verdict", "mean difference", "median", "at", "checked", "at fault", "p-value")]
        else:
            rows = [("element", "part", "verdict", "largest error", "median", "at", "checked", "violations", share)]
        rows += [_row(part) for part in self.parts]
        lines = [
            self.headline,
            f"{self.symmetry}; {self.engine}; {self.samples} states, tolerance {self.tolerance:.0e}, seed {self.seed}",
            *([self.method] if self.method else []),
            "",
            *aligned(rows),
        ]
        if any(part.part in TRANSITION_PARTS for part in self.failures) and (epsilon := self._epsilon_line()):
            lines += ["", epsilon]
        notes = [f"{part.element_name}, {part.part}: {part.detail}" for part in self.parts if part.detail and not part.passed]
        return "\n".join([*lines, *([""] if notes else []), *notes])


def _difference(part: PartResult) -> str:
    verb = "differ" if part.part in UNITS else "differs"
    return f"{part.part} {verb}" + (f" at {', '.join(_first(part.faults))}" if part.faults else "")


def _first(names: Sequence[str]) -> list[str]:
    """The worst of many names."""
    return [*names] if len(names) <= _MOST else [*names[: _MOST - 1], f"{len(names) - _MOST + 1} more"]


def _row(part: PartResult) -> tuple[str, ...]:
    return (
        part.element_name,
        part.part,
        part.verdict,
        "–" if part.error is None else f"{part.error:.1e}",
        "–" if part.median is None else f"{part.median:.1e}",
        part.coordinate_name or "–",
        f"{part.checked} {part.unit or UNITS.get(part.part, 'transitions')}",
        str(part.violations),
        _probability(part),
    )


def _probability(part: PartResult) -> str:
    if part.p_value is not None:
        return f"{part.p_value:.2g}"
    return "–" if part.share_bound is None else f"{part.share_bound:.2%}"


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """A table whose first row is its head."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    rows = [*rows[:1], tuple("─" * width for width in widths), *rows[1:]]
    return ["  ".join(cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def _width(text: str) -> int:
    return sum(not unicodedata.combining(character) for character in text)  # the dot of θ̇ takes no column


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
