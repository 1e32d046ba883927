# %% [markdown]
# # 3 · Deep equivariant policies
#
# A single equivariant layer can do little. In this notebook you
#
# 1. stack equivariant layers, and find out how the group has to act *between* them,
# 2. see which nonlinearities are safe there,
# 3. give the network a policy head and a value head,
# 4. derive REINFORCE from the policy-gradient theorem, step by step,
# 5. train an equivariant policy and a plain one of the same size on CartPole, and compare them.
#
# Every exercise is followed by a check that says what is wrong. Hints unfold when you click on them.

# %%
import tempfile
from dataclasses import replace
from pathlib import Path

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor, nn

import symmdp
from symmdp.practical import check, pictures
from symmdp.training import preset, train

torch.set_num_threads(1)  # the networks are small

# %% [markdown]
# From the first two notebooks we need the representations of CartPole's group (the identity and the mirror), the symmetrizer
# and a basis of the equivariant weights. A layer with these weights has one number to learn for each matrix of the basis.

# %%
Matrices = list[Tensor]  # one for each element of the group, the identity first

L = [torch.eye(4), -torch.eye(4)]  # on states
K = [torch.eye(2), torch.tensor([[0.0, 1.0], [1.0, 0.0]])]  # on actions


def symmetrize(W: Tensor, group: list[Matrices]) -> Tensor:
    """S(W) = 1/|G| Σ K_g⁻¹ W L_g, for group = [the L_g, the K_g]."""
    rep_in, rep_out = group
    return sum(torch.linalg.inv(K_g) @ W @ L_g for L_g, K_g in zip(rep_in, rep_out, strict=True)) / len(rep_in)


def equivariant_basis(group: list[Matrices]) -> Tensor:
    """Orthonormal matrices that span the equivariant weights, shape (rank, out, in)."""
    into, out = group[0][0].shape[0], group[1][0].shape[0]
    units = torch.eye(into * out).reshape(-1, out, into)  # every weight matrix is a sum of these
    images = torch.stack([symmetrize(W, group) for W in units]).reshape(into * out, -1)
    _, singular, rows = torch.linalg.svd(images)
    rank = int((singular > 1e-4 * singular[0]).sum())
    return rows[:rank].reshape(rank, out, into)


class EquivariantLayer(nn.Module):
    """z = W x + b with W = Σ c_i V_i and b = Σ d_j U_j, where the V_i and the U_j are bases of equivariant weights."""

    def __init__(self, group: list[Matrices], generator: torch.Generator):
        super().__init__()
        one = [torch.ones(1, 1) for _ in group[0]]  # the bias is multiplied by 1, which the group leaves alone
        self.register_buffer("basis", equivariant_basis(group))
        self.register_buffer("bias_basis", equivariant_basis([one, group[1]]))
        rank, out, _ = self.basis.shape
        self.c = nn.Parameter(torch.randn(rank, generator=generator) * (out / rank) ** 0.5)
        self.d = nn.Parameter(torch.zeros(len(self.bias_basis)))

    def forward(self, x: Tensor) -> Tensor:
        W = torch.tensordot(self.c, self.basis, 1)
        b = torch.tensordot(self.d, self.bias_basis, 1).squeeze(-1)
        return nn.functional.linear(x, W, b)


# %% [markdown]
# ## 1. Stacking layers
#
# Let $f(x) = f_2(f_1(x))$. The input of $f_1$ is a state, on which the group acts by $L_g$. The output of $f_2$ belongs to the
# actions, on which it acts by $K_g$. In between are hidden units. Nature does not say how a mirror acts on hidden units: that
# is ours to choose. We take any representation $P_g$, and ask of the layers that
#
# $$f_1(L_g\,x) = P_g\,f_1(x) \qquad\text{and}\qquad f_2(P_g\,h) = K_g\,f_2(h).$$
#
# The picture shows both conditions as squares. It does not matter on which way one goes around a square.

# %%
pictures.commuting_squares()

