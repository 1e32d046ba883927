from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symmdp.mdp.verification._exceedances import exceedance_p_values

_MOST = 4096  # products of an outcome and a covariate that are tested


@dataclass(frozen=True)
class SignFlips:
    """What a sign-flip test found for each of `k` outcomes.

    Attributes:
        p_values: adjusted for all outcomes and covariates together, shape `(k,)`.
        covariates: the covariate that each difference depends on the most, shape `(k,)`.
    """

    p_values: NDArray[np.float64]
    covariates: NDArray[np.int64]

    def best_of(self, transforms: int) -> SignFlips:
        """For outcomes that are `transforms` odd functions of `k` differences, one after the other: the least for each."""
        p_values, covariates = self.p_values.reshape(transforms, -1), self.covariates.reshape(transforms, -1)
        best = p_values.argmin(axis=0)[None]
        return SignFlips(*(np.take_along_axis(array, best, axis=0)[0] for array in (p_values, covariates)))


def sign_flip_test(
    differences: NDArray[np.float64],
    covariates: NDArray[np.float64],
    generator: np.random.Generator,
    least: float = 0.0,
) -> SignFlips:
    """Whether paired differences are symmetric about zero, whatever the covariates are.

    A transition and the image of another one, from the same state and action, are exchangeable under a symmetry, so that
    the sign of their difference `d` is a fair coin. The statistic `|Σ_i d_ik φ_ij| / √(Σ_i d_ik² φ_ij²)` is large where
    `d_k` has a mean, or one that changes with the covariate `φ_j`; it is compared with its largest value over all `k` and
    `j` under random signs, one for each pair (the max-T correction), which is exact for any number of pairs.

    Args:
        differences: shape `(n, k)`.
        covariates: shape `(n, p)`; a constant is added in front, as covariate 0.
        generator: of the signs, and of the covariates where there are more than can be tested.
        least: a mean, or a slope, below this share of the scatter `√(mean d² φ²)` is none; for pairs that are exchangeable
            only nearly. The statistic is then smaller by `least · √n`, where `n` counts differences other than 0.

    Source: Westfall and Young 1993, section 2.5 (single-step max-T); Fisher 1935, section 21 (random signs).
    """
    n, k = differences.shape
    if n == 0 or not differences.any():
        return SignFlips(np.ones(k), np.zeros(k, dtype=np.int64))
    room = max(_MOST // k - 1, 0)
    chosen = np.arange(covariates.shape[1])
    if len(chosen) > room:
        chosen = np.sort(generator.permutation(chosen)[:room])
    phi = np.concatenate([np.ones((n, 1)), _standard(covariates[:, chosen])], axis=1)
    products = (differences[:, :, None] * phi[:, None, :]).reshape(n, -1)
    size = np.sqrt((products**2).sum(axis=0))
    products = (products / np.where(size > 0, size, 1)).astype(np.float32)
    observed = np.abs(products.sum(axis=0, dtype=np.float64)) - least * np.sqrt(np.count_nonzero(products, axis=0))
    observed = np.maximum(observed, 0.0).reshape(k, -1)

    def largest(count: int) -> NDArray[np.float64]:
        return np.abs(random_signs(generator, count, n) @ products).max(axis=1, keepdims=True)

    p_values = exceedance_p_values(observed.max(axis=1), largest)
    covariate = np.concatenate([[0], chosen + 1])[observed.argmax(axis=1)]
    return SignFlips(p_values, covariate)


def random_signs(generator: np.random.Generator, count: int, n: int) -> NDArray[np.float32]:
    """Fair and independent signs, shape `(count, n)`."""
    return generator.integers(2, size=(count, n), dtype=np.int8).astype(np.float32) * 2 - 1


def _standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean 0 and standard deviation 1; 0 where a column is constant."""
    deviation = values.std(axis=0)
    constant = deviation <= 1e-12 * np.abs(values).max(axis=0, initial=0.0)
    return np.where(constant, 0.0, (values - values.mean(axis=0)) / np.where(constant, 1.0, deviation))
