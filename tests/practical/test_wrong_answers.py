"""Typical wrong answers to notebooks 1 and 2, each caught by the right message."""

from typing import Any

import numpy as np
import pytest
import torch

from symmdp.errors import WrongAnswerError
from symmdp.practical import check

I4, I2, SWAP = torch.eye(4), torch.eye(2), torch.tensor([[0.0, 1.0], [1.0, 0.0]])


def representations(states: Any, actions: Any) -> tuple[Any, Any]:
    return (lambda: states), (lambda: actions)


@pytest.mark.parametrize(
    ("states", "actions", "message"),
    [
        ([-I4], [SWAP], "should hold 2 matrices, one for each element of the group; it holds 1"),
        ([-I4, -I4], [I2, SWAP], "The identity is missing among your L matrices"),
        ([-I4, I4], [I2, SWAP], "The identity is the second of your L matrices"),
        ([I4, -I4], [SWAP, I2], "The identity is the second of your K matrices"),
        ([I4, torch.diag(torch.tensor([-1.0, -1, -1, 1]))], [I2, SWAP], "The sign of θ̇ does not change"),
        ([I4, torch.diag(torch.tensor([1.0, 1, -1, -1]))], [I2, SWAP], "The sign of x, ẋ does not change"),
        ([I4, I4.flip(0)], [I2, SWAP], "mixes coordinates"),
        ([I4, I4], [I2, SWAP], "second L_g is the identity again"),
        ([I4, -I4], [I2, I2], "second K_g is the identity: pushing left"),
        ([I4, -I4], [I2, -I2], "negative probabilities"),
        ([I4, -I4], [I2, torch.tensor([[0.0, -1.0], [1.0, 0.0]])], "Your K_g is not the inverse of itself"),
        ([I4, 2 * I4], [I2, SWAP], "Your L_g is not the inverse of itself"),
        ([I4, -I4], [I4, -I4], "has the shape 4 × 4; expected 2 × 2"),
        (I4, [I2, SWAP], "has the shape 4; expected 4 × 4"),
    ],
)
def test_representations(states, actions, message):
    with pytest.raises(WrongAnswerError) as caught:
        check("cartpole-representations", *representations(states, actions))
    assert message in str(caught.value)


def among(matrix, matrices, same=torch.allclose):
    return any(same(matrix, other) for other in matrices)


def one(matrices):
    return torch.eye(2, dtype=matrices[0].dtype)


def closed(matrices, same=torch.allclose):
    return all(among(a @ b, matrices, same) for a in matrices for b in matrices)


def invertible(matrices):
    return all(torch.linalg.det(matrix) != 0 for matrix in matrices)


GROUPS = {
    "the identity is missing": invertible,
    "it is not closed": lambda ms: among(one(ms), ms) and invertible(ms),
    "has no inverse": lambda ms: among(one(ms), ms) and closed(ms),
    "up to rounding": lambda ms: among(one(ms), ms) and invertible(ms) and closed(ms, torch.equal),
    "an element need not be its own inverse": lambda ms: among(one(ms), ms) and all(torch.allclose(m @ m, one(ms)) for m in ms),
    "whatever the order": lambda ms: torch.equal(ms[0], one(ms)) and invertible(ms) and closed(ms),
}


@pytest.mark.parametrize("message", list(GROUPS))
def test_group_axioms(message):
    with pytest.raises(WrongAnswerError, match=message):
        check("group-axioms", GROUPS[message])


@pytest.mark.parametrize(
    ("mirror", "message"),
    [
        (lambda s, a: (s, 1 - a), "wrong in x, ẋ, θ, θ̇"),
        (lambda s, a: (s * np.array([-1, -1, -1, 1]) if isinstance(s, np.ndarray) else s, 1 - a), "wrong in θ̇"),
        (lambda s, a: (-s, -a), "Actions are names"),
        (lambda s, a: (-s, a), "pushing left in the mirror is pushing right"),
        (lambda s, a: (-s, 0.5), "should be a whole number"),
        (lambda s, a: -s, "should return two things"),
        (lambda s, a: (np.multiply(s, -1, out=s) if isinstance(s, np.ndarray) else -s, 1 - a), "changes the state"),
    ],
)
def test_mirror_image(mirror, message):
    with pytest.raises(WrongAnswerError, match=message):
        check("mirror-image", mirror)