# %% [markdown]
# **Exercise 1.** Then the whole network is equivariant. Give the reason for each step:
#
# $$f(L_g\,x) \overset{a}{=} f_2(f_1(L_g\,x)) \overset{b}{=} f_2(P_g\,f_1(x))
# \overset{c}{=} K_g\,f_2(f_1(x)) \overset{d}{=} K_g\,f(x)$$
#
# Each is one of `"f1 is equivariant"`, `"f2 is equivariant"`, `"definition of f"`.
#
# <details><summary>Hint</summary>
#
# Two steps only put $f$ in place of $f_2 \circ f_1$. In each of the others, look which function the matrix moves past.
# </details>

# %% tags=["exercise"]
reasons = {
    "a": ...,
    "b": ...,
    "c": ...,
    "d": ...,
}

# %% tags=["solution"]
reasons = {
    "a": "definition of f",
    "b": "f1 is equivariant",  # L_g moves out of f1, and becomes P_g
    "c": "f2 is equivariant",  # P_g moves out of f2, and becomes K_g
    "d": "definition of f",
}

# %%
check("stacking", reasons)

# %% [markdown]
# **Exercise 2.** Which $P_g$? Taking $P_g = K_g$, two hidden units that change places, works. It is the *regular
# representation* of this group: one unit for each element, and the group moves units as it moves its own elements. More units
# are more copies of it. Write a function that gives the matrices of `copies` of it, each of size `2 copies × 2 copies`.
#
# <details><summary>Hint</summary>
#
# Put `copies` blocks $K_g$ along the diagonal: `torch.block_diag(*blocks)` or `torch.kron(torch.eye(copies), K_g)`.
# </details>


# %% tags=["exercise"]
def get_hidden_group_representations(copies: int) -> list[torch.Tensor]:
    """The matrices P_g of copies of the regular representation, the identity first."""
    return ...


# %% tags=["solution"]
def get_hidden_group_representations(copies: int) -> list[torch.Tensor]:
    """The matrices P_g of copies of the regular representation, the identity first."""
    return [torch.kron(torch.eye(copies), K_g) for K_g in K]


# %%
check("hidden-representation", get_hidden_group_representations)

# %% [markdown]
# **Exercise 3.** Take 8 hidden units. Symmetrize the weights of both layers, each with its own pair of representations.
#
# <details><summary>Hint</summary>
#
# A group is written as `[representation of the inputs, representation of the outputs]`. What comes out of layer 1 goes into
# layer 2.
# </details>

# %%
generator = torch.Generator().manual_seed(0)
W_1 = torch.rand(8, 4, generator=generator)
W_2 = torch.rand(2, 8, generator=generator)

# %% tags=["exercise"]
P = get_hidden_group_representations(4)
group_1 = ...
W_1_sym = ...
group_2 = ...
W_2_sym = ...

# %% tags=["solution"]
P = get_hidden_group_representations(4)
group_1 = [L, P]
W_1_sym = symmetrize(W_1, group_1)
group_2 = [P, K]
W_2_sym = symmetrize(W_2, group_2)

# %%
check("two-layers", group_1, group_2, W_1, W_2, W_1_sym, W_2_sym)

# %% [markdown]
# Here is the first layer before and after. Its rows come in pairs: what the first unit of a pair sees in a state, the second
# sees in the mirrored one.

# %%
pictures.symmetrized_weights(W_1, W_1_sym)

# %% [markdown]
# **Exercise 4.** How many numbers are there in the weights and biases of this network, $4 \to 8 \to 2$, and how many of them
# can be chosen freely if it is equivariant? Give two numbers for each: of all, and of the equivariant ones.
#
# <details><summary>Hint</summary>
#
# The dimension of the equivariant maps is $\frac{1}{|G|}\sum_g \chi_{out}(g)\,\chi_{in}(g)$ with the traces $\chi$ (notebook
# 2). What are the traces of $L_g$, $P_g$ and $K_g$ for the mirror? A bias is a map from one dimension that the group leaves
# alone, $\chi_{in} = 1$.
# </details>

# %% tags=["exercise"]
counts = {
    "W_1": (..., ...),
    "b_1": (..., ...),
    "W_2": (..., ...),
    "b_2": (..., ...),
}

