from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from symmdp.errors import ActivationError
from symmdp.nn._coordinate_blocks import CoordinateBlocks, accumulation_dtype
from symmdp.representations import Kind, Representation

_TOLERANCE = 1e-5


class Pointwise(nn.Module):
    """A nonlinearity applied to each coordinate: `f(ρ(g) x) = ρ(g) f(x)` when the kind of `ρ` allows it.

    Permutation representations allow any pointwise function, signed permutations only odd ones, `f(-x) = -f(x)`, and
    others none. That the function is pointwise, and odd where it must be, is found by probing it, not by its name.

    Args:
        rep: the representation on the input; also that on the output.
        function: tensor to tensor of the same shape.

    Raises:
        ActivationError: the function would break equivariance; the message says what to use instead.

    Source: van der Pol et al. 2020, section 4.3.
    """

    def __init__(self, rep: Representation, function: Callable[[Tensor], Tensor]):
        super().__init__()
        if not callable(function):
            raise ActivationError(f"An activation is a function of a tensor, such as torch.tanh; got {function!r}.")
        _check(rep, function)
        self.rep_in = self.rep_out = rep
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        """`f(x)`, any shape."""
        return self.function(x)

    def extra_repr(self) -> str:
        """The function's name and the representation."""
        name = "" if isinstance(self.function, nn.Module) else f"{_name(self.function)}, "
        return f"{name}{self.rep_in.kind}"


class CReLU(nn.Module):
    """The concatenated ReLU lift: `x ↦ (relu(x), relu(-x))`, for signed permutation representations.

    A sign change of a coordinate exchanges its two halves, so the output, of size `2 dim`, transforms by a permutation
    representation, `rep_out`, on which any pointwise function is allowed.

    Args:
        rep: a signed permutation representation.

    Raises:
        ActivationError: `rep` is of another kind.

    Source: Shang et al. 2016 (arXiv 1603.05201), equation 2.
    """

    def __init__(self, rep: Representation):
        super().__init__()
        if rep.source is None or rep.sign is None:
            raise ActivationError(
                f"CReLU needs a signed permutation representation; {rep!r} is {rep.kind}. Use NormActivation (orthogonal "
                "representations) or GatedActivation, or map to a regular representation first."
            )
        d, sign, source = rep.dim, torch.tensor(rep.sign), torch.tensor(rep.source)
        same, other = source, source + d
        first = torch.where(sign > 0, same, other)
        second = torch.where(sign > 0, other, same)
        lifted = torch.cat([first, second], dim=1).numpy()
        self.rep_in = rep
        self.rep_out = Representation._of_signed_permutations(rep.group, lifted, abs(lifted * 0 + 1), f"CReLU({rep.name})")

    def forward(self, x: Tensor) -> Tensor:
        """`(relu(x), relu(-x))`, shape `(..., dim)` to `(..., 2 dim)`."""
        return torch.cat([x.relu(), (-x).relu()], dim=-1)


class NormActivation(nn.Module):
    """`x ↦ f(‖x‖) x / ‖x‖`: changes the length of a vector and keeps its direction; for orthogonal representations.

    With `blocks=True` each coordinate block of a direct sum by itself: `x_k ↦ f(‖x_k‖) x_k / ‖x_k‖`.

    Args:
        rep: an orthogonal representation (signed permutations are).
        function: from lengths to lengths, `tanh` by default.
        blocks: whether to take the length of each coordinate block (the finest sets of coordinates that the group maps
            into themselves) in place of the whole vector's.
        device: of the blocks' index tensors.

    Shape:
        `(..., dim)` to `(..., dim)`; lengths are taken in float32 or wider.

    Raises:
        ActivationError: `rep` is not orthogonal, so that it changes lengths.

    Source: Worrall et al. 2017 (arXiv 1612.04642), section 4.
    """

    def __init__(
        self,
        rep: Representation,
        function: Callable[[Tensor], Tensor] = torch.tanh,
        *,
        blocks: bool = False,
        device: torch.device | str | None = None,
    ):
        super().__init__()
        if rep.kind is Kind.INVERTIBLE:
            raise ActivationError(
                f"NormActivation needs an orthogonal representation; {rep!r} changes lengths. Use GatedActivation, or map "
                "to a regular representation first, and use any pointwise function there."
            )
        self.rep_in = self.rep_out = rep
        self.function = function
        self.blocks = CoordinateBlocks(rep, device=device) if blocks else None

    def forward(self, x: Tensor) -> Tensor:
        """`f(‖x‖) x / ‖x‖` over the last axis, any batch shape."""
        if self.blocks is None:
            length = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=accumulation_dtype(x.dtype))
        else:
            length = self.blocks.lengths(x)
        length = length.clamp_min(torch.finfo(length.dtype).tiny)
        factor = self.function(length) / length
        return (factor if self.blocks is None else self.blocks.spread(factor)).to(x.dtype) * x

    def extra_repr(self) -> str:
        """The function's name and the representation."""
        return f"{_name(self.function)}, {self.rep_in.name}"


