"""How each layer becomes a plain module; one function a layer, and the table of them."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from symmdp.errors import ShapeError
from symmdp.nn import _plain, _plain_gru, _plain_running_norm
from symmdp.nn._activation import CReLU, GatedActivation, NormActivation, Pointwise
from symmdp.nn._coordinate_blocks import CoordinateBlocks
from symmdp.nn._fourier import FourierActivation
from symmdp.nn._free_tensor import FreeTensor
from symmdp.nn._gru import EquivariantGRU, EquivariantGRUCell
from symmdp.nn._linear import EquivariantLinear
from symmdp.nn._normalization import EquivariantLayerNorm, EquivariantRMSNorm
from symmdp.nn._residual import Residual
from symmdp.nn._residual_pathway import ResidualPathwayLinear
from symmdp.nn._running_norm import EquivariantRunningNorm
from symmdp.nn._sequential import EquivariantSequential
from symmdp.nn._set_attention import SetAttention, SetPool
from symmdp.representations import Kind

# Converts a child, or gives what it was converted to before.
Convert = Callable[[nn.Module], nn.Module]
Handler = Callable[..., nn.Module]  # (layer, Convert) to a module of torch.nn or of _plain

_MODULE_OF: tuple[tuple[Callable[..., Tensor], type[nn.Module]], ...] = (
    (torch.tanh, nn.Tanh),
    (torch.relu, nn.ReLU),
    (F.relu, nn.ReLU),
    (F.elu, nn.ELU),
    (F.gelu, nn.GELU),
    (F.silu, nn.SiLU),
    (F.mish, nn.Mish),
    (F.selu, nn.SELU),
    (F.celu, nn.CELU),
    (F.leaky_relu, nn.LeakyReLU),
    (F.softplus, nn.Softplus),
    (F.softsign, nn.Softsign),
    (F.hardtanh, nn.Hardtanh),
    (F.hardswish, nn.Hardswish),
    (F.tanhshrink, nn.Tanhshrink),
    (F.logsigmoid, nn.LogSigmoid),
    (F.tanh, nn.Tanh),
    (F.sigmoid, nn.Sigmoid),
    (torch.sigmoid, nn.Sigmoid),
)


def parameter(tensor: Tensor) -> nn.Parameter:
    """A parameter with a tensor's values, that learns if the tensor depends on a parameter that does."""
    return nn.Parameter(tensor.detach().clone(memory_format=torch.contiguous_format), requires_grad=tensor.requires_grad)


def optional_parameter(tensor: Tensor | None) -> nn.Parameter | None:
    """The same where there may be no tensor."""
    return None if tensor is None else parameter(tensor)


def not_stacked(module: object, tensor: Tensor, ndim: int) -> Tensor:
    """The tensor, of so many axes.

    Raises:
        ShapeError: its parameters have a leading axis, a stack of layers.
    """
    if tensor.ndim != ndim:
        raise ShapeError(
            f"{type(module).__name__} holds a stack of {len(tensor)} layers, and torch.nn has no stacks. Copy the parameters "
            "of one of them, `theta[k]`, into a module without a leading axis, and convert that."
        )
    return tensor


def linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """`torch.nn.Linear` with copies of a weight `(out, in)` and a bias; nothing is drawn at random."""
    plain = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    plain.weight = parameter(weight)
    plain.bias = optional_parameter(bias)  # pyright: ignore[reportAttributeAccessIssue]
    return plain


def elementwise(function: Callable[[Tensor], Tensor], convert: Convert) -> nn.Module:
    """The module of a pointwise function: torch's where it has one."""
    if isinstance(function, nn.Module):
        return convert(function)
    for known, module in _MODULE_OF:
        if function is known:
            return module()
    return _plain.Elementwise(copy.deepcopy(function))


def blocks(given: CoordinateBlocks) -> _plain.Blocks:
    """The same index tensors."""
    return _plain.Blocks(given.label.clone(), given.position.clone(), given.member.clone())


def _free_tensor(layer: FreeTensor, convert: Convert) -> nn.Module:
    return _plain.WholeTensor(parameter(layer()))


def _linear(layer: EquivariantLinear, convert: Convert) -> nn.Module:
    return linear(not_stacked(layer, layer.weight, 2), layer.bias)


def _pointwise(layer: Pointwise, convert: Convert) -> nn.Module:
    return elementwise(layer.function, convert)


def _crelu(layer: CReLU, convert: Convert) -> nn.Module:
    return _plain.ConcatenatedReLU()


def _norm_activation(layer: NormActivation, convert: Convert) -> nn.Module:
    return _plain.LengthActivation(elementwise(layer.function, convert), None if layer.blocks is None else blocks(layer.blocks))


def _gated_activation(layer: GatedActivation, convert: Convert) -> nn.Module:
    return _plain.Gate(elementwise(layer.function, convert), blocks(layer.blocks))


def _fourier(layer: FourierActivation, convert: Convert) -> nn.Module:
    # The matrices are constants, and so stay out of training.
    return nn.Sequential(linear(layer.lift, None), elementwise(layer.function, convert), linear(layer.project, None))