# %% tags=["solution"]
# For the mirror the traces are χ_L = −4, χ_P = 0 and χ_K = 0, so that the second term of the sum is always 0: half remains.
counts = {
    "W_1": (32, 16),  # (8·4 + 0·(−4)) / 2
    "b_1": (8, 4),  # (8·1 + 0·1) / 2
    "W_2": (16, 8),  # (2·8 + 0·0) / 2
    "b_2": (2, 1),  # (2·1 + 0·1) / 2
}

# %%
check("parameter-counts", counts)

# %% [markdown]
# ## 2. When nonlinearities are safe
#
# Between two layers stands a nonlinearity $\varphi$, applied to each unit. The square of that step commutes if
#
# $$\varphi(P_g\,h) = P_g\,\varphi(h)\quad\text{for all } h.$$
#
# **Exercise 5.** Write a function that tests this on random $h$.
#
# <details><summary>Hint</summary>
#
# With vectors as the rows of `x`, the matrix acts by `x @ P.T`. Use `torch.randn`, which has both signs, and `torch.allclose`,
# which forgives rounding.
# </details>


# %% tags=["exercise"]
def commutes(phi, P: Tensor) -> bool:
    """Whether φ(P x) = P φ(x) for random vectors x of the right size."""
    return ...


# %% tags=["solution"]
def commutes(phi, P: Tensor) -> bool:
    """Whether φ(P x) = P φ(x) for random vectors x of the right size."""
    x = torch.randn(100, len(P))
    return torch.allclose(phi(x @ P.T), phi(x) @ P.T, atol=1e-5)


# %%
check("commuting", commutes)

# %% [markdown]
# **Exercise 6.** Four ways in which a group could act on two hidden units: they change places; both change their signs; a
# quarter turn of the plane, $(a, b) \mapsto (-b, a)$; an eighth of a turn. Which of these functions are safe on which? Think
# first, then test.
#
# <details><summary>Hint</summary>
#
# `commutes(torch.relu, torch.tensor([[0.0, -1.0], [1.0, 0.0]]))` tests ReLU on the quarter turn. Which of the three functions
# is odd, $\varphi(-x) = -\varphi(x)$?
# </details>

# %% tags=["exercise"]
safe = {
    "relu on swap": ...,
    "tanh on swap": ...,
    "sigmoid on swap": ...,
    "relu on sign": ...,
    "tanh on sign": ...,
    "sigmoid on sign": ...,
    "relu on quarter turn": ...,
    "tanh on quarter turn": ...,
    "sigmoid on quarter turn": ...,
    "relu on eighth of a turn": ...,
    "tanh on eighth of a turn": ...,
    "sigmoid on eighth of a turn": ...,
}

# %% tags=["solution"]
# A permutation only renames units, so any function will do. Where signs change too, the function has to be odd: of the three
# only tanh is. An eighth of a turn mixes units, and no function of single units but multiples of the identity commutes with it.
safe = {
    "relu on swap": True,
    "tanh on swap": True,
    "sigmoid on swap": True,
    "relu on sign": False,
    "tanh on sign": True,
    "sigmoid on sign": False,
    "relu on quarter turn": False,
    "tanh on quarter turn": True,
    "sigmoid on quarter turn": False,
    "relu on eighth of a turn": False,
    "tanh on eighth of a turn": False,
    "sigmoid on eighth of a turn": False,
}

# %%
check("hidden-nonlinearities", safe)

# %% [markdown]
# That is why the hidden units carry the regular representation: it is a permutation, and every nonlinearity is allowed.
# `symmdp` derives the kind of a representation from its matrices, and refuses what would break the symmetry:

# %%
from symmdp import Representation, groups
from symmdp.errors import ActivationError
from symmdp.nn import Pointwise

sign = Representation(groups.cyclic(2), [[[1.0]], [[-1.0]]])
try:
    Pointwise(sign, torch.relu)
except ActivationError as error:
    print(error)

# %% [markdown]
# ## 3. A policy and a value
#
# Policy gradients work better with a second output, the value $V(s)$: how much reward is still to come. In the mirror nothing
# is lost or won, so $V(L_g\,s) = V(s)$: the value is *invariant*, which is equivariant with an output that the group leaves
# alone.
#
# **Exercise 7.** What is the group of a value head on the hidden units `P`?
#
# <details><summary>Hint</summary>
#
# The output has one dimension, so its representation has two matrices of size 1 × 1.
# </details>

