import copy
import io
import pickle

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from symmdp import EquivariantMaps, Representation, groups
from symmdp.errors import GroupError, GroupMismatchError, OptionError, RepresentationError, ShapeError
from symmdp.nn import EquivariantLinear, FreeTensor, JointExpansion, Mode, orthogonal_, whole_copy
from symmdp.representations import plane
from symmdp.testing import assert_equivariant, equivariance_error

Pair = tuple[Representation, Representation]
ALLOWED = {torch.float32: 1e-5, torch.float64: 1e-12}


def layer_of(pair: Pair, dtype: torch.dtype = torch.float64, seed: int = 0, **options: bool) -> EquivariantLinear:
    generator = torch.Generator().manual_seed(seed)
    layer = EquivariantLinear(*pair, generator=generator, dtype=dtype, **options)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_(generator=generator)
    return layer


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_equivariant_for_every_element(pair: Pair, dtype: torch.dtype) -> None:
    layer = layer_of(pair, dtype)
    assert equivariance_error(layer, *pair) <= ALLOWED[dtype]
    assert_equivariant(layer, *pair)


def test_parameters_are_the_free_ones(pair: Pair) -> None:
    layer = layer_of(pair)
    assert layer.free_weight.count == EquivariantMaps(*pair).dim
    assert layer.free_bias is not None
    assert layer.free_bias.count == EquivariantMaps(pair[0].group.trivial, pair[1]).dim
    weights = torch.cat([w.reshape(1, -1) for w in _weights_of_units(layer)])
    assert torch.linalg.matrix_rank(weights) == layer.free_weight.count


def _weights_of_units(layer: EquivariantLinear) -> list[torch.Tensor]:
    units = []
    for k in range(layer.free_weight.count):
        with torch.no_grad():
            layer.free_weight.theta.zero_()[k] = 1
            units.append(layer.weight.clone())
    return units or [torch.zeros(1, 1)]


