"""Two layers with one intermediate representation: why they may be stacked, and of which sizes they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symmdp.practical._answers import array, by_name, choice, fail, first_match, function, integer, matrices

L = np.stack([np.eye(4), -np.eye(4)])
"""`L_g` of CartPole."""
K = np.stack([np.eye(2), np.eye(2)[::-1]])
"""`K_g` of CartPole."""

_REASONS = ("f1 is equivariant", "f2 is equivariant", "definition of f")


def stacking(reasons: object) -> str:
    """Why `f(L_g x) = f₂(f₁(L_g x)) = f₂(P_g f₁(x)) = K_g f₂(f₁(x)) = K_g f(x)`."""
    found = by_name(reasons, "reasons", ["a", "b", "c", "d"])
    right = {"a": _REASONS[2], "b": _REASONS[0], "c": _REASONS[1], "d": _REASONS[2]}
    answers = {step: choice(found[step], f"reasons[{step!r}]", _REASONS) for step in right}
    if answers["b"] == right["c"] and answers["c"] == right["b"]:
        fail("You have b and c the wrong way round: L_g stands inside f1, so it is f1 that must let it through first.")
    for step, expected in right.items():
        if answers[step] != expected:
            fail(f"Step {step} is not because of {answers[step]!r}. Look which function stands next to L_g, P_g or K_g there.")
    return "Each layer passes the group on to the next."


def hidden_representation(get_hidden: object) -> str:
    """`copies` of the regular representation of CartPole's group, `P_g = I ⊗ swap` up to the order of the units."""
    asked = function(get_hidden, "get_hidden_group_representations")
    for copies in (1, 3):
        found = matrices(asked(copies), f"your list of hidden matrices for {copies} copies", 2, (2 * copies, 2 * copies))
        check_hidden(found, copies)
    return "Each pair of hidden units changes places in the mirror."


def check_hidden(found: NDArray[np.float64], copies: int) -> None:
    """Copies of the regular representation, in any order of the units.

    Raises:
        WrongAnswerError: they are not.
    """
    one = np.eye(2 * copies)
    if not np.allclose(found[0], one):
        second = np.allclose(found[1], one)
        fail(f"The identity is {'the second of' if second else 'missing among'} your hidden matrices; it comes first.")
    P = found[1]
    if np.allclose(P, one):
        fail(
            "Your P_g is the identity, so every hidden unit is invariant. But W = W L_g = −W leaves W₁ = 0 only: nothing gets "
            "through. The units must move."
        )
    if np.allclose(P, -one):
        fail(
            "Your P_g is −1, the sign representation. It is a representation, but ReLU does not commute with it, and a bias "
            "would have to be zero. Take the regular one: two units that change places."
        )
    if not np.allclose(P @ P, one):
        fail("Your P_g is not the inverse of itself: P_g P_g should be the identity, as the mirror undoes itself.")
    if not (np.isclose(P, 0) | np.isclose(P, 1)).all() or not np.allclose(P.sum(axis=1), 1):
        fail(
            "Your P_g is no permutation matrix (one 1 in each row and column, else 0); any nonlinearity is safe on those only."
        )
    if not np.isclose(np.trace(P), 0):
        fail(
            f"Your P_g leaves {np.trace(P):g} units in their place. In copies of the regular representation every unit moves: "
            "its character is |G| at the identity, and 0 elsewhere."
        )