# %% tags=["exercise"]
value_group = ...

# %% tags=["solution"]
value_group = [P, [torch.ones(1, 1), torch.ones(1, 1)]]  # the trivial representation

# %%
check("value-group", value_group)

# %% [markdown]
# **Exercise 8.** Build the network: a hidden layer of 16 copies of the regular representation with a ReLU, and on it a head
# with two logits and a head with one value. Use `EquivariantLayer(group, generator)` from above.
#
# <details><summary>Hint</summary>
#
# In `__init__`: `self.hidden = EquivariantLayer([L, P], generator)` with the `P` of 16 copies, then `self.policy` and
# `self.value`. In `forward`: the hidden units are `torch.relu(self.hidden(states))`. The value head gives the shape `(…, 1)`;
# `.squeeze(-1)` drops the axis.
# </details>


# %% tags=["exercise"]
class EquivariantPolicy(nn.Module):
    """Logits that swap and a value that stays when the state is mirrored."""

    def __init__(self, generator: torch.Generator):
        super().__init__()
        ...

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """States (..., 4) to logits (..., 2) and values (...)."""
        return ...


# %% tags=["solution"]
class EquivariantPolicy(nn.Module):
    """Logits that swap and a value that stays when the state is mirrored."""

    def __init__(self, generator: torch.Generator):
        super().__init__()
        P = get_hidden_group_representations(16)
        trivial = [torch.ones(1, 1), torch.ones(1, 1)]
        self.hidden = EquivariantLayer([L, P], generator)
        self.policy = EquivariantLayer([P, K], generator)
        self.value = EquivariantLayer([P, trivial], generator)

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """States (..., 4) to logits (..., 2) and values (...)."""
        h = torch.relu(self.hidden(states))
        return self.policy(h), self.value(h).squeeze(-1)


# %%
check("policy-and-value", EquivariantPolicy)


# %% [markdown]
# To compare with, here is a plain network with one hidden layer and the same heads. With 16 hidden units it has as many
# parameters as the equivariant one with 32.


# %%
class PlainPolicy(nn.Module):
    """A network that knows nothing of mirrors."""

    def __init__(self, generator: torch.Generator, width: int = 16):
        super().__init__()
        # The trivial group: its only element leaves everything alone, and every weight is equivariant.
        alone = {n: [torch.eye(n)] for n in (1, 2, 4, width)}
        self.hidden = EquivariantLayer([alone[4], alone[width]], generator)
        self.policy = EquivariantLayer([alone[width], alone[2]], generator)
        self.value = EquivariantLayer([alone[width], alone[1]], generator)

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.relu(self.hidden(states))
        return self.policy(h), self.value(h).squeeze(-1)


def probabilities(policy: nn.Module):
    """A function from states to probabilities, for the pictures."""
    return lambda states: torch.softmax(policy(states)[0], -1)


untrained = {
    "plain": PlainPolicy(torch.Generator().manual_seed(1)),
    "equivariant": EquivariantPolicy(torch.Generator().manual_seed(1)),
}
for name, policy in untrained.items():
    print(f"{name}: {sum(p.numel() for p in policy.parameters())} parameters")
pictures.policy_maps({f"{name}, untrained": probabilities(policy) for name, policy in untrained.items()})

# %% [markdown]
# Already untrained, the equivariant policy exchanges its colours when the map is turned by half a turn, and it must be
# undecided in the centre. Move the sliders, and watch both probabilities of the equivariant policy:

# %%
pictures.MirrorSlider(probabilities(untrained["equivariant"]))

