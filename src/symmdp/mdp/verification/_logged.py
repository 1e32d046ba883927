"""Verification from logged transitions: nothing is set and nothing repeated, so transitions are compared in distribution."""

from __future__ import annotations

from dataclasses import dataclass, replace

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from symmdp.errors import OptionError
from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.verification._bounds import compare_bounds
from symmdp.mdp.verification._dynamics import spread
from symmdp.mdp.verification._in_distribution import Pairs, Places, compare_pairs
from symmdp.mdp.verification._initial_states import compare_initial_states
from symmdp.mdp.verification._local_slopes import explained
from symmdp.mdp.verification._log import LoggedTransitions
from symmdp.mdp.verification._matching import Sample, matched
from symmdp.mdp.verification._report import PartResult
from symmdp.mdp.verification._simulated import compared_elements
from symmdp.mdp.verification._transitions import image_action

FEWEST = 100
_FEWEST_PAIRS = 20  # fewer cannot reach the level of significance
_FEWEST_RESETS = 40
_LEAST = 0.1  # means below this share of the scatter are laid to the mismatch of pairs
_POWER = 4.5  # a mean of so many standard errors is found almost always, among hundreds of outcomes and covariates
_PRODUCTS = 12  # coordinates of which all products are covariates too
_COVARIATES = 4096


def logged_parts(
    log: LoggedTransitions,
    symmetry: Symmetry,
    observation_space: gym.Space,
    action_space: gym.Space,
    tolerance: float,
    generator: np.random.Generator,
    resets: NDArray[np.float64] | None = None,
) -> tuple[list[PartResult], str]:
    """Results of all parts for each generator, and the method in words.

    A transition `(s, a, s', r)` is paired with the image `(L_g s̃, K_g ã, L_g s̃', r̃)` of another whose state is near and
    whose discrete action is the same. Of the difference of `s' − s`, and of rewards, what the slope of both explains by the
    mismatch of states is taken off; the rest has no preferred sign under a symmetry.

    Args:
        log: of the environment; `log.check_spaces` has passed.
        symmetry: on vectors.
        observation_space: of the environment.
        action_space: likewise.
        tolerance: differences below it, in units of spreads, are none.
        generator: divides the log into two halves, and flips signs.
        resets: observations after resets, as vectors; first ones of the logged episodes when not given.

    Raises:
        OptionError: fewer than 100 transitions.
    """
    if len(log) < FEWEST:
        raise OptionError(
            f"A statistical test needs {FEWEST} transitions at least, and should have thousands; the log has {len(log)}."
        )
    vectors = _Vectors.of(log, observation_space, action_space)
    parts, sentences = [], []
    for g in compared_elements(symmetry):
        pairs = _pairs(vectors, symmetry, g, action_space, generator)
        compared = compare_pairs(pairs, symmetry, g, max(tolerance, vectors.rounding), generator, _LEAST)
        if not log.terminated.any():
            compared[-1] = replace(compared[-1], passed=None, p_value=None, detail="no logged transition terminates")
        parts += compared
        if resets is None:
            parts.append(_logged_initial_states(log, vectors, symmetry, g, tolerance, generator))
        else:
            parts.append(compare_initial_states(symmetry, g, resets, tolerance, generator))
        if isinstance(observation_space, gym.spaces.Box):
            parts.append(compare_bounds(symmetry, g, observation_space, action_space))
        sentences.append(_seen(pairs, symmetry, g))
    method = (
        f"Statistical, of {len(log)} logged transitions: {'; '.join(sentences)}. Not seen: smaller differences, differences "
        "of spread or shape without one of the mean, and whatever happens in states that the log does not visit."
    )
    return parts, method


@dataclass(frozen=True)
class _Vectors:
    """The log as float64 vectors."""

    observation: NDArray[np.float64]
    following: NDArray[np.float64]
    action: NDArray
    reward: NDArray[np.float64]
    terminated: NDArray[np.float64]
    rounding: float  # of float32 observations, in units of their spreads

    @classmethod
    def of(cls, log: LoggedTransitions, observation_space: gym.Space, action_space: gym.Space) -> _Vectors:
        if isinstance(observation_space, gym.spaces.Discrete):
            states = np.eye(int(observation_space.n))
            start = int(observation_space.start)
            observation, following = (states[s.astype(np.int64) - start] for s in (log.observation, log.next_observation))
        else:
            observation, following = (
                s.reshape(len(log), -1).astype(np.float64) for s in (log.observation, log.next_observation)
            )
        rounding = 0.0
        if log.observation.dtype.kind == "f":
            size = np.abs(observation).max(axis=0) / spread(np.concatenate([observation, following]))
            rounding = float(4 * np.finfo(log.observation.dtype).eps * size.max(initial=0.0))
        discrete = isinstance(action_space, gym.spaces.Discrete)
        action = log.action.astype(np.int64 if discrete else np.float64)
        return cls(observation, following, action, log.reward.astype(np.float64), log.terminated.astype(np.float64), rounding)


