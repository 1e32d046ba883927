"""The paper's baselines: as many coefficients, in other spaces of maps."""

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete

from symmdp import EquivariantMaps, Symmetry, groups, symmetry_of
from symmdp.errors import OptionError
from symmdp.nn import EquivariantLinear
from symmdp.policies import ActorCritic, BasisActorCritic
from symmdp.testing import equivariance_error

GROUPS = {"C2": groups.cyclic(2), "C3": groups.cyclic(3), "C4": groups.cyclic(4), "D4": groups.dihedral(4)}


def symmetry_over(name: str) -> Symmetry:
    group = GROUPS[name]
    return Symmetry(group, group.regular + group.trivial, group.trivial + group.regular)


def box(n: int) -> Box:
    return Box(-np.inf, np.inf, (n,))


def policy_of(symmetry: Symmetry, basis: str, seed: int = 0, **options) -> BasisActorCritic:
    return BasisActorCritic(
        symmetry,
        box(symmetry.observation.dim),
        options.pop("action_space", Discrete(symmetry.require_action_representation().dim)),
        options.pop("hidden", (16, 16)),
        basis=basis,  # pyright: ignore[reportArgumentType]
        bases=np.random.default_rng(seed),
        generator=torch.Generator().manual_seed(seed),
        dtype=torch.float64,
        **options,
    )


def linear_layers(policy: ActorCritic) -> list[EquivariantLinear]:
    return [layer for layer in policy.modules() if isinstance(layer, EquivariantLinear)]


@pytest.mark.parametrize("name", GROUPS)
def test_as_many_coefficients_in_every_layer(name: str) -> None:
    symmetry = symmetry_over(name)
    spaces = box(symmetry.observation.dim), Discrete(symmetry.require_action_representation().dim)
    wanted = linear_layers(ActorCritic(symmetry, *spaces, (16, 16)))
    for basis in ("random", "nullspace"):
        found = linear_layers(policy_of(symmetry, basis))
        for a, b in zip(found, wanted, strict=True):
            assert a.free_weight.count == b.free_weight.count
            complement = b.rep_out.dim - b.free_bias.count  # pyright: ignore[reportOptionalMemberAccess]
            most = b.free_bias.count if basis == "random" else min(b.free_bias.count, complement)  # pyright: ignore
            assert a.free_bias.count == most  # pyright: ignore[reportOptionalMemberAccess]
            assert a.weight.detach().norm() == pytest.approx(float(b.weight.detach().norm()), rel=1e-5)


@pytest.mark.parametrize("name", GROUPS)
def test_nullspace_weights_are_orthogonal_to_every_equivariant_map(name: str) -> None:
    symmetry = symmetry_over(name)
    policy, random = policy_of(symmetry, "nullspace"), policy_of(symmetry, "random")
    for layer, other in zip(linear_layers(policy), linear_layers(random), strict=True):
        with torch.no_grad():
            layer.free_bias.theta.normal_()  # pyright: ignore[reportOptionalMemberAccess]
        maps = EquivariantMaps(layer.rep_in, layer.rep_out)
        biases = EquivariantMaps(layer.rep_in.group.trivial, layer.rep_out)
        assert maps.symmetrize(layer.weight.detach()).abs().max() < 1e-12
        assert biases.symmetrize(layer.bias.detach()[:, None]).abs().max() < 1e-12  # pyright: ignore
        assert layer.weight.detach().abs().max() > 1e-3
        assert maps.symmetrize(other.weight.detach()).abs().max() > 1e-4  # the negative control


@pytest.mark.parametrize("basis", ["random", "nullspace"])
def test_pairs_of_copies_share_the_basis(basis: str) -> None:
    layer = linear_layers(policy_of(symmetry_over("C3"), basis, hidden=(12, 9)))[1]
    blocks = layer.weight.detach().reshape(3, 3, 4, 3).permute(0, 2, 1, 3).reshape(12, 9)
    assert torch.linalg.matrix_rank(blocks) == 3  # of nine dimensions; all blocks lie in the span of three maps


@pytest.mark.parametrize("basis", ["random", "nullspace"])
def test_each_generator_draws_its_own_basis(basis: str) -> None:
    symmetry = symmetry_over("C4")
    a, b, c = (linear_layers(policy_of(symmetry, basis, seed)) for seed in (0, 0, 1))
    assert torch.equal(a[1].weight, b[1].weight)
    bases = [layers[1].free_weight.get_buffer("basis").flatten(1) for layers in (a, c)]
    angles = torch.linalg.svdvals(bases[0] @ bases[1].T)  # cosines between the two subspaces
    assert angles.min() < 0.99


@pytest.mark.parametrize("basis", ["random", "nullspace"])
def test_they_are_not_equivariant(basis: str) -> None:
    symmetry = symmetry_of("CartPole-v1")
    policy = policy_of(symmetry, basis, activation=torch.relu)
    assert equivariance_error(lambda s: policy(s)[0], symmetry.observation, symmetry.action, dtype=torch.float64) > 1e-4


def test_an_odd_activation_passes_the_sign_on() -> None:
    """Why the method takes ReLU: with tanh, an odd number of layers is anti-equivariant and an even number equivariant."""
    symmetry = symmetry_of("CartPole-v1")
    s = torch.randn(20, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for hidden, sign in (((16, 16), -1), ((16,), 1)):
        policy = policy_of(symmetry, "nullspace", hidden=hidden)
        image = policy(symmetry.transform_observation(1, s))[0]
        torch.testing.assert_close(image, sign * symmetry.transform_action(1, policy(s)[0], discrete=False))


def test_box_actions_and_plain_modules() -> None:
    symmetry = symmetry_of("Pendulum-v1")
    policy = policy_of(symmetry, "random", action_space=box(1))
    plain = policy.to_plain()
    s = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(plain(s), policy(s))
    assert "random basis" in repr(policy)
    with pytest.raises(OptionError, match="'random' or 'nullspace'"):
        policy_of(symmetry, "fourier", action_space=box(1))