# %% [markdown]
# ## 4. From the policy-gradient theorem to REINFORCE
#
# We look for parameters $\theta$ with a large expected return
# $J(\theta) = \mathbb{E}_{\pi_\theta}\big[\sum_t \gamma^t r_t\big]$. The difficulty: $\theta$ decides *which* actions are
# taken, and actions are drawn at random. One cannot differentiate through a die. The policy-gradient theorem says that one need
# not:
#
# $$\nabla_\theta J = \mathbb{E}_{\pi_\theta}\Big[\sum_t \gamma^t\, Q^\pi(s_t, a_t)\,
# \nabla_\theta \log \pi_\theta(a_t | s_t)\Big].$$
#
# Neither the dynamics nor the reward is differentiated. We take it apart.
#
# ### The score
#
# The vector $\nabla_\theta \log \pi_\theta(a|s)$ is called the *score*. It says how to change the parameters so that $a$
# becomes more probable.
#
# **Exercise 9.** Let the parameters be the two logits themselves, $\pi = \mathrm{softmax}(z)$. Write the gradient of
# $\log \pi(a)$ with respect to $z$ by hand, without autograd.
#
# <details><summary>Hint</summary>
#
# $\log\pi(a) = z_a - \log\sum_b e^{z_b}$. The derivative of the second term by $z_b$ is $\pi(b)$.
# </details>


# %% tags=["exercise"]
def score(logits: Tensor, action: int) -> Tensor:
    """∇ log π(action) with respect to the logits, of the same shape."""
    return ...


# %% tags=["solution"]
def score(logits: Tensor, action: int) -> Tensor:
    """∇ log π(action) with respect to the logits, of the same shape."""
    chosen = torch.zeros_like(logits)
    chosen[action] = 1.0
    return chosen - torch.softmax(logits, -1)


# %%
check("score", score)

# %% [markdown]
# ### The expectation
#
# In one state the expected value is $\sum_a \pi(a)\,Q(a)$. Since $\nabla \pi = \pi\,\nabla\log\pi$ (the chain rule for the
# logarithm, read backwards),
#
# $$\nabla \sum_a \pi(a)\,Q(a) = \sum_a Q(a)\,\nabla\pi(a) = \sum_a \pi(a)\;Q(a)\,\nabla\log\pi(a)
# = \mathbb{E}_{a\sim\pi}\big[Q(a)\,\nabla\log\pi(a)\big].$$
#
# The right side can be *sampled*: draw an action, see how well it goes, and go along its score by as much.
#
# **Exercise 10.** Compute the right side exactly, as the sum over both actions.
#
# <details><summary>Hint</summary>
#
# `sum(pi[a] * q[a] * score(logits, a) for a in range(2))`. Compare with autograd of `(torch.softmax(logits, -1) * q).sum()`.
# </details>


# %% tags=["exercise"]
def policy_gradient(logits: Tensor, q: Tensor) -> Tensor:
    """E[Q(a) ∇ log π(a)], of the shape of the logits."""
    return ...


# %% tags=["solution"]
def policy_gradient(logits: Tensor, q: Tensor) -> Tensor:
    """E[Q(a) ∇ log π(a)], of the shape of the logits."""
    pi = torch.softmax(logits, -1)
    return sum(pi[a] * q[a] * score(logits, a) for a in range(len(logits)))


# %%
check("policy-gradient", policy_gradient)

# %% [markdown]
# ### The baseline
#
# The score has mean zero in every state: $\sum_a \pi(a)\,\nabla\log\pi(a) = \nabla\sum_a\pi(a) = \nabla 1 = 0$. So one may
# subtract a number $b$ from $Q$, a *baseline*, and the expectation stays. The samples do not: if all returns are near 100, then
# with $b = 0$ every action is reinforced strongly, whether good or bad, and the difference is lost in noise.

# %%
logits, q = torch.tensor([0.5, -0.5]), torch.tensor([101.0, 99.0])
draws = torch.multinomial(torch.softmax(logits, -1), 10_000, replacement=True, generator=torch.Generator().manual_seed(0))
for b in (0.0, 100.0):
    samples = torch.stack([(q[a] - b) * score(logits, a) for a in (0, 1)])[draws][:, 0]
    print(f"b = {b:5.1f}: mean {samples.mean():+.2f}, standard deviation {samples.std():6.2f}")
print(f"exactly:   mean {policy_gradient(logits, q)[0]:+.2f}")

# %% [markdown]
# **Exercise 11.** Which of these may be subtracted from $Q(s, a)$ without changing the expected gradient?
#
# <details><summary>Hint</summary>
#
# The argument needs that $b$ can be put in front of the sum over $a$.
# </details>

