"""Augmentation, mirror loss, canonicalization and frame averaging, all from the same symmetry."""

import pickle
from dataclasses import dataclass
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import nn

from symmdp import groups
from symmdp.catalogue import symmetry_of
from symmdp.errors import GroupError, GroupMismatchError, OptionError, ShapeError, SymmetryError
from symmdp.mdp import (
    Augmentation,
    AugmentedBuffer,
    Canonicalization,
    CanonicalStates,
    FrameAverage,
    MirrorLoss,
    Symmetry,
    VectorCanonicalStates,
    wrapped_symmetry,
)
from symmdp.policies import ActorCritic
from symmdp.representations import Representation, flip, image, letters, plane, standard

C2, C3, D4, S4 = groups.cyclic(2), groups.cyclic(3), groups.dihedral(4), groups.symmetric(4)
SYMMETRIES = {
    "CartPole": symmetry_of("CartPole-v1"),
    "Pendulum": symmetry_of("Pendulum-v1"),
    "Ant": symmetry_of("Ant-v5"),
    "turns about a point": Symmetry(C3, plane(C3) + C3.trivial, plane(C3), observation_center=[1, -2, 0], action_center=[3, 1]),
    "D4, regular actions": Symmetry(D4, 2 * plane(D4), D4.regular),
    "S4 on four numbers": Symmetry(S4, standard(S4) + S4.trivial, letters(S4)),
    "images": Symmetry(D4, image(D4.trivial, plane(D4), 3, 3), D4.regular),
}
DISCRETE = {"CartPole", "D4, regular actions", "images"}


