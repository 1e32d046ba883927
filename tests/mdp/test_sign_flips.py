"""The sign-flip test: its level, its power, and what it names."""

import numpy as np
import pytest
from scipy import stats

from symmdp.mdp.verification._sign_flips import sign_flip_test


def test_p_values_are_valid_under_symmetry() -> None:
    """Heavy tails and a scale that depends on the covariate change nothing: the smallest p-value is uniform or larger."""
    found = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        phi = rng.normal(size=(60, 2))
        differences = rng.standard_t(1.5, size=(60, 3)) * np.exp(phi[:, :1])
        found.append(sign_flip_test(differences, phi, rng).p_values.min())
    assert stats.kstest(found, "uniform", alternative="greater").pvalue > 1e-3


@pytest.mark.parametrize("covariate", [0, 1, 2])
def test_it_finds_a_mean_and_one_that_changes_sign(covariate: int) -> None:
    rng = np.random.default_rng(0)
    phi = rng.normal(size=(2000, 2))
    differences = rng.normal(size=(2000, 3))
    differences[:, 1] += 0.2 * (1 if covariate == 0 else phi[:, covariate - 1])
    test = sign_flip_test(differences, phi, rng)
    assert test.p_values[1] < 1e-3
    assert test.covariates[1] == covariate
    assert test.p_values[[0, 2]].min() > 0.01


def test_no_difference_is_none() -> None:
    test = sign_flip_test(np.zeros((50, 2)), np.ones((50, 1)), np.random.default_rng(0))
    assert test.p_values.tolist() == [1, 1]
    assert sign_flip_test(np.zeros((0, 2)), np.ones((0, 1)), np.random.default_rng(0)).p_values.tolist() == [1, 1]


def test_many_outcomes_are_tested_with_fewer_covariates() -> None:
    rng = np.random.default_rng(0)
    differences = rng.normal(size=(300, 3000))
    differences[:, 7] += 1
    test = sign_flip_test(differences, rng.normal(size=(300, 3000)), rng)
    assert (test.p_values < 1e-3).nonzero()[0].tolist() == [7]
