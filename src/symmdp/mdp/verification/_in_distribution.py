"""Compare transitions in distribution, where none can be repeated: a step is random, or its state cannot be set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.verification._report import PartResult
from symmdp.mdp.verification._sign_flips import sign_flip_test

_SIGNIFICANCE = 1e-3
_SMALL = 0.01  # in units of the spread: larger differences count as much as this one, where tails are cut


@dataclass(frozen=True)
class Pairs:
    """`n` pairs of a transition and the image of another one, from the same state and action, or nearly so.

    Attributes:
        observation: `s'` of the one less `L_g s'` of the other, in units of each coordinate's spread, shape `(n, d)`.
        reward: the difference of rewards, in units of their spread, shape `(n,)`.
        terminated: the difference of the flags, shape `(n,)`.
        covariates: what the differences may depend on: the coordinates of the state, and of the action, shape `(n, p)`.
        covariate_names: what they are called.
    """

    observation: NDArray[np.float64]
    reward: NDArray[np.float64]
    terminated: NDArray[np.float64]
    covariates: NDArray[np.float64]
    covariate_names: Sequence[str]


def compare_pairs(
    pairs: Pairs, symmetry: Symmetry, g: int, tolerance: float, generator: np.random.Generator
) -> list[PartResult]:
    """Results for observation, reward and termination under element `g`, by sign-flip tests.

    A part fails where a symmetric environment would show so large a mean difference, or dependence of differences on the
    state, with probability below 0.001. Differences below `tolerance` count as none.
    """
    d = pairs.observation.shape[1]
    names = [symmetry.observation_name(i) for i in range(d)]
    return [
        _part("observation", symmetry, g, pairs, pairs.observation, names, tolerance, generator),
        _part("reward", symmetry, g, pairs, pairs.reward[:, None], None, tolerance, generator),
        _part("termination", symmetry, g, pairs, pairs.terminated[:, None], None, tolerance, generator),
    ]


def _part(
    part: str,
    symmetry: Symmetry,
    g: int,
    pairs: Pairs,
    differences: NDArray[np.float64],
    names: list[str] | None,
    tolerance: float,
    generator: np.random.Generator,
) -> PartResult:
    n = len(differences)
    seen = np.where(np.abs(differences) > tolerance, differences, 0.0)
    # An odd function of the differences is tested along with them: it lets no few large ones hide the many small ones.
    bounded = np.clip(seen / _SMALL, -1, 1)
    test = sign_flip_test(np.concatenate([seen, bounded], axis=1), pairs.covariates, generator).best_of(2)
    bias = np.abs(seen.mean(axis=0)) if n else np.zeros(seen.shape[1])
    rejected = np.flatnonzero(test.p_values < _SIGNIFICANCE)
    order = np.lexsort((-bias, test.p_values))
    worst = int(order[0])
    what = "differences" if names is None else f"differences of {names[worst]}"
    covariate = int(test.covariates[worst])
    kind = (
        f"vary with {pairs.covariate_names[covariate - 1]}"
        if covariate
        else f"are not about zero: their mean is {bias[worst]:.2g}"
    )
    return PartResult(
        part=part,
        element=g,
        element_name=symmetry.element_name(g),
        passed=len(rejected) == 0 if n else None,
        checked=n,
        violations=len(rejected),
        error=float(bias.max()) if n else None,
        coordinate=worst if names is not None and bias[worst] > 0 else None,
        coordinate_name=names[worst] if names is not None and bias[worst] > 0 else None,
        faults=() if names is None else tuple(names[k] for k in order if test.p_values[k] < _SIGNIFICANCE),
        errors=() if names is None else tuple(map(float, bias)),
        median=float(np.median(np.abs(seen).max(axis=1))) if n else None,
        p_value=float(test.p_values.min()) if n else None,
        detail=f"{what} between transitions and images of others {kind} (p = {test.p_values[worst]:.1e})"
        if n
        else "no transition could be paired with an image",
    )