@pytest.fixture(params=SYMMETRIES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def symmetry(name: str) -> Symmetry:
    return SYMMETRIES[name]


def batch_of(name: str, rows: int = 6, seed: int = 0) -> dict[str, Any]:
    symmetry, rng = SYMMETRIES[name], np.random.default_rng(seed)
    actions = symmetry.require_action_representation().dim
    return {
        "observation": rng.normal(size=(rows, *symmetry.observation_shape)),
        "action": rng.integers(actions, size=rows) if name in DISCRETE else rng.normal(size=(rows, actions)),
        "reward": rng.normal(size=rows),
        "next_observation": rng.normal(size=(rows, *symmetry.observation_shape)),
    }


# Augmentation


@pytest.mark.parametrize("as_tensors", [False, True])
def test_each_row_moves_under_its_own_element(name: str, symmetry: Symmetry, as_tensors: bool) -> None:
    batch = batch_of(name, rows=symmetry.group.order)
    given = {k: torch.tensor(v) for k, v in batch.items()} if as_tensors else batch
    moved = Augmentation(symmetry).transform(given, np.arange(symmetry.group.order))
    assert type(moved["action"]) is type(given["action"])
    assert moved["action"].dtype == given["action"].dtype
    for g in symmetry.group:
        for key in ("observation", "next_observation"):
            np.testing.assert_allclose(moved[key][g], symmetry.transform_observation(g, batch[key][g]), atol=1e-12)
        np.testing.assert_allclose(moved["action"][g], symmetry.transform_action(g, batch["action"][g]), atol=1e-12)
    np.testing.assert_array_equal(moved["reward"], batch["reward"])
    back = Augmentation(symmetry).transform(moved, [symmetry.group.inverse(g) for g in symmetry.group])
    np.testing.assert_allclose(back["observation"], batch["observation"], atol=1e-12)


def test_all_images_hold_the_batch_and_each_image(name: str, symmetry: Symmetry) -> None:
    batch = batch_of(name)
    every = Augmentation(symmetry).all(batch)
    assert len(every["reward"]) == symmetry.group.order * 6
    for g in symmetry.group:
        one = Augmentation(symmetry).transform(batch, g)
        np.testing.assert_array_equal(every["observation"][6 * g : 6 * (g + 1)], one["observation"])


class Samples(NamedTuple):
    observations: torch.Tensor
    actions: torch.Tensor
    next_observations: torch.Tensor
    dones: torch.Tensor


@dataclass(frozen=True)
class Rollout:
    obs: np.ndarray
    action: np.ndarray
    flag: np.ndarray


def test_batches_of_any_kind_and_shape() -> None:
    symmetry = SYMMETRIES["CartPole"]
    x = torch.randn(5, 4)
    samples = Samples(x, torch.tensor([[0], [1], [1], [0], [1]]), 2 * x, torch.zeros(5, 1))  # as in Stable-Baselines3
    moved = Augmentation(symmetry).transform(samples, 1)
    assert isinstance(moved, Samples)
    assert moved.actions.tolist() == [[1], [0], [0], [1], [0]]
    assert torch.equal(moved.next_observations, -2 * x)
    rollout = Rollout(np.ones((3, 2, 4)), np.full((3, 2), 7), np.zeros((3, 2)))
    moved = Augmentation(symmetry, first_action=6).transform(rollout, [[0, 1], [1, 0], [1, 1]])
    assert isinstance(moved, Rollout)
    assert moved.action.tolist() == [[7, 6], [6, 7], [6, 6]]
    assert moved.obs[:, :, 0].tolist() == [[1, -1], [-1, 1], [-1, -1]]
    named = Augmentation(symmetry, observations=["image of the pole"], actions=["push"])
    assert named.transform({"image of the pole": np.ones((1, 4)), "push": np.array([1])}, 1)["push"] == [0]


def test_state_dependent_actions_see_the_state() -> None:
    def push(g: int, observation: np.ndarray, action: np.ndarray) -> np.ndarray:
        return action if g == 0 else action * np.sign(observation[0])

    symmetry = Symmetry(C2, flip(C2, "x"), push)
    batch = {"obs": np.array([[2.0, 0.0], [-2.0, 0.0]]), "action": np.array([[5.0], [5.0]])}
    assert Augmentation(symmetry).transform(batch, 1)["action"].tolist() == [[5.0], [-5.0]]


class Buffer:
    def __init__(self) -> None:
        self.data, self.capacity = batch_of("CartPole", rows=50), 50

    def sample(self, count: int, *, last: bool = False) -> dict[str, Any]:
        return {k: v[-count:] if last else v[:count] for k, v in self.data.items()}

    def __len__(self) -> int:
        return 50


def test_a_replay_buffer_gives_every_image_in_the_end() -> None:
    symmetry, buffer = SYMMETRIES["CartPole"], Buffer()
    augmented = AugmentedBuffer(buffer, Augmentation(symmetry), np.random.default_rng(0))
    assert len(augmented) == 50
    assert augmented.capacity == 50
    signs = np.concatenate(
        [augmented.sample(10, last=True)["observation"] / buffer.data["observation"][-10:] for _ in range(20)]
    )
    assert set(np.unique(signs)) == {-1.0, 1.0}
    assert 0.3 < (signs[:, 0] > 0).mean() < 0.7
    copied = pickle.loads(pickle.dumps(augmented))
    np.testing.assert_array_equal(copied.sample(5)["reward"], buffer.data["reward"][:5])


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda a: a.transform({"x": np.zeros((2, 4))}, 1), OptionError, "fields 'x'; none is known.*observations="),
        (lambda a: a.transform(np.zeros((2, 4)), 1), OptionError, "mapping, a named tuple or a dataclass.*ndarray"),
        (lambda a: a.transform({"obs": np.zeros((2, 4))}, 2), GroupError, "integers 0 … 1"),
        (lambda a: a.transform({"obs": np.zeros((2, 4))}, [0, 1, 1]), ShapeError, r"shape \(2,\); got shape \(3,\)"),
        (lambda a: a.transform({"obs": np.zeros((2, 5))}, 1), ShapeError, r"shape \(2, 5\); expected \(…, 4\)"),
        (lambda a: a.transform({"obs": np.zeros((2, 4)), "next_obs": np.zeros((1, 4))}, 1), ShapeError, r"got \(1, 4\)"),
        (lambda a: a.transform({"obs": np.zeros((2, 4)), "action": np.array([0])}, 1), ShapeError, "as many rows"),
        (lambda a: a.transform({"obs": np.zeros((2, 4)).tolist()}, 1), OptionError, "'obs' is of type list"),
        (lambda a: a.transform({"obs": np.zeros((2, 4)), "action": [0, 1]}, 1), OptionError, "'action' is of type list"),
        (lambda a: a.all({"obs": np.zeros((2, 4)), "reward": np.zeros(3)}), ShapeError, r"reward.*\(3,\); expected 2 rows"),
        (lambda a: a.all({"obs": np.zeros((2, 4)), "reward": 1.0}), OptionError, "'reward' is of type float"),
        (lambda a: a.all({"obs": np.zeros(4)}), ShapeError, "single transition"),
        (lambda a: a.random({"obs": np.zeros((2, 4))}, 0), OptionError, "numpy.random.Generator.*int"),
        (
            lambda a: Augmentation(a.symmetry, discrete=True).all({"obs": np.zeros((1, 4)), "action": np.array([np.nan])}),
            SymmetryError,
            "whole numbers",
        ),
        (lambda a: a.transform({"obs": np.zeros((2, 4)), "action": np.array([0, 2])}, 1), ShapeError, "0 … 1; got 2"),
    ],
)
def test_bad_batches_are_refused(call: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call(Augmentation(SYMMETRIES["CartPole"]))


def test_fields_may_be_none() -> None:
    batch = {"obs": np.ones((2, 4)), "action": np.array([False, True]), "next_obs": None, "discounts": None}
    twice = Augmentation(SYMMETRIES["CartPole"]).all(batch)
    assert twice["discounts"] is None
    assert twice["next_obs"] is None
    np.testing.assert_array_equal(twice["action"], [False, True, True, False])


def test_what_cannot_be_augmented_is_refused() -> None:
    for use in (Augmentation, Canonicalization, MirrorLoss, lambda s: FrameAverage(nn.Identity(), s)):
        with pytest.raises(SymmetryError, match=r"Expected a symmdp Symmetry.*got str"):
            use("CartPole-v1")  # pyright: ignore[reportArgumentType]
    unlisted = groups.symmetric(16)
    large = Symmetry(unlisted, unlisted.natural, unlisted.natural)
    for use in (Augmentation, Canonicalization, MirrorLoss, lambda s: FrameAverage(nn.Identity(), s)):
        with pytest.raises(GroupError, match="not listed"):
            use(large)
    with pytest.raises(OptionError, match="method sample"):
        AugmentedBuffer([], Augmentation(SYMMETRIES["CartPole"]), np.random.default_rng(0))
    with pytest.raises(OptionError, match="'velocity' is not among them"):
        Augmentation(SYMMETRIES["CartPole"], observations=["velocity"]).transform({"obs": np.zeros((1, 4))}, 1)


# Networks


def network_of(symmetry: Symmetry, outputs: int, seed: int = 0) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    d = symmetry.observation.dim
    network = nn.Sequential(nn.Flatten(-len(symmetry.observation_shape)), nn.Linear(d, 12), nn.Tanh(), nn.Linear(12, outputs))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return network.double()


def states_of(symmetry: Symmetry, rows: int = 5, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, *symmetry.observation_shape, generator=generator, dtype=torch.float64)


def violation(network: Any, symmetry: Symmetry, states: torch.Tensor) -> float:
    """The largest difference of `f(L_g s)` and `K_g f(s)`, for every element."""
    outputs = network(states)
    return max(
        float(
            (network(symmetry.transform_observation(g, states)) - symmetry.transform_action(g, outputs, discrete=False))
            .abs()
            .max()
            .detach()
        )
        for g in symmetry.group
    )


@pytest.mark.parametrize("frame", ["group", "canonical"])
def test_any_network_becomes_equivariant(symmetry: Symmetry, frame: Any) -> None:
    network = network_of(symmetry, symmetry.require_action_representation().dim)
    states = states_of(symmetry)
    assert violation(network, symmetry, states) > 0.1  # as it comes
    averaged = FrameAverage(network, symmetry, frame=frame)
    assert violation(averaged, symmetry, states) < 1e-10
    assert averaged(states[0]).shape == averaged(states)[0].shape
    averaged(states).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_the_average_over_the_group_is_the_symmetrizer_of_functions() -> None:
    symmetry = SYMMETRIES["CartPole"]
    network, states = network_of(symmetry, 2), states_of(SYMMETRIES["CartPole"])
    by_hand = (network(states) + network(-states).flip(-1)) / 2
    torch.testing.assert_close(FrameAverage(network, symmetry)(states), by_hand)


@pytest.mark.parametrize("frame", ["group", "canonical"])
def test_a_fixed_state_has_an_invariant_policy(frame: Any) -> None:
    """At the origin of CartPole an equivariant policy must not prefer a side, though its canonical state is itself."""
    symmetry = SYMMETRIES["CartPole"]
    logits = FrameAverage(network_of(symmetry, 2), symmetry, frame=frame)(torch.zeros(1, 4, dtype=torch.float64))
    assert float((logits[0, 0] - logits[0, 1]).detach()) == pytest.approx(0, abs=1e-12)


def test_an_equivariant_network_is_left_as_it_is() -> None:
    symmetry = SYMMETRIES["CartPole"]
    env = gym.make("CartPole-v1")
    policy = ActorCritic(symmetry, env.observation_space, env.action_space, hidden=(8,), dtype=torch.float64)
    states = states_of(symmetry)
    for frame in ("group", "canonical"):
        logits, values = FrameAverage(policy, symmetry, (symmetry.require_action_representation(), None), frame=frame)(states)
        torch.testing.assert_close(logits, policy(states)[0], rtol=0, atol=1e-12)
        torch.testing.assert_close(values, policy(states)[1], rtol=0, atol=1e-12)


def test_an_invariant_output() -> None:
    symmetry = SYMMETRIES["D4, regular actions"]
    value = FrameAverage(network_of(symmetry, 1), symmetry, None, frame="canonical")
    states = states_of(symmetry)
    for g in symmetry.group:
        torch.testing.assert_close(value(symmetry.transform_observation(g, states)), value(states))


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"frame": "orbit"}, OptionError, "'group' or 'canonical'"),
        ({"output": "logits"}, OptionError, "output is 'action'"),
        ({"output": D4.regular}, GroupMismatchError, "Representation of C2"),
        ({"canonicalization": Canonicalization(SYMMETRIES["CartPole"])}, OptionError, "frame='canonical'"),
    ],
)
def test_bad_averages_are_refused(arguments: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        FrameAverage(nn.Identity(), SYMMETRIES["CartPole"], **arguments)


def test_another_number_of_outputs_is_refused() -> None:
    symmetry = SYMMETRIES["CartPole"]
    with pytest.raises(OptionError, match="gives 1 outputs; 2 representations"):
        FrameAverage(network_of(symmetry, 2), symmetry, ("action", None)[1:] * 2)(torch.zeros(1, 4, dtype=torch.float64))


# Mirror loss


def test_the_loss_is_zero_for_an_equivariant_network_alone(symmetry: Symmetry) -> None:
    network = network_of(symmetry, symmetry.require_action_representation().dim)
    states = states_of(symmetry)
    assert float(MirrorLoss(symmetry)(network, states).detach()) > 0.1
    assert float(MirrorLoss(symmetry)(FrameAverage(network, symmetry), states).detach()) < 1e-20


def test_the_loss_is_what_it_says(symmetry: Symmetry) -> None:
    network = network_of(symmetry, symmetry.require_action_representation().dim)
    states = states_of(symmetry)
    terms = [
        (network(symmetry.transform_observation(g, states)) - symmetry.transform_action(g, network(states), discrete=False))
        .square()
        .sum(-1)
        .mean()
        for g in list(symmetry.group)[1:]
    ]
    torch.testing.assert_close(MirrorLoss(symmetry)(network, states), torch.stack(terms).mean())


@pytest.mark.parametrize("distance", ["squared", "kl"])
def test_the_side_with_stopped_gradient_is_a_target(distance: Any) -> None:
    symmetry, states = SYMMETRIES["CartPole"], states_of(SYMMETRIES["CartPole"], rows=1)

    def gradients(side: Any) -> tuple[torch.Tensor, torch.Tensor]:
        outputs = {False: torch.tensor([[1.0, -0.5]]).requires_grad_(), True: torch.tensor([[0.2, 0.3]]).requires_grad_()}
        loss = MirrorLoss(symmetry, distance=distance, stop_gradient=side)
        loss(lambda s: outputs[not torch.equal(s, states)], states).backward()
        return tuple(x.grad if x.grad is not None else torch.zeros(1, 2) for x in outputs.values())  # type: ignore[return-value]

    original, image_side = gradients("none")
    assert original.abs().sum() > 0
    assert image_side.abs().sum() > 0
    assert gradients("original")[0].abs().sum() == 0
    assert gradients("original")[1].abs().sum() > 0
    assert gradients("image")[1].abs().sum() == 0
    assert gradients("image")[0].abs().sum() > 0


@pytest.mark.parametrize("side", ["none", "original", "image"])
def test_it_teaches_a_plain_network_the_symmetry(side: Any) -> None:
    symmetry = SYMMETRIES["Pendulum"]
    network, states = network_of(symmetry, 1), states_of(symmetry, rows=64)
    loss, optimizer = MirrorLoss(symmetry, stop_gradient=side), torch.optim.Adam(network.parameters(), 1e-2)
    before = float(loss(network, states).detach())
    for _ in range(300):
        optimizer.zero_grad()
        loss(network, states).backward()
        optimizer.step()
    assert float(loss(network, states).detach()) < 0.1 * before


def test_no_states_have_no_loss() -> None:
    with pytest.raises(ShapeError, match=r"one observation at least; got shape \(0, 4\)"):
        MirrorLoss(SYMMETRIES["CartPole"])(nn.Linear(4, 2), torch.zeros(0, 4))


def test_losses_of_an_actor_critic_add_up() -> None:
    symmetry = SYMMETRIES["CartPole"]
    actor, critic, states = network_of(symmetry, 2), network_of(symmetry, 1, seed=3), states_of(symmetry)
    action = symmetry.require_action_representation()
    both = MirrorLoss(symmetry, (action, None))(lambda s: (actor(s), critic(s).squeeze(-1)), states)
    apart = MirrorLoss(symmetry, action)(actor, states) + MirrorLoss(symmetry, C2.trivial)(critic, states)
    torch.testing.assert_close(both, apart)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"distance": "cosine"}, "'squared' or 'kl'"),
        ({"stop_gradient": True}, "'none', 'original' or 'image'"),
        ({"distance": "kl", "output": flip(C2, "x")}, "permutation representation"),
        ({"distance": "kl", "output": None}, "permutation representation"),
    ],
)
def test_bad_losses_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(OptionError, match=says):
        MirrorLoss(SYMMETRIES["CartPole"], **options)


