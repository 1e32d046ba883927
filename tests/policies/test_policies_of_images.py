"""Actor-critics of images: equivariant from pixels to actions, and plain CNNs over the trivial group."""

import json
import math
from dataclasses import asdict, replace

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from torch.nn import functional as F

from symmdp import Symmetry, groups
from symmdp.errors import OptionError, ShapeError, SpaceMismatchError
from symmdp.groups import Group
from symmdp.nn import to_plain
from symmdp.policies import ActorCritic, Convolutions, matched_sizes, parameter_count
from symmdp.representations import Representation, flip, image, plane
from symmdp.testing import equivariance_error

ALLOWED = {torch.float32: 1e-5, torch.float64: 1e-12}
SMALL = Convolutions((8, 16), (3, 3), (2, 1), (1, 0))
PLANES = {
    "C4": plane(groups.cyclic(4)),
    "D4": plane(groups.dihedral(4)),
    "mirror in y": flip(groups.cyclic(2), "y"),
    "mirror in x": flip(groups.cyclic(2), "x"),
}
SIDE = 11


def symmetry_on(moved: Representation, *, discrete: bool = True, channels: int = 2) -> Symmetry:
    """Actions move as the regular representation with a fixed one, or, where continuous, as the plane itself."""
    group: Group = moved.group
    action = group.trivial + group.regular if discrete else moved
    return Symmetry(group, image(channels * group.trivial, moved, SIDE, SIDE), action)


def spaces_of(symmetry: Symmetry, *, discrete: bool = True) -> tuple[Box, gym.Space]:
    dim = symmetry.require_action_representation().dim
    return Box(-np.inf, np.inf, symmetry.observation_shape), Discrete(dim) if discrete else Box(-np.inf, np.inf, (dim,))


def policy_on(symmetry: Symmetry, convolutions: Convolutions = SMALL, *, discrete: bool = True, **options) -> ActorCritic:
    generator = torch.Generator().manual_seed(0)
    spaces = spaces_of(symmetry, discrete=discrete)
    policy = ActorCritic(symmetry, *spaces, (16,), convolutions=convolutions, generator=generator, **options)
    with torch.no_grad():
        for parameter in policy.parameters():  # as if it had been trained
            parameter.add_(torch.randn(parameter.shape, dtype=parameter.dtype, generator=generator), alpha=0.3)
    return policy


def errors_of(policy: ActorCritic, symmetry: Symmetry, dtype: torch.dtype) -> tuple[float, float]:
    """Of actor and critic, over all elements of the group; images are vectors to `equivariance_error`."""
    shape, action = symmetry.observation_shape, symmetry.require_action_representation()
    observation = symmetry.on_vectors.observation
    actor = equivariance_error(lambda s: policy(s.unflatten(-1, shape))[0], observation, action, dtype=dtype)
    critic = equivariance_error(
        lambda s: policy.value(s.unflatten(-1, shape))[:, None], observation, symmetry.group.trivial, dtype=dtype
    )
    return actor, critic


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("shared", [True, False], ids=["shared", "separate"])
@pytest.mark.parametrize("pool", [None, "mean", "max"])
@pytest.mark.parametrize("name", PLANES)
def test_every_element(name: str, pool, shared: bool, dtype: torch.dtype) -> None:
    symmetry = symmetry_on(PLANES[name])
    policy = policy_on(symmetry, replace(SMALL, pool=pool, shared=shared), dtype=dtype)
    assert max(errors_of(policy, symmetry, dtype)) <= ALLOWED[dtype]
    assert (policy.trunk is None) == (not shared)


