from __future__ import annotations

from symmdp.practical._exercise import Exercise
from symmdp.practical.checks.layers._basis import (
    effect_of_symmetrizer,
    rank_from_characters,
    sampled_basis,
    weights_from_basis,
)
from symmdp.practical.checks.layers._bias import equivariant_bias
from symmdp.practical.checks.layers._dimensions import dimensions
from symmdp.practical.checks.layers._network_test import network_test
from symmdp.practical.checks.layers._nonlinearities import safe_nonlinearities
from symmdp.practical.checks.layers._symmetrize import symmetrizer

EXERCISES: tuple[Exercise, ...] = (
    Exercise("dimensions", 2, 2, "dimensions of all and of equivariant weights", dimensions),
    Exercise("symmetrizer", 2, 3, "the symmetrizer, for any group", symmetrizer),
    Exercise("effect-of-symmetrizer", 2, 1, "what symmetrized weights look like", effect_of_symmetrizer),
    Exercise("equivariant-bias", 2, 1, "biases that are equivariant", equivariant_bias),
    Exercise("network-test", 2, 2, "a test of a layer's equivariance", network_test),
    Exercise("safe-nonlinearities", 2, 2, "nonlinearities that are safe", safe_nonlinearities),
    Exercise("sampled-basis", 2, 3, "a basis by sampling", sampled_basis),
    Exercise("rank-from-characters", 2, 2, "the rank, known beforehand", rank_from_characters),
    Exercise("weights-from-basis", 2, 1, "weights from parameters", weights_from_basis),
)
