# %% [markdown]
# # 1 · Symmetry of an MDP
#
# Hold a video of somebody balancing a pole up to a mirror. Everything in it is reversed: the cart that drifts to the
# right drifts to the left, the pole that falls to the left falls to the right. And still nobody could tell, from the
# physics, that it is a mirror they look at. Whatever is a good push in the room is, reversed, a good push in the
# mirror.
#
# A learner that does not know this has to learn everything twice. In this practical we build learners that cannot
# help knowing it. This first notebook says exactly what "nobody could tell" means, and lets you measure it on a
# simulator.
#
# **How to work.** Replace each `...` by your answer, run the cell, then run the `check` cell below it. A check tells
# you what is wrong in words; a right answer earns points. Hints unfold when you click on them. Nothing here needs
# more than NumPy, PyTorch and paper.
#
# *About 40 minutes. You need: matrices, probabilities, what a Markov decision process is.*

# %%
import gymnasium as gym
import numpy as np
import torch

import symmdp
from symmdp.mdp import simulator_of
from symmdp.practical import check, pictures

# %% [markdown]
# ## 1.1 A cart, a pole and a mirror
#
# A state of CartPole has four coordinates, $s = (x, \dot x, \theta, \dot\theta)$: where the cart is (metres from the
# middle of the track), how fast it moves, how far the pole leans (radians from upright, positive to the right), and
# how fast it turns. There are two actions: push left ($a = 0$) and push right ($a = 1$), always with the same force.
# Every step earns a reward of 1; the episode ends when the pole leans too far or the cart leaves the track.

# %%
pictures.mirror_pair((0.9, 0.5, 0.19, -0.6), action=1)

# %% [markdown]
# Move the state yourself; its mirror image moves along.

# %%
pictures.MirrorSlider()

# %% [markdown]
# ## 1.2 Invariant, equivariant
#
# Two words carry the whole practical. Let $L$ transform the inputs of a function $f : X \to Y$.
#
# * $f$ is **invariant** under $L$ if transforming the input changes nothing:
#   $$f(L x) = f(x) \quad\text{for all } x.$$
# * $f$ is **equivariant** if transforming the input transforms the output in a way that is known beforehand: there is
#   a map $K : Y \to Y$ with
#   $$f(L x) = K f(x) \quad\text{for all } x.$$
#
# Whether a photograph shows a cat is (one hopes) invariant under moving the cat. Where the cat is, is equivariant.
#
# Invariance is the equivariance with $K = 1$. When an invariant function is described, say "invariant", which tells
# more.
#
# ### Exercise: which is which?
#
# The first three functions take a number, and $L x = -x$. The others take a vector, and $L$ is any permutation of its
# entries.
#
# | name | function |
# |---|---|
# | `square` | $x^2$ |
# | `cube` | $x^3$ |
# | `relu` | $\max(x, 0)$ |
# | `sum` | $x_1 + \dots + x_n$ |
# | `softmax` | $e^{x_i} / \sum_j e^{x_j}$ |
# | `first` | $x_1$ |
#
# <details><summary>Hint</summary>
#
# To show that a function is *neither*, find two inputs with the same output whose transformed inputs have different
# outputs. Then no $K$ can know what to do with that one output.
# </details>

# %% tags=["exercise"]
# Each is "invariant", "equivariant" or "neither".
behaviour = {
    "square": ...,
    "cube": ...,
    "relu": ...,
    "sum": ...,
    "softmax": ...,
    "first": ...,
}

# %% tags=["solution"]
behaviour = {
    "square": "invariant",  # (−x)² = x²
    "cube": "equivariant",  # (−x)³ = −x³, so K is the change of sign
    "relu": "neither",  # relu(−1) = relu(−2) = 0, but relu(1) ≠ relu(2)
    "sum": "invariant",
    "softmax": "equivariant",  # K is the same permutation
    "first": "neither",  # (1, 2) and (1, 3) have one first entry, and after the swap they have two
}

