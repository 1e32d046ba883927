from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symmdp.errors import DivergenceError, OptionError, ShapeError
from symmdp.maps import SymmetrizedMoments
from symmdp.mdp._symmetry import Symmetry, require_symmetry
from symmdp.representations import ImageRepresentation

_LARGEST = 1e150  # squares of larger numbers, and their sums, may overflow


class SymmetricStatistics:
    """Running mean and variances of observations that the group leaves unchanged, and normalisation by them.

    `z = (x − m) / √(v + ε)`, where `m` and `v` are exactly those of the observations seen *and all their images under the
    group*: of the data augmented by it. Hence `z(L_g x) = ρ(g) z(x)`, with the representation of the observations and the
    origin as centre. Statistics per coordinate break that (`m` is fixed by no mirror, `v` differs within orbits).

    One variance belongs to each orbit of coordinates; where the matrices are no signed permutations, to each coordinate block
    (the mean of the augmented data's variances over it). Images have one mean and variance for each orbit of channels, over
    all pixels: statistics of single pixels would blow up those that hardly ever change, and would not commute with the
    shifts that convolutions respect.

    Moments are merged in float64 about running means, so that large offsets cost no digits.

    Args:
        symmetry: its observations; their centre is respected.
        epsilon: `ε`.
        clip: the largest absolute value of a coordinate of `z`, or None. Of a block of `n` coordinates that the group mixes
            otherwise than by signed permutations, the length is at most `√n clip` (in the invariant inner product).

    Raises:
        OptionError: `epsilon` or `clip` is not positive.
        RepresentationError: the representation is not orthogonal, and its group is not listed.

    Source: Chan, Golub and LeVeque 1979, *Updating formulae and a pairwise algorithm for computing sample variances*,
    section 2.
    """

    def __init__(self, symmetry: Symmetry, *, epsilon: float = 1e-8, clip: float | None = 10.0):
        require_symmetry(symmetry)
        check_options(epsilon, clip)
        self.symmetry, self.epsilon, self.clip = symmetry, epsilon, clip
        rep = symmetry.observation
        self._is_image = isinstance(rep, ImageRepresentation)
        self.moments = SymmetrizedMoments(rep.channels if isinstance(rep, ImageRepresentation) else rep)
        self._center = symmetry.observation_center
        self.count = 0
        size = self.moments.rep.dim
        self._mean, self._squares = np.zeros(size), np.zeros(size)  # of R (x − c), and the sum of squares about it
        self._used: tuple[NDArray, NDArray] | None = None

    def update(self, observations: ArrayLike) -> None:
        """Count observations, shape `(..., d)` or `(..., channels, height, width)`.

        Raises:
            ShapeError: they have another shape.
            DivergenceError: one is not finite, or so large that its square is not; nothing is counted then.
        """
        data = self._features(np.asarray(observations)).reshape(-1, len(self._mean))
        if len(data) == 0:
            return
        if not (np.abs(data) < _LARGEST).all():
            raise DivergenceError(
                f"An observation is not finite, or its square is not: {np.asarray(observations)}. Statistics would not recover."
            )
        if self.moments.root is not None:
            data = data @ self.moments.root.T
        mean = data.mean(axis=0)
        mean = mean + (data - mean).mean(axis=0)  # what the first sum rounded away
        self._merge(len(data), mean, ((data - mean) ** 2).sum(axis=0))

    def merge(self, other: SymmetricStatistics) -> None:
        """Count what another one has counted, as from environments in other processes.

        Raises:
            OptionError: it is of another representation or centre.
        """
        same = self.symmetry.observation == other.symmetry.observation and _equal(self._center, other._center)
        if not same:
            raise OptionError(f"Statistics under {other.symmetry!r} cannot be merged into those under {self.symmetry!r}.")
        if other.count:
            self._merge(other.count, other._mean, other._squares)

    def _merge(self, count: int, mean: NDArray[np.float64], squares: NDArray[np.float64]) -> None:
        total = self.count + count
        delta = mean - self._mean
        self._mean = self._mean + delta * (count / total)
        self._squares = self._squares + squares + delta**2 * (self.count * count / total)
        self.count, self._used = total, None

    def normalize(self, observations: ArrayLike) -> NDArray:
        """`z`, clipped, of the shape of the observations; floats keep their dtype, other numbers give float32.

        Before anything is counted, `z = x − c`.

        Raises:
            ShapeError: they have another shape.
        """
        given = np.asarray(observations)
        mean, scale = self._mean_and_scale()
        z = (self._features(given) - mean) / scale
        if self.clip is not None:
            z = self._clipped(z, self.clip)
        if self._is_image:
            z = np.moveaxis(z, -1, -3)
        return z.astype(given.dtype if given.dtype.kind == "f" else np.float32)

    @property
    def mean(self) -> NDArray[np.float64]:
        """`m`, of the shape of an observation: a fixed point of the group."""
        mean = np.broadcast_to(self._mean_and_scale()[0], self._shape_of_features)
        whole = (np.moveaxis(mean, -1, -3) if self._is_image else mean).astype(np.float64)
        return whole if self._center is None else whole + self._center.reshape(whole.shape)

    @property
    def variance(self) -> NDArray[np.float64]:
        """`v`, of the shape of an observation; 1 before anything is counted."""
        variance = np.broadcast_to(self._variance(), self._shape_of_features)
        return np.array(np.moveaxis(variance, -1, -3) if self._is_image else variance)

    def state_dict(self) -> dict[str, Any]:
        """What was counted, its mean and the sum of squares about it, in plain numbers and lists that JSON keeps exactly."""
        return {"count": self.count, "mean": self._mean.tolist(), "squares": self._squares.tolist()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave.

        Raises:
            OptionError: the mapping is not of this kind, or of another size.
        """
        try:
            count = state["count"]
            mean, squares = (np.array(state[name], dtype=np.float64) for name in ("mean", "squares"))
        except (KeyError, TypeError, ValueError):
            raise OptionError(
                f"Expected a mapping with count, mean and squares, as state_dict gives it; got {state!r}."
            ) from None
        if mean.shape != self._mean.shape or squares.shape != self._mean.shape:
            raise OptionError(
                f"The state has means of shape {mean.shape} and squares of shape {squares.shape}; expected {self._mean.shape}."
            )
        finite = np.isfinite(mean).all() and np.isfinite(squares).all()
        if not (isinstance(count, int | np.integer) and count >= 0 and finite and (squares >= 0).all()):
            raise OptionError("A state has a whole count of at least 0, finite means, and finite squares of at least 0.")
        self.count, self._mean, self._squares, self._used = int(count), mean, squares, None

    @property
    def _shape_of_features(self) -> tuple[int, ...]:
        shape = self.symmetry.observation_shape
        return (*shape[1:], shape[0]) if self._is_image else shape

    def _features(self, x: NDArray) -> NDArray[np.float64]:
        """`x − c` in float64, with the channels of images last."""
        shape = self.symmetry.observation_shape
        if x.shape[x.ndim - len(shape) :] != shape or x.ndim < len(shape):
            raise ShapeError(f"The observation has shape {x.shape}; expected (…, {', '.join(map(str, shape))}).")
        centered = x.astype(np.float64)
        if self._center is not None:
            centered = centered - self._center.reshape(shape)
        return np.moveaxis(centered, -3, -1) if self._is_image else centered

    def _variance(self) -> NDArray[np.float64]:
        if self.count == 0:
            return np.ones_like(self._squares)
        return self.moments.variance(self._mean, self._squares / self.count)

    def _mean_and_scale(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if self._used is None:
            mean, root = self.moments.mean(self._mean), self.moments.root
            self._used = mean if root is None else np.linalg.solve(root, mean), np.sqrt(self._variance() + self.epsilon)
        return self._used

    def _clipped(self, z: NDArray[np.float64], clip: float) -> NDArray[np.float64]:
        moments = self.moments
        if moments.tied is not None:
            return np.clip(z, -clip, clip)
        squares = (z if moments.root is None else z @ moments.root.T) ** 2
        sizes = np.bincount(moments.label)
        indicator = moments.label[:, None] == np.arange(len(sizes))
        length = np.sqrt(squares @ indicator / sizes)  # the root mean square of a block's coordinates
        return z * (clip / np.maximum(length, clip))[..., moments.label]

    def __repr__(self) -> str:
        return f"SymmetricStatistics({self.symmetry.name}, dim {self.moments.rep.dim}, {self.count} counted)"


def check_options(epsilon: float, clip: float | None) -> None:
    """Raise OptionError unless both are positive numbers (or `clip` is None)."""
    for name, value in (("epsilon", epsilon), ("clip", clip)):
        if name == "clip" and value is None:
            continue
        if not (isinstance(value, Real) and math.isfinite(value) and value > 0):
            raise OptionError(f"{name} must be a positive number{' or None' if name == 'clip' else ''}; got {value!r}.")


def _equal(a: NDArray | None, b: NDArray | None) -> bool:
    return a is b if a is None or b is None else np.array_equal(a, b)
