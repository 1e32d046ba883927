# %% [markdown]
# # 2 · Equivariant layers
#
# From the first notebook we know what we want of a policy for CartPole: $K_g \pi(s) = \pi(L_g s)$. A network that has
# to *learn* this will get it almost right, sometimes. A network that is *built* for it has it right before the first
# step of training, exactly, and needs half the weights.
#
# We build one layer: find all weights that are equivariant, make an equivariant weight of any weight, and write down
# a basis.
#
# *About 45 minutes. You need: notebook 1, and matrices (rank, trace, span).*

# %%
import torch

from symmdp import EquivariantMaps, symmetry_of
from symmdp.practical import check, pictures

torch.manual_seed(0)

# CartPole's representations, from notebook 1.
state_group = [torch.eye(4), -torch.eye(4)]
action_group = [torch.eye(2), torch.tensor([[0.0, 1.0], [1.0, 0.0]])]
group = [state_group, action_group]

# %% [markdown]
# ## 2.1 How many weights are left?
#
# A linear layer $z' = W z$ takes a state to two numbers, one for each action. It is equivariant if $K_g W z = W L_g
# z$ for all $z$, which is to say
#
# $$K_g W = W L_g \quad\text{for all } g \in G.$$
#
# These are linear equations for the entries of $W$. So the equivariant weights $W_{eq}$ are a *linear subspace* of
# the space $W_{total}$ of all weights, and have a dimension.
#
# With a bias, $z' = W z + b$, one often writes $[W, b]$ for $W$ and $(z, 1)$ for $z$. The added coordinate 1 is the
# same for all $g$, and what is asked of the last column is $K_g b = b$.
#
# ### Exercise: dimensions
#
# What is the shape of $W$? What are the dimensions of $W_{total}$ and of $W_{eq}$ (without bias)? And of the
# equivariant biases?
#
# <details><summary>Hint</summary>
#
# Write $w_1, w_2$ for the rows of $W$. Then $K W$ has the rows $w_2, w_1$ and $W L$ has the rows $-w_1, -w_2$.
# Compare. How many numbers can be chosen freely?
# </details>

# %% tags=["exercise"]
shape_of_W = ...  # (rows, columns)
dimension_of_all = ...
dimension_of_equivariant = ...
dimension_of_equivariant_bias = ...

# %% tags=["solution"]
shape_of_W = (2, 4)  # 4 numbers in, 2 out
dimension_of_all = 8  # each entry of W is free
dimension_of_equivariant = 4  # w_2 = −w_1, and w_1 is free
dimension_of_equivariant_bias = 1  # K b = b says b_1 = b_2

# %%
check("dimensions", shape_of_W, dimension_of_all, dimension_of_equivariant, dimension_of_equivariant_bias)

# %% [markdown]
# ## 2.2 The symmetrizer
#
# Solving equations by hand ends soon. There is a formula that makes an equivariant weight of any weight, for every
# finite group: the average over all the ways in which the group can move it,
#
# $$S(W) = \frac{1}{|G|} \sum_{g \in G} K_g^{-1}\, W\, L_g .$$
#
# Why it works: for any $h \in G$,
#
# $$K_h\, S(W) = \frac{1}{|G|} \sum_g K_{hg^{-1}}\, W\, L_g = \frac{1}{|G|} \sum_{g'} K_{g'^{-1}}\, W\, L_{g'h} = S(W)\, L_h,$$
#
# with $g' = g h^{-1}$, which runs over all of $G$ when $g$ does. And if $W$ is equivariant already, then every term
# is $W$, and so is the average: $S$ is a *projection* onto $W_{eq}$.
#
# ### Exercise: `symmetrize`
#
# Write it for any group, not just CartPole's: the check will try turns, whose elements are *not* their own inverses.
#
# <details><summary>Hint 1</summary>
#
# `zip(*group)` goes through the pairs $(L_g, K_g)$. Start from `torch.zeros_like(W)`.
# </details>
# <details><summary>Hint 2</summary>
#
# `torch.linalg.inv` inverts a matrix. Which of the two needs it? And by what is the sum divided?
# </details>