def two_layers(group_1: object, group_2: object, W_1: object, W_2: object, W_1_sym: object, W_2_sym: object) -> str:
    """The groups of both layers, and the symmetrized weights."""
    first, second = array(W_1, "W_1"), array(W_2, "W_2")
    if first.ndim != 2 or first.shape[1] != 4 or second.shape != (2, first.shape[0]) or first.shape[0] % 2:
        fail(f"W_1 and W_2 were changed: they have the shapes {first.shape} and {second.shape}. Restore their cell.")
    width = first.shape[0]
    P = _pair(group_1, "group_1", (4, 4), (width, width))[1]
    check_hidden(P, width // 2)
    inner, outer = _pair(group_2, "group_2", (width, width), (2, 2))
    if not np.allclose(inner, P):
        fail("The input of layer 2 is the output of layer 1, so group_2 starts with the P_g that group_1 ends with.")
    if not np.allclose(outer, K):
        fail("group_2 should end with K_g, the action representation: the identity, and the swap of both actions.")
    for name, W, found, rep_in, rep_out in (
        ("W_1_sym", first, W_1_sym, L, P),
        ("W_2_sym", second, W_2_sym, P, K),
    ):
        symmetrized = array(found, name, W.shape)
        right = sum(np.linalg.inv(o) @ W @ i for i, o in zip(rep_in, rep_out, strict=True)) / 2
        if np.allclose(symmetrized, right, atol=1e-5):
            continue
        mistakes = {"it is W itself: symmetrize it": W, "the factor 1/|G| is missing": 2 * right}
        said = first_match(symmetrized, mistakes)
        if said is None:
            equivariant = all(
                np.allclose(o @ symmetrized, symmetrized @ i, atol=1e-5) for i, o in zip(rep_in, rep_out, strict=True)
            )
            said = (
                f"it is equivariant, but not what becomes of {name[:3]}: did you symmetrize another matrix?"
                if equivariant
                else "K_g W = W L_g does not hold for it: was it symmetrized with the other layer's group?"
            )
        fail(f"{name} is wrong: {said}")
    return "Both layers are equivariant, and they fit together."


def _pair(group: object, name: str, shape_in: tuple[int, int], shape_out: tuple[int, int]) -> tuple[NDArray, NDArray]:
    if not isinstance(group, tuple | list) or len(group) != 2:
        fail(f"{name} should be a list of two lists, [representation of the inputs, representation of the outputs].")
    shapes = [
        np.shape(part[0]) if isinstance(part, tuple | list) and part and not isinstance(part[0], list) else None
        for part in group
    ]
    if shapes[0] == shape_out and shapes[1] == shape_in and shape_in != shape_out:
        fail(f"{name} has its two lists the wrong way round: first the representation of the inputs, then of the outputs.")
    inner = matrices(group[0], f"the first list of {name} (inputs)", 2, shape_in)
    outer = matrices(group[1], f"the second list of {name} (outputs)", 2, shape_out)
    if name == "group_1" and not np.allclose(inner, L):
        fail("group_1 should start with L_g, the state representation: the identity, and −1.")
    return inner, outer


def parameter_counts(counts: object) -> str:
    """How many numbers are free in a network 4 → 8 → 2, of all and of the equivariant ones."""
    right = {"W_1": (32, 16), "b_1": (8, 4), "W_2": (16, 8), "b_2": (2, 1)}
    found = by_name(counts, "counts", list(right))
    for name, (total, free) in right.items():
        answer = found[name]
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            fail(f"counts[{name!r}] should be two numbers: of all weights, and of the equivariant ones.")
        given = [integer(value, f"counts[{name!r}]") for value in answer]
        if given == [free, total]:
            fail(f"counts[{name!r}] is the wrong way round: first all, then the equivariant ones.")
        if given[0] != total:
            fail(f"counts[{name!r}] starts with {given[0]}; {name} has as many entries as rows times columns. Here h = 8.")
        if given[1] == total and name.startswith("b"):
            fail(
                f"counts[{name!r}]: a bias is free only where the group leaves it: b = P_g b makes both units of a pair equal."
            )
        if given[1] != free:
            fail(
                f"counts[{name!r}] ends with {given[1]}. Use the characters: (χ_out(e) χ_in(e) + χ_out(g) χ_in(g)) / 2, where "
                "a bias has χ_in = 1."
            )
    return "Half of them: 29 in place of 58."
