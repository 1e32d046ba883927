from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from symmdp.errors import ActivationError
from symmdp.nn._activation import Pointwise
from symmdp.representations import Irrep, Representation, isotypic


class FourierActivation(nn.Module):
    """`x ↦ P f(E x)`: sample on the group, apply any pointwise function there, project back; for any representation.

    `E`, shape `(k |G|, dim)`, embeds `ρ` equivariantly into `k` copies of the regular representation (the inverse Fourier
    transform, from isotypic coefficients to functions on the group), where every pointwise function is equivariant. `P`
    projects back, `P E = 1`. Each copy of the group is scaled so that its samples have unit variance for standard normal `x`
    in isotypic coordinates. On `n * regular` it is the function itself.

    Args:
        rep: the representation on the input; also that on the output.
        function: tensor to tensor of the same shape, pointwise (probed).
        copies: the number `k` of functions on the group; the least that `ρ` fits into by default. More copies spread the
            irreducible parts over more functions, at more cost.
        dtype: of the matrices `E` and `P`; PyTorch's default when not given.
        device: of the matrices.

    Raises:
        ActivationError: the function is not pointwise, or `ρ` does not fit into so many copies.

    Source: de Haan et al. 2021 (arXiv 2003.05425), the RegularNonlinearity. A finite group is sampled whole, so that the
    equivariance is exact, where on a continuous one it is approximate.
    """

    lift: Tensor
    project: Tensor

    def __init__(
        self,
        rep: Representation,
        function: Callable[[Tensor], Tensor],
        copies: int | None = None,
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ):
        super().__init__()
        Pointwise(rep.group.regular, function)  # raises unless it is pointwise
        self.rep_in = self.rep_out = rep
        self.function = function
        self._exact, self.copies = _transforms(rep, copies)
        for name, value in self._exact.items():
            matrix = torch.tensor(value, dtype=dtype or torch.get_default_dtype(), device=device)
            self.register_buffer(name, matrix, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """`P f(E x)`, shape `(..., dim)`."""
        samples = self.function(F.linear(x, self.lift.to(x.dtype)))
        return F.linear(samples, self.project.to(samples.dtype))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> FourierActivation:
        super()._apply(fn, recurse)
        # A cast of the buffers would keep the rounding of the old dtype: take them from the exact matrices again.
        for name, value in self._exact.items():
            buffer = getattr(self, name)
            if buffer.device.type != "meta":
                setattr(self, name, torch.tensor(value, dtype=buffer.dtype, device=buffer.device))
        return self

    def extra_repr(self) -> str:
        """The function's name, the dimension and the number of samples."""
        name = "" if isinstance(self.function, nn.Module) else f"{getattr(self.function, '__name__', self.function)}, "
        return f"{name}{self.rep_in.dim} coordinates on {self.copies} × {self.rep_in.group.order} samples"


def _transforms(rep: Representation, copies: int | None) -> tuple[dict[str, NDArray[np.float64]], int]:
    group, parts = rep.group, isotypic(rep)
    regular = isotypic(group.regular)
    pairs = list(zip(parts.irreps, parts.multiplicities, regular.multiplicities, strict=True))
    needed = max(-(-m // capacity) for _, m, capacity in pairs)
    copies = needed if copies is None else copies
    if copies < needed:
        irrep, m, capacity = next(item for item in pairs if item[1] > copies * item[2])
        raise ActivationError(
            f"{rep!r} holds {irrep.name} {m} times, and a function on {group.name} only {capacity} times, so that {needed} "
            f"copies of the group are needed; got {copies}. Leave `copies` out to take the least."
        )
    columns = _places(pairs, copies, group.order)
    embedding = np.zeros((copies, group.order, rep.dim))
    which, column = columns // group.order, columns % group.order
    embedding[which, :, np.arange(rep.dim)] = regular.change_of_basis.T[column]
    length = np.sqrt((embedding**2).sum(axis=2, keepdims=True))  # one for each copy: the group moves its samples around
    length = np.where(length > 0, length, 1.0).mean(axis=1, keepdims=True)
    back = (embedding * length).reshape(-1, rep.dim).T
    lift = (embedding / length).reshape(-1, rep.dim) @ parts.inverse
    return {"lift": lift, "project": parts.change_of_basis @ back}, copies


def _places(pairs: list[tuple[Irrep, int, int]], copies: int, order: int) -> NDArray[np.intp]:
    """For each isotypic coordinate of `ρ` that of `copies` regular representations which it becomes, evenly spread."""
    places, offset = [], 0
    for irrep, m, capacity in pairs:
        d = irrep.dim
        used = [0] * copies
        for t in range(m):
            copy = t * copies // m
            start = copy * order + offset + used[copy] * d
            places.append(np.arange(start, start + d))
            used[copy] += 1
        offset += capacity * d
    return np.concatenate(places)