# %% tags=["exercise"]
unbiased = {
    "the number 10": ...,
    "V(s)": ...,
    "Q(s, a)": ...,
    "mean return of other episodes": ...,
    "1 if the action is right": ...,
    "V(-s)": ...,
}

# %% tags=["solution"]
# Whatever does not depend on the action may be put in front of the sum over actions, and drops out.
unbiased = {
    "the number 10": True,
    "V(s)": True,
    "Q(s, a)": False,
    "mean return of other episodes": True,
    "1 if the action is right": False,
    "V(-s)": True,  # useless perhaps, but harmless
}

# %%
check("baseline", unbiased)

# %% [markdown]
# ### The reward-to-go
#
# $Q^\pi(s_t, a_t)$ is not known. But it is the expectation of what comes after, and one sample of it is the *reward-to-go*
#
# $$G_t = \sum_{k \ge t} \gamma^{k-t}\,r_k.$$
#
# Rewards before $t$ are left out: $a_t$ has no influence on them, so they are a baseline, and a noisy one.
#
# **Exercise 12.** Compute the reward-to-go at every step of an episode.
#
# <details><summary>Hint</summary>
#
# Go backwards: $G_t = r_t + \gamma\,G_{t+1}$, with $0$ after the last step.
# </details>


# %% tags=["exercise"]
def reward_to_go(rewards: list[float], discount: float) -> Tensor:
    """G_t for every step t, shape (steps,)."""
    return ...


# %% tags=["solution"]
def reward_to_go(rewards: list[float], discount: float) -> Tensor:
    """G_t for every step t, shape (steps,)."""
    G = torch.zeros(len(rewards))
    following = 0.0
    for t in reversed(range(len(rewards))):
        following = rewards[t] + discount * following
        G[t] = following
    return G


# %%
check("reward-to-go", reward_to_go)

# %% [markdown]
# ### The loss
#
# Optimisers of PyTorch go *down* along the gradient of a loss. The loss whose gradient is minus the estimate is
#
# $$\mathcal{L} = -\frac1T\sum_t \big(G_t - V(s_t)\big)\,\log\pi(a_t|s_t)
# \;+\; \frac12\cdot\frac1T\sum_t\big(V(s_t) - G_t\big)^2.$$
#
# The second term teaches the value to predict the return. In the first one $V$ is the baseline, a mere number there: no
# gradient may flow through it. (The factor $\gamma^t$ of the theorem is left out, as everybody does; late steps would hardly
# count otherwise.)
#
# **Exercise 13.** Write this loss.
#
# <details><summary>Hint</summary>
#
# `torch.log_softmax(logits, -1)` has all log probabilities, and `[torch.arange(len(actions)), actions]` picks those of the
# actions that were taken. `values.detach()` is the same numbers without a gradient.
# </details>


# %% tags=["exercise"]
def reinforce_loss(logits: Tensor, values: Tensor, actions: Tensor, returns: Tensor) -> Tensor:
    """The loss of an episode, a single number; logits (T, 2), all others (T,)."""
    return ...


# %% tags=["solution"]
def reinforce_loss(logits: Tensor, values: Tensor, actions: Tensor, returns: Tensor) -> Tensor:
    """The loss of an episode, a single number; logits (T, 2), all others (T,)."""
    chosen = torch.log_softmax(logits, -1)[torch.arange(len(actions)), actions]
    advantage = returns - values.detach()  # a mere number: no gradient flows through the baseline
    return -(advantage * chosen).mean() + 0.5 * (values - returns).square().mean()


# %%
check("reinforce-loss", reinforce_loss)

# %% [markdown]
# ### What symmetry does to the gradient
#
# An equivariant policy has $\pi(K_g a\,|\,L_g s) = \pi(a|s)$ for *all* values of its parameters. Then both sides have the same
# gradient, and a step in $s$ teaches exactly what the mirrored step in $L_g\,s$ would have taught: every sample counts twice.
#
# **Exercise 14.** Show it: compute the largest difference between $\nabla\log\pi(a|s)$ and $\nabla\log\pi(K_g a|L_g s)$ over
# all parameters of a network.
#
# <details><summary>Hint</summary>
#
# `torch.autograd.grad(log_probability, list(policy.parameters()), allow_unused=True)` gives a gradient for each parameter, or
# `None` for those of the value head, which the logits do not depend on. The mirrored state is `-state`, the mirrored action
# `1 - action`.
# </details>


