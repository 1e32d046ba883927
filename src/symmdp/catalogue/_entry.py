from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from symmdp.mdp import Symmetry, environment_name

Status = Literal["exact", "in distribution", "approximate", "none"]


@dataclass(frozen=True)
class CatalogueEntry:
    """What is known about the symmetry of one environment.

    Attributes:
        environment_id: with its version; another version is another environment.
        status: `exact` (up to rounding), `in distribution` (of random transitions), `approximate`, or `none`.
        symmetry: the symmetry, unless there is none.
        error: the largest error of one step that `symmdp.mdp.verify` measured with default options, in units of each
            coordinate's spread; with status `none`, that of `candidate`.
        engine: the simulator that it was measured with.
        notes: what the symmetry does; or why there is none.
        median_error: with status `approximate`, the median over transitions of that error.
        breaks: parts of the verification, by name, that are known to differ. A symmetry of transitions and rewards may break
            `initial states`: its best policies are equivariant all the same.
        alternatives: further symmetries of the environment, such as a smaller one that breaks nothing.
        candidate: where there is none, the transformation that looks like one and that verification rejects.
        options: with which `gymnasium.make` makes the environment; those that change observations, actions or rewards make
            another environment of it.
        preprocessing: what observations the symmetry acts on, where they are not the environment's own.
    """

    environment_id: str
    status: Status
    symmetry: Symmetry | None
    error: float
    engine: str
    notes: str
    median_error: float | None = None
    breaks: tuple[str, ...] = ()
    alternatives: tuple[Symmetry, ...] = ()
    candidate: Symmetry | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    preprocessing: str = ""

    @property
    def name(self) -> str:
        """The environment with its options, as in `LunarLander-v3 (continuous=True)`."""
        return environment_name(self.environment_id, self.options)
