"""Outer tensor products over direct products, and the action of wreath products on slots."""

import numpy as np
import pytest

from symmdp import Representation, groups
from symmdp.errors import RepresentationError
from symmdp.representations import imprimitive, outer

C2, C3, S3 = groups.cyclic(2), groups.cyclic(3), groups.symmetric(3)
SIGN = Representation(C2, [[[1]], [[-1]]], "sign")


@pytest.mark.parametrize(("a", "b"), [(C3.regular, S3.regular), (SIGN, S3.regular), (S3.regular, S3.trivial), (SIGN, SIGN)])
def test_outer_products(a: Representation, b: Representation) -> None:
    product = groups.direct_product(a.group, b.group)
    rep = outer(product, a, b)
    for g in a.group:
        for h in b.group:
            np.testing.assert_array_equal(rep(g * b.group.order + h), np.kron(a(g), b(h)))


def test_signed_permutations_of_coordinates() -> None:
    """C2 ≀ S3 on signed coordinates: all 48 signed permutation matrices, each once."""
    group = groups.wreath_product(C2, 3)
    rep = imprimitive(group, SIGN, 3)
    assert group.order == 48 == len({rep(g).tobytes() for g in group})
    assert all((np.abs(rep(g)).sum(0) == 1).all() and (np.abs(rep(g)).sum(1) == 1).all() for g in group)


def test_slots_carry_the_representation() -> None:
    group = groups.wreath_product(C3, 2)
    rep = imprimitive(group, C3.regular, 2)
    assert rep.dim == 6
    assert rep.kind == "permutation"
    images = np.stack([rep(s) for s in group.generators])
    np.testing.assert_array_equal(images[0], np.kron(np.diag([1, 0]), C3.regular(1)) + np.kron(np.diag([0, 1]), np.eye(3)))
    np.testing.assert_array_equal(images[1], np.kron([[0, 1], [1, 0]], np.eye(3)))


def test_another_group_is_refused() -> None:
    with pytest.raises(RepresentationError, match="direct product"):
        outer(C2, SIGN, SIGN)
    with pytest.raises(RepresentationError, match="wreath product"):
        imprimitive(C2, SIGN, 3)
