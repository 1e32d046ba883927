# %% [markdown]
# # 4 · Beyond the practical
#
# CartPole has the simplest symmetry there is: two elements, vectors, exact. This notebook goes further, in four parts that do
# not need each other:
#
# 1. **Grid World**: quarter turns of an image, and why the inverse in the symmetrizer matters there,
# 2. **Pong**: a flip of images,
# 3. **What breaks a symmetry**: reports on MountainCar, on a pole that is tilted by a tenth of a degree, and on cart–poles in
#    which someone has planted a fault,
# 4. **Code of your own**: equivariant policies as ordinary PyTorch modules.

# %%
import io

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

import symmdp
from symmdp import Representation, Symmetry, groups
from symmdp.catalogue import entry_of, grid_world_symmetry
from symmdp.mdp import explain
from symmdp.nn import EquivariantCNN
from symmdp.policies import ActorCritic
from symmdp.practical import check, faulty_cart_pole, pictures
from symmdp.representations import flip, image, plane
from symmdp.testing import assert_equivariant

torch.set_num_threads(1)

# %% [markdown]
# ## 1. Grid World: turns
#
# In Grid World an agent (blue, always in the middle) hunts a prey (vermilion) on a torus. The agent sees an image of 21 × 21
# pixels, and has five actions: 0 noop, 1 up, 2 right, 3 down, 4 left. Turn the image by a quarter, and the move with it, and
# nothing has changed. The group is C4, four turns; we write $r$ for the quarter turn against the clock.

# %%
pictures.grid_world_turns()

# %% [markdown]
# **Exercise 1.** Write the matrices $K_g$ that turn the actions, in the order identity, $r$, $r^2$, $r^3$. An action is a unit
# vector here, and $K_g$ takes the unit vector of an action to that of the turned action.
#
# <details><summary>Hint</summary>
#
# Where does each of the five actions go in the picture? Column $a$ of $K_r$ has its 1 in the row of the action that $a$
# becomes. The others are powers: `torch.linalg.matrix_power`.
# </details>


# %% tags=["exercise"]
def get_grid_world_action_group_representations() -> list[torch.Tensor]:
    """Four matrices of size 5 × 5."""
    return ...


# %% tags=["solution"]
def get_grid_world_action_group_representations() -> list[torch.Tensor]:
    """Four matrices of size 5 × 5."""
    becomes = [0, 4, 1, 2, 3]  # noop stays, up becomes left, right becomes up, down becomes right, left becomes down
    quarter = torch.zeros(5, 5)
    for action, turned in enumerate(becomes):
        quarter[turned, action] = 1.0
    return [torch.linalg.matrix_power(quarter, k) for k in range(4)]


# %%
check("turned-actions", get_grid_world_action_group_representations)

# %% [markdown]
# `symmdp` knows this symmetry. Is it exact? The next image is random (the prey may move), so `verify` compares its expectation:

# %%
print(symmdp.verify("symmdp/GridWorld-v0", grid_world_symmetry(groups.cyclic(4)), samples=200).headline)

# %% [markdown]
# ### The inverse
#
# The symmetrizer is $S(W) = \frac{1}{|G|}\sum_g K_g^{-1}\,W\,L_g$. For a mirror $K_g^{-1} = K_g$, and a symmetrizer without the
# inverse passes all tests on CartPole. (So it happened in the code that was released with the paper.) A quarter turn is not its
# own inverse.
#
# **Exercise 2.** Write a symmetrizer that is right for every group and all representations, also those that change lengths.
#
# <details><summary>Hint</summary>
#
# `torch.linalg.inv`. The transpose is the inverse of orthogonal matrices only.
# </details>


# %% tags=["exercise"]
def symmetrize(W: Tensor, group: list[list[Tensor]]) -> Tensor:
    """S(W), for group = [the L_g, the K_g]."""
    return ...


# %% tags=["solution"]
def symmetrize(W: Tensor, group: list[list[Tensor]]) -> Tensor:
    """S(W), for group = [the L_g, the K_g]."""
    rep_in, rep_out = group
    return sum(torch.linalg.inv(K_g) @ W @ L_g for L_g, K_g in zip(rep_in, rep_out, strict=True)) / len(rep_in)


