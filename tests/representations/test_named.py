import math
from itertools import permutations

import numpy as np
import pytest

from symmdp import Representation, groups
from symmdp.errors import GroupMismatchError, RepresentationError
from symmdp.groups import Group
from symmdp.representations import (
    Kind,
    cosets,
    determinant,
    exterior_square,
    induced,
    inner_product,
    irreps,
    is_irreducible,
    letters,
    plane,
    rotations,
    sign,
    standard,
    symmetric_square,
)


def assert_homomorphism(rep: Representation) -> None:
    np.testing.assert_allclose(rep(0), np.eye(rep.dim), atol=1e-12)
    m = np.array(rep.matrices)
    for h in rep.group:
        np.testing.assert_allclose(m @ m[h], m[rep.group.cayley_table[:, h]], atol=1e-12)


@pytest.mark.parametrize("n", range(1, 6))
def test_letters_sign_and_standard_of_symmetric_groups(n: int) -> None:
    group = groups.symmetric(n)
    natural = letters(group)
    assert natural.kind is Kind.PERMUTATION
    assert_homomorphism(natural)
    for g, images in enumerate(permutations(range(n))):
        for x in range(n):
            assert natural(g)[images[x], x] == 1
        assert sign(group)(g)[0, 0] == round(np.linalg.det(np.eye(n)[list(images)]))
    assert_homomorphism(sign(group))
    if n > 1:
        assert standard(group).dim == n - 1
        assert standard(group).kind.is_orthogonal
        assert_homomorphism(standard(group))
        assert is_irreducible(standard(group))
        np.testing.assert_allclose(natural.character, 1 + standard(group).character, atol=1e-12)
        # Steinberg: the standard representation times the sign is the other one of the same dimension.
        assert is_irreducible(standard(group) * sign(group))


@pytest.mark.parametrize("n", range(3, 6))
def test_letters_of_alternating_groups(n: int) -> None:
    group = groups.alternating(n)
    assert_homomorphism(letters(group))
    assert letters(group).dim == n
    assert sign(group).is_trivial
    assert is_irreducible(standard(group))
    assert_homomorphism(standard(group))


@pytest.mark.parametrize("call", [letters, sign, standard])
def test_no_letters(call) -> None:
    for group in (groups.cyclic(6), groups.octahedral(), groups.icosahedral(), groups.cyclic(4), groups.dihedral(60)):
        with pytest.raises(RepresentationError, match=r"symmetric\(n\) or groups.alternating"):
            call(group)


def test_one_letter_has_no_standard_representation() -> None:
    with pytest.raises(RepresentationError, match="dimension 0"):
        standard(groups.symmetric(1))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 8, 12])
def test_plane(n: int) -> None:
    for group in (groups.cyclic(n), groups.dihedral(n)):
        for frequency in (1, 2, 3):
            rep = plane(group, frequency)
            assert_homomorphism(rep)
            assert rep.kind.is_orthogonal
            assert rep.kind.is_signed_permutation == (4 * frequency % n == 0)
        if n > 1:
            angle = 2 * np.pi / n
            turn = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
            np.testing.assert_allclose(plane(group)(1), turn, atol=1e-15)
    if n > 1:
        np.testing.assert_array_equal(plane(groups.dihedral(n))(n), np.diag([1, -1]))


def test_the_planes_are_the_irreducible_ones() -> None:
    group = groups.dihedral(12)
    planes = {tuple(np.round(plane(group, k).character, 9)) for k in range(1, 6)}
    assert planes == {tuple(np.round(i.rep.character, 9) + 0) for i in irreps(group) if i.dim == 2}


@pytest.mark.parametrize("call", [plane, rotations])
def test_no_plane_and_no_rotations(call) -> None:
    for group in (groups.symmetric(4), groups.alternating(4), groups.alternating(5), groups.quaternion()):
        with pytest.raises(RepresentationError, match=r"own numbering.*from_generators"):
            call(group)


@pytest.mark.parametrize("build", [groups.tetrahedral, groups.octahedral, groups.icosahedral])
def test_rotations(build) -> None:
    group = build()
    rep = rotations(group)
    assert_homomorphism(rep)
    assert is_irreducible(rep)
    np.testing.assert_allclose(np.linalg.det(rep.matrices), 1, atol=1e-12)
    assert len({tuple(np.round(m, 6).ravel()) for m in rep.matrices}) == group.order  # faithful
    for g in group:  # a turn by 2π/k has the trace 1 + 2 cos(2πj/k)
        k = group.order_of(g)
        assert min(abs(rep.character[g] - 1 - 2 * math.cos(2 * math.pi * j / k)) for j in range(k)) < 1e-12
    # Axial vectors turn as vectors do.
    np.testing.assert_allclose(exterior_square(rep).character, rep.character, atol=1e-12)


