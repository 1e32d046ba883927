from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from symmdp.errors import ShapeError
from symmdp.maps import SharedBasis
from symmdp.nn._free_tensor import FreeTensor, from_blocks, to_blocks


class JointExpansion:
    """All free tensors of a module expanded at once: the linear map `E` from its parameters to its whole weights.

    A stack of modules has its parameters in the rows of a matrix `(stack, parameters)`; one gather gives all weights,
    `(stack, entries)`, and one gather takes gradients back, where a layer by itself would pay twice for every tensor.

    Args:
        module: all its parameters belong to `FreeTensor`s.
        rows: the modules of the stack, where tensors with a `SharedBasis` have another one in each of them. A module that
            is in several rows (the same object, not a copy) has its bases read once for all of them.

    Raises:
        ShapeError: a parameter does not; in use, a stack of another size than `rows` where their bases differ.
    """

    def __init__(self, module: nn.Module, rows: Sequence[nn.Module] = ()):
        tensors = [m for m in module.modules() if isinstance(m, FreeTensor)]
        if sum(tensor.count for tensor in tensors) != sum(p.numel() for p in module.parameters()):
            raise ShapeError("Every parameter of the module must belong to a FreeTensor of its own; some do not.")
        self.count = sum(tensor.count for tensor in tensors)
        self.size = sum(int(np.prod(tensor.shape)) for tensor in tensors)
        dtype = tensors[0].theta.dtype
        largest = max([1, *(len(t.tied.members[0]) for t in tensors if t.tied is not None)])
        index, sign = np.zeros(self.size, dtype=np.int64), np.zeros(self.size)
        position, member_sign = (np.zeros((largest, self.count), dtype=kind) for kind in (np.int64, np.float64))
        self._others: list[tuple[slice, slice, _Other]] = []  # those whose entries are not tied one by one
        of_rows = [[m for m in row.modules() if isinstance(m, FreeTensor)] for row in rows or (module,)]
        start = entry = 0
        for place, tensor in enumerate(tensors):
            end, last = start + tensor.count, entry + int(np.prod(tensor.shape))
            if tensor.tied is None:
                other = _Other([row[place] for row in of_rows])
                self._others.append((slice(start, end), slice(entry, last), other))
            else:
                index[entry:last] = tensor.tied.index.ravel() + start
                sign[entry:last] = tensor.tied.sign.ravel()
                members, signs = tensor.tied.members
                position[: len(members), start:end], member_sign[: len(signs), start:end] = members + entry, signs
            start, entry = end, last
        index[sign == 0] = 0
        self._index, self._position = torch.from_numpy(index), torch.from_numpy(position)
        self._sign, self._member_sign = (_unless_ones(array, dtype) for array in (sign, member_sign))

    def expand(self, theta: Tensor, out: Tensor | None = None) -> Tensor:
        """`E θ`: parameters `(stack, parameters)` to whole weights `(stack, entries)`, written to `out` when given."""
        whole = theta.new_empty(len(theta), self.size) if out is None else out
        if self.count == 0:
            return whole.zero_()
        torch.index_select(theta, 1, self._index, out=whole)
        if self._sign is not None:
            whole *= self._sign
        for free, entries, other in self._others:
            whole[:, entries] = other.expand(theta[:, free])
        return whole

    def transpose(self, gradient: Tensor) -> Tensor:
        """`Eᵀ G`: gradients in the whole weights `(stack, entries)` to gradients in the parameters `(stack, parameters)`."""
        reduced = gradient.index_select(1, self._position[0])
        if self._member_sign is not None:
            reduced *= self._member_sign[0]
        for k in range(1, len(self._position)):
            members = gradient.index_select(1, self._position[k])
            if self._member_sign is None:
                reduced += members
            else:
                reduced.addcmul_(members, self._member_sign[k])
        for free, entries, other in self._others:
            reduced[:, free] = other.transpose(gradient[:, entries])
        return reduced


