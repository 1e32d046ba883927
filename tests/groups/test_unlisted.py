"""Groups too large to list: what needs generators alone works, and the rest says so."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch

from symmdp import EquivariantMaps, Representation, groups
from symmdp.errors import GroupError, RepresentationError
from symmdp.nn import EquivariantMLP
from symmdp.representations import imprimitive
from symmdp.testing import assert_equivariant, equivariance_error

C2 = groups.cyclic(2)
SIGN = Representation(C2, [[[1]], [[-1]]], "sign")
S16 = groups.symmetric(16)
SIGNED = groups.wreath_product(C2, 16)


def test_orders() -> None:
    assert S16.order == math.factorial(16)
    assert SIGNED.order == 2**16 * math.factorial(16)
    assert groups.alternating(9).order == math.factorial(9) // 2
    assert groups.direct_product(S16, C2).order == 2 * math.factorial(16)
    assert not S16.is_listed
    assert groups.symmetric(7).is_listed
    assert groups.wreath_product(C2, 4).is_listed
    assert groups.wreath_product(C2, 4).order == 384


@pytest.mark.parametrize(
    "enumerate_it",
    [
        lambda: S16.cayley_table,
        lambda: S16.elements,
        lambda: list(S16),
        lambda: S16.inverses,
        lambda: S16.inverse(1),
        lambda: S16.multiply(1, 1),
        lambda: S16.conjugacy_classes,
        lambda: S16.words,
        lambda: S16.order_of(1),
        lambda: S16.subgroup(1),
        lambda: S16.is_abelian,
        lambda: S16.regular,
        lambda: S16.natural.character,
    ],
)
def test_what_must_enumerate_says_so(enumerate_it) -> None:
    with pytest.raises(GroupError, match="S16 is known by its generators only"):
        enumerate_it()


def test_an_unknown_order_says_so() -> None:
    group = groups.unlisted([1, 2, 0, 3], [1, 0, 3, 2])
    with pytest.raises(GroupError, match=r"order .* is not known"):
        _ = group.order
    assert not groups.direct_product(group, C2).has_order  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: groups.unlisted(), "unlisted needs at least one"),
        (lambda: groups.unlisted([0, 0]), "no permutation"),
        (lambda: groups.unlisted([[1, 1], [0, 1]]), "infinite"),
        (lambda: groups.wreath_product(C2, 0), "n ≥ 1"),
        (lambda: groups.wreath_product(groups.unlisted([[-1]]), 3), "matrices only"),
        (lambda: S16.natural(3), "identity and generators are the integers 0 … 2"),
    ],
)
def test_bad_input(call, message: str) -> None:
    with pytest.raises(GroupError, match=message):
        call()


def test_values() -> None:
    assert pickle.loads(pickle.dumps(S16)) == S16 == copy.deepcopy(S16) == groups.symmetric(16)
    assert hash(groups.symmetric(16)) == hash(S16)
    assert groups.symmetric(17) != S16
    assert groups.symmetric(3) != S16
    assert repr(S16) == "Group(S16, order 20,922,789,888,000, 2 generators, not listed)"


@pytest.mark.parametrize(("swap", "cycle"), [(1, -1), (-1, 1)])
def test_matrices_that_break_a_relation_are_refused(swap: int, cycle: int) -> None:
    with pytest.raises(RepresentationError, match=r"relation \(.*\)\^\d+ = e"):
        Representation.from_generators(S16, [[[swap]], [[cycle]]])
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])  # of infinite order
    with pytest.raises(RepresentationError, match="relation"):
        Representation.from_generators(S16, [np.eye(2), turn])


def test_the_sign_of_a_permutation_is_a_representation() -> None:
    sign = Representation.from_generators(S16, [[[-1]], [[-1]]])
    assert EquivariantMaps(sign, S16.trivial).dim == 0
    assert EquivariantMaps(sign, sign).dim == 1


def test_the_natural_representation_moves_letters() -> None:
    swap, cycle = S16.natural(1), S16.natural(2)
    np.testing.assert_array_equal(swap @ np.arange(16), [1, 0, *range(2, 16)])
    np.testing.assert_array_equal(cycle @ np.eye(16)[0], np.eye(16)[1])


@pytest.mark.parametrize("n", [3, 4])
@pytest.mark.parametrize("which", ["letters", "pairs", "orthogonal"])
def test_unlisted_and_listed_groups_have_the_same_maps(n: int, which: str) -> None:
    """The same generators with and without a list of the elements."""
    letters = [[1, 0, *range(2, n)], [*range(1, n), 0]]
    listed, unlisted = groups.generated_by(*letters), groups.unlisted(*letters)
    mix = np.linalg.qr(np.random.default_rng(0).standard_normal((n, n)))[0]
    found = []
    for group in (listed, unlisted):
        rep = Representation.from_generators(group, [np.array(p) for p in letters])
        if which == "pairs":
            rep = rep * rep + rep
        if which == "orthogonal":
            rep = Representation.from_generators(group, [mix @ rep(s) @ mix.T for s in group.generators])
        maps = EquivariantMaps(rep, rep)
        W = np.random.default_rng(1).standard_normal(maps.shape)
        S = maps.symmetrize(W)
        np.testing.assert_allclose(maps.symmetrize(torch.tensor(W)), S, atol=1e-12)
        found.append((maps.dim, S))
    assert found[0][0] == found[1][0]
    np.testing.assert_allclose(found[0][1], found[1][1], atol=1e-12)


def test_what_no_generator_tells_is_refused() -> None:
    sheared = [np.array([[1.0, 1.0], [0.0, -1.0]])]
    rep = Representation.from_generators(groups.unlisted(*sheared), sheared)
    assert EquivariantMaps(rep, rep).dim == 2
    with pytest.raises(GroupError, match="averages over every element"):
        EquivariantMaps(rep, rep).symmetrize(np.eye(2))


def test_maps_of_all_signed_permutations() -> None:
    coordinates = imprimitive(SIGNED, SIGN, 16)
    assert EquivariantMaps(2 * coordinates, 2 * coordinates).dim == 4  # each pair of copies: multiples of 1
    assert EquivariantMaps(coordinates, SIGNED.trivial).dim == 0
    assert EquivariantMaps(coordinates.absolute, coordinates.absolute).dim == 2


def test_networks_over_agents() -> None:
    agents = S16.natural
    network = EquivariantMLP(3 * agents, agents + S16.trivial, hidden=(4 * agents, 4 * agents + 2 * S16.trivial))
    network = network.double()
    assert_equivariant(network, 3 * agents, agents + S16.trivial)
    permutation = np.random.default_rng(0).permutation(16)  # one that is no generator
    x = torch.randn(5, 3, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    moved = network(x[:, :, permutation].flatten(1))
    expected = network(x.flatten(1))
    torch.testing.assert_close(moved[:, :16], expected[:, permutation], atol=1e-12, rtol=0)
    torch.testing.assert_close(moved[:, 16], expected[:, 16], atol=1e-12, rtol=0)


def test_equivariance_is_checked_on_generators() -> None:
    """The negative control: a map that treats the first agent differently."""
    agents = S16.natural

    def first_is_special(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([2 * x[..., :1], x[..., 1:]], dim=-1)

    assert equivariance_error(first_is_special, agents, agents) > 0.1