def test_agrees_with_torch(pair: Pair) -> None:
    layer = layer_of(pair)
    plain = nn.Linear(pair[0].dim, pair[1].dim, dtype=torch.float64)
    with torch.no_grad():
        plain.weight.copy_(layer.weight)
        plain.bias.copy_(layer.bias)
    x = torch.randn(2, 5, pair[0].dim, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(layer(x), plain(x))


def test_gradients_are_exact(pair: Pair) -> None:
    free = layer_of(pair).free_weight
    x = torch.randn(free.count, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    if free.count:
        assert torch.autograd.gradcheck(free.expand, (x,))
        assert torch.autograd.gradgradcheck(free.expand, (x,))
    else:
        assert not free.expand(x).any()


def test_the_trivial_group_gives_a_plain_layer() -> None:
    trivial = groups.trivial().trivial
    layer = EquivariantLinear(3 * trivial, 2 * trivial, generator=torch.Generator().manual_seed(0))
    assert sum(p.numel() for p in layer.parameters()) == 3 * 2 + 2
    assert layer.weight.shape == (2, 3)


def test_no_plain_linear_hides_inside(pair: Pair) -> None:
    """A framework that re-initialises every `nn.Linear` must find none."""
    assert not any(isinstance(module, nn.Linear) for module in layer_of(pair).modules())


def modes_of(pair: Pair) -> list[Mode]:
    signed = all(rep.kind.is_signed_permutation for rep in pair)
    return ["tied", "isotypic", "basis"] if signed else ["isotypic", "basis"]


def test_outputs_start_with_the_variance_of_the_inputs(pair: Pair) -> None:
    """On average over the coordinates that inputs reach; measured on samples, in every mode."""
    for mode in modes_of(pair):
        generator = torch.Generator().manual_seed(0)
        layer = EquivariantLinear(*pair, mode=mode, generator=generator, dtype=torch.float64)
        y = layer(torch.randn(4000, pair[0].dim, generator=generator, dtype=torch.float64)).detach()
        reached = layer.weight.detach().abs().amax(1) > 1e-9
        if reached.any():
            assert float(y[:, reached].var(0).mean()) == pytest.approx(1, rel=0.15)
        else:
            assert EquivariantMaps(*pair).dim == 0


def test_wide_layers_start_alike_in_every_mode() -> None:
    d4 = groups.dihedral(4)
    rep = 32 * d4.regular
    layers = [EquivariantLinear(rep, rep, mode=m, generator=torch.Generator().manual_seed(0)) for m in ("tied", "isotypic")]
    for layer in layers:
        assert float(layer.weight.detach().std()) == pytest.approx(1 / 16, rel=0.01)
        assert float(layer.weight.detach().square().mean(1).std()) < 0.2 / 256  # no row stands out


def test_modes_convert_exactly(pair: Pair) -> None:
    modes = modes_of(pair)
    layer = EquivariantLinear(*pair, mode=modes[0], generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x = torch.randn(3, 5, pair[0].dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    wanted, twin = layer(x), layer
    for mode in [*modes[1:], modes[0]]:
        twin = twin.in_mode(mode)
        assert twin.mode == mode
        assert twin.free_weight.count == EquivariantMaps(*pair).dim
        torch.testing.assert_close(twin(x), wanted, atol=1e-12, rtol=0)
        assert equivariance_error(twin, *pair) <= 1e-12
        with torch.no_grad():
            torch.testing.assert_close(twin.eval()(x), wanted, atol=1e-12, rtol=0)
            torch.testing.assert_close(twin.train()(x), wanted, atol=1e-12, rtol=0)
    torch.testing.assert_close(twin.free_weight.theta, layer.free_weight.theta, atol=1e-12, rtol=0)
    if "tied" not in modes:
        with pytest.raises(RepresentationError, match="mode='basis'"):
            layer.in_mode("tied")


def test_gradients_of_the_isotypic_product(pair: Pair) -> None:
    """Of the product that is written out, against autograd through single operations; and its second derivatives."""
    layer = EquivariantLinear(*pair, mode="isotypic", generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert layer.product is not None
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, pair[0].dim, generator=generator, dtype=torch.float64, requires_grad=True)
    parameters = [x, *layer.parameters()]
    outer = torch.randn(2, 3, pair[1].dim, generator=generator, dtype=torch.float64)
    found = torch.autograd.grad(layer(x), parameters, outer)
    wanted = torch.autograd.grad(layer.product.general(x, layer.free_weight.theta, layer.bias), parameters, outer)
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, atol=1e-12, rtol=1e-12)
    if layer.free_weight.count:
        (slope,) = torch.autograd.grad(layer(x).square().sum(), x, create_graph=True)
        (second,) = torch.autograd.grad(slope.square().sum(), layer.free_weight.theta)
        dense = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(F.linear(dense, layer.weight, layer.bias).square().sum(), dense, create_graph=True)
        (expected,) = torch.autograd.grad(slope.square().sum(), layer.free_weight.theta)
        torch.testing.assert_close(second, expected, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_empty_batches(pair: Pair, shape: tuple[int, ...]) -> None:
    for mode in modes_of(pair):
        layer = EquivariantLinear(*pair, mode=mode, dtype=torch.float64)
        x = torch.zeros(*shape, pair[0].dim, dtype=torch.float64, requires_grad=True)
        y = layer(x)
        assert y.shape == (*shape, pair[1].dim)
        for gradient in torch.autograd.grad(y.sum(), [x, *layer.parameters()]):
            assert not gradient.any()
        with torch.no_grad():
            assert layer(x).shape == y.shape


def test_auto_chooses_by_shape() -> None:
    c8, d5 = groups.cyclic(8), groups.dihedral(5)
    assert EquivariantLinear(64 * c8.regular, 64 * c8.regular).mode == "isotypic"
    assert EquivariantLinear(8 * c8.regular, 64 * c8.regular).mode == "tied"
    assert EquivariantLinear(512 * groups.trivial().trivial, 512 * groups.trivial().trivial).mode == "tied"
    assert EquivariantLinear(plane(d5), d5.regular).mode == "basis"
    s16 = groups.symmetric(16)
    assert EquivariantLinear(32 * s16.natural, 32 * s16.natural).mode == "tied"
    with pytest.raises(GroupError, match="known by its generators only"):
        EquivariantLinear(s16.natural, s16.natural, mode="isotypic")
    with pytest.raises(OptionError, match="mode is one of 'auto', 'tied'"):
        EquivariantLinear(d5.regular, d5.regular, mode="fast")  # pyright: ignore[reportArgumentType]


def test_many_kinds_of_copies_share_one_isotypic_product() -> None:
    """Representations of several parts, out of order, and with coordinates that reach nothing."""
    d4 = groups.dihedral(4)
    mixed = d4.regular + 2 * plane(d4) + d4.trivial + d4.regular
    order = np.random.default_rng(0).permutation(mixed.dim)
    shuffled = Representation(d4, mixed.matrices[:, order][:, :, order])
    for pair in [(mixed, shuffled), (shuffled, mixed), (3 * plane(d4), shuffled), (shuffled, d4.trivial)]:
        layer = EquivariantLinear(*pair, mode="isotypic", dtype=torch.float64)
        assert equivariance_error(layer, *pair) <= 1e-12
        x = torch.randn(7, pair[0].dim, dtype=torch.float64)
        torch.testing.assert_close(layer(x), F.linear(x, layer.weight, layer.bias), atol=1e-12, rtol=0)


def test_wrong_dtype_says_what_to_do() -> None:
    c2 = groups.cyclic(2)
    for mode in ("tied", "isotypic"):
        with pytest.raises(ShapeError, match=r"torch.float64 and the parameters are torch.float32"):
            EquivariantLinear(c2.regular, c2.regular, mode=mode)(torch.zeros(2, dtype=torch.float64))
        with pytest.raises(ShapeError, match="size 2 on the last axis"):
            EquivariantLinear(c2.regular, c2.regular, mode=mode)(torch.tensor(1.0))


def test_orthogonal_weights_have_equal_singular_values(pair: Pair) -> None:
    layer = orthogonal_(layer_of(pair), gain=1.5, generator=torch.Generator().manual_seed(0))
    assert equivariance_error(layer, *pair) <= 1e-12
    values = torch.linalg.svdvals(layer.weight.detach())
    maps = EquivariantMaps(*pair)
    noise = np.random.default_rng(0).standard_normal(maps.shape)
    generic = np.linalg.matrix_rank(maps.symmetrize(noise)) if maps.dim else 0
    if all(rep.kind.is_orthogonal for rep in pair):
        expected = torch.zeros_like(values)
        expected[:generic] = 1.5
        torch.testing.assert_close(values, expected, atol=1e-9, rtol=0)
    else:
        torch.testing.assert_close(values.norm(), torch.tensor(1.5 * generic**0.5, dtype=torch.float64))
    assert layer.bias is not None
    assert not layer.bias.any()


def test_a_cast_loses_no_accuracy(pair: Pair) -> None:
    assert equivariance_error(layer_of(pair, torch.float32).double(), *pair) <= 1e-12


C4 = groups.cyclic(4)
PLANE = Representation.from_generators(C4, [[[0, -1], [1, 0]]])
S3 = groups.symmetric(3)
SHEARED = Representation(S3, np.linalg.inv([[1, 1, 0], [0, 1, 0], [0, 0, 1]]) @ Representation.from_generators(
    S3, [np.eye(3)[[1, 0, 2]].T, np.eye(3)[[1, 2, 0]].T]
).matrices @ np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]]))  # fmt: skip
CACHED: list[Pair] = [(PLANE, 2 * C4.regular), (SHEARED, S3.regular)]  # tied, and by a basis


def fresh(layer: EquivariantLinear) -> torch.Tensor:
    with torch.enable_grad():
        return layer.weight.detach().clone()


def polyak_in_place(layer: EquivariantLinear, other: EquivariantLinear) -> None:
    with torch.no_grad():
        for target, source in zip(layer.parameters(), other.parameters(), strict=True):
            target.lerp_(source, 0.5)


def polyak_through_data(layer: EquivariantLinear, other: EquivariantLinear) -> None:
    """As Stable-Baselines3 does it; `parameter._version` does not change."""
    for target, source in zip(layer.parameters(), other.parameters(), strict=True):
        target.data.mul_(0.5)
        torch.add(target.data, source.data, alpha=0.5, out=target.data)


def optimiser_step(layer: EquivariantLinear, other: EquivariantLinear) -> None:
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    layer(torch.ones(1, layer.rep_in.dim, dtype=torch.float64)).square().sum().backward()
    optimizer.step()


def fused_optimiser_step(layer: EquivariantLinear, other: EquivariantLinear) -> None:
    """It does not raise `parameter._version` either."""
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1, fused=True)
    layer(torch.ones(1, layer.rep_in.dim, dtype=torch.float64)).square().sum().backward()
    optimizer.step()