# %% tags=["exercise"]
def symmetrize(W: torch.Tensor, group: list[list[torch.Tensor]]) -> torch.Tensor:
    """S(W), the mean of K_g⁻¹ W L_g over the group.

    W: weights of shape (out, in).
    group: [matrices L_g on inputs, matrices K_g on outputs], in the same order.
    """
    return ...


# %% tags=["solution"]
def symmetrize(W: torch.Tensor, group: list[list[torch.Tensor]]) -> torch.Tensor:
    """S(W), the mean of K_g⁻¹ W L_g over the group."""
    total = torch.zeros_like(W)
    for L, K in zip(*group, strict=True):
        total = total + torch.linalg.inv(K) @ W @ L  # without the inverse it is right for CartPole, and wrong for turns
    return total / len(group[0])


# %%
check("symmetrizer", symmetrize)

# %%
W = torch.rand(2, 4)
W_sym = symmetrize(W, group)
print(W_sym)
pictures.symmetrized_weights(W, W_sym)

# %% [markdown]
# ### Question: what does the symmetrizer do?
#
# Look at the symmetrized weights, and symmetrize some others. What do they all have in common? Answer with one of
# `"the second row is minus the first"`, `"both rows are equal"`, `"each row sums to zero"`, `"both rows are zero"`.
#
# <details><summary>Hint</summary>
#
# You found it with pencil and paper in 2.1.
# </details>

# %% tags=["exercise"]
row_relation = ...

# %% tags=["solution"]
row_relation = "the second row is minus the first"

# %%
check("effect-of-symmetrizer", row_relation)

# %% [markdown] tags=["solution"]
# Worked out: with rows $w_1, w_2$, the sum has two terms, $W$ itself and $K^{-1} W L$, whose rows are $-w_2, -w_1$. So
# $S(W)$ has the rows $\tfrac12(w_1 - w_2)$ and $-\tfrac12(w_1 - w_2)$. What both rows had in common is gone: it would
# raise both outputs in $s$ and lower both in the mirror image, and no swap does that.

# %% [markdown]
# ## 2.3 Bias
#
# A bias must be equivariant too: $K_g b = b$ for all $g$. It is an *invariant vector*.
#
# ### Exercise: which biases are allowed?
#
# Give a bias that is not zero for CartPole's two outputs. And how many dimensions of biases does a layer have whose
# $n$ outputs *all change sign*, $K = -1$?
#
# <details><summary>Hint</summary>
#
# Solve $K b = b$, once for the swap and once for $K = -1$.
# </details>

# %% tags=["exercise"]
bias_for_actions = ...  # two numbers
number_of_biases_for_signs = ...

# %% tags=["solution"]
bias_for_actions = [1.0, 1.0]  # a swap leaves equal entries alone
number_of_biases_for_signs = 0  # −b = b for b = 0 only

# %%
check("equivariant-bias", bias_for_actions, number_of_biases_for_signs)

# %% [markdown]
# ## 2.4 Is it equivariant? Test it
#
# Formulas are good, tests are better. A layer with a nonlinearity $\varphi$, $f(z) = \varphi(W z + b)$, should pass
#
# $$K_g\, f(z) = f(L_g z) \quad\text{for all } g.$$
#
# ### Exercise: `test_network_is_equivariant`
#
# Write a function that says for a given input $z$ whether this holds for every element of the group.
#
# <details><summary>Hint</summary>
#
# Floats are rounded: compare with `torch.allclose(…, atol=1e-5)`, not with `==`. And `all(…)` over the pairs of
# `zip(*group)`.
# </details>


# %% tags=["exercise"]
def test_network_is_equivariant(W, z, group, b=0.0, phi=torch.relu) -> bool:
    """Whether φ(W z + b) is equivariant at the input z.

    W: weights of shape (out, in).
    z: an input, of shape (in,).
    group: [matrices L_g on inputs, matrices K_g on outputs], in the same order.
    b: the bias, a number or of shape (out,).
    phi: the nonlinearity.
    """
    return ...


# %% tags=["solution"]
def test_network_is_equivariant(W, z, group, b=0.0, phi=torch.relu) -> bool:
    """Whether φ(W z + b) is equivariant at the input z."""
    output = phi(W @ z + b)
    return all(torch.allclose(K @ output, phi(W @ (L @ z) + b), atol=1e-5) for L, K in zip(*group, strict=True))


