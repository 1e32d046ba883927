from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from symmdp.errors import OptionError, ShapeError, SymmetryError
from symmdp.mdp import Symmetry

_ROUNDING = 1e-5  # of statistics in float32


def check_normalization(symmetry: Symmetry, mean: Tensor, deviation: Tensor) -> None:
    """Raise unless `(x − m)/σ` of an image is the image of `(x − m)/σ`: `L_g m = m`, and `ρ(g)` commutes with `diag(σ)`.

    Raises:
        ShapeError, OptionError, SymmetryError: as `ActorCritic.normalize`.
    """
    shape = symmetry.observation_shape
    if len(shape) != 1 or tuple(mean.shape) != shape or tuple(deviation.shape) != shape:
        raise ShapeError(
            f"Expected a mean and a deviation of the shape {shape} of the observations, which must be vectors; got "
            f"{tuple(mean.shape)} and {tuple(deviation.shape)}."
        )
    m, sigma = (value.detach().cpu().double().numpy() for value in (mean, deviation))
    if not (np.isfinite(m).all() and np.isfinite(sigma).all() and (sigma > 0).all()):
        raise OptionError(f"Means must be finite, and deviations finite and positive; got {m} and {sigma}.")
    for g in symmetry.group.generators:
        matrix = np.asarray(symmetry.observation(g), dtype=np.float64)
        moved = np.abs(symmetry.transform_observation(g, m) - m)
        mixed = np.abs(matrix) * np.abs(sigma[None, :] - sigma[:, None])
        if (moved > _ROUNDING * (1 + np.abs(m).max())).any():
            i = int(moved.argmax())
            raise SymmetryError(
                f"{symmetry.element_name(g)} moves the mean of {symmetry.observation_name(i)} by {moved[i]:.2g}, so that the "
                "policy would not be equivariant. Take symmdp.mdp.SymmetricStatistics."
            )
        if (mixed > _ROUNDING * sigma.max()).any():
            i, j = (int(k) for k in np.unravel_index(int(mixed.argmax()), mixed.shape))
            one, other = symmetry.observation_name(i), symmetry.observation_name(j)
            raise SymmetryError(
                f"{symmetry.element_name(g)} mixes {one} and {other}, whose deviations {sigma[i]:.4g} and {sigma[j]:.4g} "
                "differ. Take symmdp.mdp.SymmetricStatistics."
            )


def expect_normalization(module: nn.Module, state: Mapping[str, Any], prefix: str, *_: Any) -> None:
    """Before a state is loaded: make room for the mean and deviation of a policy that normalises."""
    for name in ("observation_center", "observation_scale"):
        value = state.get(prefix + name)
        if isinstance(value, Tensor):
            like = next(module.parameters())
            module.register_buffer(name, torch.empty(value.shape, dtype=like.dtype, device=like.device), persistent=True)