# Canonicalization


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("along", [False, True])
def test_images_have_one_canonical_state(symmetry: Symmetry, dtype: torch.dtype, along: bool) -> None:
    direction = np.random.default_rng(5).normal(size=symmetry.observation.dim) if along else None
    canonical = Canonicalization(symmetry, direction=direction)
    states = states_of(symmetry, rows=20).to(dtype)
    found = canonical.canonical(states)
    assert found.dtype == dtype
    for g in symmetry.group:
        again = canonical.canonical(symmetry.transform_observation(g, states))
        torch.testing.assert_close(again, found, rtol=0, atol=1e-5 if dtype == torch.float32 else 1e-12)
    elements = canonical.elements(states)
    for i, g in enumerate(elements.tolist()):
        torch.testing.assert_close(symmetry.transform_observation(g, states[i]), found[i])
    np.testing.assert_allclose(canonical.canonical(states.numpy()), found.numpy(), atol=1e-6)
    assert canonical.elements(states.numpy()).tolist() == elements.tolist()


def test_cartpole_has_its_right_half() -> None:
    states = np.random.default_rng(0).normal(size=(100, 4))
    found = Canonicalization(SYMMETRIES["CartPole"]).canonical(states)
    assert (found[:, 0] > 0).all()
    tilted = Canonicalization(SYMMETRIES["CartPole"], direction=[0, 0, 1, 0]).canonical(states)
    assert (tilted[:, 2] > 0).all()


