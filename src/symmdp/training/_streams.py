from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

# What a seed's streams are for; each purpose has one of its own, so that none depends on how much another has drawn.
PURPOSES = ("initialisation", "environment", "action", "minibatch", "evaluation", "basis", "augmentation")


def stream(seed: int, purpose: str, *occasion: int) -> np.random.Generator:
    """The random stream of one seed for one purpose (and occasion): the same whichever other seeds run beside it."""
    return np.random.default_rng(np.random.SeedSequence([seed, PURPOSES.index(purpose), *occasion]))


def states_of(generators: Sequence[np.random.Generator]) -> str:
    """The states of generators, as JSON."""
    return json.dumps([generator.bit_generator.state for generator in generators])


def restore_states(generators: Sequence[np.random.Generator], states: str) -> None:
    """Set generators to the states that `states_of` gave."""
    for generator, state in zip(generators, json.loads(states), strict=True):
        generator.bit_generator.state = state