class GatedActivation(nn.Module):
    """Blocks times gates, `(x, γ) ↦ (f(γ_k) x_k)_k`: an invariant `γ_k` scales coordinate block `k`; for any representation.

    A block is a finest set of coordinates that the group maps into itself; invariant multiples of a block commute with
    every matrix on it, orthogonal or not. The input carries the gates after the coordinates: `rep_in` is `rep` plus one
    trivial representation for each block, `rep_out` is `rep`. An `EquivariantLinear` before it learns the gates.

    Args:
        rep: the representation on `x`, of dimension `dim`.
        function: of the gates, the logistic function by default.
        device: of the blocks' index tensors.

    Shape:
        `(..., dim + blocks)` to `(..., dim)`.

    Source: Weiler et al. 2018 (arXiv 1807.02547), the gated nonlinearity.
    """

    def __init__(
        self,
        rep: Representation,
        function: Callable[[Tensor], Tensor] = torch.sigmoid,
        *,
        device: torch.device | str | None = None,
    ):
        super().__init__()
        self.blocks = CoordinateBlocks(rep, device=device)
        self.rep_in = rep + self.blocks.count * rep.group.trivial
        self.rep_out = rep
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        """The gated coordinates, shape `(..., dim)`."""
        coordinates, gates = x.split((self.rep_out.dim, self.blocks.count), dim=-1)
        return coordinates * self.blocks.spread(self.function(gates))

    def extra_repr(self) -> str:
        """The function's name and the representation."""
        return f"{_name(self.function)}, {self.rep_out.name}"


def allowed_activations(rep: Representation) -> dict[str, str]:
    """The nonlinearities that keep equivariance under a representation, each with the reason; derived from its kind.

    Returns:
        Class names of `symmdp.nn` with one sentence each. What is absent would break equivariance, and raises.
    """
    allowed = {}
    if rep.kind is Kind.PERMUTATION:
        allowed["Pointwise"] = "any function of each coordinate: permutations move coordinates and leave their values alone"
    elif rep.kind is Kind.SIGNED_PERMUTATION:
        allowed["Pointwise"] = "odd functions, f(-x) = -f(x), such as tanh: some coordinates change sign"
    if rep.kind.is_signed_permutation:
        allowed["CReLU"] = "(relu(x), relu(-x)) transforms by a permutation representation of twice the size"
    if rep.kind.is_orthogonal:
        allowed["NormActivation"] = "any function of lengths: orthogonal matrices keep them"
    allowed["GatedActivation"] = "invariant gates times coordinate blocks: a multiple of a block commutes with every matrix"
    return allowed


def _check(rep: Representation, function: Callable[[Tensor], Tensor]) -> None:
    if not rep.kind.is_signed_permutation:
        raise ActivationError(
            f"No pointwise function is safe under {rep!r}: its matrices are {rep.kind}, and mix coordinates. Use "
            f"{'NormActivation, ' if rep.kind.is_orthogonal else ''}GatedActivation, or map to a regular representation first."
        )
    like = torch.empty(0, dtype=torch.float64)
    if isinstance(function, nn.Module):
        if any(isinstance(part, nn.modules.dropout._DropoutNd) for part in function.modules()):
            raise ActivationError(
                f"{_name(function)} drops single coordinates by chance, and so breaks equivariance. Leave it out."
            )
        like = next(function.parameters(), like)
        function = copy.deepcopy(function).train()  # some modules are random in training alone
    probe = torch.linspace(-4.0, 4.0, 65, dtype=like.dtype, device=like.device)
    # What is drawn while probing is drawn from a copy of torch's random state.
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        one_by_one = torch.stack([function(value.reshape(1))[0] for value in probe])
        together = function(probe)
        if together.shape != probe.shape or not torch.allclose(together, one_by_one, atol=_TOLERANCE, equal_nan=True):
            raise ActivationError(
                f"{_name(function)} is not pointwise: a coordinate's value depends on the others, on its place, or on "
                "chance (softmax and dropout do). Use a function of each coordinate alone, such as torch.tanh."
            )
        if rep.kind is Kind.SIGNED_PERMUTATION and not torch.allclose(function(-probe), -together, atol=_TOLERANCE):
            raise ActivationError(
                f"{_name(function)} is not odd, so it breaks equivariance under {rep!r}, which changes signs. Use an odd "
                "function (torch.tanh, torch.nn.functional.softsign), symmdp.nn.CReLU, or a regular representation."
            )


def _name(function: Callable[[Tensor], Tensor]) -> str:
    return getattr(function, "__name__", type(function).__name__)