def test_a_random_element_is_one_of_the_frame() -> None:
    canonical, rng = Canonicalization(SYMMETRIES["D4, regular actions"]), np.random.default_rng(0)
    states = np.zeros((400, 4))
    states[:200, 0] = 1.0  # on an axis: two elements keep it; the origin: all eight
    frame = canonical.frame(states)
    assert frame.sum(1).tolist() == [2] * 200 + [8] * 200
    drawn = canonical.elements(states, rng)
    assert frame[np.arange(400), drawn].all()
    assert set(drawn[200:]) == set(range(8))
    assert canonical.elements(torch.tensor(states), rng).shape == (400,)


@settings(max_examples=50, deadline=None)
@given(arrays.arrays(np.float64, (3, 4), elements=st.floats(-1e6, 1e6)))
def test_signed_permutations_are_canonicalized_exactly(states: np.ndarray) -> None:
    for symmetry in (SYMMETRIES["CartPole"], SYMMETRIES["D4, regular actions"]):
        canonical = Canonicalization(symmetry)
        for g in symmetry.group:
            moved = symmetry.transform_observation(g, states)
            np.testing.assert_array_equal(canonical.canonical(moved), canonical.canonical(states))


def test_no_states_have_no_canonical_ones(symmetry: Symmetry) -> None:
    none = np.zeros((0, *symmetry.observation_shape))
    canonicalization = Canonicalization(symmetry)
    assert canonicalization.canonical(none).shape == none.shape
    assert canonicalization.frame(none).shape == (0, symmetry.group.order)


