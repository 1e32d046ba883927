"""Verification of an environment whose state can be set, but whose steps or hidden states are random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from symmdp.errors import VerificationError
from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.simulators._simulator import Simulator
from symmdp.mdp.verification._bounds import compare_bounds
from symmdp.mdp.verification._dynamics import spread
from symmdp.mdp.verification._in_distribution import Pairs, compare_pairs
from symmdp.mdp.verification._initial_states import compare_initial_states
from symmdp.mdp.verification._report import PartResult
from symmdp.mdp.verification._sampling import Action, sample_actions, sample_states
from symmdp.mdp.verification._simulated import compared_elements, initial_observations
from symmdp.mdp.verification._transitions import Transitions, image_transitions, stepped_transitions

RANDOM_METHOD = (
    "compared in distribution, since steps are random or observations hide some of the state: a step from each state, and "
    "one of their own from its image; what an observation hides is drawn anew for each; sign-flip tests at 0.001"
)


def random_parts(
    simulator: Simulator, symmetry: Symmetry, samples: int, tolerance: float, generator: np.random.Generator
) -> tuple[list[PartResult], VerificationError | None]:
    """Results of all parts for each generator, and what stopped the check before it was complete.

    For each sampled observation `s` and action `a`, one outcome `s'` is drawn from `(s, a)` and another, `s''`, from
    `(L_g s, K_g a)`. Under a symmetry, `s'` and `L_g⁻¹ s''` have the same distribution and are independent, so that their
    difference is as often positive as negative, whatever `s` and `a` are.
    """
    originals, resets, stopped = None, None, None
    actions: list[Action] = []
    try:
        reached = sample_states(simulator, samples, generator)
        actions = sample_actions(simulator.action_space, samples, generator)
        simulator.reset(int(generator.integers(2**31)))
        originals, stopped = stepped_transitions(simulator, [_drawn_anew(simulator, state) for state in reached], actions)
    except VerificationError as error:
        stopped = error
    parts: dict[int, list[PartResult]] = {g: [] for g in compared_elements(symmetry)}
    for g, found in parts.items():
        if originals is not None:
            try:
                found.extend(_compare(simulator, symmetry, g, originals, actions, tolerance, generator))
            except VerificationError as error:
                stopped = stopped or error
    try:
        resets = initial_observations(simulator, 2 * samples, generator)
    except VerificationError as error:
        stopped = stopped or error
    for g, found in parts.items():
        if resets is not None:
            found.append(compare_initial_states(symmetry, g, resets, tolerance, generator))
        found.append(compare_bounds(symmetry, g, simulator.observation_space, simulator.action_space))
    return [part for found in parts.values() for part in found], stopped


def _drawn_anew(simulator: Simulator, state: NDArray[np.float64]) -> NDArray[np.float64]:
    """A state that looks as `state` does; images have nothing else to go by."""
    simulator.set_state(state)
    return simulator.state_of(simulator.observe())


def _compare(
    simulator: Simulator,
    symmetry: Symmetry,
    g: int,
    originals: Transitions,
    actions: Sequence[Action],
    tolerance: float,
    generator: np.random.Generator,
) -> list[PartResult]:
    """Results for observation, reward and termination under element `g`."""
    scale = spread(np.concatenate([originals.observation, originals.following]))
    images, wanted = image_transitions(simulator, symmetry, g, originals, actions, tolerance * scale)
    is_state = ~np.isnan(images.terminated)
    rows = np.flatnonzero(is_state)
    back = symmetry.transform_observation(symmetry.group.inverse(g), images.following[rows])
    terminated = originals.terminated[rows] - images.terminated[rows]
    reward = (originals.reward[rows] - images.reward[rows]) / spread(originals.reward)
    covariates, names = _covariates(
        symmetry, simulator.action_space, originals.observation[rows], [actions[int(i)] for i in rows]
    )
    pairs = Pairs(
        observation=(originals.following[rows] - back) / scale,
        # Where one episode ends and the other does not, rewards differ for that alone. To leave such pairs out keeps the
        # test exact, and lets it see smaller differences.
        reward=np.where(terminated == 0, reward, 0.0),
        terminated=terminated,
        covariates=covariates,
        covariate_names=names,
    )
    observation, *others = compare_pairs(pairs, symmetry, g, tolerance, generator)
    if not is_state.all():
        shown = np.abs(images.observation - wanted) / scale
        observation = _without_images(observation, symmetry, shown, tolerance, len(is_state) - len(rows))
    return [observation, *others]


def _without_images(
    part: PartResult, symmetry: Symmetry, shown: NDArray[np.float64], tolerance: float, missing: int
) -> PartResult:
    """The result for observations, where images of some states are no states."""
    largest = shown.max(axis=0)
    order = np.argsort(-largest, kind="stable")
    worst = int(order[0])
    faults = [symmetry.observation_name(int(k)) for k in order if largest[k] > tolerance]
    return replace(
        part,
        passed=False,
        checked=len(shown),
        violations=max(part.violations, len(faults)),
        error=float(largest[worst]),
        coordinate=worst,
        coordinate_name=symmetry.observation_name(worst),
        faults=tuple(dict.fromkeys([*faults, *part.faults])),
        errors=tuple(map(float, np.maximum(largest, part.errors or 0.0))),
        detail=f"the images of {missing} of {len(shown)} states are no states: the simulator shows another "
        f"{symmetry.observation_name(worst)}",
    )


def _covariates(
    symmetry: Symmetry, space: gym.Space, observations: NDArray[np.float64], actions: Sequence[Action]
) -> tuple[NDArray[np.float64], list[str]]:
    """What differences may depend on: the coordinates of the state, and those of the action, or which one it is."""
    names = [symmetry.observation_name(i) for i in range(observations.shape[1])]
    if isinstance(space, gym.spaces.Discrete):
        chosen = np.array(actions, dtype=np.int64)[:, None] == int(space.start) + np.arange(int(space.n))
    else:
        chosen = np.array(actions, dtype=np.float64).reshape(len(actions), int(np.prod(space.shape or (0,))))
    names += [symmetry.action_name(i) for i in range(chosen.shape[1])]
    return np.concatenate([observations, chosen.astype(np.float64)], axis=1), names
