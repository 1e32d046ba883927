import numpy as np
import pytest
import torch

from symmdp import EquivariantMaps, Representation, groups
from symmdp.errors import GroupMismatchError, OptionError, RepresentationError, ShapeError

Pair = tuple[Representation, Representation]


def slow_symmetrize(W: np.ndarray, rep_in: Representation, rep_out: Representation) -> np.ndarray:
    return sum(np.linalg.inv(rep_out(g)) @ W @ rep_in(g) for g in rep_in.group) / rep_in.group.order


def slow_dimension(rep_in: Representation, rep_out: Representation) -> int:
    """The trace of the symmetrizer, a projection, over all elementary matrices."""
    trace = 0.0
    for i in range(rep_out.dim):
        for j in range(rep_in.dim):
            E = np.zeros((rep_out.dim, rep_in.dim))
            E[i, j] = 1
            trace += slow_symmetrize(E, rep_in, rep_out)[i, j]
    return round(trace)


def assert_in_hom(W: np.ndarray, pair: Pair) -> None:
    for g in pair[0].group:
        np.testing.assert_allclose(pair[1](g) @ W, W @ pair[0](g), atol=1e-10)


def test_dimension_is_the_rank_of_the_symmetrizer(pair: Pair) -> None:
    assert EquivariantMaps(*pair).dim == slow_dimension(*pair)


def test_symmetrize_is_the_reynolds_operator(pair: Pair) -> None:
    maps = EquivariantMaps(*pair)
    W = np.random.default_rng(0).standard_normal((3, *maps.shape))
    S = maps.symmetrize(W)
    np.testing.assert_allclose(S, slow_symmetrize(W, *pair), atol=1e-10)
    assert_in_hom(S, pair)
    np.testing.assert_allclose(maps.symmetrize(S), S, atol=1e-10)
    torch.testing.assert_close(maps.symmetrize(torch.tensor(W)), torch.tensor(S))


def test_the_inverse_matters() -> None:
    """Without the inverse, the map is equivariant to the inverse action: a negative control for C4."""
    c4 = groups.cyclic(4)
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
    plane = Representation.from_generators(c4, [quarter])
    W = np.random.default_rng(0).standard_normal((4, 2))
    regular = c4.regular
    wrong = sum(regular(g) @ W @ plane(g) for g in c4) / 4
    assert np.abs(regular(1) @ wrong - wrong @ plane(1)).max() > 0.1
    assert_in_hom(EquivariantMaps(plane, regular).symmetrize(W), (plane, regular))


def test_four_bases_agree_with_the_characters(pair: Pair) -> None:
    maps, rng = EquivariantMaps(*pair), np.random.default_rng(0)
    n = maps.shape[0] * maps.shape[1]
    basis, null = maps.basis(), maps.nullspace_basis()
    sampled, random = maps.sampled_basis(maps.dim + 5, rng), maps.random_basis(rng)
    assert len(basis) == len(sampled) == len(random) == maps.dim
    assert len(null) == n - maps.dim
    for found in (basis, null, sampled, random):
        assert found.shape[1:] == maps.shape
        rows = found.reshape(len(found), n)
        np.testing.assert_allclose(rows @ rows.T, np.eye(len(rows)), atol=1e-10)
    assert_in_hom(basis, pair)
    assert_in_hom(sampled, pair)
    # The exact and the sampled basis span one space, and the complement is orthogonal to it.
    coefficients = basis.reshape(-1, n) @ sampled.reshape(-1, n).T
    np.testing.assert_allclose(coefficients @ coefficients.T, np.eye(maps.dim), atol=1e-8)
    np.testing.assert_allclose(basis.reshape(-1, n) @ null.reshape(-1, n).T, 0, atol=1e-10)
    if pair[0].kind.is_orthogonal and pair[1].kind.is_orthogonal:
        np.testing.assert_allclose(maps.symmetrize(null), 0, atol=1e-10)