# %%
check("any-symmetrizer", symmetrize)

# %% [markdown]
# **Exercise 3.** What if one forgets the inverse? Call the result $\tilde S(W) = \frac{1}{|G|}\sum_g K_g\,W\,L_g$. The function
# below stacks as many such layers as you like, with ReLUs in between; all hidden layers, and the output, carry the regular
# representation of C4. For which depths is the result equivariant? Try it, and explain it.
#
# <details><summary>Hint</summary>
#
# Let $h$ be a turn, and put $gh$ in place of $g$ in the sum: $\tilde S(W)\,L_h = K_h^{-1}\,\tilde S(W)$. One such layer turns
# the output the wrong way. What does the next one do with it?
# </details>

# %%
turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
cycle = torch.eye(4)[[3, 0, 1, 2]]
L = [torch.linalg.matrix_power(turn, k) for k in range(4)]  # quarter turns of the plane
R = [torch.linalg.matrix_power(cycle, k) for k in range(4)]  # the regular representation


def stack_without_inverse(layers: int):
    """A network of this depth, each layer symmetrized without the inverse."""
    generator = torch.Generator().manual_seed(layers)
    weights = []
    for layer in range(layers):
        rep_in = L if layer == 0 else R
        W = torch.randn(4, len(rep_in[0]), generator=generator)
        weights.append(sum(R_g @ W @ L_g for L_g, R_g in zip(rep_in, R, strict=True)) / 4)

    def network(x: Tensor) -> Tensor:
        for W in weights[:-1]:
            x = torch.relu(W @ x)
        return weights[-1] @ x

    return network


# %% tags=["exercise"]
equivariant = {1: ..., 2: ..., 3: ..., 4: ...}

# %% tags=["solution"]
x = torch.randn(2, generator=torch.Generator().manual_seed(0))
for layers in (1, 2, 3, 4):
    network = stack_without_inverse(layers)
    right = torch.allclose(network(turn @ x), cycle @ network(x), atol=1e-5)
    wrong_way = torch.allclose(network(turn @ x), cycle.T @ network(x), atol=1e-5)
    print(f"{layers} layers: output turns the right way: {right}; the wrong way: {wrong_way}")
# Each layer turns the turn round. An even number of layers (an odd number of hidden ones) does so an even number of times.
equivariant = {1: False, 2: True, 3: False, 4: True}

# %%
check("layers-without-inverse", equivariant)

# %% [markdown]
# **Exercise 4.** A linear layer from the image (441 pixels) to the logits (5 actions) has 2205 weights. How many of them are
# free if it is equivariant under C4? A quarter of them, nearly.
#
# <details><summary>Hint</summary>
#
# $\frac{1}{|G|}\sum_g \chi_{in}(g)\,\chi_{out}(g)$. The trace of a permutation counts what stays in its place. How many of the
# 21 × 21 pixels does a turn leave in their place, and how many of the actions?
# </details>

# %% tags=["exercise"]
dimension = ...

# %% tags=["solution"]
# The pixel in the middle and noop stay under each of the three turns.
dimension = (441 * 5 + 1 * 1 + 1 * 1 + 1 * 1) // 4

# %%
check("grid-world-dimension", dimension)

# %% [markdown]
# `EquivariantMaps` knows it too. For images one would rather take convolutions, whose kernels turn with the image:

# %%
symmetry = grid_world_symmetry(groups.cyclic(4))
print("dimension:", symmdp.EquivariantMaps(symmetry.on_vectors.observation, symmetry.action).dim)
c4 = groups.cyclic(4)
network = EquivariantCNN(
    plane(c4), c4.trivial, symmetry.action, size=(21, 21), channels=(8, 16), kernel_size=(7, 5), stride=(2, 1), hidden=(32,)
)
world = gym.make("symmdp/GridWorld-v0")
observation = torch.as_tensor(world.reset(seed=0)[0])
with torch.no_grad():
    for g in range(4):
        logits = network(symmetry.transform_observation(g, observation))
        print(
            f"{symmetry.element_name(g):>18}:",
            "  ".join(f"{name} {value:+.3f}" for name, value in zip(symmetry.action_names, logits.tolist(), strict=True)),
        )

