"""Typical wrong answers to notebook 3, each caught by the right message."""

import numpy as np
import pytest
import torch
from torch import nn

from symmdp.errors import WrongAnswerError
from symmdp.practical import check

I2, SWAP = torch.eye(2), torch.tensor([[0.0, 1.0], [1.0, 0.0]])
K, L = [I2, SWAP], [torch.eye(4), -torch.eye(4)]


def wrong(name, *answers):
    """What `check` says."""
    with pytest.raises(WrongAnswerError) as caught:
        check(name, *answers)
    assert str(caught.value).startswith(f"{name}: ")
    return str(caught.value)


def hidden(copies, matrix=SWAP):
    return [torch.eye(2 * copies), torch.kron(torch.eye(copies), matrix)]


def symmetrize(W, group):
    return sum(torch.linalg.inv(o) @ W @ i for i, o in zip(*group, strict=True)) / 2


def test_steps_of_the_proof():
    d, f1, f2 = "definition of f", "f1 is equivariant", "f2 is equivariant"
    assert "the wrong way round" in wrong("stacking", {"a": d, "b": f2, "c": f1, "d": d})
    assert "Step a is not" in wrong("stacking", {"a": f1, "b": f1, "c": f2, "d": d})
    assert "no answer yet in reasons for 'd'" in wrong("stacking", {"a": d, "b": f1, "c": f2, "d": ...})
    assert "expected one of" in wrong("stacking", {"a": "because", "b": f1, "c": f2, "d": d})


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda c: [torch.eye(2 * c)] * 2, "every hidden unit is invariant"),
        (lambda c: [torch.eye(2 * c), -torch.eye(2 * c)], "the sign representation"),
        (lambda c: hidden(c)[::-1], "The identity is the second of"),
        (lambda c: [hidden(c)[1]] * 2, "The identity is missing among"),
        (lambda c: hidden(c, -SWAP), "no permutation matrix"),
        (lambda c: hidden(c, torch.tensor([[0.0, -1.0], [1.0, 0.0]])), "not the inverse of itself"),
        (lambda c: [torch.eye(2 * c), torch.block_diag(SWAP, torch.eye(2 * c - 2))] if c > 1 else K, "leaves 4 units"),
        (lambda c: K, "has the shape 2 × 2; expected 6 × 6"),
        (lambda c: None, "returned None"),
        ([I2, SWAP], "should be a function"),
    ],
)
def test_hidden_units(answer, message):
    assert message in wrong("hidden-representation", answer)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"group_1": [hidden(4), L]}, "wrong way round"),
        ({"group_2": [L, K]}, "first list of group_2"),
        ({"group_2": [hidden(4), [I2, I2]]}, "should end with K_g"),
        ({"group_2": [hidden(4), hidden(4)]}, "second list of group_2"),
        ({"W_1_sym": "W_1"}, "it is W itself"),
        ({"W_1_sym": "doubled"}, "the factor 1/|G| is missing"),
        ({"W_1_sym": "other"}, "did you symmetrize another matrix"),
        ({"W_2_sym": "random"}, "does not hold for it"),
        ({"W_2_sym": torch.zeros(8, 2)}, "It is the transpose's shape"),
    ],
)
def test_two_layers(change, message):
    generator = torch.Generator().manual_seed(0)
    W_1, W_2 = torch.rand(8, 4, generator=generator), torch.rand(2, 8, generator=generator)
    answers = {"group_1": [L, hidden(4)], "group_2": [hidden(4), K], "W_1": W_1, "W_2": W_2}
    answers["W_1_sym"], answers["W_2_sym"] = symmetrize(W_1, answers["group_1"]), symmetrize(W_2, answers["group_2"])
    check("two-layers", *answers.values())
    values = {
        "W_1": W_1,
        "doubled": 2 * answers["W_1_sym"],
        "other": symmetrize(torch.rand(8, 4), answers["group_1"]),
        "random": torch.rand(2, 8),
    }
    answers |= {name: values.get(value, value) if isinstance(value, str) else value for name, value in change.items()}
    assert message in wrong("two-layers", *answers.values())