class _Other:
    """The expansion of one tensor whose entries are not tied one by one, and its transpose.

    Rows that share a tensor share its basis: it is read once for all of them, and a basis is far larger than its coefficients.

    Args:
        rows: the tensor in each module of the stack, or in one for all.
    """

    def __init__(self, rows: Sequence[FreeTensor]):
        self._tensor, self._rows = rows[0], len(rows)
        self._space = rows[0].space if isinstance(rows[0].space, SharedBasis) else None
        self._bases: Tensor | None = None  # of each of the different tensors `(elements, block)`
        self._grouped: Tensor | None = None  # the rows, those of the first tensor first
        self._as_given: Tensor | None = None  # where each row is among those
        if self._space is None:
            return
        of_tensor: dict[FreeTensor, list[int]] = {}
        for row, tensor in enumerate(rows):
            of_tensor.setdefault(tensor, []).append(row)
        if len({len(same) for same in of_tensor.values()}) == 1:
            order = [row for same in of_tensor.values() for row in same]
            if order != list(range(len(rows))):
                self._grouped = torch.tensor(order)
                self._as_given = torch.argsort(self._grouped)
            rows = list(of_tensor)
        self._bases = torch.stack([row.get_buffer("basis").flatten(1) for row in rows])

    @torch.no_grad()
    def expand(self, theta: Tensor) -> Tensor:
        """`(stack, count)` to `(stack, entries)`."""
        if self._space is None or self._bases is None:
            return self._tensor.expand(theta).flatten(1)
        self._check(len(theta))
        blocks = theta.reshape(len(theta), math.prod(self._space.copies), self._bases.shape[1])
        blocks = self._times(blocks, self._bases).unflatten(1, self._space.copies).unflatten(-1, self._space.basis.shape[1:])
        return from_blocks(blocks, self._space).flatten(1)

    def transpose(self, gradient: Tensor) -> Tensor:
        """`(stack, entries)` to `(stack, count)`."""
        if self._space is not None and self._bases is not None:
            self._check(len(gradient))
            blocks = to_blocks(gradient.unflatten(1, self._space.shape), self._space)
            blocks = blocks.flatten(len(self._space.copies) + 1).flatten(1, len(self._space.copies))
            return self._times(blocks, self._bases.mT).flatten(1)
        with torch.enable_grad():  # the expansion is linear: its transpose is its gradient, at any point
            zero = gradient.new_zeros(len(gradient), self._tensor.count, requires_grad=True)
            whole = self._tensor.expand(zero).flatten(1)
        return torch.autograd.grad(whole, zero, gradient)[0]

    def _check(self, stack: int) -> None:
        if self._bases is not None and len(self._bases) > 1 and stack != self._rows:
            raise ShapeError(f"Each of {self._rows} rows has its basis; got a stack of {stack}. Give the whole stack.")

    def _times(self, blocks: Tensor, matrices: Tensor) -> Tensor:
        """The blocks of each row, `(stack, blocks, n)`, by the matrix of its tensor."""
        stack, count, length = blocks.shape
        if self._grouped is not None:
            blocks = blocks.index_select(0, self._grouped)
        product = blocks.reshape(len(matrices), stack * count // len(matrices), length) @ matrices
        product = product.view(stack, count, matrices.shape[-1])
        return product if self._as_given is None else product.index_select(0, self._as_given)


def whole_copy(module: nn.Module) -> nn.Module:
    """A copy of a module in which every entry of every free tensor is free, and no group ties anything."""
    twin = copy.deepcopy(module)
    for name, tensor in list(twin.named_modules()):
        if isinstance(tensor, FreeTensor):
            owner, _, leaf = name.rpartition(".")
            whole = FreeTensor.whole(tensor.shape, dtype=tensor.theta.dtype, device=tensor.theta.device)
            setattr(twin.get_submodule(owner), leaf, whole)
    return twin


def _unless_ones(sign: np.ndarray, dtype: torch.dtype) -> Tensor | None:
    return None if (sign == 1).all() else torch.from_numpy(sign).to(dtype)