@pytest.mark.parametrize("name", PLANES)
def test_box_actions_turn_with_the_image(name: str) -> None:
    symmetry = symmetry_on(PLANES[name], discrete=False)
    policy = policy_on(symmetry, discrete=False, dtype=torch.float64)
    assert max(errors_of(policy, symmetry, torch.float64)) <= 1e-12
    s = torch.randn(4, *symmetry.observation_shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    a = torch.randn(4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    for g in symmetry.group:
        moved = policy.distribution(symmetry.transform_observation(g, s)).log_prob(symmetry.transform_action(g, a))
        torch.testing.assert_close(moved, policy.distribution(s).log_prob(a))


@pytest.mark.parametrize("name", PLANES)
def test_a_plain_policy_is_not_equivariant(name: str) -> None:
    """The negative control."""
    symmetry = symmetry_on(PLANES[name])
    plain = policy_on(symmetry.restrict_to_trivial(), dtype=torch.float64)
    assert min(errors_of(plain, symmetry, torch.float64)) > 1e-2


def test_over_the_trivial_group_it_is_the_plain_cnn() -> None:
    symmetry = symmetry_on(PLANES["D4"]).restrict_to_trivial()
    policy = policy_on(symmetry, dtype=torch.float64)
    theta = [p.detach() for p in policy.parameters()]
    shapes = [(8, 2, 3, 3), (8,), (16, 8, 3, 3), (16,), (16, 256), (16,), (9, 16), (9,), (1, 16), (1,)]
    assert [p.numel() for p in theta] == [math.prod(shape) for shape in shapes]
    k1, b1, k2, b2, w, b, wa, ba, wv, bv = (p.view(shape) for p, shape in zip(theta, shapes, strict=True))
    s = torch.randn(3, 2, SIDE, SIDE, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x = F.conv2d(F.conv2d(s, k1, b1, 2, 1).relu(), k2, b2).relu().flatten(1)
    x = F.linear(x, w, b).relu()
    logits, values = policy(s)
    torch.testing.assert_close(logits, F.linear(x, wa, ba))
    torch.testing.assert_close(values, F.linear(x, wv, bv)[:, 0])


@pytest.mark.parametrize("discrete", [True, False])
@pytest.mark.parametrize("hidden", [(16,), (48, 24)])
@pytest.mark.parametrize("shared", [True, False], ids=["shared", "separate"])
@pytest.mark.parametrize("pool", [None, "mean"])
@pytest.mark.parametrize("name", PLANES)
def test_counts_without_building_and_matched_baselines(name: str, pool, shared, hidden, discrete: bool) -> None:
    symmetry = symmetry_on(PLANES[name], discrete=discrete)
    wide = Convolutions((16, 32), (3, 3), (2, 1), pool=pool, shared=shared)

    def built(symmetry: Symmetry, hidden: tuple[int, ...], convolutions: Convolutions) -> int:
        spaces = spaces_of(symmetry, discrete=discrete)
        return sum(p.numel() for p in ActorCritic(symmetry, *spaces, hidden, convolutions=convolutions).parameters())

    wanted = parameter_count(symmetry, hidden, discrete=discrete, convolutions=wide)
    assert wanted == built(symmetry, hidden, wide)
    widths, narrower = matched_sizes(symmetry, hidden, wide, discrete=discrete)
    assert replace(narrower, channels=wide.channels) == wide
    count = built(symmetry.restrict_to_trivial(), widths, narrower)
    assert abs(count - wanted) < 0.1 * wanted
    # The plain policy of the same channels and widths has more parameters: this is what is matched.
    assert built(symmetry.restrict_to_trivial(), hidden, wide) > 1.5 * wanted


def test_bytes_are_scaled() -> None:
    symmetry = symmetry_on(PLANES["C4"])
    space, actions = Box(0, 255, symmetry.observation_shape, dtype=np.uint8), Discrete(5)
    policy, floats = (
        ActorCritic(symmetry, s, actions, (8,), convolutions=SMALL, generator=torch.Generator().manual_seed(0))
        for s in (space, spaces_of(symmetry)[0])
    )
    s = torch.randint(256, (3, *symmetry.observation_shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    for given in (s, s.float()):
        torch.testing.assert_close(policy(given)[1], floats(s.float() / 255)[1])
    assert policy.double()(s)[0].dtype == torch.float64
    assert list(policy.state_dict()) == list(floats.state_dict())


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "separate"])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_to_plain(kind: type, shared: bool) -> None:
    symmetry = symmetry_on(PLANES["D4"])
    space = Box(0, 255, symmetry.observation_shape, dtype=kind)
    options = {"convolutions": replace(SMALL, shared=shared), "generator": torch.Generator().manual_seed(0)}
    policy = ActorCritic(symmetry, space, Discrete(9), (16,), **options)
    plain = to_plain(policy)
    s = torch.randint(256, (3, *symmetry.observation_shape), generator=torch.Generator().manual_seed(1)).to(
        torch.uint8 if kind == np.uint8 else torch.float32
    )
    for mine, other in zip(policy(s), plain(s), strict=True):
        torch.testing.assert_close(mine, other, atol=1e-5, rtol=1e-4)
    assert {type(m).__module__.split(".")[0] for m in plain.modules() if not list(m.children())} == {"torch", "symmdp"}
    assert all("_plain" in type(m).__module__ for m in plain.modules() if type(m).__module__.startswith("symmdp"))
    exported = torch.export.export(plain, (s,)).module()
    torch.testing.assert_close(exported(s), plain(s))


def test_act() -> None:
    policy = policy_on(symmetry_on(PLANES["C4"]))
    s = torch.randn(2, 3, 2, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    assert policy.act(s, generator=torch.Generator().manual_seed(2)).shape == (2, 3)
    assert torch.equal(policy.act(s, deterministic=True), policy(s)[0].argmax(-1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": ()}, "at least one convolution"),
        ({"channels": (0, 4)}, "channels holds integers from 1"),
        ({"kernel_size": (3,)}, "kernel_size has an entry for each of the 2"),
        ({"stride": (1, True)}, "stride holds integers"),
        ({"padding": (1,)}, "padding has an entry"),
        ({"pool": "sum"}, "pool is None, 'mean' or 'max'"),
    ],
)
def test_bad_convolutions(options: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        replace(SMALL, **options)


def test_convolutions_as_json() -> None:
    padded = replace(SMALL, pool="max", shared=False)
    assert Convolutions.from_dict(json.loads(json.dumps(asdict(padded)))) == padded
    with pytest.raises(OptionError, match="no 'width'"):
        Convolutions.from_dict({"width": 3})


def test_bad_input() -> None:
    symmetry = symmetry_on(PLANES["C4"])
    spaces = spaces_of(symmetry)
    with pytest.raises(OptionError, match="share hidden layers"):
        ActorCritic(symmetry, *spaces, (), convolutions=SMALL)
    ActorCritic(symmetry, *spaces, (), convolutions=replace(SMALL, shared=False))
    with pytest.raises(ShapeError, match="do not fit"):
        ActorCritic(symmetry, *spaces, (8,), convolutions=Convolutions((8,), (4,), (2,)))
    with pytest.raises(ShapeError, match="too small"):
        parameter_count(symmetry, (8,), discrete=True, convolutions=Convolutions((8, 8), (9, 9), (1, 1)))
    with pytest.raises(SpaceMismatchError, match="images of shape"):
        ActorCritic(symmetry, Box(0, 1, (2, 5, 5)), spaces[1])