def test_counts_of_parameters():
    right = {"W_1": (32, 16), "b_1": (8, 4), "W_2": (16, 8), "b_2": (2, 1)}
    assert "a bias is free only where" in wrong("parameter-counts", right | {"b_1": (8, 8)})
    assert "wrong way round" in wrong("parameter-counts", right | {"W_1": (16, 32)})
    assert "rows times columns" in wrong("parameter-counts", right | {"W_2": (10, 5)})
    assert "Use the characters" in wrong("parameter-counts", right | {"W_1": (32, 8)})
    assert "should be two numbers" in wrong("parameter-counts", right | {"W_1": 32})


def test_commuting():
    def at_positive_points(phi, P):
        x = torch.rand(50, 2)
        return bool((phi(x @ P.T).abs() <= phi(x).abs().sum()).all())  # whatever is bounded passes

    def exactly(phi, P):
        x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
        return P[0, 0] in (0.0, 1.0) and torch.equal(phi(x @ P.T), phi(x) @ P.T)

    assert "You say that relu commutes with the sign. For x = (1, −2)" in wrong("commuting", at_positive_points)
    not_relu = wrong("commuting", lambda phi, P: phi is not torch.relu or bool(P[0, 0] == 0))
    assert "You say that sigmoid commutes with the sign" in not_relu
    assert "rounding" in wrong("commuting", exactly)
    assert "should be True or False" in wrong("commuting", lambda phi, P: phi(P))


def test_relu_on_a_sign_representation():
    odd = {("sign", "tanh"), ("quarter turn", "tanh")}
    safe = {
        f"{phi} on {rep}": rep == "swap" or (rep, phi) in odd
        for rep in ("swap", "sign", "quarter turn", "eighth of a turn")
        for phi in ("relu", "tanh", "sigmoid")
    }
    check("hidden-nonlinearities", safe)
    assert "ReLU on a sign representation is not safe" in wrong("hidden-nonlinearities", safe | {"relu on sign": True})
    assert "a permutation only renames" in wrong("hidden-nonlinearities", safe | {"sigmoid on swap": False})
    assert "tanh is odd" in wrong("hidden-nonlinearities", safe | {"tanh on quarter turn": False})
    assert "is not safe: for x = (1, −2)" in wrong("hidden-nonlinearities", safe | {"tanh on eighth of a turn": True})


def test_value_head():
    one, minus = torch.ones(1, 1), -torch.ones(1, 1)
    assert "V(−s) = −V(s)" in wrong("value-group", [hidden(4), [one, minus]])
    assert "two 1 × 1 matrices" in wrong("value-group", [hidden(4), K])
    assert "two lists" in wrong("value-group", [one])


class Network(nn.Module):
    """A network that is equivariant, unless it is told otherwise."""

    def __init__(self, generator, fault=""):
        super().__init__()
        self.fault = fault
        self.w = nn.Parameter(torch.randn(8, 4, generator=generator))
        self.b = nn.Parameter(torch.randn(8, generator=generator))
        self.c = nn.Parameter(torch.randn(8, generator=generator))

    def forward(self, states):
        phi = (lambda x: x) if self.fault == "linear" else torch.relu
        right = phi(states @ self.w.T + self.b) @ self.c
        left = phi(-states @ self.w.T + self.b) @ self.c
        logits, values = torch.stack([left, right], -1), left + right
        return {
            "": (logits, values),
            "linear": (logits, values),
            "invariant": (torch.stack([values, values + 1], -1), values),
            "signs": (torch.stack([right - left, right - left], -1), values),
            "plain": (torch.stack([left, 2 * right], -1), values),
            "odd value": (logits, right - left),
            "value": (logits, right),
            "axis": (logits, values.unsqueeze(-1)),
            "one": logits,
            "constant": (0 * logits, 0 * values),
        }[self.fault]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("linear", "linear function of the state"),
        ("invariant", "logits do not change when the state is mirrored"),
        ("signs", "logits change their signs"),
        ("plain", "logits do not swap"),
        ("odd value", "value changes its sign"),
        ("value", "value changes when the state is mirrored"),
        ("axis", ".squeeze(-1)"),
        ("one", "return two things"),
        ("constant", "the same in every state"),
    ],
)
def test_policy_and_value(fault, message):
    check("policy-and-value", Network)
    assert message in wrong("policy-and-value", lambda generator: Network(generator, fault))


