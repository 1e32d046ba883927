import numpy as np
import pytest

from symmdp import Representation, groups
from symmdp.errors import RepresentationError
from symmdp.groups import Group
from symmdp.representations import IsotypicDecomposition, cosets, induced, inner_product, irreps, isotypic
from symmdp.representations._coordinate_blocks import coordinate_blocks


def block_diagonal(decomposition: IsotypicDecomposition, g: int) -> np.ndarray:
    matrix, start = np.zeros((decomposition.rep.dim,) * 2), 0
    for m, irrep in zip(decomposition.multiplicities, decomposition.irreps, strict=True):
        for _ in range(m):
            matrix[start : start + irrep.dim, start : start + irrep.dim] = irrep.rep(g)
            start += irrep.dim
    assert start == decomposition.rep.dim
    return matrix


def error_of(decomposition: IsotypicDecomposition, q: np.ndarray, inverse: np.ndarray) -> float:
    rep = decomposition.rep
    return max(np.abs(inverse @ rep(g) @ q - block_diagonal(decomposition, g)).max() for g in rep.group)


def check(rep: Representation) -> IsotypicDecomposition:
    found = isotypic(rep)
    q, inverse = found.change_of_basis, found.inverse
    np.testing.assert_allclose(q @ inverse, np.eye(rep.dim), atol=1e-12)
    assert error_of(found, q, inverse) < 1e-12
    if rep.kind.is_orthogonal:
        np.testing.assert_allclose(q.T @ q, np.eye(rep.dim), atol=1e-12)
    assert found.irreps == irreps(rep.group)
    assert found.offsets[-1] == rep.dim
    return found


def test_it_reproduces_the_representation(rep: Representation) -> None:
    found = check(rep)
    if rep.dim > 1:  # the negative control: the same columns in another order
        broken = np.roll(found.change_of_basis, 1, axis=1)
        identical = all(np.allclose(rep(g), rep.character[g] / rep.dim * np.eye(rep.dim)) for g in rep.group)
        assert identical or error_of(found, broken, np.linalg.inv(broken)) > 1e-3