# %%
check("network-test", test_network_is_equivariant)

# %%
z = torch.randn(4)
print("any weights:        ", test_network_is_equivariant(W, z, group))
print("symmetrized:        ", test_network_is_equivariant(W_sym, z, group))
print("with the bias (1, 1):", test_network_is_equivariant(W_sym, z, group, torch.tensor([1.0, 1.0])))
print("with the bias (1, 2):", test_network_is_equivariant(W_sym, z, group, torch.tensor([1.0, 2.0])))

# %% [markdown]
# One input that passes proves little; one input that fails proves all. Why is it enough here to try one *random* $z$?
# Because the inputs at which a layer that is not equivariant passes by chance have (almost always) probability zero.
# Not so with ReLU, which is flat on half of its inputs: try a few.
#
# ## 2.5 Nonlinearities
#
# CartPole's outputs are *permuted*. A function that is applied to each entry alike does not care where the entry
# stands, so every pointwise nonlinearity commutes with permutations. Other representations are less patient.
#
# ### Exercise: when is it safe?
#
# Each line names a nonlinearity and what $K_g$ does to the vector before it. Does $\varphi(K_g x) = K_g \varphi(x)$
# hold? In all but one line the vector after it is moved in the same way; for CReLU, $\varphi(x) = (\mathrm{relu}(x),
# \mathrm{relu}(-x))$, which is twice as long, say whether *some* representation on the output makes it equivariant.
#
# <details><summary>Hint</summary>
#
# For signs, try $x = 1$. For rotations, try $x = (1, 0)$ and a turn by 45°.
# </details>

# %% tags=["exercise"]
safe = {
    "relu, permutation": ...,
    "relu, signs": ...,
    "tanh, signs": ...,
    "abs, signs": ...,
    "tanh, rotation": ...,
    "softmax, permutation": ...,
    "crelu, signs": ...,
    "scale by norm, rotation": ...,  # φ(x) = x · tanh(‖x‖)
}

# %% tags=["solution"]
safe = {
    "relu, permutation": True,
    "relu, signs": False,  # relu(−1) = 0, −relu(1) = −1
    "tanh, signs": True,  # odd
    "abs, signs": False,  # invariant, so the sign is lost
    "tanh, rotation": False,  # entries are mixed
    "softmax, permutation": True,
    "crelu, signs": True,  # its two halves are swapped
    "scale by norm, rotation": True,  # ‖x‖ does not turn
}

# %%
check("safe-nonlinearities", safe)

# %% [markdown]
# `symmdp` will not let you make this mistake: it tries the function and refuses, with the reason.

# %%
from symmdp.errors import ActivationError
from symmdp.nn import Pointwise

try:
    Pointwise(symmetry_of("CartPole-v1").observation, torch.relu)
except ActivationError as error:
    print(error)

# %% [markdown]
# ## 2.6 A basis
#
# Symmetrizing at every step of training would be wasteful: eight parameters, of which four do nothing. Better to find
# a **basis** $V_1, \dots, V_r$ of $W_{eq}$ and to train its coefficients,
#
# $$W = c_1 V_1 + \dots + c_r V_r .$$
#
# The basis can be found by sampling:
#
# 1. draw weights $W_1, \dots, W_N$ at random, of all kinds;
# 2. symmetrize them: $\tilde W_n = S(W_n)$; almost surely they span $W_{eq}$ if there are enough;
# 3. flatten each to a vector, stack them to a matrix with $N$ rows, and find a basis of its row space: in the
#   singular value decomposition $A = U \Sigma V^\top$, the rows of $V^\top$ whose singular value is not zero.
#
# In floating point, "not zero" needs a tolerance. Where the true singular value is 0, you will find something like
# $10^{-7}$ times the largest one in single precision.
#
# ### Exercise: `get_equivariant_basis`
#
# <details><summary>Hint 1</summary>
#
# `torch.linalg.svd(A, full_matrices=False)` returns $U$, the singular values (largest first) and $V^\top$.
# </details>
# <details><summary>Hint 2</summary>
#
# Compare singular values *with the largest one*: `(S > 1e-4 * S[0]).sum()`. An absolute tolerance depends on the
# number of samples.
# </details>