# %% tags=["exercise"]
def gradient_gap(policy: nn.Module, state: Tensor, action: int) -> float:
    """max |∇ log π(a|s) − ∇ log π(K a|L s)| over all parameters; the policy gives logits and values of states (n, 4)."""
    return ...


# %% tags=["solution"]
def gradient_gap(policy: nn.Module, state: Tensor, action: int) -> float:
    """max |∇ log π(a|s) − ∇ log π(K a|L s)| over all parameters; the policy gives logits and values of states (n, 4)."""
    parameters = list(policy.parameters())

    def gradients(s: Tensor, a: int) -> list[Tensor]:
        log_probability = torch.log_softmax(policy(s.unsqueeze(0))[0], -1)[0, a]
        found = torch.autograd.grad(log_probability, parameters, allow_unused=True)
        return [gradient for gradient in found if gradient is not None]

    pairs = zip(gradients(state, action), gradients(-state, 1 - action), strict=True)
    return max(float((one - other).abs().max()) for one, other in pairs)


# %%
check("mirrored-gradient", gradient_gap)

# %%
for name, policy in untrained.items():
    print(f"{name}: {gradient_gap(policy, torch.tensor([0.5, -0.2, 0.1, 0.3]), 1):.1e}")

# %% [markdown]
# ## 5. Training
#
# This function plays an episode. All random numbers come from the generator that it is given, so that a seed says what happens.


# %%
def run_episode(env: gym.Env, policy: nn.Module, generator: torch.Generator) -> tuple[Tensor, Tensor, list[float]]:
    """Play one episode: its states (T, 4), actions (T,) and rewards."""
    state, _ = env.reset(seed=int(torch.randint(2**31, (), generator=generator)))
    states, actions, rewards = [], [], []
    done = False
    while not done:
        states.append(torch.as_tensor(state))
        with torch.no_grad():
            logits, _ = policy(states[-1].unsqueeze(0))
        action = int(torch.multinomial(torch.softmax(logits[0], -1), 1, generator=generator))
        state, reward, terminated, truncated, _ = env.step(action)
        actions.append(action)
        rewards.append(float(reward))
        done = terminated or truncated
    return torch.stack(states), torch.tensor(actions), rewards


# %% [markdown]
# **Exercise 15.** Write the loop: for each episode play it, compute the reward-to-go and the loss, and make one step of Adam.
# The check runs it for some seconds on a tiny task with the same symmetry.
#
# <details><summary>Hint</summary>
#
# Three lines make a gradient step: `optimizer.zero_grad()`, `loss.backward()`, `optimizer.step()`. The logits and values that
# the loss needs are those of all states of the episode at once, `policy(states)`, with gradients.
# </details>


# %% tags=["exercise"]
def reinforce(
    env: gym.Env,
    policy: nn.Module,
    episodes: int,
    generator: torch.Generator,
    learning_rate: float = 0.01,
    discount: float = 0.99,
) -> list[float]:
    """Train the policy, and return the sum of rewards of each episode."""
    return ...


# %% tags=["solution"]
def reinforce(
    env: gym.Env,
    policy: nn.Module,
    episodes: int,
    generator: torch.Generator,
    learning_rate: float = 0.01,
    discount: float = 0.99,
) -> list[float]:
    """Train the policy, and return the sum of rewards of each episode."""
    optimizer = torch.optim.Adam(policy.parameters(), lr=learning_rate)
    returns = []
    for _ in range(episodes):
        states, actions, rewards = run_episode(env, policy, generator)
        logits, values = policy(states)
        loss = reinforce_loss(logits, values, actions, reward_to_go(rewards, discount))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        returns.append(sum(rewards))
    return returns


# %%
check("training-loop", reinforce)

# %% [markdown]
# **Exercise 16.** Before you compare: what belongs to a fair comparison of two policies?
#
# <details><summary>Hint</summary>
#
# Ask of each: could it make one policy look better although the symmetry does not help?
# </details>

