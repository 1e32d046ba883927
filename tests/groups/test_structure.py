"""Subgroups, cosets, normal subgroups, quotients, homomorphisms and semidirect products."""

import itertools

import numpy as np
import pytest

from symmdp import groups
from symmdp.errors import GroupError
from symmdp.groups import Group


def isomorphic(a: Group, b: Group) -> bool:
    """Whether some images of a's generators extend to an isomorphism; by trying all."""
    if a.order != b.order:
        return False
    candidates = [[h for h in b if b.order_of(h) == a.order_of(s)] for s in a.generators]
    for images in itertools.product(*candidates):
        try:
            if groups.homomorphism(a, b, images).is_injective:
                return True
        except GroupError:
            continue
    return False


ISOMORPHIC = [
    (groups.klein_four(), groups.direct_product(groups.cyclic(2), groups.cyclic(2))),
    (groups.klein_four(), groups.dihedral(2)),
    (groups.tetrahedral(), groups.alternating(4)),
    (groups.octahedral(), groups.symmetric(4)),
    (groups.icosahedral(), groups.alternating(5)),
    (groups.semidirect_product(groups.cyclic(5), groups.cyclic(2), {1: [0, 4, 3, 2, 1]}), groups.dihedral(5)),
    (groups.semidirect_product(groups.cyclic(3), groups.cyclic(2), {1: [0, 1, 2]}), groups.cyclic(6)),
    (groups.semidirect_product(groups.klein_four(), groups.cyclic(3), {1: [0, 2, 3, 1]}), groups.alternating(4)),
]


@pytest.mark.parametrize(("a", "b"), ISOMORPHIC, ids=[f"{a.name} ≅ {b.name}" for a, b in ISOMORPHIC])
def test_groups_that_are_isomorphic(a: Group, b: Group) -> None:
    assert isomorphic(a, b)


def test_groups_that_are_not() -> None:
    assert not isomorphic(groups.klein_four(), groups.cyclic(4))
    assert not isomorphic(groups.quaternion(), groups.dihedral(4))
    assert not isomorphic(groups.tetrahedral(), groups.dihedral(6))


def test_cosets_partition_the_group(group: Group) -> None:
    for normal in [group.subgroup(*group.generators[:1]), group.subgroup()]:
        cosets = normal.left_cosets
        assert cosets[0] == normal.embedding
        assert len(cosets) == normal.index
        assert sorted(g for coset in cosets for g in coset) == list(group)
        for coset in cosets:
            assert {group.multiply(coset[0], h) for h in normal.embedding} == set(coset)


# From the literature: the orders of all normal subgroups.
@pytest.mark.parametrize(
    ("group", "orders"),
    [
        (groups.trivial(), [1]),
        (groups.cyclic(12), [1, 2, 3, 4, 6, 12]),
        (groups.klein_four(), [1, 2, 2, 2, 4]),
        (groups.dihedral(4), [1, 2, 4, 4, 4, 8]),
        (groups.quaternion(), [1, 2, 4, 4, 4, 8]),
        (groups.symmetric(4), [1, 4, 12, 24]),
        (groups.symmetric(5), [1, 60, 120]),
        (groups.icosahedral(), [1, 60]),
    ],
    ids=lambda value: value.name if isinstance(value, Group) else "",
)
def test_normal_subgroups(group: Group, orders: list[int]) -> None:
    found = groups.normal_subgroups(group)
    assert [normal.group.order for normal in found] == orders
    for normal in found:
        assert normal.is_normal
        members = set(normal.embedding)
        assert all({group.multiply(group.multiply(g, h), group.inverse(g)) for h in members} == members for g in group)


def test_quotients(group: Group) -> None:
    for normal in groups.normal_subgroups(group):
        projection = groups.quotient(normal)
        assert projection.target.order == normal.index
        assert projection.is_surjective
        assert projection.kernel.embedding == normal.embedding
        table = np.array(projection.images)
        np.testing.assert_array_equal(table[group.cayley_table], projection.target.cayley_table[np.ix_(table, table)])


def test_a_subgroup_that_is_not_normal_has_no_quotient() -> None:
    s3 = groups.symmetric(3)
    swap = s3.subgroup(next(g for g in s3 if s3.order_of(g) == 2))
    assert not swap.is_normal
    with pytest.raises(GroupError, match="not normal"):
        groups.quotient(swap)


def test_homomorphism_keeps_every_product() -> None:
    s4, c2 = groups.symmetric(4), groups.cyclic(2)
    sign = groups.homomorphism(s4, c2, [1, 1])
    for g, h in itertools.product(s4, s4):
        assert sign(s4.multiply(g, h)) == c2.multiply(sign(g), sign(h))
    assert sign.kernel.group.order == 12
    assert sign.image.group.order == 2
    assert isomorphic(sign.kernel.group, groups.alternating(4))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([1], "2 generators .* got 1 images"),
        ({1: 1}, "No image is given for generator 4"),
        ([1, 9], "9 is no element of C2"),
        ([1, 0.5], "0.5 is no element of C2"),
    ],
)
def test_bad_images(images, message: str) -> None:
    with pytest.raises(GroupError, match=message):
        groups.homomorphism(groups.dihedral(4), groups.cyclic(2), images)


def test_a_broken_relation_is_named() -> None:
    with pytest.raises(GroupError, match="has the relation 1·1·1·1 = e, which"):
        groups.homomorphism(groups.cyclic(4), groups.cyclic(3), [1])
    with pytest.raises(GroupError, match="relation"):
        groups.homomorphism(groups.symmetric(3), groups.cyclic(6), [3, 2])


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ({}, "No automorphism of C5 is given for generator 1 of C2"),
        ({1: [0, 1, 2]}, "each once"),
        ({1: [0, 0, 2, 3, 4]}, "each once"),
        ({1: [0, 1, 2, 4, 3]}, "no automorphism of C5: it sends"),
        ({1: [0, 2, 4, 1, 3]}, r"relations of C2, but not: 1·1 = e"),
    ],
)
def test_bad_semidirect_products(action, message: str) -> None:
    with pytest.raises(GroupError, match=message):
        groups.semidirect_product(groups.cyclic(5), groups.cyclic(2), action)


@pytest.mark.parametrize("n", [0, -1, 1.5])
def test_alternating_takes_a_positive_integer(n) -> None:
    with pytest.raises(GroupError, match="alternating"):
        groups.alternating(n)


@pytest.mark.parametrize("n", range(1, 8))
def test_alternating_is_half_of_symmetric(n: int) -> None:
    group = groups.alternating(n)
    assert group.order == max(1, int(np.prod(np.arange(1, n + 1))) // 2)
    assert group.closure_of(group.generators) == set(group)