def write_through_numpy(layer: EquivariantLinear, other: EquivariantLinear) -> None:
    for target in layer.parameters():
        target.detach().numpy()[...] *= 0.5


def write_through_a_view(layer: EquivariantLinear, other: EquivariantLinear) -> None:
    for target in layer.parameters():
        torch.flatten(target).data.mul_(0.5)


def load(layer: EquivariantLinear, other: EquivariantLinear) -> None:
    layer.load_state_dict(other.state_dict())


def assign(layer: EquivariantLinear, other: EquivariantLinear) -> None:
    layer.load_state_dict(copy.deepcopy(other.state_dict()), assign=True)


def replace_data(layer: EquivariantLinear, other: EquivariantLinear) -> None:
    for target, source in zip(layer.parameters(), other.parameters(), strict=True):
        target.data = source.data.clone()


@pytest.mark.parametrize("pair", CACHED, ids=["tied", "basis"])
@pytest.mark.parametrize(
    "change",
    [
        polyak_in_place,
        polyak_through_data,
        optimiser_step,
        fused_optimiser_step,
        write_through_numpy,
        write_through_a_view,
        load,
        assign,
        replace_data,
    ],
)
@pytest.mark.parametrize("training", [True, False])
def test_what_is_kept_is_never_stale(pair: Pair, change, training: bool) -> None:
    layer, other = layer_of(pair).train(training), layer_of(pair, seed=1)
    with torch.no_grad():
        before = layer.weight.clone()
        _ = layer.bias
    change(layer, other)
    x = torch.eye(layer.rep_in.dim, dtype=torch.float64)
    with torch.no_grad():
        y = layer(x)
        after = layer.weight
    assert not torch.equal(before, after)
    torch.testing.assert_close(after, fresh(layer), rtol=0, atol=0)
    torch.testing.assert_close(y, layer(x).detach())