def test_the_regular_representation_holds_each_d_over_c_times(group: Group) -> None:
    found = check(group.regular)
    assert found.multiplicities == tuple(i.dim // len(i.endomorphisms) for i in irreps(group))


def test_induced_and_tensor_representations(group: Group) -> None:
    last = irreps(group)[-1].rep
    check(last * last + group.trivial)
    for s in group.generators:
        subgroup = group.subgroup(s)
        check(cosets(subgroup))
        check(induced(irreps(subgroup.group)[-1].rep, subgroup))


def test_it_undoes_a_change_of_basis(group: Group) -> None:
    """Multiplicities that were put in come out, from behind a generic and badly scaled change of basis."""
    rng = np.random.default_rng(3)
    expected = rng.integers(0, 3, len(irreps(group)))
    expected[rng.integers(len(expected))] += 1
    total = None
    for m, irrep in zip(expected, irreps(group), strict=True):
        if m:
            total = int(m) * irrep.rep if total is None else total + int(m) * irrep.rep
    assert total is not None
    mixed = rng.standard_normal((total.dim, total.dim)) + 3 * np.eye(total.dim)
    rep = Representation(group, mixed @ total.matrices @ np.linalg.inv(mixed))
    found = isotypic(rep)
    assert found.multiplicities == tuple(expected)
    scale = np.linalg.cond(mixed) ** 2
    assert error_of(found, found.change_of_basis, found.inverse) < 1e-14 * scale


def test_equal_blocks_are_solved_once() -> None:
    group = groups.cyclic(8)
    rep = 64 * group.regular + 3 * group.trivial
    found = check(rep)
    assert len(found.blocks) == 67
    assert len(found.parts) == 2
    assert found.multiplicities == (67, 64, 64, 64, 64)
    dense = np.zeros((rep.dim, rep.dim))
    for block in found.blocks:
        part = found.parts[block.part]
        assert part.change_of_basis.shape == (len(block.indices),) * 2
        dense[np.ix_(block.indices, block.columns)] = part.change_of_basis
    np.testing.assert_array_equal(dense, found.change_of_basis)
    np.testing.assert_array_equal(found.inverse, found.change_of_basis.T)
    assert sorted(np.concatenate([b.columns for b in found.blocks])) == list(range(rep.dim))


def test_interleaved_copies_are_found() -> None:
    group = groups.dihedral(4)
    order = np.random.default_rng(0).permutation(24)
    matrices = (3 * group.regular).matrices[:, order][:, :, order]
    found = check(Representation(group, matrices))
    assert len(found.blocks) == 3
    assert found.multiplicities == (3, 3, 3, 3, 6)


def test_large_orbits_of_s6() -> None:
    group = groups.symmetric(6)
    found = isotypic(group.regular)
    assert found.multiplicities == (1, 1, 5, 5, 5, 5, 9, 9, 10, 10, 16)
    q = found.change_of_basis
    np.testing.assert_allclose(q.T @ q, np.eye(720), atol=1e-12)
    for g in group.generators:
        np.testing.assert_allclose(q.T @ group.regular(g) @ q, block_diagonal(found, g), atol=1e-12)


def test_coordinate_blocks(rep: Representation) -> None:
    blocks = coordinate_blocks(rep)
    assert sorted(np.concatenate(blocks)) == list(range(rep.dim))
    inside = np.zeros((rep.dim, rep.dim), dtype=bool)
    for block in blocks:
        inside[np.ix_(block, block)] = True
        assert list(block) == sorted(block)
    assert not rep.matrices[:, ~inside].any()
    assert [int(b[0]) for b in blocks] == sorted(int(b[0]) for b in blocks)
    dense = Representation._of_matrices(rep.group, np.array(rep.matrices, dtype=float), "dense")
    assert [b.tolist() for b in coordinate_blocks(dense)] == [b.tolist() for b in blocks]


def test_repr_and_read_only() -> None:
    found = isotypic(2 * groups.symmetric(3).regular)
    assert repr(found).endswith("≅ 2 * trivial + 2 * sign + 4 * ψ2)")
    for array in (found.change_of_basis, found.inverse, found.parts[0].change_of_basis):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize("value", [-0.9, -0.5])
def test_inaccurate_matrices_raise(value: float) -> None:
    c2 = groups.cyclic(2)
    skewed = Representation._of_matrices(c2, np.array([[[1.0]], [[value]]]), "skewed")
    with pytest.raises(RepresentationError, match="float64, to full precision"):
        isotypic(skewed)


# Dimensions of Hom_G by four ways: characters, multiplicities, the numerical rank of the generators' constraints, and, for
# permutation representations, orbits on pairs.
GROUPS = {
    "C6": groups.cyclic(6),
    "D6": groups.dihedral(6),
    "S4": groups.symmetric(4),
    "Q8": groups.quaternion(),
    "C7:C3": groups.semidirect_product(groups.cyclic(7), groups.cyclic(3), {1: [2 * k % 7 for k in range(7)]}),
    "A5": groups.alternating(5),
}


def several(group: Group) -> list[Representation]:
    found = [irrep.rep for irrep in irreps(group)][-3:]
    found += [cosets(group.subgroup(s)) for s in group.generators if group.order // group.order_of(s) <= 12]
    found += [cosets(group.subgroup(*group.generators[:2]))]
    rng = np.random.default_rng(1)
    tensor = found[0] * found[2]
    mix = rng.standard_normal((tensor.dim, tensor.dim)) + 2 * np.eye(tensor.dim)
    found += [tensor, Representation(group, mix @ tensor.matrices @ np.linalg.inv(mix)), found[0] + 2 * group.trivial]
    return found


PAIRS = [(name, i, j) for name, group in GROUPS.items() for i in range(len(several(group))) for j in range(len(several(group)))]


def test_there_are_enough_pairs() -> None:
    assert len(PAIRS) >= 200


@pytest.mark.parametrize("name", GROUPS)
def test_dimension_of_equivariant_maps(name: str) -> None:
    reps = several(GROUPS[name])
    counted = 0
    for a in reps:
        for b in reps:
            m, n = isotypic(a).multiplicities, isotypic(b).multiplicities
            by_multiplicities = sum(p * q * len(i.endomorphisms) for p, q, i in zip(m, n, irreps(a.group), strict=True))
            constraints = np.concatenate(
                [np.kron(b(s), np.eye(a.dim)) - np.kron(np.eye(b.dim), a(s).T) for s in a.group.generators]
            )
            values = np.linalg.eigvalsh(constraints.T @ constraints)
            by_rank = int((values < 1e-9 * max(1.0, values[-1])).sum())
            assert inner_product(a, b) == by_multiplicities == by_rank
            counted += 1
            if a.source is not None and b.source is not None and (a.sign == 1).all() and (b.sign == 1).all():
                pairs = {(x, y) for x in range(a.dim) for y in range(b.dim)}
                orbits = 0
                while pairs:
                    x, y = next(iter(pairs))
                    pairs -= {(int(i), int(j)) for i, j in zip(a.source[:, x], b.source[:, y], strict=True)}
                    orbits += 1
                assert orbits == by_rank
    assert counted == sum(pair[0] == name for pair in PAIRS)
