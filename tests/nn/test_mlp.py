import copy

import pytest
import torch

from symmdp import Representation, groups
from symmdp.errors import ActivationError, GroupMismatchError, OptionError
from symmdp.nn import (
    EquivariantLayerNorm,
    EquivariantMLP,
    EquivariantSequential,
    FreeTensor,
    GatedActivation,
    JointExpansion,
    Residual,
    hidden_representation,
)
from symmdp.testing import equivariance_error

Pair = tuple[Representation, Representation]
ALLOWED = {torch.float32: 1e-5, torch.float64: 1e-12}


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_equivariant_before_and_after_training(network_reps: Pair, depth: int, dtype: torch.dtype) -> None:
    """Every element of C2, C3, C4, D4, S3, Q8 and C2 × C3, at depth 1 to 3."""
    rep_in, rep_out = network_reps
    generator = torch.Generator().manual_seed(0)
    network = EquivariantMLP(rep_in, rep_out, (24,) * (depth - 1), generator=generator, dtype=dtype)
    assert equivariance_error(network, rep_in, rep_out, generator=generator) <= ALLOWED[dtype]
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    x = torch.randn(64, rep_in.dim, generator=generator, dtype=dtype)
    y = torch.randn(64, rep_out.dim, generator=generator, dtype=dtype)
    first = None
    for _ in range(50):
        loss = (network(x) - y).square().mean()
        first = float(loss.detach()) if first is None else first
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        assert float((network(x) - y).square().mean()) < first
    assert equivariance_error(network, rep_in, rep_out, generator=generator) <= ALLOWED[dtype]
    assert equivariance_error(copy.deepcopy(network).double(), rep_in, rep_out, generator=generator) <= 1e-12


