from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent, Normal

from symmdp.errors import OptionError, SpaceMismatchError, SymmetryError
from symmdp.maps import tie_vector
from symmdp.mdp import Symmetry
from symmdp.nn import FreeTensor, to_plain
from symmdp.policies._convolutions import Convolutions
from symmdp.policies._networks import networks
from symmdp.policies._normalization import check_normalization, expect_normalization
from symmdp.policies._plain_actor_critic import PlainActorCritic
from symmdp.representations import Representation, coordinate_blocks


class ActorCritic(nn.Module):
    """A policy `π(a|s)` and a value function `V(s)` that respect a symmetry: `π(K_g a|L_g s) = π(a|s)`, `V(L_g s) = V(s)`.

    Discrete actions: logits transform by `K_g`. Box actions: a Gaussian whose mean transforms by `K_g` (about the action
    centre) and whose log standard deviation, independent of the state, is invariant under `|K_g|`. For vectors, actor and
    critic are separate equivariant MLPs. For images there are equivariant convolutions before the hidden layers, and actor
    and critic share both, unless asked otherwise; bytes (a space of `uint8`) are divided by 255. Over the trivial group
    (`symmetry.restrict_to_trivial()`) this is the plain actor-critic.

    Args:
        symmetry: of the MDP.
        observation_space: a Box of the shape that the symmetry acts on, vectors or images.
        action_space: Discrete or Box, likewise.
        hidden: widths of the hidden layers, each rounded up to a multiple of `|G|`.
        convolutions: before the hidden layers, where observations are images; `Convolutions()` when not given.
        activation: pointwise nonlinearity of the hidden layers; tanh for vectors and relu for images when not given.
        log_std: the initial log standard deviation of Box actions.
        free_path: whether each linear map of the two networks has a free one beside it, for a symmetry of vectors that holds
            approximately (`symmdp.nn.ResidualPathwayLinear`; decay its weights more, with `symmdp.nn.parameter_groups`).
        generator: where initial values are drawn from; torch's default generator when not given.
        dtype: of the parameters; torch's default when not given.

    Shape:
        observations `(..., in)` or `(..., channels, height, width)`; logits or means `(..., actions)`, values `(...)`.
        Parameters with a leading axis (a stack of policies) take observations `(stack, batch, ...)`.

    Raises:
        SpaceMismatchError: a space does not fit the symmetry.
        SymmetryError: the action map depends on the state, or leaves no diagonal Gaussian invariant.
        OptionError: a hidden layer has not at least one unit, or `log_std` is not finite; or there is none, for images.
        ShapeError: images do not fit the convolutions.

    Source: van der Pol et al. 2020, sections 3 and 4.
    """

    def __init__(
        self,
        symmetry: Symmetry,
        observation_space: gym.Space,
        action_space: gym.Space,
        hidden: Sequence[int] = (64, 64),
        *,
        convolutions: Convolutions | None = None,
        activation: Callable[[Tensor], Tensor] | None = None,
        log_std: float = 0.0,
        free_path: bool = False,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        symmetry.check_spaces(observation_space, action_space)
        if isinstance(observation_space, gym.spaces.Discrete):
            raise SpaceMismatchError(
                f"ActorCritic takes vectors or images; got the observation space {observation_space}. Make its states vectors "
                "(gymnasium.wrappers.FlattenObservation, and symmdp.mdp.wrapped_symmetry)."
            )
        action = symmetry.require_action_representation()
        if not math.isfinite(log_std):
            raise OptionError(f"The initial log standard deviation must be finite; got {log_std}.")
        self.symmetry = symmetry
        self.discrete = isinstance(action_space, gym.spaces.Discrete)
        self.first_action = int(action_space.start) if isinstance(action_space, gym.spaces.Discrete) else 0
        self.trunk, self.actor, self.critic = networks(
            symmetry,
            action,
            hidden,
            convolutions or Convolutions(),
            activation,
            free_path=free_path,
            generator=generator,
            dtype=dtype,
        )
        dtype = dtype or torch.get_default_dtype()
        self.log_std = None if self.discrete else log_std_of(action, log_std, dtype)
        self.observation_center = self._center("observation_center", symmetry.observation_center, dtype)
        self.action_center = self._center("action_center", symmetry.action_center, dtype)
        # What observations are divided by: a tensor, so that bytes become numbers of the parameters' dtype.
        scale = torch.tensor(255.0, dtype=dtype) if observation_space.dtype == np.uint8 else None
        self.observation_scale: Tensor | None
        self.register_buffer("observation_scale", scale, persistent=False)
        self.register_load_state_dict_pre_hook(expect_normalization)

    def _center(self, name: str, center: np.ndarray | None, dtype: torch.dtype) -> Tensor | None:
        self.register_buffer(name, None if center is None else torch.tensor(center, dtype=dtype), persistent=False)
        return getattr(self, name)

    @torch.no_grad()
    def normalize(self, mean: Tensor, deviation: Tensor) -> None:
        """Let both networks see `(x − m)/σ` from now on, in place of `x` less the symmetry's centre.

        Mean and deviation become part of `state_dict`, and are loaded with it. Training here does this with running statistics
        (`TrainingOptions.normalize_observations`).

        Args:
            mean: `m`, shape `(in,)`: a fixed point of the group.
            deviation: `σ`, positive, shape `(in,)`: one number for all coordinates that the group mixes.

        Raises:
            ShapeError: observations are images, or a shape is another.
            OptionError: a number is not finite, or a deviation is not positive.
            SymmetryError: the group moves `m`, or mixes coordinates of different `σ`; `symmdp.mdp.SymmetricStatistics` finds
                such that it does not.
        """
        check_normalization(self.symmetry, mean, deviation)
        for name, value in (("observation_center", mean), ("observation_scale", deviation)):
            like = next(self.parameters())
            self.register_buffer(name, value.detach().clone().to(like), persistent=True)

    def forward(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        """`(logits or means, values)`, shapes `(..., actions)` and `(...)`."""
        if self.observation_center is not None:
            observation = observation - self.observation_center
        if self.observation_scale is not None:
            observation = observation / self.observation_scale
        features = observation if self.trunk is None else self.trunk(observation)
        parameters, value = self.actor(features), self.critic(features)
        if self.action_center is not None and not self.discrete:
            parameters = parameters + self.action_center
        return parameters, value.squeeze(-1)

    def to_plain(self) -> PlainActorCritic:
        """The same function of tensors alone, in `torch.nn` modules: for `torch.export`, ONNX and places without symmdp.

        Raises:
            ShapeError: the parameters hold a stack of policies.
        """
        log_std = None if self.log_std is None else to_plain(self.log_std)()
        centers = (self.observation_center, None if self.discrete else self.action_center)
        plain = PlainActorCritic(
            to_plain(self.actor),
            to_plain(self.critic),
            log_std,
            *(None if center is None else center.clone() for center in centers),
            first_action=self.first_action,
            trunk=None if self.trunk is None else to_plain(self.trunk),
            observation_scale=None if self.observation_scale is None else self.observation_scale.clone(),
        )
        plain.training = self.training
        return plain

    def value(self, observation: Tensor) -> Tensor:
        """`V(s)`, shape `(...)`."""
        return self(observation)[1]

    def standard_deviation(self) -> Tensor:
        """The standard deviation of Box actions, shape `(actions,)`, or `(stack, 1, actions)` in a stack.

        Raises:
            SymmetryError: actions are discrete.
        """
        if self.log_std is None:
            raise SymmetryError("A policy over discrete actions has no standard deviation.")
        std = self.log_std().exp()
        return std if std.ndim == 1 else std.unsqueeze(-2)

    def distribution(self, observation: Tensor) -> Distribution:
        """`π(·|s)`: `Categorical` over action indices, or a diagonal `Normal`."""
        return self.distribution_of(self(observation)[0])

    def distribution_of(self, parameters: Tensor) -> Distribution:
        """The distribution with given logits or means, shape `(..., actions)`."""
        if self.discrete:
            return Categorical(logits=parameters, validate_args=False)
        normal = Normal(parameters, self.standard_deviation().expand_as(parameters), validate_args=False)
        return Independent(normal, 1, validate_args=False)

    @torch.no_grad()
    def act(self, observation: Tensor, *, deterministic: bool = False, generator: torch.Generator | None = None) -> Tensor:
        """Actions for the environment: sampled, or the most probable ones.

        Args:
            observation: shape `(..., in)` or `(..., channels, height, width)`.
            deterministic: take the mode.
            generator: where samples are drawn from; torch's default generator when not given.

        Returns:
            int64 of shape `(...)` for Discrete spaces (counted from the space's `start`), else `(..., actions)`.
        """
        parameters, _ = self(observation)
        if self.discrete:
            if not deterministic:
                uniform = torch.rand(parameters.shape, generator=generator, dtype=parameters.dtype)
                parameters = parameters - (-uniform.clamp_min(torch.finfo(uniform.dtype).tiny).log()).log()  # Gumbel
            return parameters.argmax(-1) + self.first_action
        if deterministic:
            return parameters
        noise = torch.randn(parameters.shape, generator=generator, dtype=parameters.dtype)
        return parameters + self.standard_deviation() * noise

    def extra_repr(self) -> str:
        """The symmetry's group."""
        return f"{self.symmetry.group.name}, {'discrete' if self.discrete else 'box'} actions"


def log_std_of(action: Representation, initial: float, dtype: torch.dtype) -> FreeTensor:
    """A log standard deviation that the group leaves unchanged, so that the covariance commutes with every `K_g`."""
    if action.kind.is_signed_permutation:
        free = FreeTensor(tie_vector(action.absolute), dtype=dtype)
    elif action.kind.is_orthogonal:
        # Coordinates that some K_g mixes share one value; orthonormal indicator vectors are the basis.
        blocks = coordinate_blocks(action)
        basis = np.zeros((len(blocks), action.dim))
        for row, block in zip(basis, blocks, strict=True):
            row[block] = 1 / math.sqrt(len(block))
        free = FreeTensor(basis, dtype=dtype)
    else:
        raise SymmetryError(
            f"The action representation {action!r} changes lengths, so no diagonal Gaussian is invariant. Choose action "
            "coordinates in which it is orthogonal."
        )
    free.assign(np.full(action.dim, initial))
    return free