# %% tags=["exercise"]
def get_equivariant_basis(state_group, action_group, sample_size: int) -> tuple[torch.Tensor, int]:
    """A basis of the equivariant weights, of shape (rank, out, in), and its rank."""
    return ..., ...


# %% tags=["solution"]
def get_equivariant_basis(state_group, action_group, sample_size: int) -> tuple[torch.Tensor, int]:
    """A basis of the equivariant weights, of shape (rank, out, in), and its rank."""
    size, out = len(state_group[0]), len(action_group[0])
    samples = [torch.randn(out, size, dtype=state_group[0].dtype) for _ in range(sample_size)]
    symmetrized = torch.stack([symmetrize(W, [state_group, action_group]).flatten() for W in samples])
    _, S, Vh = torch.linalg.svd(symmetrized, full_matrices=False)
    rank = int((1e-4 * S[0] < S).sum())  # relative to the largest one
    return Vh[:rank].reshape(rank, out, size), rank


# %%
check("sampled-basis", get_equivariant_basis)

# %%
basis, rank = get_equivariant_basis(state_group, action_group, sample_size=500)
print("rank:", rank)
pictures.basis_images(basis)

# %% [markdown]
# Every matrix of the basis shows what you found before: the second row is minus the first.
#
# ## 2.7 Was the rank expected?
#
# Yes, and it could have been had without any sampling. The trace of a projection is the dimension of what it projects
# onto. The symmetrizer is the projection onto $W_{eq}$; its trace, as a linear map of weights, is
#
# $$\dim W_{eq} = \frac{1}{|G|} \sum_{g \in G} \operatorname{tr}(K_g)\, \operatorname{tr}(L_g^{-1}),$$
#
# since $W \mapsto A W B$ has the trace $\operatorname{tr}(A)\operatorname{tr}(B)$ (and the sum over $g$ is the sum
# over $g^{-1}$). The function $\chi_\rho(g) = \operatorname{tr}\rho(g)$ is called the **character** of the
# representation: it knows the dimension of every space of equivariant maps.
#
# ### Exercise: the rank from characters
#
# <details><summary>Hint</summary>
#
# For CartPole: the identity gives $2 \cdot 4$; the mirror gives $0 \cdot (-4)$. Then divide by the number of elements.
# </details>


# %% tags=["exercise"]
def rank_from_characters(state_group, action_group) -> int:
    """The dimension of the equivariant weights, from traces alone."""
    return ...


# %% tags=["solution"]
def rank_from_characters(state_group, action_group) -> int:
    """The dimension of the equivariant weights, from traces alone."""
    terms = [torch.trace(K) * torch.trace(torch.linalg.inv(L)) for L, K in zip(state_group, action_group, strict=True)]
    return round(float(sum(terms)) / len(terms))


# %%
check("rank-from-characters", rank_from_characters)

# %%
symmetry = symmetry_of("CartPole-v1")
print("from characters:", rank_from_characters(state_group, action_group))
print("symmdp says:    ", EquivariantMaps(symmetry.observation, symmetry.action).dim)

# %% [markdown]
# ## 2.8 Weights from the basis
#
# ### Exercise: put a layer together
#
# Choose coefficients that are not all zero, one for each matrix of `basis`, and build the weights from them.
#
# <details><summary>Hint</summary>
#
# `torch.randn(rank)` gives coefficients. `torch.tensordot(c, basis, dims=1)` adds up $c_i V_i$; so does a loop.
# </details>

# %% tags=["exercise"]
coefficients = ...
weights = ...

# %% tags=["solution"]
coefficients = torch.randn(rank)
weights = torch.tensordot(coefficients, basis, dims=1)

# %%
check("weights-from-basis", basis, coefficients, weights)

# %%
print("equivariant at a random state:", test_network_is_equivariant(weights, torch.randn(4), group))
pictures.symmetrized_weights(weights, symmetrize(weights, group))

# %% [markdown]
# Symmetrizing takes nothing away any more: the weights are equivariant already, for *any* coefficients. Gradient
# descent on the coefficients can do what it likes; it cannot leave $W_{eq}$.
#
# `symmdp` finds bases without sampling, exactly, and ties parameters where the representations allow it:
# `symmdp.nn.EquivariantLinear`. Next: more than one layer.