def test_determinant(rep: Representation) -> None:
    found = determinant(rep)
    np.testing.assert_allclose(found.character, [np.linalg.det(rep(g)) for g in rep.group], atol=1e-9)
    assert found.kind.is_signed_permutation
    assert_homomorphism(found)


def subgroups(group: Group) -> list:
    return [group.subgroup(), *[group.subgroup(s) for s in group.generators], group.subgroup(*group.generators)]


def test_cosets(group: Group) -> None:
    assert cosets(group.subgroup()) == group.regular
    assert cosets(group.subgroup(*group.generators)).is_trivial
    for subgroup in subgroups(group):
        rep = cosets(subgroup)
        assert rep.dim == subgroup.index
        assert rep.kind is Kind.PERMUTATION
        assert_homomorphism(rep)
        # Burnside: one orbit, so the mean number of fixed cosets is 1; and they are counted by hand.
        assert sum(rep.character) == group.order
        assert inner_product(rep, group.trivial) == 1
        for g in group:
            fixed = sum({group.multiply(g, x) for x in coset} == set(coset) for coset in subgroup.left_cosets)
            assert rep.character[g] == fixed


def test_frobenius_reciprocity(group: Group) -> None:
    for subgroup in subgroups(group):
        for small in irreps(subgroup.group):
            rep = induced(small.rep, subgroup)
            assert rep.dim == subgroup.index * small.dim
            assert_homomorphism(rep)
            assert rep.kind.is_orthogonal
            if small.rep.kind.is_signed_permutation:
                assert rep.kind.is_signed_permutation
            for large in irreps(group):
                assert inner_product(rep, large.rep) == inner_product(small.rep, large.rep.restrict(subgroup))


def test_induction_keeps_sums_and_the_whole_group(group: Group) -> None:
    whole = group.subgroup(*group.generators)
    for irrep in irreps(group):
        np.testing.assert_allclose(induced(irrep.rep, whole).matrices, irrep.rep.matrices, atol=1e-15)
    small = group.subgroup()
    assert induced(3 * small.group.trivial, small).character[0] == 3 * group.order


def test_induced_needs_the_subgroup() -> None:
    group = groups.cyclic(4)
    with pytest.raises(GroupMismatchError, match="restrict"):
        induced(group.regular, group.subgroup(2))


def test_squares_make_up_the_tensor_square(rep: Representation) -> None:
    symmetric = symmetric_square(rep)
    assert symmetric.dim == rep.dim * (rep.dim + 1) // 2
    assert_homomorphism(symmetric)
    assert not rep.kind.is_signed_permutation or symmetric.kind.is_signed_permutation
    assert symmetric.kind.is_orthogonal or not rep.kind.is_orthogonal
    squares = rep.character[np.diagonal(rep.group.cayley_table)]
    np.testing.assert_allclose(symmetric.character, (rep.character**2 + squares) / 2, atol=1e-10)
    if rep.dim == 1:
        with pytest.raises(RepresentationError, match="dimension 0"):
            exterior_square(rep)
        return
    exterior = exterior_square(rep)
    assert exterior.dim == rep.dim * (rep.dim - 1) // 2
    assert_homomorphism(exterior)
    assert not rep.kind.is_signed_permutation or exterior.kind.is_signed_permutation
    assert exterior.kind.is_orthogonal or not rep.kind.is_orthogonal
    np.testing.assert_allclose(exterior.character + symmetric.character, (rep * rep).character, atol=1e-10)


def test_squares_act_on_tensors(rep: Representation) -> None:
    """`Λ²ρ` and `S²ρ` are the tensor square on antisymmetric and symmetric tensors, in the stated bases."""
    d = rep.dim
    for square, parity in ((symmetric_square, 1), (exterior_square, -1)):
        if parity == -1 and d == 1:
            continue
        basis = []
        for i in range(d):
            for j in range(i if parity == 1 else i + 1, d):
                e = np.zeros((d, d))
                e[i, j] += 1
                e[j, i] += parity
                basis.append(e.ravel() / np.linalg.norm(e))
        b = np.array(basis).T
        for g in rep.group:
            np.testing.assert_allclose(square(rep)(g), b.T @ np.kron(rep(g), rep(g)) @ b, atol=1e-12)
