from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from symmdp.maps import EquivariantMaps, IsotypicMaps, SharedBasis, TiedParameters, tie_vector
from symmdp.nn._snapshot import Snapshot
from symmdp.representations import Representation


class FreeTensor(nn.Module):
    """A tensor that the group leaves unchanged, held as its free parameters `theta`; calling it gives the tensor.

    Tied entries are `tensor = sign * theta[index]`. In isotypic coordinates it is a matrix that is tied and then changed to
    the coordinates of the representations, `Q_out B(theta) Q_in⁻¹`; with a basis, `tensor = Σ_k theta[k] basis[k]`, of the
    whole or (`SharedBasis`) of each of its blocks. `theta` has shape `(count,)`; a leading axis stacks independent copies,
    `(stack, count)` to `(stack, *shape)`.

    With gradients off the expanded tensor is kept and reused until `theta` changes (treat it as read-only). What is kept
    is never part of the state dict, a copy or a pickle.
    """

    theta: nn.Parameter

    def __init__(
        self,
        space: TiedParameters | IsotypicMaps | SharedBasis | NDArray[np.float64],
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ):
        super().__init__()
        dtype = dtype or torch.get_default_dtype()
        self.space = space
        self.shape = tuple(space.shape[1:]) if isinstance(space, np.ndarray) else tuple(space.shape)
        self.count = len(space) if isinstance(space, np.ndarray) else space.count
        # Of isotypic coordinates: how many copies of which size; plain numbers, which compilers can follow.
        self._parts = {} if not isinstance(space, IsotypicMaps) else _parts_of(space)
        self._shared = space if isinstance(space, SharedBasis) else None  # compilers cannot ask an array for its type
        # The exact constants; the buffers are their copies in the dtype and on the device of the parameters.
        self._constants = _constants_of(space)
        for name, value in self._constants.items():
            tensor = torch.tensor(value, device=device)
            self.register_buffer(name, tensor.to(dtype) if tensor.is_floating_point() else tensor, persistent=False)
        self.theta = nn.Parameter(torch.zeros(self.count, dtype=dtype, device=device))
        self._kept: tuple[Tensor, int, Snapshot, Tensor] | None = None

    @property
    def tied(self) -> TiedParameters | None:
        """How the entries are tied, where they are tied one by one."""
        return self.space if isinstance(self.space, TiedParameters) else None

    @classmethod
    def whole(cls, shape: tuple[int, ...], **options: Any) -> FreeTensor:
        """A tensor whose every entry is free."""
        n = int(np.prod(shape))
        every = TiedParameters(shape, np.arange(n).reshape(shape), np.ones(shape, dtype=np.int64), n)
        return cls(every, **options)

    @classmethod
    def map(cls, rep_in: Representation, rep_out: Representation, **options: Any) -> FreeTensor:
        """An equivariant matrix, shape `(out, in)`: tied under signed permutations, else by a change of basis.

        Where the group is not listed, by a basis.
        """
        maps = EquivariantMaps(rep_in, rep_out)
        if maps.tied is not None:
            return cls(maps.tied, **options)
        return cls(IsotypicMaps.between(rep_in, rep_out) if rep_in.group.is_listed else np.asarray(maps.basis()), **options)

    @classmethod
    def vector(cls, rep: Representation, **options: Any) -> FreeTensor:
        """An invariant vector, `ρ(g) b = b`, shape `(dim,)`."""
        if rep.kind.is_signed_permutation:
            return cls(tie_vector(rep), **options)
        return cls(np.asarray(EquivariantMaps(rep.group.trivial, rep).basis())[:, :, 0], **options)

    @property
    def is_whole(self) -> bool:
        """Whether every entry is free, as over the trivial group."""
        return not self._constants

    def forward(self) -> Tensor:
        """The tensor, shape `(*shape)`, or `(stack, *shape)` when `theta` has a leading axis."""
        theta = self.theta
        if self.is_whole or torch.is_grad_enabled() or torch.compiler.is_compiling() or not _is_plain(theta):
            return self.expand(theta)
        kept = self.kept()
        if kept is None:
            kept = self.expand(theta)
            snapshot = Snapshot(theta)
            self._kept = (theta, snapshot.address, snapshot, kept)
        return kept

    def kept(self) -> Tensor | None:
        """The tensor that was kept when it was last expanded without gradients; None when `theta` has changed since."""
        if self._kept is None:
            return None
        theta, address, snapshot, tensor = self._kept
        if theta is not self._parameters.get("theta"):
            return None
        # What is_of does, with a call less: at the widths of policies that counts.
        same = not snapshot.differs() if theta.data_ptr() == address else snapshot.is_of(theta)
        return tensor if same else None

    def expand(self, theta: Tensor) -> Tensor:
        """The tensor with free parameters `theta`, shape `(..., count)` to `(..., *shape)`; differentiable."""
        if self.is_whole:
            return theta.unflatten(-1, self.shape)
        if "basis" in self._constants:
            basis = self.get_buffer("basis")
            if self._shared is None:
                return torch.tensordot(theta, basis, dims=1)
            blocks = theta.unflatten(-1, (*self._shared.copies, len(basis)))
            return from_blocks(torch.tensordot(blocks, basis, dims=1), self._shared)
        if self.count == 0:
            nothing = theta.sum(-1)  # zero, and known to autograd
            return nothing[(..., *[None] * len(self.shape))] + theta.new_zeros(self.shape)
        # Looked up directly and viewed: at the widths of policies a call costs as much as the arithmetic.
        index, sign = self._buffers["index"], self._buffers.get("sign")
        entries = theta.index_select(-1, index)  # pyright: ignore[reportArgumentType]
        if sign is not None:
            entries = entries * sign
        entries = entries.view(self.shape if entries.ndim == 1 else (*entries.shape[:-1], *self.shape))
        if not self._parts:
            return entries
        left = self._along_last(entries.mT, "rows").mT
        return self._along_last(left, "columns")

    def _along_last(self, x: Tensor, side: str) -> Tensor:
        """Change each copy along the last axis, and put the coordinates in the order of the representation."""
        parts = self._parts[side]
        changed = []
        for k, ((copies, _), part) in enumerate(zip(parts, x.split([c * n for c, n in parts], dim=-1), strict=True)):
            changed.append((part.unflatten(-1, (copies, -1)) @ self.get_buffer(f"{side}_{k}")).flatten(-2))
        whole = changed[0] if len(changed) == 1 else torch.cat(changed, dim=-1)
        return whole.index_select(-1, self.get_buffer(f"{side}_order")) if f"{side}_order" in self._constants else whole

    @torch.no_grad()
    def assign(self, tensor: Tensor | NDArray[np.float64]) -> None:
        """Set `theta` to that of the symmetrized tensor, from one of shape `(*shape)` (computed in float64)."""
        array = tensor.double().cpu().numpy() if isinstance(tensor, Tensor) else np.asarray(tensor, dtype=np.float64)
        if isinstance(self.space, np.ndarray):
            theta = np.tensordot(self.space, array, axes=array.ndim)
        else:
            theta = self.space.project(array)
        self.theta.copy_(torch.as_tensor(theta))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> FreeTensor:
        super()._apply(fn, recurse)
        # A cast of the buffers would keep the rounding of the old dtype: take them from the exact constants again.
        for name, value in self._constants.items():
            buffer = getattr(self, name)
            if buffer.device.type != "meta":
                setattr(self, name, torch.tensor(value, device=buffer.device).to(buffer.dtype))
        self._kept = None
        return self

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_kept": None}

    def extra_repr(self) -> str:
        """Shape and number of free parameters."""
        return f"{' × '.join(map(str, self.shape))}, {self.count} free parameters"


