import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symmdp import groups
from symmdp.errors import GroupError


@pytest.mark.parametrize(
    ("group", "order", "classes", "abelian"),
    [
        (groups.trivial(), 1, 1, True),
        (groups.cyclic(7), 7, 7, True),
        (groups.dihedral(4), 8, 5, False),
        (groups.dihedral(5), 10, 4, False),
        (groups.symmetric(4), 24, 5, False),
        (groups.symmetric(5), 120, 7, False),
        (groups.quaternion(), 8, 5, False),
        (groups.direct_product(groups.cyclic(2), groups.cyclic(3)), 6, 6, True),
    ],
)
def test_order_classes_and_commutativity(group: groups.Group, order: int, classes: int, abelian: bool) -> None:
    assert (group.order, len(group.conjugacy_classes), group.is_abelian) == (order, classes, abelian)


def test_dihedral_relations() -> None:
    for n in range(1, 8):
        d = groups.dihedral(n)
        r, s = 1 % n, n
        assert d.order_of(s) == 2
        assert d.order_of(r) == n
        assert d.multiply(d.multiply(s, r), s) == d.inverse(r)


def test_quaternion_relations() -> None:
    q = groups.quaternion()
    i, j = q.generators
    k, minus = q.multiply(i, j), q.multiply(i, i)
    assert q.multiply(j, j) == q.multiply(k, k) == q.multiply(q.multiply(i, j), k) == minus
    assert minus != 0
    assert q.multiply(minus, minus) == 0
    assert sorted(q.order_of(g) for g in q) == [1, 2, 4, 4, 4, 4, 4, 4]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5).flatmap(lambda n: st.lists(st.permutations(range(n)), min_size=1, max_size=3)))
def test_generated_by_permutations_agrees_with_their_matrices(permutations: list[list[int]]) -> None:
    by_letters = groups.generated_by(*[np.array(p) for p in permutations])
    by_integers = groups.generated_by(*[np.eye(len(p), dtype=int)[p].T for p in permutations])
    by_floats = groups.generated_by(*[np.eye(len(p))[p].T for p in permutations])
    assert by_letters == by_integers == by_floats
    assert by_letters.generators == by_integers.generators


def test_generated_by_a_rotation_is_cyclic() -> None:
    for n in (1, 2, 3, 7, 12, 60):
        angle = 2 * np.pi / n
        rotation = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        assert groups.generated_by(rotation) == groups.cyclic(n)


def test_a_rounding_boundary_does_not_split_an_element() -> None:
    # An entry that lies on the boundary of the rounding that tells elements apart: products land on both sides.
    shear = np.array([[1.0, 0.1234565], [0.0, 1.0]])
    turn = np.array([[0.0, -1.0], [1.0, 1.0]])  # order 6
    assert groups.generated_by(shear @ turn @ np.linalg.inv(shear)).order == 6


def test_symmetric_group_composes_functions() -> None:
    s3 = groups.symmetric(3)
    letters = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    for g, p in enumerate(letters):
        for h, q in enumerate(letters):
            assert letters[s3.multiply(g, h)] == tuple(p[q[x]] for x in range(3))


def test_subgroups() -> None:
    d4 = groups.dihedral(4)
    rotations = d4.subgroup(1)
    assert rotations.group == groups.cyclic(4)
    assert rotations.embedding == (0, 1, 2, 3)
    assert rotations.index == 2
    assert d4.subgroup(4).group == groups.cyclic(2)
    assert d4.subgroup().group == groups.trivial()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: groups.cyclic(0), "n ≥ 1"),
        (lambda: groups.dihedral(-1), "n ≥ 1"),
        (lambda: groups.cyclic(True), "integer"),
        (lambda: groups.symmetric(0), "n ≥ 1"),
        (lambda: groups.cyclic(2.5), "integer"),
        (lambda: groups.generated_by(), "at least one"),
        (lambda: groups.generated_by([[1, 2, 3], [4, 5, 6]]), "square"),
        (lambda: groups.generated_by([[np.nan, 0], [0, 1]]), "not finite"),
        (lambda: groups.generated_by([[1, 1], [1, 1]]), "not invertible"),
        (lambda: groups.generated_by([[0.5, 0.0], [0.0, 2.0]]), "infinite"),
        (lambda: groups.generated_by([[2, 0], [0, 1]]), "without bound"),
        (lambda: groups.generated_by([[1, 1], [0, 1]]), "more than 2048"),
        (lambda: groups.generated_by([[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]]), "more than 2048"),
        (lambda: groups.generated_by([1, 2, 3, 4, 0], [1, 0, 2, 3, 4], max_order=100), "more than 100"),
        (lambda: groups.generated_by([0, 0, 1]), "no permutation"),
        (lambda: groups.generated_by([1, 0], [[1]]), "one shape"),
        (lambda: groups.generated_by([["a", "b"], ["c", "d"]]), "real numbers"),
        (lambda: groups.generated_by([[1j, 0], [0, 1]]), "real numbers"),
        (lambda: groups.Group([[0, 1], [0, 1]]), "identity|each element once"),
        (lambda: groups.Group([[0, 1, 2], [1, 0, 1], [2, 1, 0]]), "once"),
        (lambda: groups.Group([[0.0]]), "integers"),
        (lambda: groups.Group([[0, 1], [1, 5]]), "elements 0 … 1"),
        (lambda: groups.Group([0, 1]), "square"),
        (lambda: groups.Group([[0, 1], [1, 0]], generators=[0]), "generate 1 of the 2"),
        (lambda: groups.Group([[0, 1], [1, 0]], generators=[2]), "no element"),
        (lambda: groups.cyclic(3).multiply(3, 0), "no element"),
        (lambda: groups.cyclic(3).inverse(-1), "no element"),
        (lambda: groups.cyclic(3).subgroup(7), "no element"),
    ],
)
def test_bad_input(call, message: str) -> None:
    with pytest.raises(GroupError, match=message):
        call()


def test_a_loop_that_is_no_group_is_refused() -> None:
    # A Latin square with identity that is not associative.
    loop = [[0, 1, 2, 3, 4], [1, 0, 3, 4, 2], [2, 4, 0, 1, 3], [3, 2, 4, 0, 1], [4, 3, 1, 2, 0]]
    with pytest.raises(GroupError, match="associative"):
        groups.Group(loop)