def _layer_norm(layer: EquivariantLayerNorm, convert: Convert) -> nn.Module:
    dim, affine = layer.rep_in.dim, layer.free_scale is not None and layer.free_bias is not None
    weight = not_stacked(layer, layer.free_scale(), 1) if layer.free_scale is not None else None
    bias = layer.free_bias() if layer.free_bias is not None else None
    if layer.rep_in.kind is Kind.PERMUTATION:
        plain = nn.LayerNorm(dim, layer.eps, elementwise_affine=affine, device="meta")
        plain.weight = optional_parameter(weight)  # pyright: ignore[reportAttributeAccessIssue]
        plain.bias = optional_parameter(bias)  # pyright: ignore[reportAttributeAccessIssue]
        return plain
    if layer.direction is None:
        # Without an invariant direction, and so without a bias, it is an RMS norm.
        if layer.free_bias is None or layer.free_bias.count == 0:
            return _rms(dim, layer.eps, weight)
        direction = None
    else:
        direction = layer.direction().clone()
    return _plain.CenteredRMSNorm(direction, optional_parameter(weight), optional_parameter(bias), dim=dim, eps=layer.eps)


def _rms_norm(layer: EquivariantRMSNorm, convert: Convert) -> nn.Module:
    weight = not_stacked(layer, layer.free_scale(), 1) if layer.free_scale is not None else None
    return _rms(layer.rep_in.dim, layer.eps, weight)


def _rms(dim: int, eps: float | None, weight: Tensor | None) -> nn.RMSNorm:
    plain = nn.RMSNorm(dim, eps, elementwise_affine=weight is not None, device="meta")
    plain.weight = optional_parameter(weight)  # pyright: ignore[reportAttributeAccessIssue]
    return plain


def _gru_cell(layer: EquivariantGRUCell, convert: Convert) -> nn.Module:
    input_map, hidden_map = convert(layer.input_map), convert(layer.hidden_map)
    assert isinstance(input_map, nn.Linear)
    assert isinstance(hidden_map, nn.Linear)
    if layer.blocks is not None:
        return _plain_gru.BlockGRUCell(input_map, hidden_map, convert(layer.candidate), blocks(layer.blocks))
    cell = _plain_gru.GRUCell(input_map.in_features, hidden_map.in_features, input_map.bias is not None, device="meta")
    cell.weight_ih, cell.weight_hh = input_map.weight, hidden_map.weight
    cell.bias_ih, cell.bias_hh = input_map.bias, hidden_map.bias  # both or none
    return cell


def _gru(layer: EquivariantGRU, convert: Convert) -> nn.Module:
    cell = convert(layer.cell)
    assert isinstance(cell, _plain_gru.GRUCell | _plain_gru.BlockGRUCell)
    return _plain_gru.GRU(cell, layer.batch_first)


def _set_attention(layer: SetAttention, convert: Convert) -> nn.Module:
    input_map, output_map = convert(layer.input_map), convert(layer.output_map)
    assert isinstance(input_map, nn.Linear)
    assert isinstance(output_map, nn.Linear)
    return _plain.Attention(input_map, output_map, layer.heads, layer._sizes)


def _set_pool(layer: SetPool, convert: Convert) -> nn.Module:
    return _plain.Pool(layer.reduction)


def _residual(layer: Residual, convert: Convert) -> nn.Module:
    return _plain.Skip(convert(layer.module), None if layer.projection is None else convert(layer.projection))


def _residual_pathway(layer: ResidualPathwayLinear, convert: Convert) -> nn.Module:
    return linear(not_stacked(layer, layer.weight, 2), layer.bias)


def _running_norm(layer: EquivariantRunningNorm, convert: Convert) -> nn.Module:
    location, scale = (tensor.detach().clone() for tensor in layer.location_and_scale())
    if layer.is_signed:
        return _plain_running_norm.Standardization(location, scale, layer.clip, None, None)
    root = None if layer.root is None else layer.root.clone()
    return _plain_running_norm.Standardization(location, scale, layer.clip, blocks(layer.blocks), root)


def _sequential(layer: EquivariantSequential, convert: Convert) -> nn.Module:
    modules = ((name, module) for name, module in layer._modules.items() if module is not None)
    return nn.Sequential(OrderedDict((name, convert(module)) for name, module in modules))


VECTOR_LAYERS: Mapping[type[nn.Module], Handler] = MappingProxyType(
    {
        CReLU: _crelu,
        EquivariantGRU: _gru,
        EquivariantGRUCell: _gru_cell,
        EquivariantLayerNorm: _layer_norm,
        EquivariantLinear: _linear,
        EquivariantRMSNorm: _rms_norm,
        EquivariantRunningNorm: _running_norm,
        EquivariantSequential: _sequential,
        FourierActivation: _fourier,
        FreeTensor: _free_tensor,
        GatedActivation: _gated_activation,
        NormActivation: _norm_activation,
        Pointwise: _pointwise,
        Residual: _residual,
        ResidualPathwayLinear: _residual_pathway,
        SetAttention: _set_attention,
        SetPool: _set_pool,
    }
)
