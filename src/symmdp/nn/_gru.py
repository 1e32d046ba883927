from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from symmdp.errors import ActivationError, ShapeError
from symmdp.nn._activation import NormActivation, Pointwise
from symmdp.nn._coordinate_blocks import CoordinateBlocks
from symmdp.nn._linear import EquivariantLinear
from symmdp.representations import Kind, Representation


class EquivariantGRUCell(nn.Module):
    """A gated recurrent unit whose hidden state transforms with the group: `f(ρ_in(g) x, ρ_h(g) h) = ρ_h(g) f(x, h)`.

        r = σ(W_ir x + b_ir + W_hr h + b_hr)
        z = σ(W_iz x + b_iz + W_hz h + b_hz)
        n = φ(W_in x + b_in + r ⊙ (W_hn h + b_hn))
        h' = (1 - z) ⊙ n + z ⊙ h

    Hidden signed permutations: the gates `r` and `z` have one value for each coordinate and transform by `|ρ_h|`, and
    `φ = tanh`. Other orthogonal representations: the gates are invariants, one for each coordinate block, and `φ` is
    `NormActivation` on each block. Over the trivial group this is `torch.nn.GRUCell`; `input_map.weight` has the layout
    of its `weight_ih`, `hidden_map.weight` that of `weight_hh`.

    Args:
        rep_in: the representation on the input, of dimension `in`.
        rep_hidden: the representation on the hidden state, of dimension `hidden`; orthogonal.
        bias: whether the maps have invariant biases.
        generator: where initial values are drawn from; torch's default generator when not given.
        dtype: of the parameters; torch's default when not given.
        device: of the parameters.

    Shape:
        `(..., in)` and `(..., hidden)` to `(..., hidden)`.

    Raises:
        GroupMismatchError: the representations belong to two different groups.
        ActivationError: `rep_hidden` is not orthogonal.
        ShapeError: (forward) a last axis has the wrong size.

    Source: Cho et al. 2014 (arXiv 1406.1078), with the reset gate after the product, as in `torch.nn.GRUCell`.
    """

    def __init__(
        self,
        rep_in: Representation,
        rep_hidden: Representation,
        bias: bool = True,
        *,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ):
        super().__init__()
        if rep_hidden.kind is Kind.INVERTIBLE:
            raise ActivationError(
                f"The hidden state of a GRU needs an orthogonal representation; {rep_hidden!r} changes lengths. Take a "
                "hidden regular representation, symmdp.nn.hidden_representation(group, width)."
            )
        self.rep_in, self.rep_hidden, self.rep_out = rep_in, rep_hidden, rep_hidden
        if rep_hidden.kind.is_signed_permutation:
            self.blocks, gate = None, rep_hidden.absolute
            self.candidate: nn.Module = Pointwise(rep_hidden, torch.tanh)
        else:
            self.blocks = CoordinateBlocks(rep_hidden, device=device)
            gate = self.blocks.count * rep_hidden.group.trivial
            self.candidate = NormActivation(rep_hidden, torch.tanh, blocks=True, device=device)
        self._sizes = (gate.dim, gate.dim, rep_hidden.dim)
        maps = {"bias": bias, "generator": generator, "dtype": dtype, "device": device}
        self.input_map = EquivariantLinear(rep_in, gate + gate + rep_hidden, **maps)
        self.hidden_map = EquivariantLinear(rep_hidden, gate + gate + rep_hidden, **maps)

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        """The next hidden state; `h` is zero, which every group leaves unchanged, when not given."""
        if h is None:
            h = x.new_zeros(*x.shape[:-1], self.rep_hidden.dim)
        return self.step(self.input_map(x), self.hidden_map(h), h)

    def step(self, from_input: Tensor, from_hidden: Tensor, h: Tensor) -> Tensor:
        """The next hidden state from the values of the two maps, `W_i x + b_i` and `W_h h + b_h`."""
        r_in, z_in, n_in = from_input.split(self._sizes, dim=-1)
        r_hidden, z_hidden, n_hidden = from_hidden.split(self._sizes, dim=-1)
        r, z = torch.sigmoid(r_in + r_hidden), torch.sigmoid(z_in + z_hidden)
        if self.blocks is not None:
            r, z = self.blocks.spread(r), self.blocks.spread(z)
        n = self.candidate(n_in + r * n_hidden)
        return (1 - z) * n + z * h

    def extra_repr(self) -> str:
        """The two representations."""
        return f"{self.rep_in.name}, hidden {self.rep_hidden.name} over {self.rep_in.group.name}"


