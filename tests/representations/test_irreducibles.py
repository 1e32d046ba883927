import os
import pickle
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from symmdp import Representation, groups
from symmdp.errors import RepresentationError
from symmdp.groups import Group
from symmdp.representations import (
    IrrepType,
    Kind,
    character_table,
    frobenius_schur,
    inner_product,
    irreps,
    is_irreducible,
)
from symmdp.representations import _irreducibles as module

GOLDEN = (1 + 5**0.5) / 2


def dims(group: Group) -> list[int]:
    return [irrep.dim for irrep in irreps(group)]


def test_every_matrix_of_every_irrep(group: Group) -> None:
    assert sum(irrep.dim**2 / len(irrep.endomorphisms) for irrep in irreps(group)) == group.order
    for irrep in irreps(group):
        m = irrep.rep.matrices.astype(float)
        assert irrep.rep.kind.is_orthogonal
        np.testing.assert_allclose(m.swapaxes(1, 2) @ m, np.broadcast_to(np.eye(irrep.dim), m.shape), atol=1e-13)
        for h in group:
            np.testing.assert_allclose(m @ m[h], m[group.cayley_table[:, h]], atol=1e-13)
        Representation(group, m)  # passes the validation of matrices that a user gives


def test_they_are_irreducible_and_distinct(group: Group) -> None:
    found = irreps(group)
    c = {IrrepType.REAL: 1, IrrepType.COMPLEX: 2, IrrepType.QUATERNIONIC: 4}
    for i, a in enumerate(found):
        assert is_irreducible(a.rep)
        assert c[a.type] == len(a.endomorphisms)
        for j, b in enumerate(found):
            assert inner_product(a.rep, b.rep) == (c[a.type] if i == j else 0)
    assert found[0].rep.is_trivial
    assert found[0].name == "trivial"
    assert dims(group)[1:] == sorted(dims(group)[1:])
    assert len({irrep.name for irrep in found}) == len(found)


def test_a_sum_is_not_irreducible(group: Group) -> None:
    found = irreps(group)
    for a in found:
        assert not is_irreducible(2 * a.rep)
        assert not is_irreducible(4 * a.rep)
        for b in found[1:]:
            assert not is_irreducible(a.rep + b.rep)


def test_types_from_the_indicator(group: Group) -> None:
    expected = {IrrepType.REAL: 1, IrrepType.COMPLEX: 0, IrrepType.QUATERNIONIC: -2}
    for irrep in irreps(group):
        assert frobenius_schur(irrep.rep) == expected[irrep.type]
    # Frobenius and Schur: Σ ν(χ) χ(1) over the complex characters counts the elements with g² = e.
    involutions = sum(group.multiply(g, g) == 0 for g in group)
    assert sum(frobenius_schur(i.rep) * i.dim / len(i.endomorphisms) for i in irreps(group)) == involutions


