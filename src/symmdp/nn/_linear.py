from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from symmdp.errors import OptionError, RepresentationError, ShapeError
from symmdp.maps import EquivariantMaps, IsotypicMaps
from symmdp.nn._eager import is_eager
from symmdp.nn._free_tensor import FreeTensor
from symmdp.nn._isotypic_product import IsotypicProduct
from symmdp.nn._stacked_product import stacked_product
from symmdp.nn._unfolded_product import UnfoldedProduct
from symmdp.nn._unit_variance import unit_variance_
from symmdp.representations import Representation

Mode = Literal["auto", "tied", "isotypic", "basis"]

# Where isotypic blocks beat one product with the whole weight, by benchmarks/layers.py.
_ISOTYPIC_WIDTH = 512  # of the narrower side
_ISOTYPIC_ORDER = 256  # of the group, whose irreducible representations are computed for it
_ISOTYPIC_ROWS = 64  # without gradients: below this many rows a kept whole weight is faster


class EquivariantLinear(nn.Module):
    """An equivariant affine map: `y = W x + b` with `ρ_out(g) W = W ρ_in(g)` and `ρ_out(g) b = b` for every `g`.

    Its parameters are the free ones only (`dim Hom_G(ρ_in, ρ_out)` of them, and the dimension of the fixed subspace for
    the bias). Over the trivial group this is `torch.nn.Linear`. Parameters with a leading axis make a stack of layers:
    inputs are then `(stack, batch, in)`.

    The modes compute the same maps. `"tied"`: entries of `W` that the group permutes are one parameter; for signed
    permutations. `"basis"`: `W = Q_out B(θ) Q_in⁻¹`, a change of basis of the weight, for all representations.
    `"isotypic"`: the inputs change basis instead, and each irreducible representation has its own small product; the fewest
    operations where layers are wide. `"auto"` chooses by shape; `in_mode` converts a layer.

    Args:
        rep_in: the representation on the input, of dimension `in`.
        rep_out: the representation on the output, of dimension `out`.
        bias: whether to add an invariant bias.
        mode: how to compute; the attribute `mode` says which was chosen.
        generator: where initial values are drawn from; torch's default generator when not given, as in `nn.Linear`.
        dtype: of the parameters; torch's default when not given.
        device: of the parameters.

    Shape:
        `(..., in)` to `(..., out)`.

    Raises:
        RepresentationError: `mode="tied"` and a representation is no signed permutation.
        GroupError: `mode="isotypic"` and the group is not listed.
        OptionError: an unknown mode.
        GroupMismatchError: the representations belong to two different groups.
        ShapeError: (forward) the last axis of the input is not `in`, or its dtype is not that of the parameters.

    Source: van der Pol et al. 2020, section 4.2.
    """

    def __init__(
        self,
        rep_in: Representation,
        rep_out: Representation,
        bias: bool = True,
        *,
        mode: Mode = "auto",
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ):
        super().__init__()
        self.rep_in, self.rep_out = rep_in, rep_out
        self.mode = _mode(mode, rep_in, rep_out)
        self.product: IsotypicProduct | None = None
        if self.mode == "tied" or not rep_in.group.is_listed:
            self.free_weight = FreeTensor.map(rep_in, rep_out, dtype=dtype, device=device)
        else:
            maps = IsotypicMaps.between(rep_in, rep_out)
            self.free_weight = FreeTensor(maps, dtype=dtype, device=device)
            if self.mode == "isotypic":
                self.product = IsotypicProduct(maps, dtype=dtype, device=device)
        self.free_bias = FreeTensor.vector(rep_out, dtype=dtype, device=device) if bias else None
        self.unfolded = UnfoldedProduct.of(self.free_weight, self.free_bias, rep_out)
        self._most_rows = -1 if self.unfolded is None else self.unfolded.most_rows
        # Without gradients: with more numbers in the input a kept whole weight is slower than the isotypic product.
        self._most_numbers = math.inf if self.product is None else _ISOTYPIC_ROWS * rep_in.dim
        self.reset_parameters(generator)

    @property
    def weight(self) -> Tensor:
        """The weight `W`, shape `(out, in)`: a function of the free parameters."""
        return self.free_weight()

    @property
    def bias(self) -> Tensor | None:
        """The bias `b`, shape `(out,)`, or None."""
        return None if self.free_bias is None else self.free_bias()

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw `W` so that outputs have the variance of the inputs, and `b` as `nn.Linear` does.

        Free parameters are uniform, and scaled so that rows of `W` that are not zero have norm 1 in the mean of squares:
        for inputs of unit variance so are the outputs, exactly on average over them, for every group, kind and mode.
        Biases have variance `1 / (3 fan_in)`, where `fan_in` is the mean number of entries in such a row.
        """
        unit_variance_(self.free_weight, self.free_bias, generator)

    def forward(self, x: Tensor) -> Tensor:
        """`W x + b`, shape `(..., in)` to `(..., out)`."""
        try:
            if torch.is_grad_enabled() or torch.compiler.is_compiling():
                return self._product(x)
            # Looked up directly: at the widths of policies a call costs as much as the arithmetic.
            free_weight: FreeTensor = self._modules["free_weight"]  # pyright: ignore[reportAssignmentType]
            free_bias: FreeTensor | None = self._modules.get("free_bias")  # pyright: ignore[reportAssignmentType]
            weight = free_weight.kept()
            if weight is None or weight.ndim > 2 or x.numel() > self._most_numbers:
                return self._product(x)
            if free_bias is None:
                return F.linear(x, weight)
            bias = free_bias.kept()
            return F.linear(x, weight, free_bias() if bias is None else bias)
        except RuntimeError as error:
            self._explain(x, error)
            raise

    def _product(self, x: Tensor) -> Tensor:
        free_weight: FreeTensor = self._modules["free_weight"]  # pyright: ignore[reportAssignmentType]
        free_bias: FreeTensor | None = self._modules.get("free_bias")  # pyright: ignore[reportAssignmentType]
        theta, grads = free_weight.theta, torch.is_grad_enabled()
        few = grads and self._most_rows > 0 and x.ndim == 2 and is_eager(x, theta) and len(x) <= self._most_rows
        if self.unfolded is not None and few and x.shape[1] == self.rep_in.dim:
            return self.unfolded(x, theta, None if free_bias is None else free_bias.theta)
        # Compilers come first: they must not ask how many rows there are.
        many = grads or torch.compiler.is_compiling() or x.numel() > self._most_numbers
        single = theta.ndim == 1 and not free_weight.is_whole and x.shape[-1:] == (self.rep_in.dim,)
        if self.product is not None and many and single:
            return self.product(x, theta, self.bias)
        weight = free_weight.forward()
        bias = None if free_bias is None else free_bias.forward()
        if weight.ndim == 2:
            return F.linear(x, weight, bias)
        return stacked_product(x, weight, bias)

    def _explain(self, x: Tensor, error: RuntimeError) -> None:
        """Raise ShapeError where the input is at fault."""
        if x.ndim == 0 or x.shape[-1] != self.rep_in.dim:
            raise ShapeError(
                f"Expected inputs of size {self.rep_in.dim} on the last axis; got shape {tuple(x.shape)}."
            ) from error
        if x.dtype != self.free_weight.theta.dtype:
            raise ShapeError(
                f"The input is {x.dtype} and the parameters are {self.free_weight.theta.dtype}. Convert the input with "
                f"x.to({self.free_weight.theta.dtype}), or the module with .to({x.dtype})."
            ) from error

    @torch.no_grad()
    def in_mode(self, mode: Mode) -> EquivariantLinear:
        """The same map in another mode: its parameters are converted in float64.

        Raises:
            ShapeError: the layer is a stack.
            RepresentationError: the representations do not allow the mode.
        """
        if self.free_weight.theta.ndim > 1:
            raise ShapeError("A stack of layers is converted one by one; take each layer's parameters first.")
        theta = self.free_weight.theta
        options = {"dtype": theta.dtype, "device": theta.device}
        other = EquivariantLinear(
            self.rep_in, self.rep_out, self.free_bias is not None, mode=mode, generator=torch.Generator(theta.device), **options
        )
        values = theta.double().cpu().numpy()
        space = self.free_weight.space
        whole = np.tensordot(values, space, axes=1) if isinstance(space, np.ndarray) else space.expand(values)
        other.free_weight.assign(whole)
        if self.free_bias is not None and other.free_bias is not None:
            other.free_bias.theta.copy_(self.free_bias.theta)
        return other.train(self.training)

    def extra_repr(self) -> str:
        """The two representations and the mode."""
        maps = f"{self.rep_in.name} → {self.rep_out.name} over {self.rep_in.group.name}"
        return f"{maps}, bias={self.free_bias is not None}, mode={self.mode}"


def _mode(mode: str, rep_in: Representation, rep_out: Representation) -> Literal["tied", "isotypic", "basis"]:
    if mode not in get_args(Mode):
        raise OptionError(f"mode is one of {', '.join(map(repr, get_args(Mode)))}; got {mode!r}.")
    EquivariantMaps(rep_in, rep_out)  # raises unless both are representations of one group
    signed = rep_in.kind.is_signed_permutation and rep_out.kind.is_signed_permutation
    if mode == "tied" and not signed:
        raise RepresentationError(
            f"Entries can be tied only under signed permutations; {rep_in!r} and {rep_out!r} are {rep_in.kind} and "
            f"{rep_out.kind}. Use mode='basis', or 'isotypic' for wide layers."
        )
    if mode == "isotypic":
        _ = rep_in.group.elements  # raises for a group whose elements are not listed
    if mode != "auto":
        return mode  # pyright: ignore[reportReturnType]
    wide = min(rep_in.dim, rep_out.dim) >= _ISOTYPIC_WIDTH and rep_in.group.is_listed
    if wide and 1 < rep_in.group.order <= _ISOTYPIC_ORDER and not (rep_in.is_trivial and rep_out.is_trivial):
        return "isotypic"
    return "tied" if signed else "basis"
