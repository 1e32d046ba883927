"""Compare transitions with their images: observation, reward and termination."""

from __future__ import annotations

from collections.abc import Sequence

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from symmdp.mdp._symmetry import Symmetry
from symmdp.mdp.simulators._simulator import Simulator
from symmdp.mdp.verification._report import PartResult
from symmdp.mdp.verification._sampling import Action
from symmdp.mdp.verification._transitions import Transitions, image_transitions

_MOST = 32  # coordinates of a state that are written out


def share_bound(violations: int, checked: int, confidence: float) -> float | None:
    """The exact (Clopper–Pearson) one-sided upper bound on a share of which `violations` in `checked` were seen.

    The share `p` at which so few violations have probability `1 − confidence`; `1 − (1 − confidence)^(1/n)` for none.
    """
    if checked == 0:
        return None
    from scipy import stats  # half a second; only verification pays it

    return float(stats.binomtest(violations, checked, alternative="less").proportion_ci(confidence, method="exact").high)


def spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The standard deviation over the first axis; 1 where it is nothing but rounding."""
    size = np.abs(values).max(axis=0, initial=0.0)
    # In units of a power of two, which changes no digit, squares neither overflow nor vanish.
    unit = np.ldexp(1.0, np.frexp(size)[1] - 1)
    deviation = (values / unit).std(axis=0)
    return np.where(deviation > 1e-12 * (size / unit), deviation * unit, 1.0)


def compare_transitions(
    simulator: Simulator,
    symmetry: Symmetry,
    g: int,
    originals: Transitions,
    actions: Sequence[Action],
    tolerance: float,
    confidence: float,
) -> list[PartResult]:
    """Results for observation, reward and termination under element `g`.

    Rewards and termination are compared where `L_g s` is a state; where it is none, the observation is at fault alone.
    """
    scale = spread(np.concatenate([originals.observation, originals.following]))
    images, wanted = image_transitions(simulator, symmetry, g, originals, actions, tolerance * scale)
    is_state = ~np.isnan(images.terminated)
    expected = symmetry.transform_observation(g, originals.following)
    place = _Place(symmetry, simulator.action_space, originals, actions)

    shown = _scaled(images.observation - wanted, scale)
    stepped = np.where(is_state[:, None], _scaled(images.following - expected, scale), 0.0)
    error = np.maximum(shown, stepped)
    i, k = np.unravel_index(int(error.argmax()), error.shape)
    if shown[i, k] > tolerance:
        detail = f"the image of {place(i)} is no state: it has {_pair(symmetry, k, wanted[i, k], images.observation[i, k])}"
    else:
        detail = f"after {place(i, True)}: {_pair(symmetry, k, expected[i, k], images.following[i, k])}"
    largest = error.max(axis=0)
    order = np.argsort(-largest, kind="stable")
    parts = [
        _part(
            "observation",
            symmetry,
            g,
            error.max(axis=1),
            tolerance,
            confidence,
            coordinate=int(k) if error[i, k] > 0 else None,
            coordinate_name=symmetry.observation_name(int(k)) if error[i, k] > 0 else None,
            faults=tuple(symmetry.observation_name(int(j)) for j in order if largest[j] > tolerance),
            errors=tuple(map(float, largest)),
            detail=detail,
        )
    ]
    rows = np.flatnonzero(is_state)
    for part, before, after, unit in (
        ("reward", originals.reward, images.reward, spread(originals.reward)),
        ("termination", originals.terminated, images.terminated, np.array(1.0)),
    ):
        error = _scaled((after - before)[rows], unit)
        if len(rows):
            worst = rows[int(error.argmax())]
            detail = f"after {place(worst, True)}: {before[worst]:.6g}, after its image: {after[worst]:.6g}"
        else:
            detail = "the image of no sampled state is a state"
        parts.append(_part(part, symmetry, g, error, tolerance, confidence, detail=detail))
    return parts


def _part(
    part: str, symmetry: Symmetry, g: int, error: NDArray[np.float64], tolerance: float, confidence: float, **found
) -> PartResult:
    violations = int((error > tolerance).sum())
    return PartResult(
        part=part,
        element=g,
        element_name=symmetry.element_name(g),
        passed=violations == 0 if len(error) else None,
        checked=len(error),
        violations=violations,
        error=float(error.max()) if len(error) else None,
        median=float(np.median(error)) if len(error) else None,
        share_bound=share_bound(violations, len(error), confidence),
        **found,
    )


def _scaled(difference: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    error = np.abs(difference) / scale
    return np.where(np.isnan(error), np.inf, error)


def _pair(symmetry: Symmetry, k: np.intp, expected: float, found: float) -> str:
    return f"{symmetry.observation_name(int(k))} = {expected:.6g} expected, {found:.6g} simulated"


class _Place:
    """Writes a state, and an action, for the reader of a report."""

    def __init__(self, symmetry: Symmetry, space: gym.Space, originals: Transitions, actions: Sequence[Action]):
        self._symmetry, self._originals, self._actions = symmetry, originals, actions
        self._start = int(space.start) if isinstance(space, gym.spaces.Discrete) else None

    def __call__(self, i: np.integer | int, with_action: bool = False) -> str:
        values = self._originals.observation[i]
        state = ", ".join(f"{self._symmetry.observation_name(k)} = {value:.4g}" for k, value in enumerate(values[:_MOST]))
        if len(values) > _MOST:
            state += f", and {len(values) - _MOST} more"
        if not with_action:
            return f"({state})"
        action = self._actions[int(i)]
        if self._start is not None:
            return f"({state}) with {self._symmetry.action_name(int(action) - self._start)}"
        vector = ", ".join(f"{self._symmetry.action_name(k)} = {v:.4g}" for k, v in enumerate(np.atleast_1d(action)))
        return f"({state}) with {vector}"
