"""Poolings of images and of group orbits: against torch, and for every element."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from symmdp import Representation, groups
from symmdp.errors import ActivationError, GroupMismatchError, OptionError, ShapeError
from symmdp.nn import EquivariantAvgPool2d, EquivariantFlatten, EquivariantMaxPool2d, GroupPool, OnChannels, SpatialPool
from symmdp.representations import cosets, flip, pixel_action, plane

Rep = Representation
C2, C4, D4 = groups.cyclic(2), groups.cyclic(4), groups.dihedral(4)
PLANES = {"flip x": flip(C2, "x"), "flip y": flip(C2, "y"), "C4": plane(C4), "D4": plane(D4)}
EVERY_PLANE = pytest.mark.parametrize("name", list(PLANES))


def on_images(rep: Rep, plane: Rep, g: int, x: Tensor) -> Tensor:
    pixels = torch.tensor(pixel_action(plane, *x.shape[-2:])(g), dtype=x.dtype)
    moved = (x.flatten(-2) @ pixels.T).unflatten(-1, x.shape[-2:])
    return torch.einsum("ab,...bhw->...ahw", torch.tensor(rep(g), dtype=x.dtype), moved)


def on_features(rep: Rep, plane: Rep, g: int, x: Tensor) -> Tensor:
    return x @ torch.tensor(rep(g), dtype=x.dtype).T


def violation(rep_in: Rep, rep_out: Rep, plane: Rep, function: Callable[[Tensor], Tensor], x: Tensor) -> float:
    y = function(x)
    act = on_images if y.ndim == 4 else on_features
    moved = [(function(on_images(rep_in, plane, g, x)), act(rep_out, plane, g, y)) for g in rep_in.group]
    return max(float((a - b).abs().max()) for a, b in moved)


def images(dim: int, height: int, width: int) -> Tensor:
    return torch.randn(3, dim, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@EVERY_PLANE
@pytest.mark.parametrize("kind", [EquivariantAvgPool2d, EquivariantMaxPool2d])
def test_windows(name: str, kind: type[EquivariantAvgPool2d]) -> None:
    """Equivariant on the sizes that pass the check; and on others, without it, not."""
    plane, seen = PLANES[name], set()
    rep = plane.group.regular if kind is EquivariantMaxPool2d else plane.group.regular + plane
    in_torch = F.max_pool2d if kind is EquivariantMaxPool2d else F.avg_pool2d
    for kernel, stride, size in itertools.product((2, 3), (1, 2, 3), (6, 7)):
        for padding in (0, 1):
            pool, x = kind(rep, kernel, plane, stride=stride, padding=padding), images(rep.dim, size, size)
            error = violation(rep, rep, plane, pool._pool, x)
            torch.testing.assert_close(pool._pool(x), in_torch(x, kernel, stride, padding))
            try:
                y = pool(x)
            except ShapeError:
                assert error > 1e-2
                seen.add(False)
            else:
                assert error < 1e-12
                assert tuple(y.shape[-2:]) == pool.output_size((size, size))
                seen.add(True)
    assert seen == {True, False}


@EVERY_PLANE
def test_all_pixels_and_flat_images(name: str) -> None:
    plane = PLANES[name]
    rep, regular = plane.group.regular + plane, plane.group.regular
    x = images(rep.dim, 4, 4)
    assert violation(rep, rep, plane, SpatialPool(rep), x) < 1e-12
    assert violation(regular, regular, plane, SpatialPool(regular, "max"), images(regular.dim, 4, 4)) < 1e-12
    # The negative control: a maximum where signs change.
    assert violation(rep, rep, plane, lambda x: x.amax((-2, -1)), x) > 1e-2
    flat = EquivariantFlatten(rep, plane, (4, 4))
    assert violation(rep, flat.rep_out, plane, flat, x) < 1e-12
    assert flat.rep_out.dim == 16 * rep.dim
    with pytest.raises(ShapeError, match=rf"shape \(\.\.\., {rep.dim}, 4, 4\); got"):
        flat(images(rep.dim, 4, 5))
    if name.startswith("flip"):
        flat = EquivariantFlatten(rep, plane, (3, 5))
        assert violation(rep, flat.rep_out, plane, flat, images(rep.dim, 3, 5)) < 1e-12


@pytest.mark.parametrize("reduction", ["max", "mean"])
def test_orbits(reduction: str) -> None:
    """Orbits of different sizes: copies of the regular representation, corners of a square, and an invariant."""
    rep = 2 * D4.regular + cosets(D4.subgroup(4)) + D4.trivial
    pool = GroupPool(rep, reduction)  # pyright: ignore[reportArgumentType]
    assert pool.rep_out == 4 * D4.trivial
    x = torch.randn(5, rep.dim, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    parts = x.split((8, 8, 4, 1), dim=-1)
    expected = torch.stack([part.amax(-1) if reduction == "max" else part.mean(-1) for part in parts], dim=-1)
    torch.testing.assert_close(pool(x), expected)
    for g in D4:
        torch.testing.assert_close(pool(on_features(rep, PLANES["D4"], g, x)), pool(x))
    on_pixels = OnChannels(pool)
    assert violation(rep, pool.rep_out, PLANES["D4"], on_pixels, images(rep.dim, 3, 3)) < 1e-12
    with pytest.raises(ShapeError, match="size 21 on the last axis"):
        pool(x[:, :8])


def test_bad_input() -> None:
    turn, regular = PLANES["C4"], C4.regular
    with pytest.raises(ActivationError, match=r"maximum over windows.*signed permutation\. Use EquivariantAvgPool2d"):
        EquivariantMaxPool2d(turn, 2, turn)
    with pytest.raises(ActivationError, match=r'maximum over pixels.*Use reduction="mean"'):
        SpatialPool(turn, "max")
    with pytest.raises(ActivationError, match=r"orbits of coordinates.*Use EquivariantLinear"):
        GroupPool(Rep(C4, np.array(turn.matrices)), "mean")
    for kind in (SpatialPool, GroupPool):
        with pytest.raises(OptionError, match=r"one of mean, max; got 'sum'"):
            kind(regular, "sum")
    with pytest.raises(OptionError, match=r"at most half a window; got \(2, 2\) for windows of \(3, 3\)"):
        EquivariantAvgPool2d(regular, 3, turn, padding=2)
    with pytest.raises(GroupMismatchError, match="two different groups"):
        EquivariantAvgPool2d(D4.regular, 2, turn)
    with pytest.raises(ShapeError, match=r"heights that fit are 4 and 6; no padding fits 5"):
        EquivariantAvgPool2d(regular, 2, turn, size=(5, 5))
    with pytest.raises(ShapeError, match="Expected images of shape"):
        EquivariantAvgPool2d(regular, 2, turn)(torch.zeros(3, 4, 4))