@pytest.mark.parametrize("pair", CACHED, ids=["tied", "basis"])
def test_what_is_kept_follows_dtype(pair: Pair) -> None:
    layer = layer_of(pair)
    with torch.no_grad():
        _ = layer.weight
        layer.float()
        assert layer.weight.dtype is torch.float32
        torch.testing.assert_close(layer.weight, fresh(layer), rtol=0, atol=0)
        layer.to(torch.float64)
        assert layer.weight.dtype is torch.float64


@pytest.mark.parametrize("pair", CACHED, ids=["tied", "basis"])
def test_the_weight_is_kept_only_without_gradients(pair: Pair) -> None:
    layer = layer_of(pair).eval()
    with torch.no_grad():
        assert layer.weight is layer.weight
    assert layer.weight is not layer.weight
    assert layer.weight.requires_grad
    with torch.inference_mode():
        y = layer(torch.ones(pair[0].dim, dtype=torch.float64))
    torch.testing.assert_close(y.clone(), layer(torch.ones(pair[0].dim, dtype=torch.float64)).detach())


@pytest.mark.parametrize("pair", CACHED, ids=["tied", "basis"])
@pytest.mark.parametrize("copier", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))], ids=["deepcopy", "pickle"])
def test_copies_are_independent(pair: Pair, copier) -> None:
    layer = layer_of(pair).eval()
    with torch.no_grad():
        _ = layer.weight
        twin = copier(layer)
        assert twin.free_weight._kept is None
        torch.testing.assert_close(twin.weight, layer.weight, rtol=0, atol=0)
        twin.free_weight.theta.mul_(2)
        torch.testing.assert_close(twin.weight, 2 * layer.weight)


@pytest.mark.parametrize("pair", CACHED, ids=["tied", "basis"])
def test_state_dict_has_the_same_keys_in_every_mode(pair: Pair) -> None:
    layer = layer_of(pair)
    keys = ["free_weight.theta", "free_bias.theta"]
    assert list(layer.state_dict()) == keys
    layer.eval()
    with torch.no_grad():
        _ = layer.weight
    assert list(layer.state_dict()) == keys
    buffer = io.BytesIO()
    torch.save(layer.state_dict(), buffer)
    buffer.seek(0)
    twin = layer_of(pair, seed=5)
    twin.load_state_dict(torch.load(buffer, weights_only=True))
    torch.testing.assert_close(fresh(twin), fresh(layer), rtol=0, atol=0)