# %% [markdown]
# The numbers of the four moves go round, and noop's stays.
#
# ## 2. Pong: a flip
#
# Turn Pong's field upside down, exchange up and down, and it is Pong again. The agent sees four frames of 80 × 80 pixels, which
# show the field only. Its actions are 0 NOOP, 1 FIRE, 2 RIGHT (moves the paddle up), 3 LEFT (down), 4 RIGHTFIRE and 5 LEFTFIRE
# (the same, with the button).

# %%
pictures.pong_flip()

# %% [markdown]
# **Exercise 5.** Declare this symmetry. An image representation says how the group acts on the channels (here the four frames,
# which stay), and how it moves the pixels: `image(channels, plane, height, width)`. A flip of the second coordinate of the
# plane is `flip(c2, "y")`.
#
# <details><summary>Hint</summary>
#
# `4 * c2.trivial` leaves four channels alone. The action representation has two matrices of size 6 × 6, the identity first;
# `np.eye(6)[[…]]` makes a permutation matrix of a list.
# </details>

# %% tags=["exercise"]
c2 = groups.cyclic(2)
pong_symmetry = ...

# %% tags=["solution"]
c2 = groups.cyclic(2)
pong_symmetry = Symmetry(
    c2,
    observation=image(4 * c2.trivial, flip(c2, "y"), 80, 80),
    action=Representation(c2, [np.eye(6), np.eye(6)[[0, 1, 3, 2, 5, 4]]]),  # 2 ↔ 3 and 4 ↔ 5
)

# %%
check("pong-symmetry", pong_symmetry)

# %% [markdown]
# A network on it, and four frames of a game: upside down, the logits of up and down change places.

# %%
frames = torch.as_tensor(pictures.pong_frames() / 255, dtype=torch.float32)
network = EquivariantCNN(
    flip(c2, "y"),
    4 * c2.trivial,
    pong_symmetry.action,
    size=(80, 80),
    channels=(16, 32),
    kernel_size=(8, 5),
    stride=(4, 2),
    hidden=(64,),
)
with torch.no_grad():
    for name, seen in (("as it is", frames), ("upside down", frames.flip(-2))):
        print(f"{name:>12}:", "  ".join(f"{value:+.3f}" for value in network(seen).tolist()))

# %% [markdown]
# **Exercise 6.** How far do these break the symmetry: `"not at all"`, `"a little"`, `"only if they are seen"`, or is it
# `"it is no symmetry"` to begin with?
#
# <details><summary>Hint</summary>
#
# Look at both pictures above. At the upper end of its range the paddle shows 6 rows of pixels, at the lower end 4.
# </details>

# %% tags=["exercise"]
breaks = {
    "the scores above the field": ...,
    "the paddle at the ends of its range": ...,
    "a left-right mirror": ...,
}

# %% tags=["solution"]
breaks = {
    "the scores above the field": "only if they are seen",  # they stay above; hence the frames are cropped to the field
    "the paddle at the ends of its range": "a little",
    "a left-right mirror": "it is no symmetry",  # it exchanges the players
}

# %%
check("pong-breaks", breaks)

# %% [markdown]
# ## 3. What breaks a symmetry
#
# A symmetry is a claim about a simulator, and claims are to be tested. `symmdp.verify` sets the simulator to a state and to its
# image, steps both, and compares five things separately: the next observation, the reward, the end of the episode, the
# distribution of initial states, and the bounds of the spaces.
#
# ### MountainCar
#
# The valley is a cosine, symmetric about its lowest point at $x = -\pi/6 \approx -0.52$. So is MountainCar symmetric under
# $x \mapsto -\pi/3 - x$, $v \mapsto -v$, left ↔ right?

# %%
valley = entry_of("MountainCar-v0").candidate
print(symmdp.verify("MountainCar-v0", valley))

