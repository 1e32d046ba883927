from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from symmdp.errors import GroupError, ShapeError, SymmetryError
from symmdp.mdp._affine import shape_of
from symmdp.mdp._symmetry import Symmetry, require_symmetry
from symmdp.mdp.transform._rows import act_on_rows, actions_of_rows

_ROUNDING = 64  # units in the last place


class Canonicalization:
    """One state for each orbit: `c(s) = L_g s`, in a fundamental domain of the group, so that `c(L_h s) = c(s)`.

    The canonical state is the largest of the orbit `{L_g s}`: in the order of the coordinates (the first that differs
    decides), or along a direction, `argmax_g ⟨w, L_g s⟩`. For CartPole's mirror that is the half of the states with `x > 0`.

    Args:
        symmetry: of the MDP.
        direction: `w`, shape `(observation.dim,)`, not fixed by any element but the identity; the order of the coordinates
            when not given.

    Raises:
        GroupError: the group is not listed.
        ShapeError: the direction has another shape.
        SymmetryError: an element fixes the direction, so that it does not choose one state of an orbit; or it is not finite.

    Source: Kaba et al. 2023 (arXiv 2211.06489); Puny et al. 2022 (frame averaging, arXiv 2110.03336), section 2.
    """

    def __init__(self, symmetry: Symmetry, *, direction: ArrayLike | None = None):
        require_symmetry(symmetry)
        if not symmetry.group.is_listed:
            raise GroupError(f"Canonicalization goes over all elements, but {symmetry.group!r} is not listed.")
        self.symmetry = symmetry
        self.direction = None if direction is None else _numbers(direction)
        rep = symmetry.observation
        if rep.source is not None and rep.sign is not None:
            fixed = (rep.source == np.arange(rep.dim)).all(axis=0) & (rep.sign == 1).all(axis=0)
        else:
            fixed = (np.abs(rep.matrices - np.eye(rep.dim)) < 1e-12).all(axis=(0, 2))
        self._moving = np.flatnonzero(~fixed)
        self._inverses = np.array([symmetry.group.inverse(g) for g in symmetry.group])
        if self.direction is not None:
            self._check(self.direction)

    def _check(self, direction: NDArray[np.float64]) -> None:
        rep = self.symmetry.observation
        if direction.shape != (rep.dim,):
            raise ShapeError(f"The direction has {direction.size} coordinates; expected {rep.dim}.")
        every = np.arange(self.symmetry.group.order)
        images = act_on_rows(self.symmetry.on_vectors.observation, every, np.tile(direction, (len(every), 1)))
        fixing = np.flatnonzero(np.abs(images - direction).max(axis=1) <= 1e-9 * np.abs(direction).max())
        if len(fixing) > 1:
            raise SymmetryError(
                f"The direction is left unchanged by {self.symmetry.element_name(int(fixing[1]))}, so that it does not tell a "
                "state from its image. Choose one that every element moves."
            )

    def frame(self, observation: Any) -> Any:
        """The elements that take each state to its canonical one, booleans of shape `(*batch, |G|)`.

        One element, or as many as leave the state unchanged. Array or tensor, as the observation is.
        """
        tensor = observation if isinstance(observation, Tensor) else torch.as_tensor(np.asarray(observation))
        shape = shape_of(self.symmetry.observation)
        if tuple(tensor.shape[-len(shape) :]) != shape:
            raise ShapeError(f"The observation has shape {tuple(tensor.shape)}; expected (…, {', '.join(map(str, shape))}).")
        batch = tensor.shape[: tensor.ndim - len(shape)]
        frame = self._frame(tensor.detach().reshape(-1, self.symmetry.observation.dim))
        frame = frame.reshape(*batch, self.symmetry.group.order)
        return frame if isinstance(observation, Tensor) else frame.numpy()

    def _frame(self, x: Tensor) -> Tensor:
        rep, center = self.symmetry.on_vectors.observation, self.symmetry.observation_center
        if not x.is_floating_point():
            x = x.to(torch.float64)
        if center is not None:
            x = x - torch.tensor(center, dtype=x.dtype, device=x.device)
        order, n = self.symmetry.group.order, len(x)
        every = torch.arange(order, device=x.device).repeat_interleave(n)
        orbit = act_on_rows(rep, every, x.repeat(order, 1)).unflatten(0, (order, n))
        # What differs by rounding alone is equal: images are exact only where nothing is added.
        exact = rep.source is not None and center is None and self.direction is None
        size = x.abs().amax(-1) + (0.0 if center is None else float(np.abs(center).max()))
        allowed = 0.0 if exact else _ROUNDING * torch.finfo(x.dtype).eps * size
        if self.direction is not None:
            w = torch.tensor(self.direction, dtype=x.dtype, device=x.device)
            score = orbit @ w
            return (score >= score.amax(0) - allowed * float(np.abs(self.direction).sum())).T
        alive = torch.ones((order, n), dtype=torch.bool, device=x.device)
        for k in self._moving:
            values = orbit[:, :, int(k)]
            best = values.masked_fill(~alive, -torch.inf).amax(0)
            alive &= values >= best - allowed
            if bool((alive.sum(0) == 1).all()):
                break
        return alive.T

    def elements(self, observation: Any, generator: np.random.Generator | None = None) -> Any:
        """An element `g` that takes each state to its canonical one, integers of the batch's shape.

        Where more than one does, since elements leave the state unchanged: the first, or a random one of the generator, which
        makes what follows equivariant in distribution there too.
        """
        frame = self.frame(observation)
        if generator is None:
            return frame.to(torch.uint8).argmax(-1) if isinstance(frame, Tensor) else frame.argmax(-1)
        draws = generator.random(tuple(frame.shape))
        if isinstance(frame, Tensor):
            return torch.tensor(draws, device=frame.device).masked_fill(~frame, -1).argmax(-1)
        return np.where(frame, draws, -1).argmax(-1)

    def canonical(self, observation: Any) -> Any:
        """The canonical states, of the shape and dtype of the observations."""
        elements = self.elements(observation)
        x = observation if isinstance(observation, Tensor) else np.asarray(observation)
        return act_on_rows(self.symmetry.observation, elements, x, self.symmetry.observation_center)

    def action_back(self, action: Any, elements: Any, canonical: Any, *, discrete: bool) -> Any:
        """`K_g⁻¹ a`: the action in the state itself that `a` stands for in its canonical state `L_g s`.

        Args:
            action: in canonical states: indices, or vectors.
            elements: `g`, as `elements` gave them for the states.
            canonical: the canonical states, which a state-dependent action map needs.
            discrete: whether actions are indices.
        """
        inverses = self._inverses[np.asarray(elements.cpu())] if isinstance(elements, Tensor) else self._inverses[elements]
        if isinstance(elements, Tensor):
            inverses = torch.tensor(inverses, device=elements.device)
        return actions_of_rows(self.symmetry, inverses, action, canonical, discrete)


def _numbers(direction: ArrayLike) -> NDArray[np.float64]:
    try:
        numbers = np.array(direction, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        raise SymmetryError(f"The direction must be real numbers; got {direction!r}.") from None
    if not np.isfinite(numbers).all():
        raise SymmetryError(f"The direction must be finite; got {numbers}.")
    return numbers
