"""Verification of an environment whose state can be set."""

from __future__ import annotations

import numpy as np

from symmdp.errors import VerificationError
from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.simulators._simulator import Simulator
from symmdp.mdp.verification._bounds import compare_bounds
from symmdp.mdp.verification._dynamics import compare_transitions
from symmdp.mdp.verification._initial_states import compare_initial_states
from symmdp.mdp.verification._report import PartResult
from symmdp.mdp.verification._sampling import Action, sample_actions, sample_states
from symmdp.mdp.verification._transitions import checked_observation, transitions


def simulated_parts(
    simulator: Simulator,
    symmetry: Symmetry,
    samples: int,
    tolerance: float,
    confidence: float,
    generator: np.random.Generator,
) -> tuple[list[PartResult], VerificationError | None]:
    """Results of all parts for each generator, and what stopped the check before it was complete."""
    originals, resets, stopped = None, None, None
    actions: list[Action] = []
    try:
        states = sample_states(simulator, samples, generator)
        actions = sample_actions(simulator.action_space, samples, generator)
        originals, stopped = transitions(simulator, states, actions)
    except VerificationError as error:
        stopped = error
    try:
        resets = initial_observations(simulator, 2 * samples, generator)  # one half is compared with the image of the other
    except VerificationError as error:
        stopped = stopped or error
    parts = []
    for g in compared_elements(symmetry):
        if originals is not None:
            try:
                parts += compare_transitions(simulator, symmetry, g, originals, actions, tolerance, confidence)
            except VerificationError as error:
                stopped = stopped or error
        if resets is not None:
            parts.append(compare_initial_states(symmetry, g, resets, tolerance, generator))
        parts.append(compare_bounds(symmetry, g, simulator.observation_space, simulator.action_space))
    return parts, stopped


def compared_elements(symmetry: Symmetry) -> tuple[int, ...]:
    """The generators; each element but the identity where the action map depends on the state; never none at all."""
    elements = symmetry.group.generators if symmetry.has_action_representation else tuple(symmetry.group)[1:]
    return tuple(elements) or (0,)


def initial_observations(simulator: Simulator, count: int, generator: np.random.Generator) -> np.ndarray:
    """Observations after `count` independent resets, or as many as the simulator says that it has time for."""
    count = min(count, getattr(simulator, "most_resets", count))
    observations, size = [], int(np.prod(simulator.observation_space.shape or (0,)))
    for seed in generator.integers(2**31, size=count):
        simulator.reset(int(seed))
        observations.append(checked_observation(simulator.observe(), size))
    return np.array(observations)