# %%
check("invariance-or-equivariance", behaviour)

# %% [markdown]
# Keep the third line in mind. That ReLU is neither under a change of sign will matter as soon as we build networks.
#
# ## 1.3 Groups
#
# One mirror is not the whole story: doing nothing is a transformation too, and transformations can be done one after
# the other. A set $G$ of transformations with
#
# * the **identity**: doing nothing is in $G$,
# * **closure**: if $g$ and $h$ are in $G$, then so is $gh$ (first $h$, then $g$),
# * **inverses**: whatever $g$ does, some element of $G$ undoes,
#
# is a **group**. (Composition of maps is associative by itself, so we need not ask for it.) If some transformations
# are symmetries of a thing, so are their compositions and inverses; that is why symmetries come in groups.
#
# When $g$ acts on vectors by a matrix $\rho(g)$, and matrices compose as the elements do, $\rho(gh) =
# \rho(g)\rho(h)$, then $\rho$ is a **representation** of the group.
#
# ### Exercise: is it a group?
#
# Write a function that takes a list of square matrices and says whether they form a group under multiplication.
#
# <details><summary>Hint 1</summary>
#
# A helper that looks a matrix up in the list makes all three axioms short:
# `any(torch.allclose(matrix, other) for other in matrices)`.
# </details>
# <details><summary>Hint 2</summary>
#
# For inverses you need not invert anything (some matrices have no inverse!): look for a matrix in the list whose
# product with this one is the identity.
# </details>


# %% tags=["exercise"]
def is_group(matrices: list[torch.Tensor]) -> bool:
    """Whether the matrices contain the identity, all their products, and an inverse of each."""
    return ...


# %% tags=["solution"]
def is_group(matrices: list[torch.Tensor]) -> bool:
    """Whether the matrices contain the identity, all their products, and an inverse of each."""
    one = torch.eye(len(matrices[0]), dtype=matrices[0].dtype)

    def among(matrix: torch.Tensor) -> bool:
        return any(torch.allclose(matrix, other, atol=1e-6) for other in matrices)  # rotations are rounded

    closed = all(among(a @ b) for a in matrices for b in matrices)
    inverses = all(any(torch.allclose(a @ b, one, atol=1e-6) for b in matrices) for a in matrices)
    return among(one) and closed and inverses


# %%
check("group-axioms", is_group)

# %% [markdown]
# ## 1.4 The mirror in formulas
#
# **What are the pairs of transformations that leave CartPole as it is?** There are two: one that does nothing to
# states and actions, and the mirror. Write the mirror down.
#
# ### Exercise: the mirror image of a state and an action
#
# <details><summary>Hint</summary>
#
# Look at the pictures above. Which of position, velocity, angle and angular velocity change sign? And which number is
# the other action?
# </details>


# %% tags=["exercise"]
def mirror(state: np.ndarray, action: int) -> tuple[np.ndarray, int]:
    """The mirror image of a state (four numbers) and of an action (0: left, 1: right)."""
    return ..., ...


# %% tags=["solution"]
def mirror(state: np.ndarray, action: int) -> tuple[np.ndarray, int]:
    """The mirror image of a state (four numbers) and of an action (0: left, 1: right)."""
    return -state, 1 - action


# %%
check("mirror-image", mirror)

# %% [markdown]
# ## 1.5 The mirror in matrices
#
# Networks want matrices. On states, each element $g$ of the group acts by a $4 \times 4$ matrix $L_g$. On what a
# policy puts out, the two probabilities $\pi(s) = (\pi(\leftarrow\!|s),\ \pi(\rightarrow\!|s))$, it acts by a $2
# \times 2$ matrix $K_g$.
#
# ### Exercise: CartPole's group representations
#
# Write each as a list of two matrices, in the same order: at equal places of both lists stands the same element of
# the group.
#
# <details><summary>Hint</summary>
#
# The identity matrix of size $n$ is `torch.eye(n)`; put it first. The second $L_g$ follows from `mirror`. The second
# $K_g$ should turn $(p, 1 - p)$ into $(1 - p, p)$.
# </details>


