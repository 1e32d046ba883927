from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

import gymnasium as gym
import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from symmdp.errors import SymmetryError
from symmdp.groups import Group
from symmdp.groups import trivial as trivial_group
from symmdp.mdp._affine import act, permute_indices, shape_of
from symmdp.mdp._arguments import check_representation, checked_center, checked_names
from symmdp.mdp._fingerprint import fingerprint_of
from symmdp.mdp._spaces import check_action_space, check_observation_space
from symmdp.representations import ImageRepresentation, Representation, image

ActionMap = Callable[[int, Any, Any], Any]
"""A state-dependent action map `(g, observation, action) ↦ K_g^s a`."""


class Symmetry:
    """A symmetry of a Markov decision process: `R(s, a) = R(L_g s, K_g a)` and `T(s'|s, a) = T(L_g s'|L_g s, K_g a)`.

    `L_g` acts on observations and `K_g` on actions, both affinely, `x ↦ ρ(g)(x − c) + c`. Discrete actions are moved by a
    permutation representation. Whether an environment has the symmetry is a question for `verify`. An immutable value.

    Args:
        group: the group `G`.
        observation: the representation `L_g`: of vectors; of images, as `symmdp.representations.image` makes it; or of the
            states of a Discrete space, a permutation.
        action: the representation `K_g`; or, where the map depends on the state, a function
            `(g, observation, action) -> action` with `K_{gh}^s = K_g^{L_h s} K_h^s`.
        observation_center: the fixed point `c` of observations, shape `(observation.dim,)` (of images, their shape); the
            origin when not given.
        action_center: likewise, for continuous actions.
        observation_names: what each coordinate is, for reports.
        action_names: likewise; of the actions themselves when they are discrete.
        element_names: what each element of the group does, the identity first.
        name: how the symmetry prints.

    Raises:
        SymmetryError: an argument is no group, representation or function; a centre is not finite or given together with
            a function; names are not as many as what they name.
        GroupMismatchError: a representation is one of another group.
        ShapeError: a centre does not have the size of its representation.

    Source: van der Pol et al. 2020, section 2 (MDP homomorphisms and symmetries).
    """

    group: Group
    observation: Representation
    action: Representation | ActionMap
    observation_center: NDArray[np.float64] | None
    action_center: NDArray[np.float64] | None
    observation_names: tuple[str, ...] | None
    action_names: tuple[str, ...] | None
    element_names: tuple[str, ...] | None
    name: str

    def __init__(
        self,
        group: Group,
        observation: Representation,
        action: Representation | ActionMap,
        *,
        observation_center: ArrayLike | None = None,
        action_center: ArrayLike | None = None,
        observation_names: Sequence[str] | None = None,
        action_names: Sequence[str] | None = None,
        element_names: Sequence[str] | None = None,
        name: str | None = None,
    ):
        if not isinstance(group, Group):
            raise SymmetryError(f"The first argument is a symmdp Group; got {type(group).__name__}.")
        check_representation(group, observation, "observation")
        if isinstance(action, Representation):
            check_representation(group, action, "action")
        elif not callable(action):
            raise SymmetryError(
                "The action is a Representation, or a function (g, observation, action) -> action; "
                f"got {type(action).__name__}."
            )
        elif action_center is not None:
            raise SymmetryError("An action_center belongs to an action representation; the function must apply it itself.")
        # Written past __setattr__, which forbids changes.
        self.__dict__.update(
            group=group,
            observation=observation,
            action=action,
            observation_center=checked_center(observation_center, observation, "observation_center"),
            action_center=checked_center(action_center, action, "action_center"),
            observation_names=checked_names(observation_names, observation.dim, "observation_names"),
            action_names=checked_names(
                action_names, action.dim if isinstance(action, Representation) else None, "action_names"
            ),
            element_names=checked_names(element_names, len(group.numbered), "element_names"),
            name=name or group.name,
        )

    def __setattr__(self, attribute: str, value: object) -> None:
        raise AttributeError(f"A Symmetry is immutable; cannot set {attribute!r}.")

    @property
    def observation_shape(self) -> tuple[int, ...]:
        """The shape of an observation: `(dim,)`, or `(channels, height, width)` for images."""
        return shape_of(self.observation)

    @property
    def on_vectors(self) -> Symmetry:
        """This symmetry, with images as vectors of `channels · height · width` coordinates."""
        if not isinstance(self.observation, ImageRepresentation):
            return self
        vectors = self.observation.on_vectors
        return Symmetry(
            self.group,
            vectors,
            self.action,
            observation_center=self.observation_center,
            action_center=self.action_center,
            observation_names=[self.observation_name(i) for i in range(vectors.dim)],
            action_names=self.action_names,
            element_names=self.element_names,
            name=self.name,
        )

    @overload
    def transform_observation(self, g: int, observation: Tensor, *, discrete: bool = False) -> Tensor: ...
    @overload
    def transform_observation(self, g: int, observation: ArrayLike, *, discrete: bool = False) -> NDArray: ...
    def transform_observation(self, g: int, observation: ArrayLike | Tensor, *, discrete: bool = False) -> NDArray | Tensor:
        """`L_g (s − c) + c` for observations of shape `(..., observation.dim)`; floats keep their dtype.

        Args:
            g: the element.
            observation: one or many; images have the shape `(..., channels, height, width)`.
            discrete: they are the numbers of states, of any shape: `s` goes to the `t` with `L_g e_s = e_t`.

        Raises:
            GroupError: `g` is no element.
            ShapeError: an observation has another shape, or a state is out of range.
            SymmetryError: discrete states under a representation that is no permutation.
        """
        if discrete:
            return permute_indices(self.observation, g, observation)
        return act(self.observation, g, observation, self.observation_center, "The observation")

    @overload
    def transform_action(
        self, g: int, action: Tensor, observation: Tensor | None = None, *, discrete: bool | None = None
    ) -> Tensor: ...
    @overload
    def transform_action(
        self, g: int, action: ArrayLike, observation: ArrayLike | None = None, *, discrete: bool | None = None
    ) -> NDArray: ...
    def transform_action(
        self,
        g: int,
        action: ArrayLike | Tensor,
        observation: ArrayLike | Tensor | None = None,
        *,
        discrete: bool | None = None,
    ) -> NDArray | Tensor:
        """`K_g a`, or `K_g^s a` where the action map depends on the state.

        Discrete actions are indices `0 …` (less the `start` of their space), of any shape: `a` goes to the `b` with
        `K_g e_a = e_b`. Continuous ones are vectors `(..., action.dim)`, moved to `K_g (a − c) + c`.

        Args:
            g: the element.
            action: one or many actions; their dtype is kept.
            observation: the observation `s` (not its image), which a state-dependent map needs.
            discrete: how to read `action`; integers are discrete and floats continuous when not given.

        Raises:
            GroupError: `g` is no element.
            ShapeError: a vector has another size, or an index is out of range.
            SymmetryError: discrete actions under a representation that is no permutation, or a missing observation.
        """
        if not isinstance(self.action, Representation):
            if observation is None:
                raise SymmetryError("The action map of this symmetry depends on the state: give the observation as well.")
            image = self.action(self.group.check_element(g), observation, action)
            return image if isinstance(image, Tensor) else np.asarray(image)
        array = action if isinstance(action, Tensor) else np.asarray(action)
        if discrete is None:
            discrete = not array.is_floating_point() if isinstance(array, Tensor) else array.dtype.kind in "iub"
        if discrete:
            return permute_indices(self.action, g, array)
        return act(self.action, g, array, self.action_center, "The action")

    def check_spaces(self, observation_space: gym.Space, action_space: gym.Space) -> None:
        """Raise SpaceMismatchError, saying both sizes and what to do, unless the symmetry can act on both spaces.

        Observations are a Box of shape `(dim,)`, or that of images; actions are a Box of shape `(dim,)`. Either may be
        Discrete, with a permutation representation of as many dimensions.
        """
        check_observation_space(observation_space, self.observation, self.observation_center is not None)
        rep = self.action if isinstance(self.action, Representation) else None
        check_action_space(action_space, rep, self.action_center is not None)

    def restrict_to_trivial(self) -> Symmetry:
        """The same observations and actions under the trivial group, without centres: its networks are the plain ones.

        Raises:
            SymmetryError: the action map depends on the state, so that the number of actions is not known.
        """
        group, action = trivial_group(), self.require_action_representation()
        observation = self.observation.dim * group.trivial
        if isinstance(self.observation, ImageRepresentation):
            channels, height, width = self.observation.shape
            observation = image(channels * group.trivial, 2 * group.trivial, height, width)
        return Symmetry(
            group,
            observation,
            action.dim * group.trivial,
            observation_names=self.observation_names,
            action_names=self.action_names,
        )

    @property
    def has_action_representation(self) -> bool:
        """Whether actions are moved by a representation, the same in every state."""
        return isinstance(self.action, Representation)

    def require_action_representation(self) -> Representation:
        """The representation `K_g`.

        Raises:
            SymmetryError: the action map depends on the state.
        """
        if isinstance(self.action, Representation):
            return self.action
        raise SymmetryError(
            f"The action map of {self.name!r} is a function of the state, but networks need a representation, the same in "
            "every state. Change the action coordinates so that the map no longer depends on the state, or use this "
            "symmetry for verification and augmentation only."
        )

    def element_name(self, g: int) -> str:
        """What element `g` is called."""
        return self.element_names[g] if self.element_names else f"element {g}"

    def observation_name(self, i: int) -> str:
        """What coordinate `i` of the observation is called."""
        if self.observation_names:
            return self.observation_names[i]
        if isinstance(self.observation, ImageRepresentation):
            channel, row, column = np.unravel_index(i, self.observation.shape)
            return f"pixel (row {row}, column {column})" + (f" of channel {channel}" if self.observation.shape[0] > 1 else "")
        return f"coordinate {i}"

    def action_name(self, i: int) -> str:
        """What coordinate `i` of the action is called, or action `i` when actions are discrete."""
        return self.action_names[i] if self.action_names else f"action {i}"

    @property
    def fingerprint(self) -> str:
        """A digest of group, representations and centres: equal symmetries have equal ones, in every process.

        A state-dependent action map counts by its name alone.
        """
        centers = (self.observation_center, self.action_center)
        return fingerprint_of(self.group, (self.observation, self.action), centers)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Symmetry):
            return NotImplemented
        return (
            (self.group, self.observation, self.action) == (other.group, other.observation, other.action)
            and _equal(self.observation_center, other.observation_center)
            and _equal(self.action_center, other.action_center)
        )

    def __hash__(self) -> int:
        return hash((self.group, self.observation, self.action))

    def __str__(self) -> str:
        actions = f"{self.action.name} on actions" if isinstance(self.action, Representation) else "state-dependent actions"
        name = "" if self.name == self.group.name else f"{self.name}: "
        return f"{name}{self.group.name}, {self.observation.name} on observations, {actions}"

    def __repr__(self) -> str:
        action = f"dim {self.action.dim}" if isinstance(self.action, Representation) else "state-dependent"
        centers = [f"{k} {v}" for k in ("observation_center", "action_center") if (v := getattr(self, k)) is not None]
        facts = [self.group.name, f"observation dim {self.observation.dim}", f"action {action}", *centers]
        return f"Symmetry({', '.join([self.name, *facts] if self.name != self.group.name else facts)})"


def require_symmetry(value: object) -> None:
    """Raise SymmetryError unless it is a Symmetry."""
    if not isinstance(value, Symmetry):
        raise SymmetryError(f"Expected a symmdp Symmetry, such as symmdp.symmetry_of(id); got {type(value).__name__}.")


def _equal(a: NDArray | None, b: NDArray | None) -> bool:
    return a is b if a is None or b is None else np.array_equal(a, b)
