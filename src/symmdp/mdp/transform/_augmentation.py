from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from symmdp.errors import GroupError, OptionError, ShapeError
from symmdp.mdp._symmetry import Symmetry, require_symmetry
from symmdp.mdp.transform._rows import act_on_rows, actions_of_rows

OBSERVATIONS = ("observation", "observations", "obs", "state", "states")
NEXT_OBSERVATIONS = tuple(f"next_{name}" for name in OBSERVATIONS)
ACTIONS = ("action", "actions")


class Augmentation:
    """Adds the images of transitions: `(s, a, r, s') ↦ (L_g s, K_g a, r, L_g s')`, which a symmetric MDP would give alike.

    A batch is a mapping (a dictionary, a TensorDict), a named tuple or a dataclass of arrays or tensors with the same first
    axes: a batch of a replay buffer, or the buffer as a whole. What is neither observation nor action (rewards, flags)
    is kept as it is; it must be invariant, which a log-probability is under an equivariant policy alone. Fields may be None.

    Args:
        symmetry: of the MDP.
        observations: the names of what `L_g` moves; `observation`, `next_observation`, `obs`, … when not given.
        actions: the names of what `K_g` moves; `action` and `actions` when not given.
        discrete: whether actions are indices; by default integers are, and floats are vectors.
        first_action: the `start` of a Discrete space.

    Raises:
        OptionError: (on a call) the batch has none of the names, or a field is no array.
        ShapeError: (on a call) a field does not have as many rows as the observations.
        SymmetryError: the first argument is no symmetry.
        GroupError: the group is not listed.

    Source: Laskin et al. 2020 (RAD, arXiv 2004.14990); with symmetries, Mittal et al. 2024 (arXiv 2403.04359), section 3.
    """

    def __init__(
        self,
        symmetry: Symmetry,
        *,
        observations: Sequence[str] | None = None,
        actions: Sequence[str] | None = None,
        discrete: bool | None = None,
        first_action: int = 0,
    ):
        require_symmetry(symmetry)
        if not symmetry.group.is_listed:
            raise GroupError(f"Augmentation draws elements, but {symmetry.group!r} is not listed. Restrict it to a subgroup.")
        self.symmetry = symmetry
        self.first_action = first_action
        self._observations = None if observations is None else tuple(observations)
        self._actions = None if actions is None else tuple(actions)
        self._discrete = discrete

    def transform(self, batch: Any, elements: Any) -> Any:
        """The image of the batch, each row under an element of its own.

        Args:
            batch: as above; it is not changed.
            elements: one element for all, or integers of the shape of the batch's first axes, one for each row.

        Raises:
            OptionError: the batch has no observation of a known name, or one that is no array.
            ShapeError: an array does not have the shape that the symmetry acts on.
            GroupError: an element is none.
        """
        values = _values(batch)
        names, actions = self._names(values)
        first, shape = values[names[0]], self._batch_shape(values)
        rows = self._rows(elements, first, shape)
        images = {}
        for name in names:
            images[name] = act_on_rows(self.symmetry.observation, rows, values[name], self.symmetry.observation_center)
        for name in actions:
            images[name] = self._moved_actions(rows, values[name], first)
        return _replaced(batch, {**values, **images})

    def random(self, batch: Any, generator: np.random.Generator) -> Any:
        """The image of the batch under random elements, one for each row, uniformly drawn (the identity among them)."""
        if not isinstance(generator, np.random.Generator):
            raise OptionError(f"generator is a numpy.random.Generator, such as default_rng(0); got {type(generator).__name__}.")
        shape = self._batch_shape(_values(batch))
        return self.transform(batch, generator.integers(self.symmetry.group.order, size=shape))

    def all(self, batch: Any) -> Any:
        """The batch and all its images, one after the other along the first axis: `|G|` times as many rows."""
        given = _values(batch)
        shape = self._batch_shape(given)
        if not shape:
            raise ShapeError("The batch is a single transition; expected many, along the first axis.")
        for name, x in given.items():
            if x is not None:
                _check_array(name, x)
                if tuple(x.shape[:1]) != shape[:1]:
                    raise ShapeError(f"{name} has shape {tuple(x.shape)}; expected {shape[0]} rows, as observations have.")
        values = [_values(self.transform(batch, g)) for g in self.symmetry.group]
        return _replaced(batch, {name: _joined([v[name] for v in values]) for name in given})

    def _names(self, values: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        known = self._observations or OBSERVATIONS + NEXT_OBSERVATIONS
        names = [name for name in known if values.get(name) is not None]
        actions = [name for name in self._actions or ACTIONS if values.get(name) is not None]
        missing = [name for name in [*(self._observations or ()), *(self._actions or ())] if values.get(name) is None]
        if missing or not names:
            wanted = f"{missing[0]!r} is not among them" if missing else "none is known as an observation"
            raise OptionError(
                f"The batch has the fields {', '.join(map(repr, values))}; {wanted}. Name them with observations= and actions=."
            )
        return names, actions

    def _batch_shape(self, values: Mapping[str, Any]) -> tuple[int, ...]:
        """The first axes of observations."""
        names, actions = self._names(values)
        for name in (*names, *actions):
            _check_array(name, values[name])
        given, shape = tuple(values[names[0]].shape), self.symmetry.observation_shape
        if given[max(0, len(given) - len(shape)) :] != shape:
            raise ShapeError(f"{names[0]} has shape {given}; expected (…, {', '.join(map(str, shape))}).")
        return given[: len(given) - len(shape)]

    def _rows(self, elements: Any, like: Any, batch: tuple[int, ...]) -> Any:
        rows = np.asarray(elements.cpu() if isinstance(elements, Tensor) else elements)
        if rows.dtype.kind not in "iu" or (rows.size and not (rows.min() >= 0 and rows.max() < self.symmetry.group.order)):
            raise GroupError(f"Elements are integers 0 … {self.symmetry.group.order - 1}; got {elements!r}.")
        if rows.shape not in {(), batch}:
            raise ShapeError(f"Expected one element, or one for each row, of shape {batch}; got shape {rows.shape}.")
        rows = np.broadcast_to(rows, batch)
        return torch.tensor(rows, dtype=torch.int64, device=like.device) if isinstance(like, Tensor) else rows

    def _moved_actions(self, rows: Any, actions: Any, observations: Any) -> Any:
        discrete = self._discrete
        if discrete is None:
            discrete = not actions.is_floating_point() if isinstance(actions, Tensor) else actions.dtype.kind in "iub"
        if not discrete or not self.first_action:
            return actions_of_rows(self.symmetry, rows, actions, observations, discrete)
        return actions_of_rows(self.symmetry, rows, actions - self.first_action, observations, True) + self.first_action


class AugmentedBuffer:
    """A replay buffer whose batches come with random images: `sample` of the buffer, then `Augmentation.random`.

    All else is the buffer's own. It needs no memory, and every transition is seen under every element in the end.

    Args:
        buffer: any object with a method `sample`, which returns a mapping, a named tuple or a dataclass.
        augmentation: of its batches.
        generator: of the elements.
    """

    def __init__(self, buffer: Any, augmentation: Augmentation, generator: np.random.Generator):
        if not callable(getattr(buffer, "sample", None)):
            raise OptionError(f"A replay buffer has a method sample; {type(buffer).__name__} has none.")
        self.buffer, self.augmentation, self.generator = buffer, augmentation, generator

    def sample(self, *arguments: Any, **options: Any) -> Any:
        """A batch of the buffer, each row under a random element."""
        return self.augmentation.random(self.buffer.sample(*arguments, **options), self.generator)

    def __len__(self) -> int:
        return len(self.buffer)

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":  # not set yet: unpickling asks for it
            raise AttributeError(name)
        return getattr(self.buffer, name)


def _values(batch: Any) -> dict[str, Any]:
    if isinstance(batch, Mapping) or (hasattr(batch, "keys") and hasattr(batch, "__getitem__")):
        return {key: batch[key] for key in batch.keys()}  # noqa: SIM118 (a TensorDict iterates over rows)
    if isinstance(batch, tuple) and hasattr(batch, "_asdict"):
        return batch._asdict()  # pyright: ignore[reportAttributeAccessIssue]
    if is_dataclass(batch) and not isinstance(batch, type):
        return {field.name: getattr(batch, field.name) for field in dataclass_fields(batch)}
    raise OptionError(f"A batch is a mapping, a named tuple or a dataclass of arrays or tensors; got {type(batch).__name__}.")


def _check_array(name: str, x: Any) -> None:
    if not isinstance(x, Tensor | np.ndarray | np.generic):
        raise OptionError(f"The fields of a batch are arrays or tensors; {name!r} is of type {type(x).__name__}.")


def _joined(images: list[Any]) -> Any:
    if images[0] is None:
        return None
    return torch.cat(images) if isinstance(images[0], Tensor) else np.concatenate(images)


def _replaced(batch: Any, values: dict[str, Any]) -> Any:
    if isinstance(batch, tuple):
        return batch._replace(**values)  # pyright: ignore[reportAttributeAccessIssue]
    if is_dataclass(batch) and not isinstance(batch, type):
        return replace(batch, **values)
    if isinstance(batch, dict):
        return values
    made: Any = type(batch)
    rows = len(next(x for x in values.values() if x is not None))
    return made(values, batch_size=[rows]) if hasattr(batch, "batch_size") else made(values)
