"""Compare the bounds of the spaces with their images."""

from __future__ import annotations

from collections.abc import Iterator

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.verification._report import PartResult
from symmdp.representations import Representation

_TOLERANCE = 1e-6  # bounds are float32


def compare_bounds(symmetry: Symmetry, g: int, observation_space: gym.Space, action_space: gym.Space) -> PartResult:
    """Whether element `g` maps the observation box and the action space onto themselves.

    A coordinate that `g` takes to ± another one has bounds with an image. Coordinates that it mixes are checked only where
    none of them has a bound: the image of a finite box under a rotation is no box, and says nothing about the states in it.
    """
    names = [symmetry.observation_name(i) for i in range(symmetry.observation.dim)]
    errors = _errors(symmetry.observation, g, symmetry.observation_center, observation_space)
    if isinstance(action_space, gym.spaces.Discrete):
        actions, own = np.zeros(1), ["actions"]  # check_spaces found a permutation of as many
    elif isinstance(symmetry.action, Representation):
        actions = _errors(symmetry.action, g, symmetry.action_center, action_space)
        own = [symmetry.action_name(i) if symmetry.action_names else f"action coordinate {i}" for i in range(len(actions))]
    else:
        actions = np.full((action_space.shape or (0,))[0], np.nan)
        own = [symmetry.action_name(i) for i in range(len(actions))]
    errors, names = np.concatenate([errors, actions]), names + own
    known = ~np.isnan(errors)
    failed = np.flatnonzero(errors > _TOLERANCE)
    order = failed[np.argsort(-errors[failed], kind="stable")]
    worst = int(np.nanargmax(errors)) if known.any() else None
    unchecked = [name for name, is_known in zip(names, known, strict=True) if not is_known]
    details = []
    if len(failed):
        details.append(f"the image of the bounds of {', '.join(names[i] for i in order)} is another interval")
    if unchecked:
        reason = "the element mixes them, or moves them depending on the state"
        details.append(f"not checked: {', '.join(unchecked)}, because {reason}")
    return PartResult(
        part="bounds",
        element=g,
        element_name=symmetry.element_name(g),
        passed=False if len(failed) else None if unchecked else True,
        checked=int(known.sum()),
        violations=len(failed),
        error=None if worst is None else float(errors[worst]),
        coordinate=worst if worst is not None and errors[worst] > 0 and worst < symmetry.observation.dim else None,
        coordinate_name=names[worst] if worst is not None and errors[worst] > 0 else None,
        faults=tuple(names[i] for i in order),
        errors=tuple(map(float, errors)),
        detail="; ".join(details),
    )


def _errors(rep: Representation, g: int, center: NDArray | None, space: gym.Space) -> NDArray[np.float64]:
    """The distance between the bounds of each coordinate and their image, in units of half the interval; NaN: unknown."""
    if not isinstance(space, gym.spaces.Box):
        raise AssertionError("check_spaces lets no other space pass")
    low, high = space.low.astype(np.float64).ravel(), space.high.astype(np.float64).ravel()
    center = np.zeros(rep.dim) if center is None else center
    errors = np.full(rep.dim, np.nan)
    for i, (involved, entries) in enumerate(_rows(rep, g)):
        if len(involved) == 1 and abs(abs(entries[0]) - 1) <= 1e-9:
            k, sign = int(involved[0]), np.sign(entries[0])
            ends = sorted(sign * (end - center[k]) + center[i] for end in (low[k], high[k]))
            half = (high[i] - low[i]) / 2
            unit = half if np.isfinite(half) and half > 0 else 1.0
            errors[i] = max(_distance(ends[0], low[i]), _distance(ends[1], high[i])) / unit
        elif np.isinf(low[involved]).all() and np.isinf(high[involved]).all():
            errors[i] = 0.0 if np.isinf(low[i]) and np.isinf(high[i]) else np.inf
    return errors


def _rows(rep: Representation, g: int) -> Iterator[tuple[NDArray, NDArray]]:
    """For each row of `ρ(g)` the columns of its entries, and the entries."""
    if rep.source is not None and rep.sign is not None:
        yield from zip(rep.source[g][:, None], rep.sign[g][:, None], strict=True)
        return
    for row in rep(g).astype(np.float64):
        involved = np.flatnonzero(np.abs(row) > 1e-9)
        yield involved, row[involved]


def _distance(a: float, b: float) -> float:
    return 0.0 if a == b else abs(a - b)  # inf - inf is not a number
