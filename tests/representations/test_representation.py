import copy
import pickle

import numpy as np
import pytest

from symmdp import Representation, groups
from symmdp.errors import GroupError, GroupMismatchError, RepresentationError
from symmdp.representations import Kind


def test_homomorphism(rep: Representation) -> None:
    for g in rep.group:
        for h in rep.group:
            np.testing.assert_allclose(rep(g) @ rep(h), rep(rep.group.multiply(g, h)), atol=1e-12)


def test_identity_and_character(rep: Representation) -> None:
    np.testing.assert_array_equal(rep(0), np.eye(rep.dim))
    np.testing.assert_allclose(rep.character, [np.trace(rep(g)) for g in rep.group], atol=1e-12)
    for conjugates in rep.group.conjugacy_classes:
        np.testing.assert_allclose(rep.character[list(conjugates)], rep.character[conjugates[0]], atol=1e-12)


def test_kind_is_that_of_the_matrices(rep: Representation) -> None:
    m = rep.matrices.astype(float)
    signed = np.isin(m, (-1, 0, 1)).all() and (np.abs(m).sum(1) == 1).all() and (np.abs(m).sum(2) == 1).all()
    orthogonal = np.allclose(m.swapaxes(1, 2) @ m, np.eye(rep.dim), atol=1e-9)
    if signed and (m >= 0).all():
        expected = Kind.PERMUTATION
    elif signed:
        expected = Kind.SIGNED_PERMUTATION
    else:
        expected = Kind.ORTHOGONAL if orthogonal else Kind.INVERTIBLE
    assert rep.kind is expected
    assert (rep.source is not None) == signed
    if signed:
        assert rep.matrices.dtype == np.int64


def test_signed_permutations_act_by_gathering(rep: Representation) -> None:
    if rep.source is None or rep.sign is None:
        assert not rep.kind.is_signed_permutation
        return
    x = np.random.default_rng(0).standard_normal(rep.dim)
    for g in rep.group:
        np.testing.assert_array_equal(rep(g) @ x, rep.sign[g] * x[rep.source[g]])


def test_validation_accepts_its_own_matrices(rep: Representation) -> None:
    assert Representation(rep.group, rep.matrices).kind is rep.kind


def test_is_a_value(rep: Representation) -> None:
    twin = pickle.loads(pickle.dumps(rep))
    assert twin == rep == copy.deepcopy(rep)
    assert hash(twin) == hash(rep)
    assert repr(twin) == repr(rep)
    with pytest.raises(AttributeError, match="immutable"):
        rep.name = "other"
    with pytest.raises(ValueError, match="read-only"):
        twin.matrices[0, 0, 0] = 2


def test_algebra_agrees_with_the_matrices(pair: tuple[Representation, Representation]) -> None:
    a, b = pair
    for g in a.group:
        total = np.zeros((a.dim + b.dim,) * 2)
        total[: a.dim, : a.dim], total[a.dim :, a.dim :] = a(g), b(g)
        np.testing.assert_allclose((a + b)(g), total, atol=1e-12)
        np.testing.assert_allclose((a * b)(g), np.kron(a(g), b(g)), atol=1e-12)
    np.testing.assert_allclose((a + b).character, a.character + b.character, atol=1e-12)
    np.testing.assert_allclose((a * b).character, a.character * b.character, atol=1e-12)


def test_copies_and_dual(rep: Representation) -> None:
    assert 3 * rep == rep + rep + rep == rep * 3
    assert 1 * rep == rep
    for g in rep.group:
        np.testing.assert_allclose(rep.dual(g), np.linalg.inv(rep(g)).T, atol=1e-9)
    assert rep.dual.kind is rep.kind
    Representation(rep.group, rep.dual.matrices)  # is one


def test_restriction(rep: Representation) -> None:
    for s in rep.group:
        subgroup = rep.group.subgroup(s)
        restricted = rep.restrict(subgroup)
        assert restricted.group.order == rep.group.order_of(s)
        for h, g in enumerate(subgroup.embedding):
            np.testing.assert_allclose(restricted(h), rep(g), atol=1e-12)


def test_absolute_value_of_signed_permutations(rep: Representation) -> None:
    if rep.kind.is_signed_permutation:
        np.testing.assert_array_equal(rep.absolute.matrices, np.abs(rep.matrices))
        assert rep.absolute.kind is Kind.PERMUTATION
    else:
        with pytest.raises(RepresentationError, match="signed permutations"):
            _ = rep.absolute