def _pairs(vectors: _Vectors, symmetry: Symmetry, g: int, space: gym.Space, generator: np.random.Generator) -> Pairs:
    shuffled = generator.permutation(len(vectors.reward))
    half = len(shuffled) // 2
    one, other = shuffled[:half], shuffled[half : 2 * half]
    observation = np.concatenate([vectors.observation[one], symmetry.transform_observation(g, vectors.observation[other])])
    following = np.concatenate([vectors.following[one], symmetry.transform_observation(g, vectors.following[other])])
    # Those logged, images of the others, and the others themselves.
    observation = np.concatenate([observation, vectors.observation[other]])
    following = np.concatenate([following, vectors.following[other]])
    action = np.concatenate([vectors.action[one], _images(vectors, symmetry, g, other, space), vectors.action[other]])
    reward = np.concatenate([vectors.reward[one], vectors.reward[other], vectors.reward[other]])
    scale = spread(observation[: 2 * half])
    state, label = observation / scale, np.zeros(len(observation), np.int64)
    if isinstance(space, gym.spaces.Discrete):
        label = action
    else:
        state = np.concatenate([state, action / spread(action[: 2 * half])], axis=1)
    outcome = np.column_stack([(following - observation) / scale, reward / spread(vectors.reward)])
    terminated = np.concatenate([vectors.terminated[one], vectors.terminated[other], vectors.terminated[other]])
    every = Sample(state, label, outcome, terminated)
    logged, images, others = (every.rows(np.arange(part * half, (part + 1) * half)) for part in range(3))
    rows, partners = matched(logged, images, others, generator)
    if len(rows) < _FEWEST_PAIRS:
        rows, partners = rows[:0], partners[:0]
    logged, images = logged.rows(rows), images.rows(partners)
    mismatch, place = logged.state - images.state, (logged.state + images.state) / 2
    pool = every.rows(np.arange(2 * half))
    by_mismatch = explained(pool, place, logged.label, mismatch)
    difference = logged.outcome - images.outcome - by_mismatch
    places = Places(place, logged.label, by_mismatch)
    covariates, names = _covariates(place, logged.label, symmetry, space)
    return Pairs(difference[:, :-1], difference[:, -1], logged.terminated - images.terminated, covariates, names, places)


def _images(vectors: _Vectors, symmetry: Symmetry, g: int, rows: NDArray[np.int64], space: gym.Space) -> NDArray:
    """The images of the actions of these rows, as the environment takes them."""
    action, observation = vectors.action[rows], vectors.observation[rows]
    if not symmetry.has_action_representation:
        return np.array([image_action(symmetry, g, a, s, space) for a, s in zip(action, observation, strict=True)])
    start = int(space.start) if isinstance(space, gym.spaces.Discrete) else 0
    return symmetry.transform_action(g, action - start) + start


def _covariates(
    place: NDArray[np.float64], label: NDArray[np.int64], symmetry: Symmetry, space: gym.Space
) -> tuple[NDArray[np.float64], list[str]]:
    """The state half-way and the action; where there are few, the products of any two; else those of states with actions."""
    d = symmetry.observation.dim
    names = [symmetry.observation_name(i) for i in range(d)]
    if isinstance(space, gym.spaces.Discrete):
        actions = np.arange(int(space.start), int(space.start + space.n))
        place = np.concatenate([place, label[:, None] == actions], axis=1)
    names += [symmetry.action_name(i) for i in range(place.shape[1] - d)]
    p = place.shape[1]
    i, j = np.triu_indices(p) if p <= _PRODUCTS else map(np.ravel, np.mgrid[:d, d:p])
    if p + len(i) > _COVARIATES:
        return place, names
    centred = place - place.mean(axis=0) if len(place) else place
    names += [f"{names[a]}²" if a == b else f"{names[a]} · {names[b]}" for a, b in zip(i, j, strict=True)]
    return np.concatenate([place, centred[:, i] * centred[:, j]], axis=1), names


def _seen(pairs: Pairs, symmetry: Symmetry, g: int) -> str:
    """How many were paired, and the smallest mean difference that would have been found."""
    n = len(pairs.reward)
    if n == 0:
        return f"under {symmetry.element_name(g)}, too few have a near image of another one"
    scatter = np.sqrt((pairs.observation**2).mean(axis=0))
    least = scatter * (_LEAST + _POWER / np.sqrt(n))
    paired = f"under {symmetry.element_name(g)}, {2 * n} were paired with the image of another one"
    if not least.any():
        return f"{paired}, and no observation differs"
    k = int(least.argmax())
    more = ", and smaller ones of other coordinates" if len(least) > 1 else ""
    return f"{paired}, which shows mean differences from {least[k]:.1g} spreads of {symmetry.observation_name(k)} on{more}"


def _logged_initial_states(
    log: LoggedTransitions, vectors: _Vectors, symmetry: Symmetry, g: int, tolerance: float, generator: np.random.Generator
) -> PartResult:
    first = np.empty(0, np.int64) if log.first is None else generator.permutation(np.flatnonzero(log.first))
    if len(first) >= _FEWEST_RESETS:
        return compare_initial_states(symmetry, g, vectors.observation[first], tolerance, generator)
    if log.first is None:
        why = "the log does not say which transitions are the first of an episode (first=)"
    else:
        why = f"the log holds {len(first)} episodes, and {_FEWEST_RESETS} are needed"
    return PartResult("initial states", g, symmetry.element_name(g), None, len(first), 0, None, detail=why)