@pytest.mark.parametrize("direction", ["up", [np.nan, 0, 0, 1], [None, 0, 0, 1]])
def test_directions_that_are_no_numbers_are_refused(direction: Any) -> None:
    with pytest.raises(SymmetryError, match="The direction must be"):
        Canonicalization(SYMMETRIES["CartPole"], direction=direction)


def test_a_canonicalization_of_another_symmetry_is_refused() -> None:
    with pytest.raises(OptionError, match=r"canonicalization is of .*dim 3.*expected .*dim 4"):
        CanonicalStates(
            gym.make("CartPole-v1"), SYMMETRIES["CartPole"], canonicalization=Canonicalization(SYMMETRIES["Pendulum"])
        )


def test_directions_that_do_not_choose_are_refused() -> None:
    with pytest.raises(SymmetryError, match="left unchanged by mirror"):
        Canonicalization(SYMMETRIES["Pendulum"], direction=[1, 0, 0])
    with pytest.raises(ShapeError, match="2 coordinates; expected 3"):
        Canonicalization(SYMMETRIES["Pendulum"], direction=[1, 0])
    with pytest.raises(ShapeError, match=r"shape \(5,\); expected \(…, 3\)"):
        Canonicalization(SYMMETRIES["Pendulum"]).frame(np.zeros(5))