def test_composition_in_the_wrong_order(solved):
    table = solved(1)["composition_table"]
    with pytest.raises(WrongAnswerError, match="order of composition is wrong"):
        check("composition-table", lambda matrices: table(matrices).T)
    with pytest.raises(WrongAnswerError, match="start at 0"):
        check("composition-table", lambda matrices: table(matrices) + 1)
    with pytest.raises(WrongAnswerError, match="ρ_0 ρ_1 is element 1; you have 0"):
        check("composition-table", lambda matrices: 0 * table(matrices))


def error_of(step, mirror, states, difference, *, action=True, flags=True, rewards=True):
    worst = 0.0
    for state in states:
        for a in (0, 1):
            image, moved = mirror(state, a)
            one, other = step(state, a), step(image, moved if action else a)
            parts = [*difference(mirror(one[0], a)[0], one[0], other[0])]
            parts += [abs(one[1] - other[1])] if rewards else []
            parts += [abs(float(one[2]) - float(other[2]))] if flags else []
            worst = max(worst, *parts)
    return worst


@pytest.mark.parametrize(
    ("difference", "options", "message"),
    [
        (lambda m, s, t: np.abs(m - t), {"action": False}, "the action is not mirrored"),
        (lambda m, s, t: np.abs(s - t), {}, "the next state is not mirrored"),
        (lambda m, s, t: np.abs(m - t), {"rewards": False}, "the reward is not compared"),
        (lambda m, s, t: np.abs(m - t), {"flags": False}, "whether the episode ends is not compared"),
        (lambda m, s, t: m - t, {}, "negative ones count for nothing"),
    ],
)
def test_symmetry_error(difference, options, message):
    with pytest.raises(WrongAnswerError, match=message):
        check("symmetry-error", lambda step, mirror, states: error_of(step, mirror, states, difference, **options))


@pytest.mark.parametrize(
    ("exercise", "answers", "message"),
    [
        ("policy-in-the-mirror", ([0.8, 0.2], [0.5, 0.5]), "that would be an invariant policy"),
        ("policy-in-the-mirror", ([0.2, 0.8], [0.8, 0.2]), "the origin is its own mirror image"),
        ("policy-in-the-mirror", ([-0.8, 0.2], [0.5, 0.5]), "positive and sum to 1"),
        ("orbit-sizes", (2, 2), "an orbit is a set"),
        ("orbit-sizes", (4, 1), "here s and −s"),
        ("canonical-state", (np.abs,), "is no state of the orbit"),
        ("canonical-state", (lambda s: s,), "both are one orbit"),
        ("canonical-state", (lambda s: s if s[0] > 0 else -s,), "where x = 0"),
        ("dimensions", ((4, 2), 8, 4, 1), "the transpose"),
        ("dimensions", ((2, 4), 10, 4, 1), "counts the bias too"),
        ("dimensions", ((2, 4), 8, 8, 1), "would then hold for every W"),
        ("dimensions", ((2, 4), 8, 2, 1), "number of elements of G"),
        ("dimensions", ((2, 4), 8, 4, 2), "K b = b is needed"),
        ("equivariant-bias", ([1, -1], 0), "multiple of (1, −1)"),
        ("equivariant-bias", ([1, 2], 0), "The bias is not invariant"),
        ("equivariant-bias", ([0, 0], 0), "find one that is not zero"),
        ("equivariant-bias", ([1, 1], 1), "−b = b is needed"),
        ("effect-of-symmetrizer", ("both rows are equal",), "an invariant output"),
        ("effect-of-symmetrizer", ("each row sums to zero",), "is it true"),
        ("effect-of-symmetrizer", ("blue",), "expected one of"),
    ],
)
def test_short_answers(exercise, answers, message):
    with pytest.raises(WrongAnswerError) as caught:
        check(exercise, *answers)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("exercise", "variable", "place", "key", "wrong", "message"),
    [
        ("invariance-or-equivariance", "behaviour", 1, "square", "equivariant", "a more exact word"),
        ("invariance-or-equivariance", "behaviour", 1, "relu", "equivariant", r"relu\(−1\) = relu\(−2\)"),
        ("invariance-or-equivariance", "behaviour", 1, "softmax", "neither", "is one of the two"),
        ("what-breaks", "survives", 1, "wind", True, "blows to the left in the mirror"),
        ("what-breaks", "survives", 1, "reward on the right", True, "although all transitions agree"),
        ("safe-nonlinearities", "safe", 2, "relu, signs", True, r"relu\(−1\) = 0"),
        ("safe-nonlinearities", "safe", 2, "tanh, rotation", True, "mixes entries"),
        ("safe-nonlinearities", "safe", 2, "tanh, signs", "yes", "should be True or False"),
    ],
)
def test_one_wrong_entry(exercise, variable, place, key, wrong, message, solved):
    with pytest.raises(WrongAnswerError, match=message):
        check(exercise, {**solved(place)[variable], key: wrong})


