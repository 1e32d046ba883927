from itertools import permutations

import pytest
import torch
from torch import Tensor, nn

from symmdp import Representation, groups
from symmdp.errors import ActivationError, GroupMismatchError, OptionError, RepresentationError, ShapeError
from symmdp.nn import EquivariantSequential, Residual, SetAttention, SetPool
from symmdp.representations import Kind

TRIVIAL = groups.trivial().trivial
C4 = groups.cyclic(4)
TURN = Representation.from_generators(C4, [[[0, -1], [1, 0]]])


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def attention(rep: Representation, *arguments, **options) -> SetAttention:
    layer = SetAttention(rep, *arguments, generator=torch.Generator().manual_seed(0), dtype=torch.float64, **options)
    with torch.no_grad():
        for k, parameter in enumerate(layer.parameters()):
            parameter.copy_(draw(*parameter.shape, seed=k))
    return layer


def test_every_permutation_of_tokens_with_every_element(rep: Representation) -> None:
    """Joint equivariance: `f(σ ρ(g) x) = σ ρ_out(g) f(x)` for all of S4 and all of G, with and without a mask."""
    layer = attention(rep, 2, rep + rep.group.trivial, width=4)
    x, mask = draw(4, rep.dim), torch.tensor([True, True, False, True])
    with torch.no_grad():
        y, masked = layer(x), layer(x, mask)
        for order in permutations(range(4)):
            for g in rep.group:
                moved = (x @ torch.tensor(rep(g), dtype=x.dtype).T)[list(order)]
                out = torch.tensor(layer.rep_out(g), dtype=x.dtype).T
                torch.testing.assert_close(layer(moved), (y @ out)[list(order)], rtol=1e-11, atol=1e-11)
                torch.testing.assert_close(layer(moved, mask[list(order)]), (masked @ out)[list(order)], rtol=1e-11, atol=1e-11)