class EquivariantGRU(nn.Module):
    """A gated recurrent unit run over a sequence: `h_t = f(x_t, h_{t-1})` with the `f` of `EquivariantGRUCell`.

    Args:
        rep_in: the representation on the input, of dimension `in`.
        rep_hidden: the representation on the hidden state, of dimension `hidden`; orthogonal.
        bias: whether the maps have invariant biases.
        batch_first: whether inputs and outputs are `(batch, time, …)` in place of `(time, batch, …)`.
        generator: where initial values are drawn from; torch's default generator when not given.
        dtype: of the parameters; torch's default when not given.
        device: of the parameters.

    Shape:
        inputs `(time, *batch, in)` to outputs `(time, *batch, hidden)` and the last state `(*batch, hidden)` (one layer,
        so without the leading 1 of `torch.nn.GRU`). With `batch_first` the first two axes are `(batch, time)`; a sequence
        without a batch is `(time, in)` always.

    Raises:
        GroupMismatchError: the representations belong to two different groups.
        ActivationError: `rep_hidden` is not orthogonal.
        ShapeError: (forward) an argument has the wrong shape.

    Source: Cho et al. 2014 (arXiv 1406.1078).
    """

    def __init__(
        self,
        rep_in: Representation,
        rep_hidden: Representation,
        bias: bool = True,
        batch_first: bool = False,
        *,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ):
        super().__init__()
        self.cell = EquivariantGRUCell(rep_in, rep_hidden, bias, generator=generator, dtype=dtype, device=device)
        self.rep_in, self.rep_hidden, self.rep_out = rep_in, rep_hidden, rep_hidden
        self.batch_first = batch_first

    def forward(self, x: Tensor, h: Tensor | None = None, *, episode_starts: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The hidden states of all steps, and the last one.

        Args:
            x: the sequence, shape `(time, *batch, in)`.
            h: the state before the first step, shape `(*batch, hidden)`; zero when not given.
            episode_starts: booleans, shape `(time, *batch)`: where true, the state is zero before that step, so that
                nothing passes from one episode to the next.
        """
        if x.ndim < 2:
            raise ShapeError(f"A sequence has shape (time, ..., {self.rep_in.dim}); got {tuple(x.shape)}.")
        if episode_starts is not None and episode_starts.shape != x.shape[:-1]:
            raise ShapeError(f"Expected episode_starts of shape {tuple(x.shape[:-1])}; got {tuple(episode_starts.shape)}.")
        swap = self.batch_first and x.ndim > 2
        if swap:
            x = x.transpose(0, 1)
            episode_starts = None if episode_starts is None else episode_starts.transpose(0, 1)
        if h is None:
            h = x.new_zeros(*x.shape[1:-1], self.rep_hidden.dim)
        elif h.shape != (*x.shape[1:-1], self.rep_hidden.dim):
            raise ShapeError(f"Expected a state of shape {(*x.shape[1:-1], self.rep_hidden.dim)}; got {tuple(h.shape)}.")
        from_input = self.cell.input_map(x)
        # The weights are expanded from their free parameters once, not at every step.
        weight, bias = self.cell.hidden_map.weight, self.cell.hidden_map.bias
        states = []
        for t in range(x.shape[0]):
            if episode_starts is not None:
                h = h.masked_fill(episode_starts[t].unsqueeze(-1), 0)
            h = self.cell.step(from_input[t], F.linear(h, weight, bias), h)
            states.append(h)
        outputs = torch.stack(states) if states else x.new_zeros(*x.shape[:-1], self.rep_hidden.dim)
        return (outputs.transpose(0, 1) if swap else outputs), h