# %% tags=["exercise"]
def get_cartpole_state_group_representations() -> list[torch.Tensor]:
    """The matrices L_g on states, 4 × 4, the identity first."""
    return ...


def get_cartpole_action_group_representations() -> list[torch.Tensor]:
    """The matrices K_g on action probabilities, 2 × 2, in the same order."""
    return ...


# %% tags=["solution"]
def get_cartpole_state_group_representations() -> list[torch.Tensor]:
    """The matrices L_g on states, 4 × 4, the identity first."""
    return [torch.eye(4), -torch.eye(4)]


def get_cartpole_action_group_representations() -> list[torch.Tensor]:
    """The matrices K_g on action probabilities, 2 × 2, in the same order."""
    return [torch.eye(2), torch.tensor([[0.0, 1.0], [1.0, 0.0]])]  # a swap, not −1: probabilities stay positive


# %%
check("cartpole-representations", get_cartpole_state_group_representations, get_cartpole_action_group_representations)

# %% [markdown]
# ### Exercise: composing elements
#
# If both lists represent the same group, they compose alike. Write a function that takes a list of matrices and
# returns its **composition table**: an array with, at $(i, j)$, the place $k$ in the list for which $\rho_i \rho_j =
# \rho_k$.
#
# <details><summary>Hint</summary>
#
# For each pair, multiply (`matrices[i] @ matrices[j]`), then look for the place of the product with `torch.allclose`.
# For many groups $\rho_i \rho_j \neq \rho_j \rho_i$: mind the order.
# </details>


# %% tags=["exercise"]
def composition_table(matrices: list[torch.Tensor]) -> np.ndarray:
    """At (i, j) the place of matrices[i] @ matrices[j] in the list."""
    return ...


# %% tags=["solution"]
def composition_table(matrices: list[torch.Tensor]) -> np.ndarray:
    """At (i, j) the place of matrices[i] @ matrices[j] in the list."""
    size = len(matrices)
    table = np.zeros((size, size), dtype=int)
    for i in range(size):
        for j in range(size):
            product = matrices[i] @ matrices[j]
            (table[i, j],) = [k for k in range(size) if torch.allclose(product, matrices[k], atol=1e-6)]
    return table


# %%
check("composition-table", composition_table)

# %%
print("states:\n", composition_table(get_cartpole_state_group_representations()))
print("actions:\n", composition_table(get_cartpole_action_group_representations()))

# %% [markdown]
# ## 1.6 What makes it a symmetry of the MDP
#
# So far we have only *written down* transformations. They are a **symmetry of the MDP** if rewards and transitions do
# not notice them: for all $g \in G$, all states $s, s'$ and all actions $a$,
#
# $$R(s, a) = R(L_g s,\, K_g a), \qquad T(s' \mid s, a) = T(L_g s' \mid L_g s,\, K_g a).$$
#
# Read the second one aloud: the chance of getting from the mirrored state to the mirrored next state, by the mirrored
# action, is what it was before. (The way actions are moved may depend on the state; one then writes $K_g^s$. For
# CartPole it does not.)
#
# The action $a$ is a name here, and $K_g a$ another name, by `mirror`. On *probabilities* of actions the same $K_g$
# acts by the matrix.
#
# CartPole is deterministic, so there is one next state, $s' = T(s, a)$, and the condition says $L_g T(s, a) = T(L_g
# s, K_g a)$. That can be measured! Here is a simulator that can be set to any state:

# %%
simulator = simulator_of(gym.make("CartPole-v1"))


def step(state: np.ndarray, action: int) -> tuple[np.ndarray, float, bool]:
    """The next state, the reward, and whether the episode ends."""
    simulator.set_state(state)
    return simulator.step(action)


