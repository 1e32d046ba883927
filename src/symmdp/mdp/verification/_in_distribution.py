"""Compare transitions in distribution, where none can be repeated: a step is random, or its state cannot be set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.verification._kernel_signs import kernel_sign_test
from symmdp.mdp.verification._report import PartResult
from symmdp.mdp.verification._sign_flips import sign_flip_test

_SIGNIFICANCE = 1e-3
_JUMP = 4  # rewards jump, and of a jump that a mismatch of states makes, a slope explains but a part
_SMALL = 0.01  # in units of the spread: larger differences count as much as this one, where tails are cut


@dataclass(frozen=True)
class Places:
    """Where `n` pairs are.

    Attributes:
        state: half-way between both, shape `(n, q)`.
        label: the number of the action, shape `(n,)`.
        explained: what was taken off the differences of observations and of rewards for a mismatch of states, shape
            `(n, d + 1)`. Pairs of one trajectory have a mismatch alike, and what is left of it is alike as well: near some
            states alone, no difference counts that is smaller than what was taken off; of rewards, than four times that.
    """

    state: NDArray[np.float64]
    label: NDArray[np.int64]
    explained: NDArray[np.float64]


@dataclass(frozen=True)
class Pairs:
    """`n` pairs of a transition and the image of another one, from the same state and action, or nearly so.

    Attributes:
        observation: `s'` of the one less `L_g s'` of the other, in units of each coordinate's spread, shape `(n, d)`.
        reward: the difference of rewards, in units of their spread, shape `(n,)`.
        terminated: the difference of the flags, shape `(n,)`.
        covariates: what the differences may depend on: the coordinates of the state, and of the action, shape `(n, p)`.
        covariate_names: what they are called.
        places: where they are given, differences that have a mean near some states alone are looked for as well.
    """

    observation: NDArray[np.float64]
    reward: NDArray[np.float64]
    terminated: NDArray[np.float64]
    covariates: NDArray[np.float64]
    covariate_names: Sequence[str]
    places: Places | None = None


def compare_pairs(
    pairs: Pairs, symmetry: Symmetry, g: int, tolerance: float, generator: np.random.Generator, least: float = 0.0
) -> list[PartResult]:
    """Results for observation, reward and termination under element `g`, by sign-flip tests.

    A part fails where a symmetric environment would show so large a mean difference, or dependence of differences on the
    state, with probability below 0.001. Differences below `tolerance` count as none, and so do means and slopes below the
    share `least` of their scatter.
    """
    n, d = pairs.observation.shape
    explained = np.zeros((n, d + 1)) if pairs.places is None else np.abs(pairs.places.explained)
    names = [symmetry.observation_name(i) for i in range(d)]
    return [
        _part("observation", symmetry, g, pairs, pairs.observation, explained[:, :d], names, tolerance, generator, least),
        _part("reward", symmetry, g, pairs, pairs.reward[:, None], _JUMP * explained[:, d:], None, tolerance, generator, least),
        _part(
            "termination", symmetry, g, pairs, pairs.terminated[:, None], np.zeros((n, 1)), None, tolerance, generator, least
        ),
    ]


def _part(
    part: str,
    symmetry: Symmetry,
    g: int,
    pairs: Pairs,
    differences: NDArray[np.float64],
    explained: NDArray[np.float64],
    names: list[str] | None,
    tolerance: float,
    generator: np.random.Generator,
    least: float,
) -> PartResult:
    n = len(differences)
    seen = np.where(np.abs(differences) > tolerance, differences, 0.0)
    if pairs.places is None:
        # An odd function of the differences is tested along with them: it lets no few large ones hide the many small ones. Of
        # logged transitions it would count what is left of a mismatch of states.
        bounded = np.clip(seen / _SMALL, -1, 1)
        test = sign_flip_test(np.concatenate([seen, bounded], axis=1), pairs.covariates, generator, least).best_of(2)
    else:
        test = sign_flip_test(seen, pairs.covariates, generator, least)
    bias = np.abs(seen.mean(axis=0)) if n else np.zeros(seen.shape[1])
    p_values = test.p_values
    somewhere = 1.0
    if pairs.places is not None:
        large = np.where(np.abs(seen) > explained, seen, 0.0)
        somewhere = min(1.0, 2 * kernel_sign_test(large, pairs.places.state, pairs.places.label, generator, least))
        p_values = np.minimum(1.0, 2 * p_values)  # of two tests
    rejected = np.flatnonzero(p_values < _SIGNIFICANCE)
    order = np.lexsort((-bias, p_values))
    worst = int(order[0])
    what = "differences" if names is None else f"differences of {names[worst]}"
    covariate = int(test.covariates[worst])
    kind = (
        f"vary with {pairs.covariate_names[covariate - 1]}"
        if covariate
        else f"are not about zero: their mean is {bias[worst]:.2g}"
    )
    least_p = float(p_values.min())
    if somewhere < _SIGNIFICANCE and not len(rejected):
        what, kind, least_p = "differences", "have means that change with state and action", somewhere
    elif not len(rejected):
        least_p = min(least_p, somewhere)
    return PartResult(
        part=part,
        element=g,
        element_name=symmetry.element_name(g),
        passed=least_p >= _SIGNIFICANCE if n else None,
        checked=n,
        violations=len(rejected) or int(somewhere < _SIGNIFICANCE),
        error=float(bias.max()) if n else None,
        coordinate=worst if names is not None and bias[worst] > 0 else None,
        coordinate_name=names[worst] if names is not None and bias[worst] > 0 else None,
        faults=() if names is None else tuple(names[k] for k in order if p_values[k] < _SIGNIFICANCE),
        errors=() if names is None else tuple(map(float, bias)),
        median=float(np.median(np.abs(seen).max(axis=1))) if n else None,
        p_value=least_p if n else None,
        detail=f"{what} between transitions and images of others {kind} (p = {least_p:.1e})"
        if n
        else "no transition could be paired with an image",
    )
