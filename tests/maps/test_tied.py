import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from symmdp import EquivariantMaps, Representation
from symmdp.maps import tie, tie_maps, tie_vector


def test_expansion_and_projection(pair: tuple[Representation, Representation]) -> None:
    if not all(rep.kind.is_signed_permutation for rep in pair):
        assert EquivariantMaps(*pair).tied is None
        return
    tied, maps, rng = tie_maps(*pair), EquivariantMaps(*pair), np.random.default_rng(0)
    assert tied.count == maps.dim
    theta = rng.standard_normal((2, tied.count))
    W = tied.expand(theta)
    np.testing.assert_allclose(maps.symmetrize(W), W, atol=1e-12)
    np.testing.assert_allclose(tied.project(W), theta, atol=1e-12)
    noise = rng.standard_normal(maps.shape)
    np.testing.assert_allclose(tied.expand(tied.project(noise)), maps.symmetrize(noise), atol=1e-12)


def test_invariant_vectors(rep: Representation) -> None:
    if not rep.kind.is_signed_permutation:
        assert rep.source is None
        return
    tied = tie_vector(rep)
    assert tied.count == EquivariantMaps(rep.group.trivial, rep).dim
    vector = tied.expand(np.arange(1.0, tied.count + 1))
    for g in rep.group:
        np.testing.assert_array_equal(rep(g) @ vector, vector)


@st.composite
def signed_permutations(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    n = draw(st.integers(1, 7))
    count = draw(st.integers(1, 3))
    source = np.array([draw(st.permutations(range(n))) for _ in range(count)])
    sign = np.array([[draw(st.sampled_from([-1, 1])) for _ in range(n)] for _ in range(count)])
    return source, sign


@settings(max_examples=200, deadline=None)
@given(signed_permutations())
def test_tie_gives_the_common_fixed_space(generators: tuple[np.ndarray, np.ndarray]) -> None:
    """Against the null space of `ρ(s) - 1` over the generators: any signed permutations, no group enumerated."""
    source, sign = generators
    n = source.shape[1]
    matrices = [np.zeros((n, n)) for _ in source]
    for matrix, row, signs in zip(matrices, source, sign, strict=True):
        matrix[np.arange(n), row] = signs
    constraints = np.concatenate([matrix - np.eye(n) for matrix in matrices])
    tied = tie((n,), source, sign)
    assert tied.count == n - np.linalg.matrix_rank(constraints)
    basis = tied.expand(np.eye(tied.count))
    np.testing.assert_array_equal(constraints @ basis.T, 0)
    assert np.linalg.matrix_rank(basis) == tied.count
    first = [np.flatnonzero(row)[0] for row in basis]
    assert first == sorted(first)
    assert all(row[i] == 1 for row, i in zip(basis, first, strict=True))