def test_an_untied_weight_fails_the_same_check(network_reps: Pair) -> None:
    rep_in, rep_out = network_reps
    network = EquivariantMLP(rep_in, rep_out, (24, 24), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    broken = torch.nn.Sequential(*[copy.deepcopy(layer) for layer in network])
    linear = torch.nn.Linear(24, 24, dtype=torch.float64)
    with torch.no_grad():
        linear.weight.copy_(network[2].weight)
        linear.weight[0, 0] += 0.1
        linear.bias.copy_(network[2].bias)
    broken[2] = linear
    assert equivariance_error(network, rep_in, rep_out) <= 1e-12
    assert equivariance_error(broken, rep_in, rep_out) > 1e-6


def test_widths_are_rounded_up_to_copies_of_the_regular_representation() -> None:
    s3 = groups.symmetric(3)
    assert hidden_representation(s3, 64) == 11 * s3.regular
    assert hidden_representation(s3, 66).dim == 66
    assert hidden_representation(groups.trivial(), 64).dim == 64


def test_hidden_representations_of_your_own() -> None:
    c2 = groups.cyclic(2)
    sign = Representation(c2, [[[1]], [[-1]]])
    network = EquivariantMLP(4 * sign, sign, (8 * sign, c2.regular), generator=torch.Generator().manual_seed(0))
    assert equivariance_error(network, 4 * sign, sign) <= 1e-5
    with pytest.raises(ActivationError, match="not odd"):
        EquivariantMLP(4 * sign, sign, (8 * sign,), activation=torch.relu)


def test_the_generator_decides_the_weights() -> None:
    c2 = groups.cyclic(2)
    first, second, third = (
        EquivariantMLP(c2.regular, c2.trivial, generator=torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    x = torch.ones(2)
    assert torch.equal(first(x), second(x))
    assert not torch.equal(first(x), third(x))


def test_a_plain_network_starts_as_torch_would_start_it() -> None:
    """Over the trivial group the weights are orthogonal, with the usual gains."""
    trivial = groups.trivial().trivial
    network = EquivariantMLP(4 * trivial, 2 * trivial, (32, 32), output_gain=0.01, generator=torch.Generator().manual_seed(0))
    for layer, gain in ((network[0], 2**0.5), (network[2], 2**0.5), (network[4], 0.01)):
        values = torch.linalg.svdvals(layer.weight.detach())
        torch.testing.assert_close(values, torch.full_like(values, gain))


def test_bad_input() -> None:
    with pytest.raises(OptionError, match="at least one unit"):
        EquivariantMLP(groups.cyclic(2).regular, groups.cyclic(2).regular, (0,))
    with pytest.raises(GroupMismatchError):
        EquivariantMLP(groups.cyclic(2).regular, groups.cyclic(3).regular)


def test_state_dict_keys_are_those_of_the_layers_in_their_order() -> None:
    c2 = groups.cyclic(2)
    network = EquivariantMLP(c2.regular, c2.trivial)
    assert isinstance(network, EquivariantSequential)
    assert list(network.state_dict()) == [f"{k}.free_{name}.theta" for k in (0, 2, 4) for name in ("weight", "bias")]


@pytest.mark.parametrize("name", ["tanh", "relu", "elu", "gelu", "silu", "softsign"])
def test_activations_by_name(name: str) -> None:
    c2 = groups.cyclic(2)
    function = getattr(torch, name, None) or getattr(torch.nn.functional, name)
    first, second = (
        EquivariantMLP(c2.regular, c2.trivial, activation=a, generator=torch.Generator().manual_seed(0))
        for a in (name, function)
    )
    x = torch.ones(3, 2)
    assert torch.equal(first(x), second(x))


@pytest.mark.parametrize("activation", ["norm", "gated", GatedActivation, "crelu"])
@pytest.mark.parametrize("norm", [None, "layer", "rms"])
@pytest.mark.parametrize("residual", [False, True])
def test_every_option_on_hidden_representations_of_your_own(network_reps: Pair, activation, norm, residual: bool) -> None:
    rep_in, rep_out = network_reps
    own = 3 * rep_out + 2 * rep_in.group.trivial
    build = lambda: EquivariantMLP(  # noqa: E731
        rep_in,
        rep_out,
        (own, own),
        activation=activation,
        norm=norm,
        residual=residual,
        generator=torch.Generator().manual_seed(0),
        dtype=torch.float64,
    )
    if activation == "crelu" and not own.kind.is_signed_permutation:
        with pytest.raises(ActivationError, match="CReLU needs a signed permutation"):
            build()
        return
    network = build()
    assert equivariance_error(network, rep_in, rep_out) <= 1e-12
    assert sum(isinstance(layer, Residual) for layer in network) == residual


def test_norms_and_residual_blocks_have_their_places() -> None:
    c2 = groups.cyclic(2)
    network = EquivariantMLP(
        c2.regular, c2.trivial, (8, 8, 8), norm="layer", residual=True, generator=torch.Generator().manual_seed(0)
    )
    assert [type(layer).__name__ for layer in network] == [
        "EquivariantLinear",
        "EquivariantLayerNorm",
        "Pointwise",
        "Residual",
        "Residual",
        "EquivariantLinear",
    ]
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    h = network[2](network[1](network[0](x)))
    for block in network[3:5]:
        linear, norm, act = block.module
        assert isinstance(norm, EquivariantLayerNorm)
        h = h + act(norm(linear(h)))
    torch.testing.assert_close(network(x), network[5](h))


def test_bad_options() -> None:
    c2 = groups.cyclic(2)
    with pytest.raises(OptionError, match=r"no activation 'rleu'. Did you mean 'relu'\? Known: tanh"):
        EquivariantMLP(c2.regular, c2.regular, activation="rleu")
    with pytest.raises(OptionError, match=r"Pass an instance, Tanh\(\)"):
        EquivariantMLP(c2.regular, c2.regular, activation=torch.nn.Tanh)
    with pytest.raises(OptionError, match="norm is None, 'layer' or 'rms'; got 'batch'"):
        EquivariantMLP(c2.regular, c2.regular, norm="batch")  # pyright: ignore
    with pytest.raises(OptionError, match=r"layer 1 goes from .*dim 8.* to .*dim 6.*same width"):
        EquivariantMLP(c2.regular, c2.regular, (8, 6), residual=True)
    sheared = Representation(c2, [[[1, 0], [0, 1]], [[1, 1], [0, -1]]])
    with pytest.raises(ActivationError, match="EquivariantLayerNorm needs an orthogonal"):
        EquivariantMLP(sheared, sheared, (sheared,), activation="gated", norm="layer")


@pytest.mark.parametrize("norm", [None, "layer", "rms"])
@pytest.mark.parametrize("activation", ["tanh", "gated"])
def test_a_leading_axis_stacks_networks(network_reps: Pair, norm, activation: str) -> None:
    """Seeds side by side, as training runs them: every parameter belongs to a free tensor, norms' too."""
    networks = [
        EquivariantMLP(
            *network_reps,
            (16, 16),
            norm=norm,
            residual=True,
            activation=activation,
            generator=torch.Generator().manual_seed(seed),
            dtype=torch.float64,
        )
        for seed in range(3)
    ]
    generator = torch.Generator().manual_seed(0)
    for network in networks:
        for parameter in network.parameters():
            parameter.data.add_(0.1 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    assert JointExpansion(networks[0]).count == sum(p.numel() for p in networks[0].parameters())
    stack = copy.deepcopy(networks[0])
    for module, *others in zip(*[list(network.modules()) for network in [stack, *networks]], strict=True):
        if isinstance(module, FreeTensor):
            module.theta = torch.nn.Parameter(torch.stack([other.theta for other in others]))
    x = torch.randn(3, 5, network_reps[0].dim, dtype=torch.float64, generator=generator)
    torch.testing.assert_close(stack(x), torch.stack([network(v) for network, v in zip(networks, x, strict=True)]))


@pytest.mark.parametrize("norm", [None, "layer", "rms"])
@pytest.mark.parametrize("activation", ["relu", "norm", "gated"])
def test_every_tensor_is_on_the_device(norm, activation: str) -> None:
    regular = groups.cyclic(2).regular
    network = EquivariantMLP(regular, regular, (8,), norm=norm, activation=activation, device="meta")
    assert {tensor.device.type for tensor in [*network.parameters(), *network.buffers()]} == {"meta"}
