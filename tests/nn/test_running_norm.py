"""The torch norm against the statistics of `symmdp.mdp`, which are tested against augmented data; its state and its switch."""

import copy
import io

import numpy as np
import pytest
import torch

from symmdp import Representation, groups
from symmdp.errors import DivergenceError, OptionError, ShapeError
from symmdp.mdp import SymmetricStatistics, Symmetry
from symmdp.nn import EquivariantConv2d, EquivariantRunningNorm, EquivariantSequential, to_plain
from symmdp.representations import image, plane


def lopsided(dim: int, rows: int = 60, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    scale, offset = torch.linspace(0.5, 4, dim), torch.linspace(-6, 9, dim)
    return torch.randn(rows, dim, generator=generator, dtype=torch.float64) * scale + offset


@pytest.mark.parametrize("clip", [None, 0.7])
@pytest.mark.parametrize("with_center", [False, True])
def test_it_is_what_the_statistics_say(rep: Representation, clip: float | None, with_center: bool) -> None:
    center = np.linspace(-1, 2, rep.dim) if with_center else None
    norm = EquivariantRunningNorm(rep, center, clip=clip)
    statistics = SymmetricStatistics(Symmetry(rep.group, rep, rep.group.trivial, observation_center=center), clip=clip)
    data = lopsided(rep.dim)
    torch.testing.assert_close(norm(data).numpy(), statistics.normalize(data.numpy()), rtol=0, atol=1e-12)
    for rows in data.split((1, 20, 39)):
        norm.update(rows)
        statistics.update(rows.numpy())
    torch.testing.assert_close(norm(data).numpy(), statistics.normalize(data.numpy()), rtol=0, atol=1e-11)
    mean, scale = norm.location_and_scale()
    np.testing.assert_allclose(mean, statistics.mean, atol=1e-11)
    np.testing.assert_allclose(scale**2 - norm.epsilon, statistics.variance, rtol=1e-9)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64])
def test_images(dtype: torch.dtype) -> None:
    d4 = groups.dihedral(4)
    rep = image(d4.trivial + plane(d4), plane(d4), 5, 5)
    norm = EquivariantRunningNorm(rep)
    statistics = SymmetricStatistics(Symmetry(d4, rep, d4.trivial))
    data = torch.randint(0, 255, (8, *rep.shape), generator=torch.Generator().manual_seed(0)).to(dtype)
    norm.update(data)
    statistics.update(data.numpy())
    expected = torch.from_numpy(statistics.normalize(data.numpy()))
    torch.testing.assert_close(norm(data), expected)
    torch.testing.assert_close(to_plain(norm)(data), expected)
    network = EquivariantSequential(norm, EquivariantConv2d(norm.rep_out, d4.regular, 3, plane(d4)))
    assert network(data.float()).shape == (8, 8, 3, 3)
    with pytest.raises(ShapeError, match="3, 5, 5"):
        norm(data[:, :2])


def test_only_update_counts_and_only_in_training() -> None:
    norm, data = EquivariantRunningNorm(groups.cyclic(3).regular), lopsided(3)
    norm(data)
    assert float(norm.count) == 0
    norm.eval().update(data)
    assert float(norm.count) == 0
    norm.train().update(data)
    norm.update(data[:0])
    assert float(norm.count) == 60


def test_state_is_kept_whatever_the_module_is_cast_to() -> None:
    norm, data = EquivariantRunningNorm(groups.cyclic(3).regular), lopsided(3) + 1e7
    norm.update(data)
    expected = norm(data)
    file = io.BytesIO()
    torch.save(norm.state_dict(), file)
    file.seek(0)
    other = EquivariantRunningNorm(groups.cyclic(3).regular)
    other.load_state_dict(torch.load(file, weights_only=True))
    torch.testing.assert_close(other(data), expected, rtol=0, atol=0)
    half = copy.deepcopy(norm).to(torch.bfloat16)
    assert half.mean.dtype is torch.float64
    torch.testing.assert_close(half(data), expected, rtol=0, atol=0)
    assert norm(data.float()).dtype is torch.float32


def test_large_offsets_cost_no_digits() -> None:
    exact, norm = (EquivariantRunningNorm(groups.cyclic(3).regular) for _ in range(2))
    data = torch.randn(5000, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    exact.update(data)
    for rows in (data + 1e8).split(10):
        norm.update(rows)
    torch.testing.assert_close(norm.statistics()[1], exact.statistics()[1], rtol=1e-6, atol=0)


def test_compiled_updates() -> None:
    norm, data = EquivariantRunningNorm(groups.cyclic(3).regular), lopsided(3)
    twin = copy.deepcopy(norm)
    torch.compiler.reset()
    torch.compile(norm.update, fullgraph=True, backend="aot_eager")(data)
    twin.update(data)
    torch.testing.assert_close(norm(data), twin(data))


def test_mistakes_are_explained() -> None:
    rep = groups.cyclic(3).regular
    for options in ({"epsilon": 0.0}, {"clip": -1.0}, {"clip": float("nan")}):
        with pytest.raises(OptionError, match="positive"):
            EquivariantRunningNorm(rep, **options)
    with pytest.raises(ShapeError, match="centre"):
        EquivariantRunningNorm(rep, [0.0, 1.0])
    with pytest.raises(ShapeError, match="expected"):
        EquivariantRunningNorm(rep).update(torch.zeros(4, 2))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e200])
def test_data_that_are_not_finite_are_refused_and_not_counted(bad: float):
    norm = EquivariantRunningNorm(groups.cyclic(2).regular)
    norm.update(torch.randn(10, 2, generator=torch.Generator().manual_seed(0)))
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    with pytest.raises(DivergenceError, match="not finite"):
        norm.update(torch.tensor([[0.0, bad]], dtype=torch.float64))
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())