def test_a_place_in_the_order_fails_the_same_check() -> None:
    """The negative control of permutations: positions added to the tokens."""
    layer, x = attention(TURN, 2), draw(4, 2)
    positions = 1e-2 * draw(4, 2, seed=3)
    order = [1, 0, 2, 3]
    with torch.no_grad():
        assert (layer(x + positions)[order] - layer(x[order] + positions)).abs().max() > 1e-4


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("masked", [True, False])
def test_the_trivial_group_gives_torch_attention(heads: int, masked: bool) -> None:
    layer = attention(6 * TRIVIAL, heads, rep_value=(6 // heads) * TRIVIAL)
    plain = nn.MultiheadAttention(6, heads, batch_first=True, dtype=torch.float64)
    assert sum(p.numel() for p in layer.parameters()) == sum(p.numel() for p in plain.parameters())
    with torch.no_grad():
        plain.in_proj_weight.copy_(layer.input_map.weight)
        plain.in_proj_bias.copy_(layer.input_map.bias)
        plain.out_proj.weight.copy_(layer.output_map.weight)
        plain.out_proj.bias.copy_(layer.output_map.bias)
    x = draw(5, 4, 6)
    present = (
        torch.rand(5, 4, generator=torch.Generator().manual_seed(0)) < 0.7 if masked else torch.ones(5, 4, dtype=torch.bool)
    )
    present[:, 0] = True
    wanted, _ = plain(x, x, x, key_padding_mask=~present, need_weights=False)
    y = layer(x, present if masked else None)
    torch.testing.assert_close(y[present], wanted[present], rtol=0, atol=1e-12)
    assert not y[~present].any()


def test_agrees_with_a_slow_reference() -> None:
    layer, x = attention(TURN, 3, C4.regular, width=8), draw(4, 2)
    parts = layer.input_map(x).split((24, 24, 6), dim=-1)
    wanted = torch.zeros(4, 4, dtype=torch.float64)
    for i in range(4):
        heads = []
        for head in range(3):
            q, k = (part[:, 8 * head : 8 * head + 8] for part in parts[:2])
            weights = torch.stack([q[i] @ k[j] / 8**0.5 for j in range(4)]).softmax(0)
            heads.append(weights @ parts[2][:, 2 * head : 2 * head + 2])
        wanted[i] = layer.output_map(torch.cat(heads))
    torch.testing.assert_close(layer(x), wanted)


def test_absent_agents_have_no_effect_whatever_their_features() -> None:
    layer, x = attention(TURN, 2), draw(3, 5, 2)
    mask = torch.tensor([True, False, True, True, False])
    spoiled = x.clone()
    spoiled[:, ~mask] = torch.nan
    y = layer(spoiled, mask)
    torch.testing.assert_close(y[:, mask], layer(x[:, mask]))
    assert not y[:, ~mask].any()


def test_empty_sets_give_zeros_and_finite_gradients() -> None:
    layer, x = attention(TURN, 2), draw(2, 3, 2).requires_grad_()
    mask = torch.tensor([[False] * 3, [True] * 3])
    y = layer(x, mask)
    assert not y[0].any()
    torch.testing.assert_close(y[1], layer(x[1]))
    y.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in layer.parameters())
    assert x.grad is not None
    assert not x.grad[0].any()


@pytest.mark.parametrize("reduction", ["mean", "sum", "max"])
def test_pools(reduction: str) -> None:
    pool, x = SetPool(C4.regular, reduction), draw(3, 5, 4)  # pyright: ignore
    torch.testing.assert_close(pool(x), {"mean": x.mean(1), "sum": x.sum(1), "max": x.amax(1)}[reduction])
    mask = torch.tensor([[True, False, True, True, False], [True] * 5, [False] * 5])
    spoiled = x.clone()
    spoiled[~mask] = torch.nan
    y = pool(spoiled, mask)
    torch.testing.assert_close(y[0], pool(x[0, mask[0]]))
    torch.testing.assert_close(y[1], pool(x[1]))
    assert not y[2].any()
    assert not pool(x[:, :0]).any()
    torch.testing.assert_close(pool(spoiled.flip(1), mask.flip(1)), y)


def test_a_network_over_agents() -> None:
    """Layers over sets stand in a sequence and in residual blocks like any others."""
    block = Residual(attention(2 * C4.regular, 2))
    network = EquivariantSequential(attention(TURN, 1, 2 * C4.regular), block, torch.relu, SetPool(2 * C4.regular, "max"))
    x = draw(3, 5, 2)
    assert network(x).shape == (3, 8)
    torch.testing.assert_close(network(x[:, [4, 2, 0, 1, 3]]), network(x))
    mask = torch.tensor([True] * 4 + [False])
    torch.testing.assert_close(block(draw(3, 5, 8), mask)[:, 4], draw(3, 5, 8)[:, 4])


def test_bad_input(rep: Representation) -> None:
    with pytest.raises(OptionError, match="at least one head"):
        SetAttention(rep, 0)
    with pytest.raises(OptionError, match="width=0"):
        SetAttention(rep, 1, width=0)
    with pytest.raises(OptionError, match="not both"):
        SetAttention(rep, 1, width=4, rep_query=rep.group.regular)
    if rep.kind is Kind.INVERTIBLE:
        with pytest.raises(RepresentationError, match=r"changes lengths\. Leave rep_query out"):
            SetAttention(rep, 1, rep_query=rep)
    with pytest.raises(OptionError, match="mean, sum, max; got 'min'"):
        SetPool(rep, "min")  # pyright: ignore
    with pytest.raises(GroupMismatchError):
        SetAttention(rep, 1, groups.cyclic(11).regular)
    if rep.kind is not Kind.PERMUTATION:
        with pytest.raises(ActivationError, match=r'reduction="mean"'):
            SetPool(rep, "max")
    for layer in (SetAttention(rep), SetPool(rep)):
        with pytest.raises(ShapeError, match=r"tokens"):
            layer(torch.zeros(rep.dim))
        with pytest.raises(ShapeError, match=r"last axis|tokens"):
            layer(torch.zeros(4, rep.dim + 1))
        with pytest.raises(ShapeError, match=r"booleans.*mask\.bool\(\)"):
            layer(torch.zeros(4, rep.dim), torch.ones(4))
        with pytest.raises(ShapeError, match=r"shape \(4,\); got \(3,\)"):
            layer(torch.zeros(4, rep.dim), torch.ones(3, dtype=torch.bool))
