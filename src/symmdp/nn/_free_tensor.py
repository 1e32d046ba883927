from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from symmdp.maps import EquivariantMaps, TiedParameters, tie_vector
from symmdp.representations import Representation


class FreeTensor(nn.Module):
    """A tensor that the group leaves unchanged, held as its free parameters `theta`; calling it gives the tensor.

    Tied entries are `tensor = sign * theta[index]`; otherwise `tensor = Σ_k theta[k] basis[k]`. `theta` has shape
    `(count,)`; a leading axis stacks independent copies, `(stack, count)` to `(stack, *shape)`.

    With gradients off the expanded tensor is kept and reused until `theta` changes (treat it as read-only). What is kept
    is never part of the state dict, a copy or a pickle.
    """

    theta: nn.Parameter
    index: Tensor
    sign: Tensor
    position: Tensor
    member_sign: Tensor
    basis: Tensor

    def __init__(
        self,
        space: TiedParameters | NDArray[np.float64],
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ):
        super().__init__()
        dtype = dtype or torch.get_default_dtype()
        self.tied = space if isinstance(space, TiedParameters) else None
        self.shape = tuple(space.shape) if isinstance(space, TiedParameters) else tuple(space.shape[1:])
        self.count = space.count if isinstance(space, TiedParameters) else len(space)
        # The exact constants; the buffers are their copies in the dtype and on the device of the parameters.
        self._constants = _constants_of(space)
        for name, value in self._constants.items():
            tensor = torch.tensor(value, device=device)
            self.register_buffer(name, tensor.to(dtype) if tensor.is_floating_point() else tensor, persistent=False)
        self.theta = nn.Parameter(torch.zeros(self.count, dtype=dtype, device=device))
        self._kept: tuple[object, Tensor, Tensor] | None = None

    @classmethod
    def whole(cls, shape: tuple[int, ...], **options: Any) -> FreeTensor:
        """A tensor whose every entry is free."""
        n = int(np.prod(shape))
        every = TiedParameters(shape, np.arange(n).reshape(shape), np.ones(shape, dtype=np.int64), n)
        return cls(every, **options)

    @classmethod
    def map(cls, rep_in: Representation, rep_out: Representation, **options: Any) -> FreeTensor:
        """An equivariant matrix, shape `(out, in)`."""
        maps = EquivariantMaps(rep_in, rep_out)
        return cls(maps.tied if maps.tied is not None else np.asarray(maps.basis()), **options)

    @classmethod
    def vector(cls, rep: Representation, **options: Any) -> FreeTensor:
        """An invariant vector, `ρ(g) b = b`, shape `(dim,)`."""
        if rep.kind.is_signed_permutation:
            return cls(tie_vector(rep), **options)
        maps = EquivariantMaps(rep.group.trivial, rep)
        return cls(np.asarray(maps.basis())[:, :, 0], **options)

    @property
    def is_whole(self) -> bool:
        """Whether every entry is free, as over the trivial group."""
        return not self._constants

    @property
    def exact_basis(self) -> NDArray[np.float64]:
        """The basis in float64, shape `(count, *shape)`, of a tensor that is not tied entry by entry."""
        return self._constants["basis"]

    def forward(self) -> Tensor:
        """The tensor, shape `(*shape)`, or `(stack, *shape)` when `theta` has a leading axis."""
        theta = self.theta
        if self.is_whole:
            return self._expand(theta)
        if torch.is_grad_enabled() or torch.compiler.is_compiling() or not _is_plain(theta):
            return self._expand(theta)
        # Optimisers and load_state_dict raise the version; `parameter.data` can be changed without, so look at the values.
        key = (theta._version, theta.dtype, theta.device, theta.shape)
        if self._kept is None or self._kept[0] != key or not torch.equal(self._kept[1], theta):
            self._kept = (key, theta.clone(), self._expand(theta))
        return self._kept[2]

    def _expand(self, theta: Tensor) -> Tensor:
        if self.tied is None:
            return torch.tensordot(theta, self.basis, dims=1)
        if self.is_whole:
            return theta.unflatten(-1, self.shape)
        flat = _Expand.apply(theta, self.index, self.sign, self.position, self.member_sign)
        return flat.unflatten(-1, self.shape)

    @torch.no_grad()
    def assign(self, tensor: Tensor | NDArray[np.float64]) -> None:
        """Set `theta` to the orthogonal projection of a tensor of shape `(*shape)` (computed in float64)."""
        array = tensor.double().cpu().numpy() if isinstance(tensor, Tensor) else np.asarray(tensor, dtype=np.float64)
        if self.tied is not None:
            theta = self.tied.project(array)
        else:
            basis = self._constants["basis"]
            theta = np.tensordot(basis, array, axes=array.ndim)
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


class _Expand(torch.autograd.Function):
    """`theta[index] * sign`, whose backward gathers each orbit's entries instead of scattering into them (5× faster)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(theta: Tensor, index: Tensor, sign: Tensor, position: Tensor, member_sign: Tensor) -> Tensor:
        if theta.shape[-1] == 0:
            return theta.new_zeros((*theta.shape[:-1], len(index)))
        expanded = theta.index_select(-1, index)
        return expanded * sign if len(sign) else expanded

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(inputs[3], inputs[4])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        position, member_sign = ctx.saved_tensors
        members = gradients[0].index_select(-1, position.flatten()).unflatten(-1, tuple(position.shape))
        if len(member_sign):
            members = members * member_sign
        return members.sum(-2), None, None, None, None


def _constants_of(space: TiedParameters | NDArray[np.float64]) -> dict[str, NDArray]:
    if not isinstance(space, TiedParameters):
        return {"basis": np.array(space)}
    if space.count == space.index.size:
        return {}
    sign = space.sign.ravel().astype(np.float64)
    position, member_sign = space.members
    no_signs = np.zeros(0)
    return {
        "index": space.index.ravel(),
        "sign": no_signs if (sign == 1).all() else sign,
        "position": position,
        "member_sign": no_signs if (member_sign == 1).all() else member_sign.astype(np.float64),
    }


def _is_plain(theta: Tensor) -> bool:
    """Whether `theta` is an ordinary tensor, not one that torch.func wraps, nor one made in inference mode."""
    return isinstance(theta, nn.Parameter) and not theta.is_inference()