def test_a_random_basis_is_not_equivariant() -> None:
    c2 = groups.cyclic(2)
    maps = EquivariantMaps(c2.regular, c2.regular)
    W = maps.random_basis(np.random.default_rng(0))
    assert np.abs(maps.symmetrize(W) - W).max() > 0.05


def test_too_few_samples_show_in_the_rank() -> None:
    c2 = groups.cyclic(2)
    maps = EquivariantMaps(2 * c2.regular, 2 * c2.regular)
    assert maps.dim == 8
    assert len(maps.sampled_basis(5, np.random.default_rng(0))) == 5


def test_cartpole_has_four_free_weights() -> None:
    """The practical's question: of the 2 × 4 weights of a linear policy, 4 are free."""
    c2 = groups.cyclic(2)
    mirror = Representation(c2, [np.eye(4), -np.eye(4)])
    swap = Representation(c2, [np.eye(2), [[0, 1], [1, 0]]])
    basis = EquivariantMaps(mirror, swap).basis()
    assert len(basis) == 4
    np.testing.assert_allclose(basis[:, 0], -basis[:, 1])


def test_numpy_and_torch_go_in_and_come_out() -> None:
    c2 = groups.cyclic(2)
    maps = EquivariantMaps(c2.regular, 2 * c2.regular)
    for dtype in (np.float32, np.float64):
        assert maps.symmetrize(np.ones(maps.shape, dtype)).dtype == dtype
        assert maps.basis(like=np.zeros(1, dtype)).dtype == dtype
    for dtype in (torch.float32, torch.float64):
        W = torch.ones(maps.shape, dtype=dtype, requires_grad=True)
        S = maps.symmetrize(W)
        assert S.dtype is dtype
        (gradient,) = torch.autograd.grad(S.square().sum(), W)
        torch.testing.assert_close(gradient, 2 * S.detach())
        assert maps.basis(like=W).dtype is dtype
        assert maps.nullspace_basis(like=W).dtype is dtype
    generator = torch.Generator().manual_seed(0)
    for found in (maps.sampled_basis(20, generator), maps.random_basis(generator)):
        assert isinstance(found, torch.Tensor)
        assert found.dtype is torch.float64
        assert len(found) == maps.dim


def test_samples_come_from_the_given_generator_alone() -> None:
    c2 = groups.cyclic(2)
    maps = EquivariantMaps(c2.regular, c2.regular)
    first, second = (maps.random_basis(np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_large_maps_need_no_dense_basis() -> None:
    c8 = groups.cyclic(8)
    maps = EquivariantMaps(64 * c8.regular, 64 * c8.regular)
    assert maps.tied is not None
    assert maps.tied.count == maps.dim == 64 * 64 * 8


def test_bad_input() -> None:
    c2, c3 = groups.cyclic(2), groups.cyclic(3)
    with pytest.raises(GroupMismatchError, match="two different groups"):
        EquivariantMaps(c2.regular, c3.regular)
    with pytest.raises(RepresentationError, match="two Representations; got int"):
        EquivariantMaps(c2.regular, 4)  # pyright: ignore[reportArgumentType]
    maps = EquivariantMaps(c2.regular, c2.trivial)
    with pytest.raises(ShapeError, match=r"\(\.\.\., 1, 2\); got \(2, 1\)"):
        maps.symmetrize(np.zeros((2, 1)))
    with pytest.raises(ShapeError, match="floating-point"):
        maps.symmetrize(np.zeros((1, 2), dtype=int))
    with pytest.raises(ShapeError, match="floating-point"):
        maps.symmetrize(torch.zeros(1, 2, dtype=torch.int64))
    with pytest.raises(OptionError, match="At least one sample"):
        maps.sampled_basis(0, np.random.default_rng(0))
    with pytest.raises(OptionError, match="dimension 0 … 2; got 3"):
        maps.random_basis(np.random.default_rng(0), 3)