@pytest.mark.parametrize("pair", CACHED, ids=["tied", "basis"])
def test_functional_transforms(pair: Pair) -> None:
    layers = [layer_of(pair, seed=seed) for seed in range(3)]
    parameters, buffers = torch.func.stack_module_state(layers)
    x = torch.randn(3, 4, pair[0].dim, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    base = layers[0]

    def call(p: dict, b: dict, v: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(base, (p, b), (v,))

    expected = torch.stack([layer(v) for layer, v in zip(layers, x, strict=True)])
    torch.testing.assert_close(torch.vmap(call)(parameters, buffers, x), expected)
    with torch.no_grad():
        torch.testing.assert_close(torch.vmap(call)(parameters, buffers, x), expected)
    gradients = torch.func.grad(lambda p: call(p, {}, x[0]).square().sum())(dict(base.named_parameters()))
    (wanted,) = torch.autograd.grad(base(x[0]).square().sum(), base.free_weight.theta)
    torch.testing.assert_close(gradients["free_weight.theta"], wanted)


@pytest.mark.parametrize("pair", CACHED, ids=["tied", "basis"])
@pytest.mark.parametrize("bias", [True, False])
def test_a_leading_axis_stacks_layers(pair: Pair, bias: bool) -> None:
    layers = [layer_of(pair, seed=seed, bias=bias) for seed in range(3)]
    stack = copy.deepcopy(layers[0])
    for module, *others in zip(
        *[[m for m in layer.modules() if isinstance(m, FreeTensor)] for layer in [stack, *layers]], strict=True
    ):
        module.theta = nn.Parameter(torch.stack([other.theta for other in others]))
    x = torch.randn(3, 4, pair[0].dim, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(stack(x), torch.stack([layer(v) for layer, v in zip(layers, x, strict=True)]))
    with torch.no_grad():
        torch.testing.assert_close(stack(x), torch.stack([layer(v) for layer, v in zip(layers, x, strict=True)]))


def test_joint_expansion_is_the_layers_own(pair: Pair) -> None:
    layers = [layer_of(pair, seed=seed) for seed in range(3)]
    joint = JointExpansion(layers[0])
    theta = torch.stack([nn.utils.parameters_to_vector(layer.parameters()) for layer in layers]).detach()
    whole = joint.expand(theta)
    wanted = torch.stack([torch.cat([fresh(layer).flatten(), layer.bias.detach().flatten()]) for layer in layers])
    torch.testing.assert_close(whole, wanted)
    # ⟨E θ, G⟩ = ⟨θ, Eᵀ G⟩.
    G = torch.randn(whole.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close((whole * G).sum(1), (theta * joint.transpose(G)).sum(1))


def test_a_whole_copy_has_every_entry_free() -> None:
    layer = layer_of(CACHED[0])
    twin = whole_copy(layer)
    assert sum(p.numel() for p in twin.parameters()) == layer.weight.numel() + layer.rep_out.dim
    with pytest.raises(ShapeError, match="FreeTensor"):
        JointExpansion(nn.Linear(2, 2))


def test_a_broken_layer_fails_the_check(pair: Pair) -> None:
    """The negative control: a weight that is not symmetrized."""
    rep_in, rep_out = pair
    if EquivariantMaps(*pair).dim == rep_in.dim * rep_out.dim:
        assert all(np.allclose(rep_in(g), rep_in(g)[0, 0] * np.eye(rep_in.dim)) for g in rep_in.group)
        return
    generator = torch.Generator().manual_seed(0)
    W = torch.randn(rep_out.dim, rep_in.dim, dtype=torch.float64, generator=generator)
    assert equivariance_error(lambda x: x @ W.T, *pair, dtype=torch.float64) > 1e-3
    with pytest.raises(AssertionError, match="Not equivariant: for element"):
        assert_equivariant(lambda x: x @ W.T, *pair, dtype=torch.float64)


def test_not_a_number_fails_the_check() -> None:
    with pytest.raises(AssertionError, match="nan"):
        assert_equivariant(lambda x: x * torch.nan, PLANE, PLANE)


def test_bad_input() -> None:
    with pytest.raises(GroupMismatchError, match="two different groups"):
        EquivariantLinear(C4.regular, S3.regular)
    layer = layer_of(CACHED[0])
    with pytest.raises(ShapeError, match=r"size 2 on the last axis; got shape \(3, 4\)"):
        layer(torch.zeros(3, 4, dtype=torch.float64))
    with pytest.raises(ShapeError, match="outputs of shape"):
        equivariance_error(layer, layer.rep_in, layer.rep_in)
