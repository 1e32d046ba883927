"""The sign-flip test: its level, its power, and what it names."""

import numpy as np
import pytest
from scipy import stats

from symmdp.mdp.verification._kernel_signs import kernel_sign_test
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


def test_means_below_the_least_share_of_the_scatter_are_none() -> None:
    rng = np.random.default_rng(0)
    phi, differences = rng.normal(size=(10_000, 2)), rng.normal([0.07, 0.3], size=(10_000, 2))
    assert (sign_flip_test(differences, phi, rng).p_values < 1e-3).tolist() == [True, True]
    assert (sign_flip_test(differences, phi, rng, least=0.1).p_values < 1e-3).tolist() == [False, True]


def test_the_kernel_test_is_valid_under_symmetry() -> None:
    found = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        state, label = rng.normal(size=(60, 2)), rng.integers(2, size=60)
        differences = rng.standard_t(1.5, size=(60, 3)) * np.exp(state[:, :1])
        found.append(kernel_sign_test(differences, state, label, rng))
    assert stats.kstest(found, "uniform", alternative="greater").pvalue > 1e-3


def test_the_kernel_test_finds_means_that_have_no_trend() -> None:
    """In the same state and action differences are alike, and over all of them there is neither a mean nor a slope."""
    rng = np.random.default_rng(0)
    cells, label = rng.integers(40, size=800), rng.integers(3, size=800)
    state, sign = np.eye(40)[cells], rng.choice([-1.0, 1.0], size=(40, 3))
    differences = 0.7 * sign[cells, label][:, None] + rng.normal(size=(800, 2))
    assert kernel_sign_test(differences, state, label, rng, least=0.1) < 1e-3
    assert kernel_sign_test(rng.permutation(differences), state, label, rng, least=0.1) > 1e-3
    smooth = rng.uniform(-3, 3, size=(800, 1))
    assert kernel_sign_test(np.cos(4 * smooth) + rng.normal(size=(800, 1)), smooth, 0 * label, rng, least=0.1) < 1e-3


def test_the_kernel_test_of_nothing() -> None:
    rng = np.random.default_rng(0)
    assert kernel_sign_test(np.zeros((50, 2)), np.ones((50, 1)), np.zeros(50, np.int64), rng) == 1
    assert kernel_sign_test(np.zeros((0, 2)), np.ones((0, 1)), np.zeros(0, np.int64), rng) == 1
    assert kernel_sign_test(np.ones((5, 1)), np.arange(5.0)[:, None], np.arange(5), rng) == 1  # no two have the same action