def from_blocks(blocks: Tensor, space: SharedBasis) -> Tensor:
    """Blocks side by side in the tensor that they make up, shape `(..., *copies, *block)` to `(..., *shape)`."""
    lead = blocks.ndim - 2 * len(space.copies)
    order = (*range(lead), *(lead + axis for axis in space.to_array))
    return blocks.permute(order).reshape(*blocks.shape[:lead], *space.shape)


def to_blocks(tensor: Tensor, space: SharedBasis) -> Tensor:
    """The inverse of `from_blocks`."""
    lead, n = tensor.ndim - len(space.copies), len(space.copies)
    pairs = [length for pair in zip(space.copies, space.basis.shape[1:], strict=True) for length in pair]
    order = (*range(lead), *range(lead, lead + 2 * n, 2), *range(lead + 1, lead + 2 * n, 2))
    return tensor.reshape(*tensor.shape[:lead], *pairs).permute(order)


def _constants_of(space: TiedParameters | IsotypicMaps | SharedBasis | NDArray[np.float64]) -> dict[str, NDArray]:
    if isinstance(space, np.ndarray | SharedBasis):
        return {"basis": np.array(space.basis if isinstance(space, SharedBasis) else space)}
    tied = space if isinstance(space, TiedParameters) else space.tied
    if isinstance(space, TiedParameters) and tied.count == tied.index.size:
        return {}
    constants: dict[str, NDArray] = {"index": tied.index.ravel().astype(np.int32)}
    if not (tied.sign == 1).all():
        constants["sign"] = tied.sign.ravel().astype(np.float64)
    if isinstance(space, IsotypicMaps):
        for k, part in enumerate(space.layout_out.parts):
            constants[f"rows_{k}"] = part.synthesis.T
        for k, part in enumerate(space.layout_in.parts):
            constants[f"columns_{k}"] = part.analysis
        for side, layout in (("rows", space.layout_out), ("columns", space.layout_in)):
            if not np.array_equal(layout.order, np.arange(len(layout.order))):
                constants[f"{side}_order"] = np.argsort(layout.order).astype(np.int32)
    return constants


def _parts_of(space: IsotypicMaps) -> dict[str, list[tuple[int, int]]]:
    sides = {"rows": space.layout_out, "columns": space.layout_in}
    return {side: [(part.copies, len(part.analysis)) for part in layout.parts] for side, layout in sides.items()}


def _is_plain(theta: Tensor) -> bool:
    """Whether `theta` is an ordinary tensor, not one that torch.func wraps, nor one made in inference mode."""
    return isinstance(theta, nn.Parameter) and not theta.is_inference()
