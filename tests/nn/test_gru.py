import pytest
import torch
from torch import Tensor, nn

from symmdp import Representation, groups
from symmdp.errors import ActivationError, GroupMismatchError, ShapeError
from symmdp.nn import EquivariantGRU, EquivariantGRUCell, FreeTensor
from symmdp.representations import Kind

TRIVIAL = groups.trivial().trivial
C4 = groups.cyclic(4)
TURN = Representation.from_generators(C4, [[[0, -1], [1, 0]]])
THIRD = Representation.from_generators(groups.cyclic(3), [[[-0.5, -(0.75**0.5)], [0.75**0.5, -0.5]]])


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def cell_of(rep_in: Representation, rep_hidden: Representation, **options: bool) -> EquivariantGRUCell:
    return EquivariantGRUCell(rep_in, rep_hidden, generator=torch.Generator().manual_seed(0), dtype=torch.float64, **options)


def copy_weights(plain: nn.GRUCell, cell: EquivariantGRUCell) -> None:
    for layer, end in ((cell.input_map, "ih"), (cell.hidden_map, "hh")):
        layer.free_weight.assign(getattr(plain, f"weight_{end}"))
        if layer.free_bias is not None:
            layer.free_bias.assign(getattr(plain, f"bias_{end}"))


@pytest.mark.parametrize("bias", [True, False])
def test_the_trivial_group_gives_torch_cells(bias: bool) -> None:
    cell, plain = cell_of(3 * TRIVIAL, 5 * TRIVIAL, bias=bias), nn.GRUCell(3, 5, bias=bias, dtype=torch.float64)
    assert sum(p.numel() for p in cell.parameters()) == sum(p.numel() for p in plain.parameters())
    with torch.no_grad():
        for k, parameter in enumerate(plain.parameters()):
            parameter.copy_(draw(*parameter.shape, seed=k))
    copy_weights(plain, cell)
    x, h = draw(7, 3), draw(7, 5, seed=1)
    torch.testing.assert_close(cell(x, h), plain(x, h), rtol=0, atol=1e-14)
    torch.testing.assert_close(cell(x), plain(x), rtol=0, atol=1e-14)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("batched", [True, False])
def test_the_trivial_group_gives_torch_sequences(batch_first: bool, batched: bool) -> None:
    network = EquivariantGRU(3 * TRIVIAL, 5 * TRIVIAL, batch_first=batch_first, dtype=torch.float64)
    plain = nn.GRU(3, 5, batch_first=batch_first, dtype=torch.float64)
    with torch.no_grad():
        for k, parameter in enumerate(plain.parameters()):
            parameter.copy_(draw(*parameter.shape, seed=k))
    for layer, end in ((network.cell.input_map, "ih_l0"), (network.cell.hidden_map, "hh_l0")):
        layer.free_weight.assign(getattr(plain, f"weight_{end}"))
        assert layer.free_bias is not None
        layer.free_bias.assign(getattr(plain, f"bias_{end}"))
    x = draw(4, 6, 3) if batched else draw(4, 3)
    h = draw(4 if batch_first else 6, 5, seed=1) if batched else draw(5, seed=1)
    for state in (h, None):
        outputs, last = network(x, state)
        wanted, wanted_last = plain(x, None if state is None else state.unsqueeze(0))
        torch.testing.assert_close(outputs, wanted, rtol=0, atol=1e-14)
        torch.testing.assert_close(last, wanted_last.squeeze(0), rtol=0, atol=1e-14)


@pytest.mark.parametrize("hidden", [C4.regular, TURN, 2 * TURN + C4.regular], ids=["permutation", "signed", "mixed"])
def test_signed_permutations_have_the_plain_cell_with_its_expanded_weights(hidden: Representation) -> None:
    cell = cell_of(TURN, hidden)
    plain = nn.GRUCell(2, hidden.dim, dtype=torch.float64)
    with torch.no_grad():
        for layer, end in ((cell.input_map, "ih"), (cell.hidden_map, "hh")):
            getattr(plain, f"weight_{end}").copy_(layer.weight)
            getattr(plain, f"bias_{end}").copy_(layer.bias)
    x, h = draw(7, 2), draw(7, hidden.dim, seed=1)
    torch.testing.assert_close(cell(x, h), plain(x, h), rtol=0, atol=1e-14)