# %% [markdown]
# No. Where? The picture shows one step from every state and from its image.

# %%
pictures.residual_map("MountainCar-v0", valley)

# %% [markdown]
# **Exercise 7.** What breaks each part: `"wall"`, `"goal"`, `"range of positions"`, `"where episodes start"` or `"nothing"`?
#
# <details><summary>Hint</summary>
#
# Positions lie between −1.2 and 0.6; at −1.2 the car hits a wall and stops; at 0.5 is the goal; episodes start between −0.6 and
# −0.4. The lowest lines of the report say where the largest difference was found.
# </details>

# %% tags=["exercise"]
causes = {
    "observation": ...,
    "reward": ...,
    "termination": ...,
    "initial states": ...,
    "bounds": ...,
}

# %% tags=["solution"]
causes = {
    "observation": "wall",  # the car stops at the wall, but not at the wall's image
    "reward": "nothing",  # −1 a step everywhere
    "termination": "goal",  # on one of the hills only
    "initial states": "where episodes start",  # −0.5 is their middle, the valley's is −0.52
    "bounds": "range of positions",
}

# %%
check("mountain-car", causes)

# %% [markdown]
# ### A tilted pole
#
# InvertedPendulum is a cart with a pole in the MuJoCo engine. Its mirror changes the signs of all coordinates,
# $(x, \theta, \dot x, \dot\theta)$, and of the force.

# %%
mirror = symmdp.symmetry_of("InvertedPendulum-v5")
print(symmdp.verify("InvertedPendulum-v5", mirror).headline)
print()
print(explain("InvertedPendulum-v5", mirror))

# %% [markdown]
# The errors are small, but they are everywhere, and `explain` finds the reason in the model: at $\theta = 0$ the middle of the
# pole's mass is at $x = 0.0005$, $z = 0.3$, a little to the right of the joint. Somebody wrote `0.001` where `0` was meant.
#
# **Exercise 8.** Then the dynamics are symmetric about the angle at which the mass is straight above the joint. What is it?
# Give the fixed point of the mirror, four numbers. ($\theta$ grows when the pole falls to the right.)
#
# <details><summary>Hint</summary>
#
# The mass is off the vertical by $\arctan(0.0005/0.3)$ to the right. To put it upright, turn the pole back by as much.
# </details>

# %% tags=["exercise"]
center = ...

# %% tags=["solution"]
center = [0.0, -np.arctan2(0.0005, 0.3), 0.0, 0.0]

# %%
check("tilted-pole", center)

# %%
tilted = Symmetry(
    mirror.group, mirror.observation, mirror.action, observation_center=center, observation_names=mirror.observation_names
)
print(symmdp.verify("InvertedPendulum-v5", tilted))

# %% [markdown]
# Now each step is exact, up to rounding. But episodes still end at $|\theta| > 0.2$, which is symmetric about 0 and not about
# the tilt: no choice of the centre repairs both. Which of both symmetries would you give to a policy?
#
# ### Planted faults
#
# **Exercise 9.** Five cart–poles, `amber`, `birch`, `cedar`, `dune` and `elm`. Somebody has changed some of them. Find out what
# is wrong with each: `"nothing"`, `"a push is weaker"`, `"a wall on one side"`, `"the reward takes sides"` or
# `"it starts leaning"`.
#
# <details><summary>Hint</summary>
#
# `symmdp.verify(faulty_cart_pole("amber"), symmdp.symmetry_of("CartPole-v1"))` gives a report; `.headline` is its first line.
# Which part differs if the force is wrong? Which, if the episode ends too early?
# </details>

# %% tags=["exercise"]
faults = {
    "amber": ...,
    "birch": ...,
    "cedar": ...,
    "dune": ...,
    "elm": ...,
}

# %% tags=["solution"]
for name in ("amber", "birch", "cedar", "dune", "elm"):
    report = symmdp.verify(faulty_cart_pole(name), symmdp.symmetry_of("CartPole-v1"))
    print(f"{name}: {report.headline}")