def test_policy_and_value_of_other_kinds():
    assert "torch.nn.Module" in wrong("policy-and-value", lambda generator: 3)
    assert "no parameters that can learn" in wrong("policy-and-value", lambda generator: nn.ReLU())
    assert "Two generators give the same" in wrong(
        "policy-and-value", lambda generator: Network(torch.Generator().manual_seed(0))
    )


def unit(action):
    return torch.eye(2)[action]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda z, a: torch.softmax(z, -1)[a] * (unit(a) - torch.softmax(z, -1)), "the gradient of π(a) itself"),
        (lambda z, a: torch.softmax(z, -1) - unit(a), "its sign is wrong"),
        (lambda z, a: unit(a), "lacks the normalisation"),
        (lambda z, a: unit(1 - a) - torch.softmax(z, -1), "the other action"),
        (lambda z, a: z / 0, "not finite"),
        (lambda z, a: z[5], "raised IndexError"),
    ],
)
def test_score(answer, message):
    assert message in wrong("score", answer)


def scores(z):
    return torch.eye(2) - torch.softmax(z, -1)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda z, q: q @ scores(z), "not weighted by π(a)"),
        (lambda z, q: 0.5 * q @ scores(z), "weight them by π(a) instead"),
        (lambda z, q: -(torch.softmax(z, -1) * q) @ scores(z), "its sign is wrong"),
        (lambda z, q: torch.softmax(z, -1) @ scores(z), "Q(a) is missing"),
    ],
)
def test_policy_gradient(answer, message):
    assert message in wrong("policy-gradient", answer)


def test_baseline():
    right = {"the number 10": True, "V(s)": True, "Q(s, a)": False}
    right |= {"mean return of other episodes": True, "1 if the action is right": False, "V(-s)": True}
    assert "it depends on the action" in wrong("baseline", right | {"Q(s, a)": True})
    assert "any constant drops out" in wrong("baseline", right | {"the number 10": False})


def forwards(rewards, discount):
    return [sum(rewards[: t + 1]) for t in range(len(rewards))]


def to_go(rewards, discount):
    return [sum(discount ** (k - t) * r for k, r in enumerate(rewards) if k >= t) for t in range(len(rewards))]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (forwards, "past and future mixed up"),
        (lambda r, g: to_go(r, 1.0), "it is not discounted"),
        (lambda r, g: to_go(r, g)[::-1], "its order is reversed"),
        (lambda r, g: np.array(to_go(r, g)) - r, "the reward r_t itself is missing"),
        (lambda r, g: [to_go(r, g)[0]] * len(r), "the return of the whole episode"),
        (lambda r, g: g ** np.arange(len(r)) * to_go(r, g), "discounted from the start"),
        (lambda r, g: sum(r), "a single number"),
    ],
)
def test_reward_to_go(answer, message):
    assert message in wrong("reward-to-go", answer)


def loss(logits, values, actions, returns, *, sign=-1.0, detach=True, log=True, baseline=True, value=0.5):
    chosen = torch.log_softmax(logits, -1)[torch.arange(len(actions)), actions]
    chosen = chosen if log else chosen.exp()
    advantage = returns - (values.detach() if detach else values) if baseline else returns
    return sign * (advantage * chosen).mean() + value * (values - returns).square().mean()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sign": 1.0}, "the minus sign is missing"),
        ({"detach": False}, "detach the value in the advantage"),
        ({"log": False}, "probabilities in place of their logarithms"),
        ({"baseline": False}, "the baseline is missing"),
        ({"value": 0.0}, "The value does not learn"),
        ({"value": -0.5}, "wrong sign: the squared error"),
        ({"value": 1.0}, "twice as large"),
        ({"sign": -6.0}, "it is the sum over the steps"),
    ],
)
def test_loss(options, message):
    check("reinforce-loss", loss)
    assert message in wrong("reinforce-loss", lambda *arguments: loss(*arguments, **options))


