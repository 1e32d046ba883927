"""The isotypic product over copies of one representation, written out forward and backward.

What autograd would do with the operations one by one costs more, at the widths of policies, than the products that it
saves: every block would be sliced, padded with zeros and copied. Here blocks are read and written where they are, as views.

Isotypic coordinates are kept with the unit first, `(n, batch, copies)`: a change of basis is then one product of matrices,
and the coordinates of a unit are a matrix that a product takes as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from symmdp.nn._workspace import Workspace

if TYPE_CHECKING:
    from symmdp.nn._isotypic_product import IsotypicProduct

_MOST_PAIRS = 4  # of units that are multiplied pair by pair; more are copied side by side and multiplied at once


@dataclass(frozen=True)
class _Pair:
    """A unit `s` of the input and a unit `r` of the output, and the matrix between them: `± θ[offset + …]`."""

    r: int
    s: int
    offset: int
    sign: int
    first_of_output: bool
    first_of_input: bool
    first_of_theta: bool


@dataclass(frozen=True)
class _Run:
    """An `IrrepRun` as the numbers that the product needs; units are the `C·μ` coordinates of one block."""

    irreps: int
    e: int
    first_in: int
    first_out: int
    units_in: int
    units_out: int
    copies_in: int
    copies_out: int
    row: int  # M_in: the stride of a row of θ
    size: int  # C · M_out · M_in: the stride of an irreducible
    pairs: tuple[_Pair, ...]

    def inputs(self, x: Tensor, s: int) -> Tensor:
        return _unit(x, self.irreps * self.e, self.first_in, self.units_in, s)

    def outputs(self, y: Tensor, r: int) -> Tensor:
        return _unit(y, self.irreps * self.e, self.first_out, self.units_out, r)

    def weight(self, theta: Tensor, pair: _Pair) -> Tensor:
        """`θ` of a pair of units, `(irreps·e, copies_out, copies_in)`."""
        shape = (self.irreps * self.e, self.copies_out, self.copies_in)
        stride = (self.size if self.e == 1 else 0, self.row, 1)
        return theta.as_strided(shape, stride, theta.storage_offset() + pair.offset)

    def forward(self, x: Tensor, theta: Tensor, y: Tensor) -> None:
        if self.is_complex:
            return self._forward_complex(x, theta, y)
        for pair in self.pairs:
            weight, out = self.weight(theta, pair).mT, self.outputs(y, pair.r)
            if pair.first_of_output:
                torch.baddbmm(out, self.inputs(x, pair.s), weight, beta=0, alpha=pair.sign, out=out)
            else:
                out.baddbmm_(self.inputs(x, pair.s), weight, alpha=pair.sign)

    def backward(self, x: Tensor, theta: Tensor, y: Tensor, by_x: Tensor | None, by_theta: Tensor | None) -> None:
        """`y` holds the gradient in the outputs; those in inputs and parameters are written."""
        if self.is_complex:
            return self._backward_complex(x, theta, y, by_x, by_theta)
        for pair in self.pairs:
            gradient, inputs = self.outputs(y, pair.r), self.inputs(x, pair.s)
            if by_x is not None:
                out = self.inputs(by_x, pair.s)
                beta = 0 if pair.first_of_input else 1
                torch.baddbmm(out, gradient, self.weight(theta, pair), beta=beta, alpha=pair.sign, out=out)
            if by_theta is None:
                continue
            target = self.weight(by_theta, pair)
            if self.e == 1:
                beta = 0 if pair.first_of_theta else 1
                torch.baddbmm(target, gradient.mT, inputs, beta=beta, alpha=pair.sign, out=target)
                continue
            for k in range(self.e):
                beta = 0 if pair.first_of_theta and k == 0 else 1
                torch.addmm(target[k], gradient[k].t(), inputs[k], beta=beta, alpha=pair.sign, out=target[k])

    @cached_property
    def is_complex(self) -> bool:
        """Whether blocks are `[[A, -B], [B, A]]`, a product of complex numbers: three real products in place of four."""
        two = self.e == 1 and self.units_in == self.units_out == 2 and len({pair.offset for pair in self.pairs}) == 2
        return two and [pair.sign for pair in self.pairs] == [1, -1, 1, 1]

    def _complex(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        real, imaginary = self.pairs[0], self.pairs[2]
        return self.weight(theta, real), self.weight(theta, imaginary)

    def _forward_complex(self, x: Tensor, theta: Tensor, y: Tensor) -> None:
        """`A x₀ - B x₁ = S - (A + B) x₁` and `B x₀ + A x₁ = S + (B - A) x₀`, where `S = A (x₀ + x₁)` (Gauss)."""
        a, b = self._complex(theta)
        x0, x1 = self.inputs(x, 0), self.inputs(x, 1)
        y0, y1 = self.outputs(y, 0), self.outputs(y, 1)
        common = torch.bmm(x0 + x1, a.mT)
        torch.baddbmm(common, x1, (a + b).mT, alpha=-1, out=y0)
        torch.baddbmm(common, x0, (b - a).mT, out=y1)

    def _backward_complex(self, x: Tensor, theta: Tensor, y: Tensor, by_x: Tensor | None, by_theta: Tensor | None) -> None:
        a, b = self._complex(theta)
        g0, g1 = self.outputs(y, 0), self.outputs(y, 1)
        both = g0 + g1
        if by_x is not None:
            common = torch.bmm(both, a)
            torch.baddbmm(common, g1, b - a, out=self.inputs(by_x, 0))
            torch.baddbmm(common, g0, a + b, alpha=-1, out=self.inputs(by_x, 1))
        if by_theta is not None:
            x0, x1 = self.inputs(x, 0), self.inputs(x, 1)
            by_a, by_b = self._complex(by_theta)
            first, second = torch.bmm(g0.mT, x0), torch.bmm(g1.mT, x1)
            torch.add(first, second, out=by_a)
            torch.baddbmm(second.sub_(first), both.mT, x0 - x1, out=by_b)


def _unit(coordinates: Tensor, blocks: int, first: int, units: int, k: int) -> Tensor:
    """The coordinates of unit `k` of each block, `(blocks, batch, copies)`, a view."""
    _, batch, copies = coordinates.shape
    return coordinates.as_strided((blocks, batch, copies), (units * batch * copies, copies, 1), (first + k) * batch * copies)


@dataclass(frozen=True)
class Plan:
    """The numbers of a product between `copies_in` of one representation and `copies_out` of another."""

    n_in: int
    n_out: int
    copies_in: int
    copies_out: int
    runs: tuple[_Run, ...]
    zero_in: tuple[tuple[int, int], ...]  # coordinates that reach no output
    zero_out: tuple[tuple[int, int], ...]  # coordinates that no input reaches
    workspace: Workspace = field(default_factory=Workspace, compare=False)

    def inputs(self, x: Tensor) -> Tensor:
        """Room for the coordinates of inputs, `(n_in, batch, copies_in)`."""
        shape = self.n_in, len(x), self.copies_in
        return self.workspace.take("inputs", math.prod(shape), x).view(shape)

    def outputs(self, x: Tensor) -> Tensor:
        """Room for the coordinates of outputs, `(n_out, batch, copies_out)`."""
        shape = self.n_out, len(x), self.copies_out
        return self.workspace.take("outputs", math.prod(shape), x).view(shape)

    @classmethod
    def of(cls, product: IsotypicProduct) -> Plan | None:
        """The plan; `None` where a representation has several parts, its copies are not in order, or pairs are many."""
        parts_in, parts_out = product.maps.layout_in.parts, product.maps.layout_out.parts
        if len(parts_in) != 1 or len(parts_out) != 1 or product.order_in is not None or product.order_out is not None:
            return None
        copies_in, copies_out = parts_in[0].copies, parts_out[0].copies
        runs, zero_in, zero_out = [], [], []
        for run, irrep in zip(product.runs, product.irreps_of_runs, strict=True):
            (first_in, last_in, m_in), (first_out, last_out, m_out) = run.rows_in[0], run.rows_out[0]
            if not m_in or not m_out:
                zero_in += [(first_in, last_in)] if m_in else []
                zero_out += [(first_out, last_out)] if m_out else []
                continue
            c = run.algebra
            if c * c * m_in * m_out > _MOST_PAIRS:
                return None
            pairs: list[_Pair] = []
            for r in range(c * m_out):
                for s in range(c * m_in):
                    unit, sign = irrep[0][r // m_out, s // m_in], irrep[1][r // m_out, s // m_in]
                    matrix = unit * run.copies_out + (r % m_out) * copies_out
                    offset = run.start + int(matrix) * run.copies_in + (s % m_in) * copies_in
                    pairs.append(
                        _Pair(
                            r,
                            s,
                            offset,
                            int(sign),
                            all(p.r != r for p in pairs),
                            all(p.s != s for p in pairs),
                            all(p.offset != offset for p in pairs),
                        )
                    )
            size = c * run.copies_out * run.copies_in
            runs.append(
                _Run(
                    run.irreps,
                    run.e,
                    first_in,
                    first_out,
                    c * m_in,
                    c * m_out,
                    copies_in,
                    copies_out,
                    run.copies_in,
                    size,
                    tuple(pairs),
                )
            )
        n_in, n_out = len(parts_in[0].analysis), len(parts_out[0].analysis)
        return cls(n_in, n_out, copies_in, copies_out, tuple(runs), tuple(zero_in), tuple(zero_out))


class FastIsotypicProduct(torch.autograd.Function):
    """`x, θ, b ↦ Q_out B(θ) Q_in⁻¹ x + b` for contiguous rows `x`, shape `(batch, in)`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, theta: Tensor, bias: Tensor | None, product: IsotypicProduct, plan: Plan) -> Tensor:
        analysis, synthesis = product.first_matrices
        coordinates = _analyse(x, analysis, plan.copies_in)
        result = plan.outputs(x)
        for run in plan.runs:
            run.forward(coordinates, theta, result)
        for first, last in plan.zero_out:
            result[first:last].zero_()
        ctx.save_for_backward(x, theta, bias, coordinates)
        ctx.product, ctx.plan = product, plan
        y = _synthesise(result, synthesis)
        return y if bias is None else y.add_(bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, theta, bias, coordinates = ctx.saved_tensors
        product, plan, needed = ctx.product, ctx.plan, ctx.needs_input_grad[:3]
        if torch.is_grad_enabled():  # a second derivative is wanted: let autograd see every operation
            inputs = [tensor for tensor, need in zip((x, theta, bias), needed, strict=True) if need]
            outputs = product.general(x, theta, bias)
            found = iter(torch.autograd.grad(outputs, inputs, gradients[0], create_graph=True, materialize_grads=True))
            return *(next(found) if need else None for need in needed), None, None
        analysis, synthesis = product.first_matrices
        gradient = gradients[0].contiguous()
        outer = _analyse(gradient, synthesis.t(), plan.copies_out, plan.outputs(x))
        inner = plan.inputs(x) if needed[0] else None
        by_theta = torch.empty_like(theta) if needed[1] else None
        for run in plan.runs:
            run.backward(coordinates, theta, outer, inner, by_theta)
        if inner is not None:
            for first, last in plan.zero_in:
                inner[first:last].zero_()
        by_x = None if inner is None else _synthesise(inner, analysis.t())
        return by_x, by_theta, gradient.sum(0) if needed[2] else None, None, None


def _analyse(rows: Tensor, matrix: Tensor, copies: int, out: Tensor | None = None) -> Tensor:
    """`matrix` applied to each copy: `(batch, copies·n)` to `(n, batch, copies)`."""
    n = len(matrix)
    out = None if out is None else out.view(n, -1)
    return torch.mm(matrix, rows.view(-1, n).t(), out=out).view(n, len(rows), copies)


def _synthesise(coordinates: Tensor, matrix: Tensor) -> Tensor:
    """`matrix` applied to each copy: `(n, batch, copies)` to `(batch, copies·n)`."""
    n, batch, copies = coordinates.shape
    return torch.mm(coordinates.view(n, -1).t(), matrix.t()).view(batch, copies * n)