INV = torch.linalg.inv


def averaged(term, divide=True):
    def symmetrize(W, group):
        terms = [term(W, L, K) for L, K in zip(*group, strict=True)]
        return sum(terms) / (len(terms) if divide else 1)

    return symmetrize


def in_place(W, group):
    W *= 0.5
    return W


SYMMETRIZERS = {
    "the inverse of K_g is missing. CartPole does not notice": averaged(lambda W, L, K: K @ W @ L),
    "the factor 1/|G| is missing": averaged(lambda W, L, K: INV(K) @ W @ L, divide=False),
    "W comes back as it was": lambda W, group: W.clone(),
    "K_g is transposed, not inverted": averaged(lambda W, L, K: K.T @ W @ L),
    "only the last element of the group counts": lambda W, group: INV(group[1][-1]) @ W @ group[0][-1],
    "the factor L_g is missing": averaged(lambda W, L, K: INV(K) @ W),
    "the factor K_g⁻¹ is missing": averaged(lambda W, L, K: W @ L),
    "you divide by 2": lambda W, group: averaged(lambda W, L, K: INV(K) @ W @ L, divide=False)(W, group) / 2,
    "it is not S(W)": lambda W, group: 3 * averaged(lambda W, L, K: INV(K) @ W @ L)(W, group),
    "the transpose's shape": lambda W, group: averaged(lambda W, L, K: INV(K) @ W @ L)(W, group).T,
    "symmetrize changes the W that it was given": in_place,
    "symmetrize raised RuntimeError": averaged(lambda W, L, K: L @ W @ K),
    "the result is not equivariant": lambda W, group: W + 1,
}


@pytest.mark.parametrize("message", list(SYMMETRIZERS))
def test_symmetrizers(message):
    with pytest.raises(WrongAnswerError) as caught:
        check("symmetrizer", SYMMETRIZERS[message])
    assert message in str(caught.value)


def compares(test):
    return lambda W, z, group, b=0.0, phi=torch.relu: all(test(W, z, L, K, b, phi) for L, K in zip(*group, strict=True))


NETWORK_TESTS = {
    "Only the identity finds nothing to object to": lambda W, z, group, b, phi: True,
    "compare with a tolerance": compares(lambda W, z, L, K, b, phi: torch.equal(K @ phi(W @ z + b), phi(W @ L @ z + b))),
    r"but the bias \(1, −1\) is not": compares(lambda W, z, L, K, b, phi: torch.allclose(K @ phi(W @ z), phi(W @ L @ z))),
    "ReLU does not commute with signs: apply phi": compares(
        lambda W, z, L, K, b, phi: torch.allclose(K @ (W @ z + b), W @ L @ z + b)
    ),
    "inputs are moved by L_g, outputs by K_g, no inverse": compares(
        lambda W, z, L, K, b, phi: torch.allclose(INV(K) @ phi(W @ z + b), phi(W @ L @ z + b))
    ),
    "should be True or False": lambda W, z, group, b, phi: "yes",
}