# %% tags=["exercise"]
fair = {
    "the same number of parameters": ...,
    "the same learning rate and discount": ...,
    "the best of all seeds": ...,
    "several seeds for each policy": ...,
    "leaving out seeds that failed": ...,
}

# %% tags=["solution"]
fair = {
    "the same number of parameters": True,
    "the same learning rate and discount": True,
    "the best of all seeds": False,  # the more seeds, the better the best: luck, not merit
    "several seeds for each policy": True,
    "leaving out seeds that failed": False,  # rewards a method for failing
}

# %%
check("fair-comparison", fair)

# %% [markdown]
# Now CartPole, three seeds of both policies, 150 episodes each. It takes about half a minute.

# %%
env = gym.make("CartPole-v1")
builders = {"plain": PlainPolicy, "equivariant": EquivariantPolicy}
trained, returns = {}, {}
for name, build in builders.items():
    returns[name] = []
    for seed in range(3):
        policy = build(torch.Generator().manual_seed(seed))
        returns[name].append(reinforce(env, policy, 150, torch.Generator().manual_seed(100 + seed)))
        trained.setdefault(name, policy)
pictures.learning_curves(returns)

# %% [markdown]
# And what have they learned? Below are the first seeds, untrained and trained. A good policy pushes to where the pole falls.

# %%
before = {f"{name}, untrained": probabilities(policy) for name, policy in untrained.items()}
after = {f"{name}, trained": probabilities(policy) for name, policy in trained.items()}
pictures.policy_maps(before | after)

# %% [markdown]
# ### Many seeds
#
# Three seeds are an anecdote. `symmdp` trains many seeds at once, as one stacked network. Below are ten seeds of each policy
# with its own REINFORCE; on the command line, `symmdp compare CartPole-v1` does the same for twenty seeds and PPO, and writes a
# table and figures.

# %%
directory = Path(tempfile.mkdtemp())
symmetry = symmdp.symmetry_of("CartPole-v1")
options = replace(preset("CartPole-v1", "reinforce"), total_steps=50_000, hidden=(32, 32))
for method in ("equivariant", "plain"):
    train("CartPole-v1", symmetry, options, seeds=range(10), directory=directory / method, policy=method)
pictures.compared_runs(directory)

# %% [markdown]
# **Exercise 17.** How long does it take to solve the task? Write the median over seeds of the first episode at which the mean
# return of the last `window` episodes reaches a threshold. A seed that never gets there counts as infinity.
#
# <details><summary>Hint</summary>
#
# `np.convolve(seed, np.ones(window) / window, mode="valid")` has the means of all windows; the first of them ends with episode
# `window`. `np.median` can bear infinities.
# </details>


# %% tags=["exercise"]
def episodes_to_solve(returns: np.ndarray, threshold: float, window: int) -> float:
    """The median over seeds of episodes until solved; returns has the shape (seeds, episodes)."""
    return ...


# %% tags=["solution"]
def episodes_to_solve(returns: np.ndarray, threshold: float, window: int) -> float:
    """The median over seeds of episodes until solved; returns has the shape (seeds, episodes)."""
    solved = []
    for seed in returns:
        means = np.convolve(seed, np.ones(window) / window, mode="valid")
        reached = np.flatnonzero(means >= threshold)
        solved.append(reached[0] + window if len(reached) else np.inf)
    return float(np.median(solved))


# %%
check("episodes-to-solve", episodes_to_solve)

# %%
for name, table in returns.items():
    print(f"{name}: a mean return of 60 over 20 episodes after {episodes_to_solve(np.array(table), 60, 20):g} episodes")

# %% [markdown]
# ## Where you are
#
# You have stacked equivariant layers, with the regular representation in between; you know why ReLU is allowed there and not
# elsewhere; and you have trained the result with a policy gradient that you derived yourself. What you built is, in three lines
# of `symmdp`:
#
# ```python
# env = gym.make("CartPole-v1")
# symmetry = symmdp.symmetry_of("CartPole-v1")
# policy = symmdp.policies.ActorCritic(symmetry, env.observation_space, env.action_space, hidden=(64, 64))
# ```
#
# The last notebook leaves CartPole: turns instead of mirrors, images instead of vectors, and symmetries that are not quite
# there.
