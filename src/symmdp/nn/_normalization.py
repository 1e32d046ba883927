from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from symmdp.errors import ActivationError, ShapeError
from symmdp.maps import EquivariantMaps, tie_vector
from symmdp.nn._coordinate_blocks import accumulation_dtype, along_features, commuting_scale
from symmdp.nn._exact_constant import ExactConstant
from symmdp.nn._free_tensor import FreeTensor
from symmdp.representations import Kind, Representation


class EquivariantLayerNorm(nn.Module):
    """Layer normalisation that commutes with the group: `y = (x - m) / √(‖x - m‖² / dim + ε) · s + b`.

    The mean is `m = u ⟨u, x⟩ / ⟨u, u⟩` with `u = 1/|G| Σ_g ρ(g) 1`, the part of the constant vector that the group leaves
    unchanged. For permutations `u` is the constant vector, and `m` the mean of the coordinates, as in `torch.nn.LayerNorm`
    (over the trivial group the two layers are one). Otherwise `m` averages over the invariant directions alone; where the
    group leaves nothing unchanged, or only vectors whose coordinates sum to zero, there is no mean to subtract, and this
    is an RMS norm. A representation with a single invariant direction loses it, as a plain layer norm of one coordinate
    gives zero: take `EquivariantRMSNorm` there.

    The learned scale `s` has one value for each coordinate block (orbit), for those are the diagonal matrices that commute
    with the group; the learned bias `b` is an invariant vector.

    Args:
        rep: an orthogonal representation (permutations and signed permutations are).
        eps: `ε`.
        affine: whether to learn `s` and `b`.
        dtype: of the parameters; torch's default when not given.
        device: of the parameters.

    Shape:
        `(..., dim)` to `(..., dim)`; sums are taken in float32 or wider. Parameters with a leading axis make a stack of
        layers: inputs are then `(stack, batch, dim)`.

    Raises:
        ActivationError: `rep` is not orthogonal, so that it changes lengths.
        ShapeError: (forward) the last axis of the input is not `dim`.

    Source: Ba et al. 2016 (arXiv 1607.06450), equations 3 and 4; for fields that are not invariant, Liao and Smidt 2023
    (Equiformer, arXiv 2206.11990).
    """

    def __init__(
        self,
        rep: Representation,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ):
        super().__init__()
        _check_orthogonal(rep, "EquivariantLayerNorm")
        self.rep_in = self.rep_out = rep
        self.eps = eps
        unit = None if rep.kind is Kind.PERMUTATION else _invariant_unit_vector(rep)
        self.direction = None if unit is None else ExactConstant(unit, dtype=dtype, device=device)
        self.free_scale = commuting_scale(rep, dtype=dtype, device=device) if affine else None
        self.free_bias = FreeTensor.vector(rep, dtype=dtype, device=device) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        """The normalised `x`, shape `(..., dim)`."""
        _check_size(self.rep_in, x)
        if self.rep_in.kind is Kind.PERMUTATION:
            y = F.layer_norm(x, (self.rep_in.dim,), eps=self.eps)
        else:
            y = x.to(accumulation_dtype(x.dtype))
            if self.direction is not None:
                unit = self.direction().to(y.dtype)
                y = y - (y * unit).sum(-1, keepdim=True) * unit
            y = F.rms_norm(y, (self.rep_in.dim,), eps=self.eps).to(x.dtype)
        if self.free_scale is None or self.free_bias is None:
            return y
        return y * along_features(self.free_scale()) + along_features(self.free_bias())

    def extra_repr(self) -> str:
        """The representation and the options."""
        return f"{self.rep_in.name}, eps={self.eps}, affine={self.free_scale is not None}"


class EquivariantRMSNorm(nn.Module):
    """Root-mean-square normalisation, `y = x / √(‖x‖² / dim + ε) · s`, for orthogonal representations.

    The learned scale `s` has one value for each coordinate block (orbit). Over the trivial group this is
    `torch.nn.RMSNorm`.

    Args:
        rep: an orthogonal representation (permutations and signed permutations are).
        eps: `ε`; the machine epsilon of the input's type when not given, as in `torch.nn.RMSNorm`.
        affine: whether to learn `s`.
        dtype: of the parameters; torch's default when not given.
        device: of the parameters.

    Shape:
        as `EquivariantLayerNorm`.

    Raises:
        ActivationError: `rep` is not orthogonal, so that it changes lengths.
        ShapeError: (forward) the last axis of the input is not `dim`.

    Source: Zhang and Sennrich 2019 (arXiv 1910.07467), equation 4.
    """

    def __init__(
        self,
        rep: Representation,
        eps: float | None = None,
        affine: bool = True,
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ):
        super().__init__()
        _check_orthogonal(rep, "EquivariantRMSNorm")
        self.rep_in = self.rep_out = rep
        self.eps = eps
        self.free_scale = commuting_scale(rep, dtype=dtype, device=device) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        """The normalised `x`, shape `(..., dim)`."""
        _check_size(self.rep_in, x)
        wide = accumulation_dtype(x.dtype)
        eps = torch.finfo(x.dtype).eps if self.eps is None else self.eps
        y = F.rms_norm(x.to(wide), (self.rep_in.dim,), eps=eps).to(x.dtype)
        return y if self.free_scale is None else y * along_features(self.free_scale())

    def extra_repr(self) -> str:
        """The representation and the options."""
        return f"{self.rep_in.name}, eps={self.eps}, affine={self.free_scale is not None}"


def _check_orthogonal(rep: Representation, layer: str) -> None:
    if not rep.kind.is_orthogonal:
        raise ActivationError(
            f"{layer} needs an orthogonal representation; {rep!r} changes lengths, so a norm over it is not invariant. Map "
            "to a regular representation with EquivariantLinear and normalise there, or choose coordinates in which the "
            "representation is orthogonal."
        )


def _check_size(rep: Representation, x: Tensor) -> None:
    if x.shape[-1] != rep.dim:
        raise ShapeError(f"Expected inputs of size {rep.dim} on the last axis; got shape {tuple(x.shape)}.")


def _invariant_unit_vector(rep: Representation) -> NDArray[np.float64] | None:
    """The invariant part of the constant vector, of length 1, or None where it vanishes; from generators alone."""
    if rep.kind.is_signed_permutation:
        tied = tie_vector(rep)
        u = tied.expand(tied.project(np.ones(rep.dim)))
    else:
        basis = np.asarray(EquivariantMaps(rep.group.trivial, rep).basis())[:, :, 0]
        u = basis.T @ basis.sum(1)
    length = float(np.linalg.norm(u))
    return u / length if length > 1e-9 * np.sqrt(rep.dim) else None