step(np.array([0.9, 0.5, 0.19, -0.6]), 1)

# %% [markdown]
# ### Exercise: measure the symmetry
#
# Write a function that tries both actions in every state of a list, steps the state and its mirror image side by
# side, and returns the **largest absolute difference** that it meets: between any coordinate of $L\,T(s, a)$ and $T(L
# s, K a)$, between the two rewards, or between the two flags that say whether the episode ends (count `True` as 1 and
# `False` as 0).
#
# <details><summary>Hint 1</summary>
#
# In a loop over states and actions: step `(state, action)`; step `mirror(state, action)`; mirror the first of the two
# next states, so that it can be compared with the second.
# </details>
# <details><summary>Hint 2</summary>
#
# `mirror` takes a state and an action; `mirror(following, action)[0]` is the mirrored next state.
# </details>


# %% tags=["exercise"]
def symmetry_error(step, mirror, states) -> float:
    """The largest difference between the mirrored outcome and the outcome of the mirrored state and action.

    step: takes a state and an action; returns the next state, the reward, and whether the episode ends.
    mirror: takes a state and an action; returns their mirror images.
    states: an array of shape (n, 4).
    """
    return ...


# %% tags=["solution"]
def symmetry_error(step, mirror, states) -> float:
    """The largest difference between the mirrored outcome and the outcome of the mirrored state and action."""
    largest = 0.0
    for state in states:
        for action in (0, 1):
            following, reward, ends = step(state, action)
            following_image, reward_image, ends_image = step(*mirror(state, action))
            difference = mirror(following, action)[0] - following_image  # L T(s, a) − T(L s, K a)
            largest = max(largest, np.abs(difference).max(), abs(reward - reward_image), abs(float(ends) - float(ends_image)))
    return float(largest)


# %%
check("symmetry-error", symmetry_error)

# %%
states = np.random.default_rng(0).uniform(-1, 1, size=(200, 4)) * [3.0, 2.0, 0.3, 2.0]
print("CartPole's largest error:", symmetry_error(step, mirror, states))

# %% [markdown]
# `symmdp.verify` does the same with more care: states from episodes and from all over the state space, every part
# reported for itself, a bound on the share of states that might violate the symmetry unseen, the distribution of first
# states, and the bounds of the spaces.

# %%
print(symmdp.verify("CartPole-v1", symmdp.symmetry_of("CartPole-v1")))

# %% [markdown]
# A state and its image, with mirrored actions, stay mirror images for ever after:

# %%
pictures.phase_plane()

# %% [markdown]
# ### Exercise: what breaks it?
#
# Somebody changes CartPole. In which cases is the mirror still a symmetry of the MDP? (`True`: it survives.)
#
# <details><summary>Hint</summary>
#
# Ask of each change: could you see in a film, without knowing which, whether you look at the room or at the mirror?
# </details>

# %% tags=["exercise"]
survives = {
    "longer pole": ...,  # the pole is twice as long
    "wind": ...,  # a steady wind blows to the right
    "reward near the centre": ...,  # the reward is 1 − |x|
    "reward on the right": ...,  # the reward is 1 where x > 0, and 0 elsewhere
    "weaker pushes to the left": ...,  # the motor pushes left with half the force
    "friction": ...,  # the wheels and the hinge have friction
    "wall on the right": ...,  # the episode ends at x > 1, or, as before, at x < −2.4
}

# %% tags=["solution"]
survives = {
    "longer pole": True,  # as long in the mirror
    "wind": False,  # blows the other way in the mirror: T breaks
    "reward near the centre": True,  # |−x| = |x|
    "reward on the right": False,  # T keeps the symmetry, R breaks it
    "weaker pushes to the left": False,  # T breaks
    "friction": True,  # against the motion, in the room and in the mirror
    "wall on the right": False,  # the end of the episode breaks it
}