@pytest.mark.parametrize("message", list(NETWORK_TESTS))
def test_network_tests(message):
    with pytest.raises(WrongAnswerError, match=message):
        check("network-test", NETWORK_TESTS[message])


def sampled(symmetrize, tolerance, *, count=None, relative=True):
    def get_equivariant_basis(state_group, action_group, sample_size):
        generator = torch.Generator().manual_seed(0)
        shape = len(action_group[0]), len(state_group[0])
        samples = [torch.randn(*shape, dtype=state_group[0].dtype, generator=generator) for _ in range(count or sample_size)]
        rows = torch.stack([symmetrize(W, [state_group, action_group]).flatten() for W in samples])
        _, S, Vh = torch.linalg.svd(rows, full_matrices=False)
        rank = int((tolerance * (S[0] if relative else 1) < S).sum())
        return Vh[:rank].reshape(rank, *shape), rank

    return get_equivariant_basis


RIGHT = averaged(lambda W, L, K: INV(K) @ W @ L)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (sampled(RIGHT, 1e-12), "your rank is 8, expected from the characters: 4. The matrices from number 4 on are rounding"),
        (sampled(RIGHT, 0.0), "your tolerance lets singular values"),
        (sampled(lambda W, group: W, 1e-4), "That is all weights: symmetrize the samples"),
        (sampled(averaged(lambda W, L, K: K @ W @ L), 1e-4), "is not equivariant"),
        (sampled(RIGHT, 1e-4, count=3), "too few samples"),
        (sampled(RIGHT, 0.99), "expected from the characters: 4. Your basis misses directions"),
        (lambda s, a, n: (sampled(RIGHT, 1e-4)(s, a, n)[0], 3), "your basis holds 4 matrices, but your rank is 3"),
        (lambda s, a, n: sampled(RIGHT, 1e-4)(s, a, n)[0], "should return two things"),
        (lambda s, a, n: (sampled(RIGHT, 1e-4)(s, a, n)[0].flatten(1), 4), "expected (rank, 2, 4)"),
        (lambda s, a, n: (torch.stack([RIGHT(torch.rand(2, 4), [s, a])] * 4), 4), "not independent"),
        (lambda s, a, n: (torch.zeros(4, 2, 4), 4), "A matrix of your basis is zero"),
    ],
)
def test_bases(answer, message):
    with pytest.raises(WrongAnswerError) as caught:
        check("sampled-basis", answer)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda s, a: sum(float(K.trace() * L.trace()) for L, K in zip(s, a, strict=True)), "The factor 1/|G| is missing"),
        (lambda s, a: float(s[0].trace() * a[0].trace()), "only the identity's term"),
        (lambda s, a: 3, "expected: 2"),
    ],
)
def test_ranks(answer, message):
    with pytest.raises(WrongAnswerError) as caught:
        check("rank-from-characters", answer)
    assert message in str(caught.value)


def test_weights_from_basis():
    basis, rank = sampled(RIGHT, 1e-4)([I4, -I4], [I2, SWAP], 50)
    c = torch.arange(1.0, 5.0)
    W = torch.tensordot(c, basis, 1)
    check("weights-from-basis", basis, c, W)
    assert rank == 4
    other = torch.eye(8).reshape(8, 2, 4)
    for answers, message in (
        ((basis, torch.zeros(4), 0 * W), "all zero"),
        ((basis, c, c[0] * basis[0]), "the first term alone"),
        ((basis, c, W + 1), "are not the combination"),
        ((other, torch.arange(8.0), torch.arange(8.0).reshape(2, 4)), "are not equivariant"),
        ((basis, c[:3], W), "expected 4"),
    ):
        with pytest.raises(WrongAnswerError, match=message):
            check("weights-from-basis", *answers)
