import numpy as np
import pytest
import torch
from torch.nn import functional as F

from symmdp import Representation, groups
from symmdp.errors import ActivationError, ShapeError
from symmdp.nn import EquivariantLayerNorm, EquivariantRMSNorm
from symmdp.representations import Kind

TRIVIAL = groups.trivial().trivial


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def slow_layer_norm(rep: Representation, x: np.ndarray, eps: float) -> np.ndarray:
    """Straight from the definition: the mean over the group of `ρ(g) 1`, by enumeration."""
    u = np.mean([rep(g) @ np.ones(rep.dim) for g in rep.group], axis=0)
    if np.linalg.norm(u) > 1e-9:
        x = x - np.outer(x @ u, u) / (u @ u)
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + eps)


def test_agrees_with_a_slow_reference(rep: Representation) -> None:
    if rep.kind is Kind.INVERTIBLE:
        return
    x = 3 + draw(5, rep.dim)
    y = EquivariantLayerNorm(rep, eps=1e-3, dtype=torch.float64)(x)
    np.testing.assert_allclose(y.detach().numpy(), slow_layer_norm(rep, x.numpy(), 1e-3), atol=1e-12)


def test_the_trivial_group_gives_torch_layers() -> None:
    rep, x = 7 * TRIVIAL, 2 + draw(3, 4, 7)
    layer, rms = EquivariantLayerNorm(rep, dtype=torch.float64), EquivariantRMSNorm(rep, dtype=torch.float64)
    with torch.no_grad():
        for parameter in [*layer.parameters(), *rms.parameters()]:
            parameter.copy_(draw(7, seed=1))
    weight = draw(7, seed=1)
    torch.testing.assert_close(layer(x), F.layer_norm(x, (7,), weight, weight, 1e-5), rtol=0, atol=1e-14)
    torch.testing.assert_close(rms(x), F.rms_norm(x, (7,), weight), rtol=0, atol=1e-14)


def test_permutations_have_the_plain_norm(rep: Representation) -> None:
    if rep.kind is not Kind.PERMUTATION:
        return
    x = draw(5, rep.dim)
    torch.testing.assert_close(EquivariantLayerNorm(rep, dtype=torch.float64)(x), F.layer_norm(x, (rep.dim,)))


def test_the_scale_has_one_value_for_each_orbit_and_commutes(rep: Representation) -> None:
    if rep.kind is Kind.INVERTIBLE:
        return
    layer = EquivariantRMSNorm(rep, dtype=torch.float64)
    assert layer.free_scale is not None
    with torch.no_grad():
        layer.free_scale.theta.copy_(draw(layer.free_scale.count))
        scale = np.diag(layer.free_scale().numpy())
    for g in rep.group:
        np.testing.assert_allclose(scale @ rep(g), rep(g) @ scale, atol=1e-12)
    # All diagonal matrices that commute: d_i ρ(g)_ij = ρ(g)_ij d_j.
    rows, constraints = np.eye(rep.dim), []
    for g in rep.group:
        for i, j in np.argwhere(abs(rep(g)) > 1e-9):
            constraints.append(rows[i] - rows[j])
    assert layer.free_scale.count == rep.dim - np.linalg.matrix_rank(np.array(constraints))


def test_the_bias_is_invariant_and_absent_where_nothing_is() -> None:
    c2 = groups.cyclic(2)
    sign = Representation(c2, [[[1]], [[-1]]])
    layer = EquivariantLayerNorm(2 * sign)
    assert layer.free_bias is not None
    assert layer.free_bias.count == 0
    assert layer.direction is None  # no mean, so that this is an RMS norm
    x = draw(3, 2).float()
    torch.testing.assert_close(layer(x), F.rms_norm(x, (2,), eps=1e-5))


def test_a_subtracted_full_projection_would_leave_nothing() -> None:
    """Why the mean is one direction: over the trivial group every vector is invariant."""
    rep = 4 * TRIVIAL
    assert EquivariantLayerNorm(rep)(draw(3, 4).float()).abs().min() > 1e-3


@pytest.mark.parametrize("kind", [EquivariantLayerNorm, EquivariantRMSNorm])
def test_narrow_types_accumulate_in_float32(kind) -> None:
    """300² overflows float16, and 2,000 squares lose most digits when summed in bfloat16."""
    rep = Representation(groups.cyclic(2), [np.eye(2), -np.eye(2)])
    x = (100 + 300 * draw(4, 2000)).float()
    layer = kind(1000 * rep)
    for dtype in (torch.bfloat16, torch.float16):
        y = layer.to(dtype)(x.to(dtype))
        assert y.dtype is dtype
        torch.testing.assert_close(y.float(), layer.float()(x), rtol=0.02, atol=0.02)


def test_a_leading_axis_stacks_layers() -> None:
    d4 = groups.dihedral(4)
    stack = EquivariantLayerNorm(2 * d4.regular, dtype=torch.float64)
    layers = [EquivariantLayerNorm(2 * d4.regular, dtype=torch.float64) for _ in range(3)]
    for k, layer in enumerate(layers):
        for parameter in layer.parameters():
            parameter.data.copy_(draw(parameter.numel(), seed=k))
    for name in ("free_scale", "free_bias"):
        getattr(stack, name).theta = torch.nn.Parameter(torch.stack([getattr(layer, name).theta for layer in layers]))
    x = draw(3, 5, 16)
    torch.testing.assert_close(stack(x), torch.stack([layer(v) for layer, v in zip(layers, x, strict=True)]))


@pytest.mark.parametrize("kind", [EquivariantLayerNorm, EquivariantRMSNorm])
def test_bad_input(kind) -> None:
    c3 = groups.cyclic(3)
    skew = Representation.from_generators(c3, [[[0, -1], [1, -1]]])
    with pytest.raises(ActivationError, match=r"changes lengths.*regular representation with EquivariantLinear"):
        kind(skew)
    with pytest.raises(ShapeError, match=r"size 3 on the last axis; got shape \(2, 6\)"):
        kind(c3.regular)(torch.zeros(2, 6))
