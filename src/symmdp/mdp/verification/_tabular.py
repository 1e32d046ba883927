"""Exact verification of an environment that is given by a table of transitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import scipy  # loads its parts when they are first used
from numpy.typing import NDArray

from symmdp.errors import SymmetryError
from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.finite._clusters import clusters
from symmdp.mdp.verification._dynamics import spread
from symmdp.mdp.verification._report import PartResult, VerificationReport
from symmdp.mdp.verification._simulated import compared_elements
from symmdp.mdp.verification._table import TabularEnvironment
from symmdp.mdp.verification._transitions import image_action

_METHOD = "exact: the laws of all states and actions of the table P are compared; {} sampled steps followed it"


def tabular_report(
    found: TabularEnvironment, name: str, symmetry: Symmetry, samples: int, tolerance: float, seed: int, confidence: float
) -> VerificationReport:
    """Compare the law `P(s', r, terminated | s, a)` with that of the image, in every state and with every action.

    Nothing is sampled, but for `samples` steps of the environment, which must be entries of the table. Errors are distances
    in total variation, `½ Σ |p − q|`: of the law of `s'` for observations; of the joint law of `s'` and `r` for rewards, and
    of `s'`, `r` and `terminated` for termination. Where the part before differs already, the law of `r`, or of
    `terminated`, is compared alone, so that a part is at fault for itself.

    Args:
        found: the environment.
        name: what it is called.
        symmetry: to be checked.
        samples: how many steps of the environment are compared with its table.
        tolerance: the largest distance that is no violation; rewards this close, in units of their spread, are the same.
        seed: of the sampled steps.
        confidence: for the report.

    Raises:
        SimulatorError: the environment does not follow its table, or raises an exception.
        SymmetryError: in some state an action map is no permutation of the actions.
    """
    found.check_steps(samples, np.random.default_rng(seed))
    return VerificationReport(
        environment=name,
        symmetry=symmetry.name,
        group=symmetry.group.name,
        engine=f"gymnasium {gym.__version__}",
        samples=found.table.states,
        tolerance=tolerance,
        seed=seed,
        confidence=confidence,
        parts=tuple(part for g in compared_elements(symmetry) for part in _parts(found, symmetry, g, tolerance)),
        method=_METHOD.format(samples),
    )


def _parts(found: TabularEnvironment, symmetry: Symmetry, g: int, tolerance: float) -> list[PartResult]:
    comparison = _Comparison.of(found, symmetry, g, tolerance)
    observation = comparison.distances(("state",))
    reward = np.where(observation <= tolerance, comparison.distances(("state", "reward")), comparison.distances(("reward",)))
    good = np.maximum(observation, reward) <= tolerance
    every = comparison.distances(("state", "reward", "termination"))
    termination = np.where(good, every, comparison.distances(("termination",)))
    parts = []
    for part, what, error in (
        ("observation", "state", observation),
        ("reward", "reward", reward),
        ("termination", "termination", termination),
    ):
        at = comparison.worst(error)
        joint = (
            part != "observation" and (observation if part == "reward" else np.maximum(observation, reward))[at] <= tolerance
        )
        violations = int((error > tolerance).sum())
        parts.append(
            PartResult(
                part=part,
                element=g,
                element_name=symmetry.element_name(g),
                passed=violations == 0,
                checked=len(error),
                violations=violations,
                error=float(error.max()),
                median=float(np.median(error)),
                share_bound=violations / len(error),
                coordinate=at // found.table.actions if error[at] > 0 else None,
                coordinate_name=comparison.place(at) if error[at] > 0 else None,
                errors=tuple(map(float, error.reshape(found.table.states, -1).max(axis=1))),
                detail=comparison.detail(at, what, joint),
                unit="laws",
            )
        )
    return [*parts, _initial_states(found, symmetry, g, comparison.states, tolerance)]


@dataclass(frozen=True, eq=False)
class _Comparison:
    """Each entry of the table beside its image: where `(s, a)` goes, and what is found there."""

    found: TabularEnvironment
    symmetry: Symmetry
    states: NDArray[np.int64]  # s ↦ L_g s
    pairs: NDArray[np.int64]  # s·A + a ↦ L_g s·A + K_g^s a
    rewards: NDArray[np.int64]  # of each entry: equal rewards have equal numbers

    @classmethod
    def of(cls, found: TabularEnvironment, symmetry: Symmetry, g: int, tolerance: float) -> _Comparison:
        table, space = found.table, found.action_space
        states = symmetry.transform_observation(g, np.arange(table.states), discrete=True)
        if symmetry.has_action_representation:
            actions = np.tile(symmetry.transform_action(g, np.arange(table.actions)), (table.states, 1))
        else:
            actions = np.array(
                [
                    [int(image_action(symmetry, g, int(space.start) + a, np.asarray(s), space)) - int(space.start)
                     for a in range(table.actions)]
                    for s in range(table.states)
                ]
            )  # fmt: skip
        wrong = np.flatnonzero((np.sort(actions, axis=1) != np.arange(table.actions)).any(axis=1))
        if len(wrong):
            raise SymmetryError(
                f"In {_state(symmetry, int(wrong[0]))} the action map of {symmetry.element_name(g)} takes the actions 0 … "
                f"{table.actions - 1} to {actions[wrong[0]].tolist()}; it must take them to each action once."
            )
        rewards = clusters(table.reward, tolerance * float(spread(table.reward)))
        return cls(found, symmetry, states, (states[:, None] * table.actions + actions).ravel(), rewards)

    def distances(self, what: tuple[str, ...]) -> NDArray[np.float64]:
        """Of each state and action, the total variation between the image of its law and the law of its image."""
        table = self.found.table
        here, there = self._labels(what, moved=True), self._labels(what, moved=False)
        _, label = np.unique(np.concatenate([here, there]), return_inverse=True)
        difference: Any = scipy.sparse.coo_array(
            (
                np.concatenate([table.probability, -table.probability]),
                (np.concatenate([table.pair, np.argsort(self.pairs)[table.pair]]), label),
            ),
            shape=(table.states * table.actions, int(label.max()) + 1),
        ).tocsr()  # sums what is in one place
        return np.asarray(abs(difference).sum(axis=1)).ravel() / 2

    def worst(self, error: NDArray[np.float64]) -> int:
        """The state and action with the largest error; one in which an episode can act, where there is any."""
        acted = self._acted
        return int(np.argmax(np.where(acted, error, 0.0))) if error[acted].max(initial=0.0) > 0 else int(error.argmax())

    def place(self, pair: int) -> str:
        """A state and an action, in words."""
        s, a = divmod(pair, self.found.table.actions)
        return f"{_state(self.symmetry, s)} with {self.symmetry.action_name(a)}"

    def detail(self, pair: int, what: str, joint: bool) -> str:
        """The outcome whose probability differs the most."""
        table, image = self.found.table, int(self.pairs[pair])
        kinds = ("state", "reward", "termination")
        what_is_compared = kinds[: kinds.index(what) + 1] if joint else (what,)
        here, there = self._labels(what_is_compared, moved=True), self._labels(what_is_compared, moved=False)
        laws: list[dict[int, float]] = []
        example: dict[int, int] = {}
        for labels, at in ((here, pair), (there, image)):
            law: dict[int, float] = {}
            for entry in np.flatnonzero(table.pair == at):
                law[int(labels[entry])] = law.get(int(labels[entry]), 0.0) + float(table.probability[entry])
                example.setdefault(int(labels[entry]), int(entry if labels is there else ~entry))
            laws.append(law)
        if not example:
            return f"{self.place(pair)} has no entries"
        label = max(example, key=lambda k: abs(laws[0].get(k, 0.0) - laws[1].get(k, 0.0)))
        expected, seen = (law.get(label, 0.0) for law in laws)
        unseen = "" if self._acted[pair] else " (no episode acts in this state)"
        return (
            f"after {self.place(pair)}, whose image is {self.place(image)}: {self._outcome(example[label], what_is_compared)} "
            f"expected with probability {expected:.6g}, found with {seen:.6g}{unseen}"
        )

    def _outcome(self, entry: int, what: tuple[str, ...]) -> str:
        """What an entry of the table leads to; of `~entry`, its image."""
        table, moved = self.found.table, entry < 0
        entry = ~entry if moved else entry
        s = int(table.following[entry])
        words = {
            "state": _state(self.symmetry, int(self.states[s]) if moved else s),
            "reward": f"reward {table.reward[entry]:.6g}",
            "termination": "termination" if table.terminated[entry] else "no termination",
        }
        return " and ".join(words[kind] for kind in what)

    def _labels(self, what: tuple[str, ...], moved: bool) -> NDArray[np.int64]:
        """A number for what each entry leads to; equal numbers for equal outcomes."""
        table = self.found.table
        label = np.zeros(len(table.pair), dtype=np.int64)
        if "state" in what:
            label = self.states[table.following] if moved else table.following.astype(np.int64)
        if "reward" in what:
            label = label * (int(self.rewards.max()) + 1) + self.rewards
        return label * 2 + table.terminated if "termination" in what else label

    @property
    def _acted(self) -> NDArray[np.bool_]:
        """The states and actions that an episode can take; all, where it is not known how episodes start."""
        table, starts = self.found.table, self.found.starts
        if starts is None:
            return np.ones(table.states * table.actions, dtype=bool)
        reached, live = starts > 0, ~table.terminated
        while True:
            more = reached.copy()
            more[table.following[live & reached[table.pair // table.actions]]] = True
            if (more == reached).all():
                return np.repeat(reached, table.actions)
            reached = more


def _initial_states(
    found: TabularEnvironment, symmetry: Symmetry, g: int, states: NDArray[np.int64], tolerance: float
) -> PartResult:
    starts = found.starts
    if starts is None:
        return PartResult(
            part="initial states",
            element=g,
            element_name=symmetry.element_name(g),
            passed=None,
            checked=0,
            violations=0,
            error=None,
            detail="the environment does not tell their distribution (as initial_state_distrib or isd)",
            unit="states",
        )
    error = np.abs(starts[states] - starts)
    worst = int((starts - starts[states]).argmax())  # episodes start there more often than in its image
    return PartResult(
        part="initial states",
        element=g,
        element_name=symmetry.element_name(g),
        passed=bool(error.max() <= tolerance),
        checked=len(starts),
        violations=int((error > tolerance).sum()),
        error=float(error.sum() / 2),
        coordinate=worst if error[worst] > 0 else None,
        coordinate_name=_state(symmetry, worst) if error[worst] > 0 else None,
        errors=tuple(map(float, error)),
        detail=f"episodes start in {_state(symmetry, worst)} with probability {starts[worst]:.6g}, in its image "
        f"{_state(symmetry, int(states[worst]))} with {starts[states[worst]]:.6g}",
        unit="states",
    )


def _state(symmetry: Symmetry, s: int) -> str:
    return symmetry.observation_names[s] if symmetry.observation_names else f"state {s}"