@pytest.mark.parametrize("environment", ["CartPole-v1", "Pendulum-v1", "Acrobot-v1"])
def test_an_environment_of_canonical_states_is_the_same_environment(environment: str) -> None:
    """Actions of the agent, seen in the canonical state, have the effect of their images in the state itself."""
    symmetry = symmetry_of(environment)
    plain, canonical = gym.make(environment), CanonicalStates(gym.make(environment), symmetry)
    canonicalization = Canonicalization(symmetry)
    state, _ = plain.reset(seed=3)
    seen, _ = canonical.reset(seed=3)
    plain.action_space.seed(0)
    images = 0
    for _ in range(100):
        np.testing.assert_array_equal(seen, canonicalization.canonical(state))
        assert canonical.observation_space.contains(seen)
        g = int(canonicalization.elements(state))
        images += g != 0
        action = plain.action_space.sample()
        state, reward, terminated, truncated, _ = plain.step(action)
        image_action = symmetry.transform_action(g, action)
        seen, same, *flags, _ = canonical.step(image_action)
        assert same == pytest.approx(reward)
        assert flags == [terminated, truncated]
        if terminated or truncated:
            state, _ = plain.reset()
            seen, _ = canonical.reset()
    assert 10 < images < 90
    with pytest.raises(SymmetryError, match="no symmetry is left"):
        wrapped_symmetry(canonical, symmetry)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_vectorised_environments_of_canonical_states(mode: AutoresetMode) -> None:
    symmetry = symmetry_of("CartPole-v1")

    def made() -> SyncVectorEnv:
        return SyncVectorEnv([lambda: gym.make("CartPole-v1", max_episode_steps=7)] * 3, autoreset_mode=mode)

    plain, canonical, rng = made(), VectorCanonicalStates(made(), symmetry), np.random.default_rng(0)
    canonicalization = Canonicalization(symmetry)
    states, _ = plain.reset(seed=1)
    seen, _ = canonical.reset(seed=1)
    last = 0
    for _ in range(20):
        np.testing.assert_array_equal(seen, canonicalization.canonical(states))
        elements = canonicalization.elements(states)
        actions = rng.integers(2, size=3)
        states, rewards, *flags, info = plain.step(actions)
        seen, same, *others, seen_info = canonical.step(np.where(elements == 1, 1 - actions, actions))
        np.testing.assert_array_equal(same, rewards)
        np.testing.assert_array_equal(others, flags)
        if "final_obs" in info:
            last += 1
            for a, b in zip(info["final_obs"], seen_info["final_obs"], strict=True):
                if a is not None:
                    np.testing.assert_array_equal(b, canonicalization.canonical(a))
    assert (last > 0) == (mode is AutoresetMode.SAME_STEP)
    plain.close()
    canonical.close()


def test_numbered_states_have_a_quotient_instead() -> None:
    rep = Representation.from_generators(C2, [[1, 0]])

    class Two(gym.Env):
        observation_space, action_space = gym.spaces.Discrete(2), gym.spaces.Discrete(2)

    with pytest.raises(SymmetryError, match="quotient"):
        CanonicalStates(Two(), Symmetry(C2, rep, rep))


def test_final_observations_stay_apart_when_all_episodes_end_together():
    made = [lambda: gym.make("Pendulum-v1", max_episode_steps=2)] * 3
    env = VectorCanonicalStates(
        gym.vector.SyncVectorEnv(made, autoreset_mode=gym.vector.AutoresetMode.SAME_STEP), symmetry_of("Pendulum-v1")
    )
    env.reset(seed=0)
    for _ in range(2):
        *_, info = env.step(np.zeros((3, 1), dtype=np.float32))
    assert info["final_obs"].shape == (3,)
    assert all(np.asarray(final).shape == (3,) for final in info["final_obs"])
    env.close()
