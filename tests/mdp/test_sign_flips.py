"""Tests by random signs: their level, their power, what they name, and how soon they end."""

import numpy as np
import pytest
from scipy import stats

from symmdp.mdp.verification._exceedances import exceedance_p_values
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


def test_the_kernel_test_agrees_with_one_that_forms_the_whole_matrix() -> None:
    rng = np.random.default_rng(0)
    state, label = rng.integers(4, size=(150, 2)).astype(float), rng.integers(3, size=150)
    differences = rng.normal(size=(150, 2)) * rng.integers(2, size=(150, 1))  # half of them do not differ
    differences[:, 0] += 0.55 * np.sign(np.cos(3 * state[:, 0])) * (label - 1)
    square = ((state[:, None] - state) ** 2).sum(axis=-1) + np.where(label[:, None] == label, 0, np.inf)
    np.fill_diagonal(square, np.inf)
    scaled = differences / np.sqrt((differences**2).mean(axis=0))
    widths = [np.median(np.sort(square, axis=1)[:, k - 1]) for k in (2, 16)]
    kernels = [(square == 0) * 1.0, *(np.exp(-square / (2 * width)) for width in widths if width > 0)]
    forms = [form / np.linalg.norm(form) for form in (scaled @ scaled.T * kernel for kernel in kernels)]
    signs = rng.choice([-1.0, 1.0], size=(20_000, 150))
    as_large = np.max([((signs @ form) * signs).sum(axis=1) for form in forms], axis=0) >= max(map(np.sum, forms))
    expected = as_large.mean()
    assert 0.005 < expected < 0.1
    found = [kernel_sign_test(differences, state, label, np.random.default_rng(seed)) for seed in range(12)]
    assert np.exp(np.mean(np.log(found))) == pytest.approx(expected, rel=0.25)


def draws(rng: np.random.Generator, drawn: list[int], columns: int = 1):
    def draw(count: int) -> np.ndarray:
        drawn.append(count)
        return rng.normal(size=(count, columns))

    return draw


@pytest.mark.parametrize("columns", [1, 3])
def test_p_values_that_end_early_are_valid(columns: int) -> None:
    """Of statistics drawn as under the null hypothesis: uniform, or larger, wherever the level is."""
    rng = np.random.default_rng(0)
    found = np.array([exceedance_p_values(rng.normal(size=3), draws(rng, [], columns)) for _ in range(600)])
    for level in (0.01, 0.05, 0.2, 0.5, 0.9):
        assert ((found <= level).mean(axis=0) < level + 3.5 * np.sqrt(level * (1 - level) / 600)).all()
        assert ((found <= level).mean(axis=0) > level - 3.5 * np.sqrt(level * (1 - level) / 600) - 0.01).all()


def test_only_what_may_be_something_takes_all_draws() -> None:
    rng, drawn = np.random.default_rng(0), []
    assert exceedance_p_values(np.array([0.0]), draws(rng, drawn))[0] == pytest.approx(0.5, abs=0.2)
    assert sum(drawn) <= 100
    drawn.clear()
    p_values = exceedance_p_values(np.array([0.0, 9.0, stats.norm.isf(0.002)]), draws(rng, drawn))
    assert sum(drawn) == 4999
    assert p_values[0] == pytest.approx(0.5, abs=0.2)
    assert p_values[1] == 1 / 5000
    assert p_values[2] == pytest.approx(0.002, rel=0.8)