# %%
check("what-breaks", survives)

# %% [markdown]
# ## 1.7 What it means for policies
#
# If an MDP has a symmetry, then it has an optimal policy that has it too:
#
# $$K_g\, \pi^*(s) = \pi^*(L_g s) \quad\text{for all } g \in G,\ s \in S.$$
#
# The reason is short. Take any optimal policy, let it play in the mirror: it earns as much there, since rewards and
# transitions cannot tell the difference. So the mirrored policy is optimal as well, and the average of both (play
# either, by a coin) is optimal and equivariant. Nothing is lost by looking among equivariant policies only, and there
# are far fewer of them.
#
# ### Exercise: in numbers
#
# In a state $s$ an equivariant policy pushes left with probability 0.8. Write $\pi$, as (left, right), in the mirror
# image $-s$, and at the origin.
#
# <details><summary>Hint</summary>
#
# Use $\pi(L s) = K \pi(s)$ twice. At the origin, $L\,0 = 0$: what does that leave for $\pi(0)$?
# </details>

# %% tags=["exercise"]
policy_in_mirror_state = ...
policy_at_origin = ...

# %% tags=["solution"]
policy_in_mirror_state = [0.2, 0.8]  # K (0.8, 0.2)
policy_at_origin = [0.5, 0.5]  # K π(0) = π(0): only equal probabilities stay as they are under a swap

# %%
check("policy-in-the-mirror", policy_in_mirror_state, policy_at_origin)

# %% [markdown]
# ## 1.8 Half the states
#
# The **orbit** of a state is the set of its images, $\{L_g s : g \in G\}$. What a policy does in one state of an
# orbit fixes what it does in all of them. So there is a smaller MDP behind the large one, whose states are the
# orbits; the map from the large one to the small one is an **MDP homomorphism**. Experience from anywhere in an orbit
# is experience with all of it: this is where the data is saved.
#
# ### Exercise: sizes of orbits
#
# How many different states are in the orbit of a state $s \neq 0$? How many in the orbit of the origin?
#
# <details><summary>Hint</summary>
#
# An orbit is a *set*: equal images count once.
# </details>

# %% tags=["exercise"]
orbit_size_of_s = ...
orbit_size_of_origin = ...

# %% tags=["solution"]
orbit_size_of_s = 2
orbit_size_of_origin = 1

# %%
check("orbit-sizes", orbit_size_of_s, orbit_size_of_origin)

# %% [markdown]
# ### Exercise: a state for each orbit
#
# To learn on orbits one needs a name for each. Write a function that chooses one of the two states of each orbit:
# `canonical(s)` is $s$ or $-s$, and `canonical(s)` equals `canonical(-s)`.
#
# <details><summary>Hint 1</summary>
#
# It is tempting to take $|s|$. But is $(|x|, |\dot x|, |\theta|, |\dot\theta|)$ always one of the two states?
# </details>
# <details><summary>Hint 2</summary>
#
# Let the sign of $x$ decide. And where $x = 0$? The first coordinate that is not zero can decide.
# </details>


# %% tags=["exercise"]
def canonical(state: np.ndarray) -> np.ndarray:
    """One of the states s and −s, the same one for both."""
    return ...


# %% tags=["solution"]
def canonical(state: np.ndarray) -> np.ndarray:
    """One of the states s and −s, the same one for both."""
    for coordinate in state:
        if coordinate != 0:
            return state * np.sign(coordinate)  # the first coordinate that is not zero becomes positive
    return state


# %%
check("canonical-state", canonical)

# %% [markdown]
# One could stop here: mirror every state to its canonical one, learn any policy there, and mirror its actions back.
# It works, and `symmdp` has it (`symmdp.mdp.Canonicalization`). But such a policy jumps where the choice of the state
# jumps, at $x = 0$, right where the cart should be. In the next notebook we build the symmetry into the weights
# instead: smooth, and with fewer parameters.
