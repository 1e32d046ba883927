"""The axioms of a group, for every constructor."""

import copy
import pickle

import numpy as np
import pytest

from symmdp.groups import Group


def test_identity(group: Group) -> None:
    for g in group:
        assert group.multiply(0, g) == g == group.multiply(g, 0)


def test_inverse(group: Group) -> None:
    for g in group:
        assert group.multiply(g, group.inverse(g)) == 0 == group.multiply(group.inverse(g), g)


def test_associative(group: Group) -> None:
    table = group.cayley_table
    np.testing.assert_array_equal(table[table], table[np.arange(group.order)[:, None, None], table])


def test_closed(group: Group) -> None:
    for row in group.cayley_table:
        assert sorted(row) == list(group)


def test_generators_generate(group: Group) -> None:
    assert group.closure_of(group.generators) == set(group)


def test_words_spell_their_elements(group: Group) -> None:
    for g, word in enumerate(group.words):
        product = 0
        for s in word:
            product = group.multiply(product, s)
        assert product == g


def test_conjugacy_classes_partition_the_group(group: Group) -> None:
    classes = group.conjugacy_classes
    assert sorted(g for c in classes for g in c) == list(group)
    for c in classes:
        assert group.order % len(c) == 0
        for g in c:
            for h in group:
                assert group.multiply(group.multiply(h, g), group.inverse(h)) in c


def test_the_table_passes_its_own_validation(group: Group) -> None:
    assert Group(group.cayley_table, group.generators) == group


def test_orders_of_elements_divide_the_order(group: Group) -> None:
    for g in group:
        assert group.order % group.order_of(g) == 0


def test_is_a_value(group: Group) -> None:
    twin = pickle.loads(pickle.dumps(group))
    assert twin == group == copy.deepcopy(group)
    assert hash(twin) == hash(group)
    assert twin.name == group.name
    with pytest.raises(AttributeError, match="immutable"):
        group.name = "other"
    with pytest.raises(ValueError, match="read-only"):
        group.cayley_table[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        twin.cayley_table[0, 0] = 1