def test_endomorphisms_are_the_standard_ones(group: Group) -> None:
    for irrep in irreps(group):
        one, *others = irrep.endomorphisms
        np.testing.assert_array_equal(one, np.eye(irrep.dim))
        for e in others:
            np.testing.assert_array_equal(e, -e.T)
            np.testing.assert_array_equal(e @ e, -one)
            for g in group:
                np.testing.assert_allclose(e @ irrep.rep(g), irrep.rep(g) @ e, atol=1e-13)
        if irrep.type is IrrepType.COMPLEX:
            np.testing.assert_array_equal(others[0], np.kron(np.eye(irrep.dim // 2), [[0, -1], [1, 0]]))
        if irrep.type is IrrepType.QUATERNIONIC:
            np.testing.assert_array_equal(others[0] @ others[1], others[2])
            for e in others:
                np.testing.assert_array_equal(e, np.kron(np.eye(irrep.dim // 4), e[:4, :4]))


LITERATURE = [
    (groups.symmetric(4), [1, 1, 2, 3, 3]),
    (groups.symmetric(5), [1, 1, 4, 4, 5, 5, 6]),
    (groups.alternating(5), [1, 3, 3, 4, 5]),
    (groups.icosahedral(), [1, 3, 3, 4, 5]),
    (groups.octahedral(), [1, 1, 2, 3, 3]),
    (groups.tetrahedral(), [1, 2, 3]),  # the two complex characters of degree 1 are one real plane
    (groups.alternating(4), [1, 2, 3]),
    (groups.quaternion(), [1, 1, 1, 1, 4]),
    (groups.dihedral(12), [1, 1, 1, 1, 2, 2, 2, 2, 2]),
    (groups.klein_four(), [1, 1, 1, 1]),
]


@pytest.mark.parametrize(("group", "expected"), LITERATURE, ids=lambda value: getattr(value, "name", None))
def test_dimensions_of_the_literature(group: Group, expected: list[int]) -> None:
    assert dims(group) == expected


def test_types_of_the_literature() -> None:
    assert [i.type for i in irreps(groups.quaternion())] == [*[IrrepType.REAL] * 4, IrrepType.QUATERNIONIC]
    assert [i.type for i in irreps(groups.tetrahedral())] == [IrrepType.REAL, IrrepType.COMPLEX, IrrepType.REAL]
    for group in (groups.symmetric(5), groups.dihedral(12), groups.icosahedral()):
        assert {i.type for i in irreps(group)} == {IrrepType.REAL}
    # The Frobenius group of order 21 has a pair of complex characters of degree 3.
    frobenius = groups.semidirect_product(groups.cyclic(7), groups.cyclic(3), {1: [2 * k % 7 for k in range(7)]})
    assert [(i.dim, i.type) for i in irreps(frobenius)][1:] == [(2, IrrepType.COMPLEX), (6, IrrepType.COMPLEX)]


def left(a: float, b: float, c: float, d: float) -> np.ndarray:
    """Multiplication by a quaternion from the left."""
    return np.array([[a, -b, -c, -d], [b, a, -d, c], [c, d, a, -b], [d, -c, b, a]])


def test_binary_polyhedral_groups_of_the_literature() -> None:
    """SL(2, 3) has complex characters of degree 1 1 1 2 2 2 3, SL(2, 5) 1 2 2 3 3 4 4 5 6; the even ones are quaternionic."""
    real, complex_, quaternionic = IrrepType
    tetrahedron = groups.generated_by(left(0.5, 0.5, 0.5, 0.5), left(0, 1, 0, 0))
    assert tetrahedron.order == 24
    types = Counter((i.dim, i.type) for i in irreps(tetrahedron))
    assert types == Counter([(1, real), (2, complex_), (3, real), (4, quaternionic), (4, complex_)])
    icosahedron = groups.generated_by(left(0.5, 0.5, 0.5, 0.5), left(GOLDEN / 2, 1 / (2 * GOLDEN), 0.5, 0))
    assert icosahedron.order == 120
    types = Counter((i.dim, i.type) for i in irreps(icosahedron))
    faithful = [(4, quaternionic), (4, quaternionic), (8, quaternionic), (12, quaternionic)]
    assert types == Counter([(1, real), (3, real), (3, real), (4, real), (5, real), *faithful])
    for group in (tetrahedron, icosahedron):
        for irrep in irreps(group):
            Representation(group, irrep.rep.matrices)
            for e in irrep.endomorphisms:
                np.testing.assert_allclose(e @ irrep.rep.matrices, irrep.rep.matrices @ e, atol=1e-13)


@pytest.mark.parametrize("n", range(1, 17))
def test_cyclic_groups_turn_planes(n: int) -> None:
    group = groups.cyclic(n)
    real = 1 if n % 2 else 2
    assert Counter(i.type for i in irreps(group)) == Counter(
        {IrrepType.REAL: real, IrrepType.COMPLEX: (n - real) // 2} if n > 2 else {IrrepType.REAL: n}
    )
    angles = sorted(np.arctan2(i.rep(1)[1, 0], i.rep(1)[0, 0]) for i in irreps(group) if i.dim == 2)
    np.testing.assert_allclose(angles, [2 * np.pi * k / n for k in range(1, (n - real) // 2 + 1)], atol=1e-12)


def test_signed_permutations_are_recognised() -> None:
    for group, dim in ((groups.cyclic(4), 2), (groups.dihedral(4), 2), (groups.quaternion(), 4), (groups.octahedral(), 3)):
        for irrep in irreps(group):
            if irrep.dim == dim:
                assert irrep.rep.kind is Kind.SIGNED_PERMUTATION
                assert irrep.rep.matrices.dtype == np.int64


def test_s6_by_the_hook_lengths() -> None:
    assert dims(groups.symmetric(6)) == [1, 1, 5, 5, 5, 5, 9, 9, 10, 10, 16]
    assert {i.type for i in irreps(groups.symmetric(6))} == {IrrepType.REAL}


def test_character_table_is_orthogonal(group: Group) -> None:
    table = character_table(group)
    sizes = np.array([len(members) for members in group.conjugacy_classes])
    c = np.array([len(irrep.endomorphisms) for irrep in irreps(group)])
    assert table.shape == (len(c), len(sizes))
    np.testing.assert_allclose(table * sizes @ table.T / group.order, np.diag(c), atol=1e-12)
    # Columns: Σ_i χ_i(g) χ_i(h) d… sums over the complex characters give |G| / |class| for real classes only.
    columns = (table / c[:, None]).T @ table
    inverse = [
        next(k for k, m in enumerate(group.conjugacy_classes) if group.inverse(g[0]) in m) for g in group.conjugacy_classes
    ]
    real = np.array([k == j for k, j in enumerate(inverse)])
    np.testing.assert_allclose(np.diag(columns)[real], (group.order / sizes)[real], atol=1e-10)
    assert (table[0] == 1).all()
    np.testing.assert_allclose(table[:, 0], dims(group))


def test_character_table_of_a5() -> None:
    group = groups.alternating(5)
    rows = {tuple(np.round(row, 9)) for row in character_table(group)}
    kinds = [(len(members), group.order_of(members[0])) for members in group.conjugacy_classes]
    fives = [k for k, (_, order) in enumerate(kinds) if order == 5]
    assert sorted(kinds) == [(1, 1), (12, 5), (12, 5), (15, 2), (20, 3)]
    expected = set()
    for dim, twos, threes, first, second in [
        (1, 1, 1, 1, 1),
        (3, -1, 0, GOLDEN, 1 - GOLDEN),
        (3, -1, 0, 1 - GOLDEN, GOLDEN),
        (4, 0, 1, -1, -1),
        (5, 1, -1, 0, 0),
    ]:
        value = {1: dim, 2: twos, 3: threes}
        row = [value.get(order, 0) for _, order in kinds]
        row[fives[0]], row[fives[1]] = first, second
        expected.add(tuple(np.round(np.array(row, dtype=float), 9)))
    assert rows == expected


def test_character_table_of_s4() -> None:
    group = groups.symmetric(4)
    # Classes by (size, order): identity, transpositions, 3-cycles, 4-cycles, double transpositions.
    order = [(1, 1), (6, 2), (8, 3), (6, 4), (3, 2)]
    kinds = [(len(members), group.order_of(members[0])) for members in group.conjugacy_classes]
    columns = [kinds.index(kind) for kind in order]
    rows = {tuple(row) for row in character_table(group)[:, columns]}
    assert rows == {(1, 1, 1, 1, 1), (1, -1, 1, -1, 1), (2, 0, -1, 0, 2), (3, 1, 0, -1, -1), (3, -1, 0, 1, -1)}


def test_it_is_kept_for_equal_groups() -> None:
    assert irreps(groups.dihedral(4)) is irreps(groups.dihedral(4))
    for irrep in irreps(groups.quaternion()):
        assert pickle.loads(pickle.dumps(irrep)) == irrep
    with pytest.raises(AttributeError):
        irreps(groups.cyclic(2))[0].type = IrrepType.COMPLEX  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ValueError, match="read-only"):
        irreps(groups.cyclic(2))[0].endomorphisms[0] = 2


SCRIPT = """
import sys, numpy as np
from symmdp import groups
from symmdp.representations import irreps, isotypic, plane, induced
q = groups.quaternion()
c7c3 = groups.semidirect_product(groups.cyclic(7), groups.cyclic(3), {1: [2 * k % 7 for k in range(7)]})
several = [groups.cyclic(8), groups.symmetric(4), groups.alternating(5), groups.symmetric(5), c7c3, q,
           groups.direct_product(q, groups.symmetric(3)), groups.direct_product(q, groups.cyclic(3))]
found = {f"{k}.{i}": r.rep.matrices for k, g in enumerate(several) for i, r in enumerate(irreps(g))}
for k, g in enumerate(several[:4]):
    tensor = irreps(g)[-1].rep * irreps(g)[-1].rep
    found[f"isotypic {k}"] = isotypic(tensor).change_of_basis
np.savez(sys.argv[1], **found)
"""


def test_bases_are_the_same_in_another_process(tmp_path) -> None:
    results = []
    for threads in ("1", "2"):
        path = tmp_path / f"{threads}.npz"
        environment = os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        subprocess.run([sys.executable, "-c", SCRIPT, str(path)], env=environment, check=True, timeout=120)
        results.append(np.load(path))
    assert set(results[0]) == set(results[1])
    for name in results[0]:
        np.testing.assert_allclose(results[0][name], results[1][name], atol=1e-9, err_msg=name)


def test_bases_do_not_depend_on_rounding(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same irreducible matrices when every eigenvector is perturbed and every eigenspace turned at random."""
    expected = irreps(group)
    plain = np.linalg.eigh
    rng = np.random.default_rng(5)

    def turned(a, *args, **kwargs):
        values, vectors = plain(a, *args, **kwargs)
        if a.shape != (group.order, group.order):
            return values, vectors
        cuts = np.flatnonzero(np.diff(values) > 1e-9) + 1
        spaces = [s @ np.linalg.qr(rng.standard_normal((s.shape[1],) * 2))[0] for s in np.split(vectors, cuts, axis=1)]
        return values, np.concatenate(spaces, axis=1) + 1e-13 * rng.standard_normal(vectors.shape)

    monkeypatch.setattr(module.np.linalg, "eigh", turned)
    again = irreps.__wrapped__(group)
    assert again is not expected
    for a, b in zip(expected, again, strict=True):
        assert a.type is b.type
        np.testing.assert_allclose(a.rep.matrices, b.rep.matrices, atol=1e-9)


def test_subspaces_that_do_not_add_up_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = np.linalg.eigh
    monkeypatch.setattr(module.np.linalg, "eigh", lambda a: (np.zeros(len(a)), plain(a)[1]))  # everything is one eigenspace
    with pytest.raises(RepresentationError, match=r"could not be told apart.*⟨χ, χ⟩ = 6"):
        irreps.__wrapped__(groups.cyclic(6))


def test_inaccurate_matrices_have_no_inner_product() -> None:
    c2 = groups.cyclic(2)
    skewed = Representation._of_matrices(c2, np.array([[[1.0]], [[-0.9]]]), "skewed")
    with pytest.raises(RepresentationError, match="not an integer"):
        inner_product(skewed, c2.trivial)
    with pytest.raises(RepresentationError, match="not an integer"):
        frobenius_schur(Representation._of_matrices(groups.cyclic(3), np.array([[[1.0]], [[0.9]], [[0.9]]]), "skewed"))