def test_gates_of_orthogonal_states_are_one_for_each_block() -> None:
    cell = cell_of(THIRD, 2 * THIRD + THIRD.group.trivial)
    assert cell.rep_hidden.kind is Kind.ORTHOGONAL
    assert cell.input_map.rep_out.dim == 3 + 3 + 5
    x, h = draw(7, 2), draw(7, 5, seed=1)
    from_input, from_hidden = cell.input_map(x), cell.hidden_map(h)
    r, z = ((from_input + from_hidden)[:, 3 * k : 3 * k + 3].sigmoid() for k in (0, 1))
    wanted = []
    for k, block in enumerate([slice(0, 2), slice(2, 4), slice(4, 5)]):
        n = from_input[:, 6:][:, block] + r[:, k : k + 1] * from_hidden[:, 6:][:, block]
        length = n.norm(dim=-1, keepdim=True)
        wanted.append((1 - z[:, k : k + 1]) * length.tanh() / length * n + z[:, k : k + 1] * h[:, block])
    torch.testing.assert_close(cell(x, h), torch.cat(wanted, dim=-1))


def test_a_sequence_is_the_cell_step_by_step_and_states_are_bounded(rep: Representation) -> None:
    if rep.kind is Kind.INVERTIBLE:
        with pytest.raises(ActivationError, match=r"changes lengths.*hidden_representation"):
            EquivariantGRU(rep, rep)
        return
    network = EquivariantGRU(rep, rep, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = 10 * draw(5, 3, rep.dim)
    outputs, last = network(x)
    h = torch.zeros(3, rep.dim, dtype=torch.float64)
    for t in range(5):
        h = network.cell(x[t], h)
        torch.testing.assert_close(outputs[t], h)
    torch.testing.assert_close(last, h)
    assert outputs.abs().max() <= 1


def test_an_episode_starts_from_nothing() -> None:
    network = EquivariantGRU(
        TURN, 2 * C4.regular, batch_first=True, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    x, h = draw(2, 6, 2), draw(2, 8, seed=1)
    starts = torch.zeros(2, 6, dtype=torch.bool)
    starts[0, 4] = starts[1, 0] = True
    outputs, last = network(x, h, episode_starts=starts)
    torch.testing.assert_close(outputs[0, :4], network(x[:1, :4], h[:1])[0][0])
    torch.testing.assert_close(outputs[0, 4:], network(x[:1, 4:])[0][0])
    torch.testing.assert_close(outputs[1:], network(x[1:])[0])
    torch.testing.assert_close(last, outputs[:, -1])
    assert (outputs[0, 4:] - network(x, h)[0][0, 4:]).abs().max() > 1e-3


def test_gradients_flow_through_time_to_zero_states() -> None:
    """The norm activation's gradient is finite at a candidate of length zero."""
    network = EquivariantGRU(THIRD, 2 * THIRD, bias=False, generator=torch.Generator().manual_seed(0))
    x = torch.zeros(4, 1, 2, requires_grad=True)
    network(x)[0].sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()
    assert x.grad.abs().sum() > 0


def test_bad_input() -> None:
    with pytest.raises(GroupMismatchError):
        EquivariantGRUCell(TURN, THIRD)
    network = EquivariantGRU(TURN, C4.regular)
    with pytest.raises(ShapeError, match=r"\(time, ..., 2\); got \(2,\)"):
        network(torch.zeros(2))
    with pytest.raises(ShapeError, match=r"episode_starts of shape \(5, 3\); got \(3, 5\)"):
        network(torch.zeros(5, 3, 2), episode_starts=torch.zeros(3, 5, dtype=torch.bool))
    with pytest.raises(ShapeError, match=r"state of shape \(3, 4\); got \(1, 3, 4\)"):
        network(torch.zeros(5, 3, 2), torch.zeros(1, 3, 4))
    with pytest.raises(ShapeError, match="size 2 on the last axis"):
        network(torch.zeros(5, 3, 4))
    with pytest.raises(ShapeError, match="size 4 on the last axis"):
        network.cell(torch.zeros(3, 2), torch.zeros(3, 2))
    assert network(torch.zeros(0, 3, 2))[0].shape == (0, 3, 4)


def test_all_parameters_are_free_tensors() -> None:
    cell = cell_of(TURN, C4.regular)
    assert sum(m.count for m in cell.modules() if isinstance(m, FreeTensor)) == sum(p.numel() for p in cell.parameters())
