"""The gated recurrent units that `to_plain` gives: modules that know tensors alone, no group and no representation."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from symmdp.nn._plain import Blocks


class GRUCell(nn.GRUCell):
    """`torch.nn.GRUCell` for any number of batch axes (`EquivariantGRUCell` on signed permutations)."""

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next hidden state, shapes `(..., in)` and `(..., hidden)` to `(..., hidden)`."""
        batch = input.shape[:-1]
        if len(batch) == 1:
            return super().forward(input, hx)
        hx = None if hx is None else hx.reshape(-1, self.hidden_size)
        return super().forward(input.reshape(-1, self.input_size), hx).reshape(*batch, self.hidden_size)

    def from_input(self, x: Tensor) -> Tensor:
        """`W_i x + b_i`."""
        return F.linear(x, self.weight_ih, self.bias_ih)

    def step(self, from_input: Tensor, h: Tensor) -> Tensor:
        """The next hidden state from `W_i x + b_i` and the last one."""
        from_hidden = F.linear(h, self.weight_hh, self.bias_hh)
        r_in, z_in, n_in = from_input.chunk(3, dim=-1)
        r_hidden, z_hidden, n_hidden = from_hidden.chunk(3, dim=-1)
        r, z = torch.sigmoid(r_in + r_hidden), torch.sigmoid(z_in + z_hidden)
        n = torch.tanh(n_in + r * n_hidden)
        return (1 - z) * n + z * h


class BlockGRUCell(nn.Module):
    """A gated recurrent unit with one gate for each block of coordinates (`EquivariantGRUCell` on other representations).

    Args:
        input_map: `x ↦ W_i x + b_i`, the reset gates, the update gates and the candidate after one another.
        hidden_map: `h ↦ W_h h + b_h`, likewise.
        candidate: the nonlinearity of the candidate.
        blocks: of the hidden coordinates.
    """

    def __init__(self, input_map: nn.Linear, hidden_map: nn.Linear, candidate: nn.Module, blocks: Blocks):
        super().__init__()
        self.input_map, self.hidden_map = input_map, hidden_map
        self.candidate, self.blocks = candidate, blocks
        self.hidden_size = hidden_map.in_features

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        """The next hidden state, shapes `(..., in)` and `(..., hidden)` to `(..., hidden)`."""
        h = x.new_zeros(*x.shape[:-1], self.hidden_size) if h is None else h
        return self.step(self.from_input(x), h)

    def from_input(self, x: Tensor) -> Tensor:
        """`W_i x + b_i`."""
        return self.input_map(x)

    def step(self, from_input: Tensor, h: Tensor) -> Tensor:
        """The next hidden state from `W_i x + b_i` and the last one."""
        sizes = (self.blocks.count, self.blocks.count, self.hidden_size)
        r_in, z_in, n_in = from_input.split(sizes, dim=-1)
        r_hidden, z_hidden, n_hidden = self.hidden_map(h).split(sizes, dim=-1)
        r, z = (self.blocks.spread(torch.sigmoid(gate)) for gate in (r_in + r_hidden, z_in + z_hidden))
        n = self.candidate(n_in + r * n_hidden)
        return (1 - z) * n + z * h


class GRU(nn.Module):
    """A gated recurrent unit run over a sequence, with the arguments of `EquivariantGRU`.

    Not `torch.nn.GRU`: that has no episode starts, gives the last state a leading axis, and stops
    `torch.compile(fullgraph=True)`.

    Args:
        cell: the unit.
        batch_first: whether inputs and outputs are `(batch, time, …)` in place of `(time, batch, …)`.
    """

    def __init__(self, cell: GRUCell | BlockGRUCell, batch_first: bool):
        super().__init__()
        self.cell = cell
        self.batch_first = batch_first

    def forward(self, x: Tensor, h: Tensor | None = None, *, episode_starts: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The hidden states of all steps, and the last one; the state is zero before a step where an episode starts."""
        swap = self.batch_first and x.ndim > 2
        if swap:
            x = x.transpose(0, 1)
            episode_starts = None if episode_starts is None else episode_starts.transpose(0, 1)
        if h is None:
            h = x.new_zeros(*x.shape[1:-1], self.cell.hidden_size)
        from_input, states = self.cell.from_input(x), []
        for t in range(x.shape[0]):
            if episode_starts is not None:
                h = h.masked_fill(episode_starts[t].unsqueeze(-1), 0)
            h = self.cell.step(from_input[t], h)
            states.append(h)
        outputs = torch.stack(states) if states else x.new_zeros(*x.shape[:-1], self.cell.hidden_size)
        return (outputs.transpose(0, 1) if swap else outputs), h

    def extra_repr(self) -> str:
        """The order of the axes."""
        return f"batch_first={self.batch_first}"