def test_regular_representation(group: groups.Group) -> None:
    regular = group.regular
    for g in group:
        for h in group:
            assert regular(g)[group.multiply(g, h), h] == 1
    assert regular.character[0] == group.order
    assert (regular.character[1:] == 0).all()


def test_from_generators_agrees_with_all_matrices(rep: Representation) -> None:
    if rep.group.order > 1:
        images = [rep(s) for s in rep.group.generators]
        np.testing.assert_allclose(Representation.from_generators(rep.group, images).matrices, rep.matrices, atol=1e-12)
        by_name = dict(zip(rep.group.generators, images, strict=True))
        np.testing.assert_allclose(Representation.from_generators(rep.group, by_name).matrices, rep.matrices, atol=1e-12)


def test_repr_reads_well() -> None:
    c2 = groups.cyclic(2)
    assert repr(32 * c2.regular + c2.trivial) == "Representation(C2, 32 * regular + trivial, dim 65, permutation)"
    assert repr(2 * (c2.trivial + c2.regular)) == "Representation(C2, 2 * (trivial + regular), dim 6, permutation)"


C2, C4 = groups.cyclic(2), groups.cyclic(4)
QUARTER = np.array([[0.0, -1.0], [1.0, 0.0]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Representation(C2, np.ones((2, 2, 3))), "square"),
        (lambda: Representation(C2, np.eye(2)), "square"),
        (lambda: Representation(C2, [np.eye(2)]), "2 elements.*got 1"),
        (lambda: Representation(C2, [np.eye(2), np.eye(3)]), "one shape"),
        (lambda: Representation(C2, [np.eye(1), np.full((1, 1), np.nan)]), "element 1.*not finite"),
        (lambda: Representation(C2, [np.eye(1), np.full((1, 1), np.inf)]), "not finite"),
        (lambda: Representation(C2, [-np.eye(1), np.eye(1)]), "identity"),
        (lambda: Representation(C2, [np.eye(2), np.diag([1, 0])]), "element 1 is not invertible"),
        (lambda: Representation(C2, [np.eye(2), QUARTER]), r"Not a homomorphism: ρ\(1\) ρ\(1\)"),
        (lambda: Representation(C4, [np.eye(2), QUARTER, QUARTER, QUARTER]), r"ρ\(1\) ρ\(1\) differs from ρ\(1·1\) = ρ\(2\)"),
        (lambda: Representation(C2, np.zeros((2, 0, 0))), "at least one dimension"),
        (lambda: Representation(C2, [["a"], ["b"]]), "real numbers"),
        (lambda: Representation(C2, [np.eye(1), np.array([[-1 + 0.5j]])]), "complex numbers"),
        (lambda: Representation.from_generators(C2, [np.array([0, 0])]), "A permutation holds each of 0 … 1 once"),
        (lambda: C2.regular.restrict(C2), "Restrict to a Subgroup"),
        (lambda: Representation("C2", [np.eye(1)]), "symmdp Group"),
        (lambda: Representation.from_generators(C2, [QUARTER]), "Not a homomorphism"),
        (lambda: Representation.from_generators(C2, []), "1 generators"),
        (lambda: Representation.from_generators(C2, {0: QUARTER}), "No matrix is given for generator 1"),
        (lambda: Representation.from_generators(groups.dihedral(3), [np.eye(2), np.eye(3)]), "one size"),
        (lambda: 0 * C2.trivial, "at least 1"),
    ],
)
def test_bad_matrices(call, message: str) -> None:
    with pytest.raises(RepresentationError, match=message):
        call()


@pytest.mark.parametrize("operation", [lambda a, b: a + b, lambda a, b: a * b])
def test_two_groups_do_not_mix(operation) -> None:
    with pytest.raises(GroupMismatchError, match="two different groups"):
        operation(C2.regular, C4.trivial)
    with pytest.raises(GroupMismatchError, match="subgroup"):
        C2.regular.restrict(C4.subgroup(2))


def test_no_such_element() -> None:
    with pytest.raises(GroupError, match="no element"):
        C2.regular(2)
    with pytest.raises(GroupError, match="no element"):
        C2.regular(-1)