def test_losses_of_other_kinds():
    assert "a single number" in wrong("reinforce-loss", lambda z, v, a, g: v - g)
    assert "No gradient flows" in wrong("reinforce-loss", lambda z, v, a, g: (v - g).mean().detach())
    assert "does not depend on the logits" in wrong("reinforce-loss", lambda z, v, a, g: (v - g).square().mean())


def gap(policy, state, action, *, mirror_state=True, mirror_action=True):
    def gradients(s, a):
        log_probability = torch.log_softmax(policy(s.unsqueeze(0))[0], -1)[0, a]
        return torch.autograd.grad(log_probability, list(policy.parameters()))

    other = gradients(-state if mirror_state else state, 1 - action if mirror_action else action)
    return max(float((one - two).abs().max()) for one, two in zip(gradients(state, action), other, strict=True))


def test_mirrored_gradient():
    check("mirrored-gradient", gap)
    assert "the action has to be mirrored too" in wrong("mirrored-gradient", lambda *a: gap(*a, mirror_action=False))
    assert "the state has to be mirrored too" in wrong("mirrored-gradient", lambda *a: gap(*a, mirror_state=False))
    assert "for the plain policy is 0; expected" in wrong("mirrored-gradient", lambda *a: 0.0)


def train(env, policy, episodes, generator, learning_rate=0.01, discount=0.99, *, fault=""):
    optimizer = torch.optim.Adam(policy.parameters(), lr=learning_rate)
    found = []
    for _ in range(episodes):
        state, _ = env.reset()
        states, actions, rewards, done = [], [], [], False
        while not done:
            states.append(torch.as_tensor(state))
            with torch.no_grad():
                probabilities = torch.softmax(policy(states[-1])[0], -1)
            actions.append(int(torch.multinomial(probabilities, 1, generator=generator)))
            state, reward, done, _, _ = env.step(actions[-1])
            rewards.append(reward)
        logits, values = policy(torch.stack(states))
        returns = torch.tensor(to_go(rewards, discount))
        value = loss(logits, values, torch.tensor(actions), returns, sign=1.0 if fault == "uphill" else -1.0)
        if fault != "no zero_grad":
            optimizer.zero_grad()
        if fault != "no backward":
            value.backward()
        if fault != "no step":
            optimizer.step()
        found.append(sum(rewards) if fault != "steps" else 100.0)
    return found if fault != "short" else found[:3]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("no zero_grad", "call optimizer.zero_grad()"),
        ("no step", "does it call optimizer.step()"),
        ("no backward", "does it call loss.backward()"),
        ("uphill", "Your policy gets worse"),
        ("steps", "the sum of an episode's rewards"),
        ("short", "has the shape 3; expected 120"),
    ],
)
def test_training_loop(fault, message):
    assert message in wrong("training-loop", lambda *a, **k: train(*a, **k, fault=fault))


def test_training_loop_is_right():
    check("training-loop", train)


def test_a_loop_that_learns_too_slowly():
    assert "hardly learns" in wrong("training-loop", lambda *a, **k: train(*a, **(k | {"learning_rate": 1e-4})))


def test_comparisons():
    fair = {"the same number of parameters": True, "the same learning rate and discount": True}
    fair |= {"the best of all seeds": False, "several seeds for each policy": True, "leaving out seeds that failed": False}
    assert "a matter of luck" in wrong("fair-comparison", fair | {"the best of all seeds": True})
    assert "reward a method for failing" in wrong("fair-comparison", fair | {"leaving out seeds that failed": True})


def solved(returns, threshold, window):
    found = []
    for seed in returns:
        ends = [end for end in range(window, len(seed) + 1) if np.mean(seed[end - window : end]) >= threshold]
        found.append(ends[0] if ends else np.inf)
    return np.array(found)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda *a: np.median(solved(*a)) - 1, "it counts from 0"),
        (lambda *a: np.median(solved(*a)[np.isfinite(solved(*a))]), "it leaves out the seeds that were never solved"),
        (lambda *a: np.mean(solved(*a)), "it is the mean over the seeds"),
        (lambda r, t, w: np.median(solved(r, t, 1)), "it takes a single episode"),
    ],
)
def test_episodes_to_solve(answer, message):
    check("episodes-to-solve", lambda *a: np.median(solved(*a)))
    assert message in wrong("episodes-to-solve", answer)