faults = {
    "amber": "a push is weaker",  # velocities differ after a step
    "birch": "the reward takes sides",
    "cedar": "nothing",
    "dune": "it starts leaning",  # initial states differ, and nothing else
    "elm": "a wall on one side",  # termination differs, and nothing else
}

# %%
check("planted-faults", faults)

# %% [markdown]
# ## 4. Code of your own
#
# `ActorCritic` is a `torch.nn.Module` like any other: states in, logits and values out. Where your code builds a network, build
# this one.
#
# **Exercise 10.** Write a function that makes an equivariant policy for Acrobot-v1 with two hidden layers of 32 units.
#
# <details><summary>Hint</summary>
#
# `symmdp.symmetry_of("Acrobot-v1")` is the symmetry; `ActorCritic(symmetry, observation_space, action_space, hidden=(…))`. The
# spaces are those of `gym.make("Acrobot-v1")`.
# </details>


# %% tags=["exercise"]
def make_policy() -> torch.nn.Module:
    """An equivariant policy for Acrobot."""
    return ...


# %% tags=["solution"]
def make_policy() -> torch.nn.Module:
    """An equivariant policy for Acrobot."""
    env = gym.make("Acrobot-v1")
    return ActorCritic(symmdp.symmetry_of("Acrobot-v1"), env.observation_space, env.action_space, hidden=(32, 32))


# %%
check("acrobot-policy", make_policy)

# %% [markdown]
# Here it is in a training loop that knows nothing of symmetry: one update from a few steps of Acrobot, with an optimiser and a
# loss of PyTorch.

# %%
torch.manual_seed(0)
policy = make_policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=3e-3)
env = gym.make("Acrobot-v1")
state, _ = env.reset(seed=0)
states, actions = [], []
for _ in range(200):
    states.append(torch.as_tensor(state))
    with torch.no_grad():
        actions.append(torch.distributions.Categorical(logits=policy(states[-1])[0]).sample())
    state, _, terminated, truncated, _ = env.step(int(actions[-1]))
    if terminated or truncated:
        state, _ = env.reset()
returns = -torch.arange(200.0, 0.0, -1.0) / 100  # −1 a step, if it goes on like this
logits, values = policy(torch.stack(states))
loss = torch.nn.functional.cross_entropy(logits, torch.stack(actions), reduction="none") @ (returns - values.detach()) / 200
loss = loss + 0.5 * torch.nn.functional.mse_loss(values, returns)
optimizer.zero_grad()
loss.backward()
optimizer.step()
symmetry = symmdp.symmetry_of("Acrobot-v1")
assert_equivariant(lambda x: policy(x)[0], symmetry.observation, symmetry.action)
print("loss", round(loss.item(), 3), "– and after the step the policy is as equivariant as before")

# %% [markdown]
# **Exercise 11.** Where the policy is used, `symmdp` may not be installed: on a robot, in a browser. Make a copy of `policy`
# that consists of layers of `torch.nn` alone, and computes the same.
#
# <details><summary>Hint</summary>
#
# `ActorCritic` has a method for it, named after what it gives.
# </details>

# %% tags=["exercise"]
plain = ...

# %% tags=["solution"]
plain = policy.to_plain()

# %%
check("plain-copy", policy, plain)

# %%
print(plain.actor)
file = io.BytesIO()
torch.save(plain.state_dict(), file)
file.seek(0)
plain.load_state_dict(torch.load(file, weights_only=True))
print(
    "written and read:",
    sum(p.numel() for p in plain.parameters()),
    "numbers, of which",
    sum(p.numel() for p in policy.parameters()),
    "are free",
)

# %% [markdown]
# ## Further on
#
# - `symmdp list` shows the environments whose symmetry is known, and `symmdp verify ID` checks one.
# - `symmdp compare Pendulum-v1` trains equivariant and plain policies over twenty seeds, and says how much data was saved.
# - The README has augmentation, canonical states and frame averages for policies that are *not* equivariant, finite MDPs that
#   are solved on their orbits, and networks for symmetries that hold only approximately.
