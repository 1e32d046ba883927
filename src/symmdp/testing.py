"""Checks that users call in their own tests: is this module equivariant, and does this environment have the symmetry?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gymnasium as gym
import torch
from gymnasium.vector import VectorEnv
from torch import Tensor, nn

from symmdp.errors import GroupMismatchError, OptionError, ShapeError
from symmdp.mdp import LoggedTransitions, Simulator, Symmetry, VerificationReport, verify
from symmdp.representations import Representation

PARTS = ("observation", "reward", "termination", "initial states", "bounds")
_ALLOWED = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 5e-2, torch.float16: 1e-2}


def equivariance_error(
    module: Callable[[Tensor], Tensor],
    rep_in: Representation,
    rep_out: Representation,
    *,
    samples: int = 64,
    generator: torch.Generator | None = None,
    dtype: torch.dtype | None = None,
) -> float:
    """The largest relative violation of equivariance, over every element of the group (generators, where it is not listed).

    `max_g max_x ‖f(ρ_in(g) x) - ρ_out(g) f(x)‖_∞ / max(1, ‖f(x)‖_∞)` for standard normal `x`. The representations are
    applied in float64.

    Args:
        module: a function of tensors of shape `(samples, in)`, with values of shape `(samples, out)`.
        rep_in: the representation on its input.
        rep_out: the representation on its output.
        samples: the number of inputs.
        generator: where inputs are drawn from; a generator with seed 0 when not given.
        dtype: of the inputs; that of the module's parameters when not given.

    Raises:
        ShapeError: the output does not have the size of `rep_out`, or is no tensor.
        GroupMismatchError: the representations are of two groups.
        OptionError: there are no samples.
    """
    return max(_errors(module, rep_in, rep_out, samples, generator, dtype))


def assert_equivariant(
    module: Callable[[Tensor], Tensor],
    rep_in: Representation,
    rep_out: Representation,
    *,
    tolerance: float | None = None,
    samples: int = 64,
    generator: torch.Generator | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Raise AssertionError, naming the element at fault, unless `equivariance_error` is at most `tolerance`.

    Args:
        module: as in `equivariance_error`, like the other arguments.
        rep_in: the representation on its input.
        rep_out: the representation on its output.
        tolerance: 1e-12 for float64, 1e-5 for float32 when not given.
        samples: the number of inputs.
        generator: where inputs are drawn from.
        dtype: of the inputs; that of the module's parameters when not given.

    Raises:
        AssertionError: the error is larger, or is not a number.
        ShapeError, GroupMismatchError, OptionError: as in `equivariance_error`.
    """
    dtype = dtype or _dtype_of(module)
    allowed = _ALLOWED.get(dtype, 1e-5) if tolerance is None else tolerance
    errors = _errors(module, rep_in, rep_out, samples, generator, dtype)
    worst = max(range(len(errors)), key=lambda g: (errors[g] != errors[g], errors[g]))
    if not errors[worst] <= allowed:
        raise AssertionError(
            f"Not equivariant: for element {worst} of {rep_in.group.name}, f(ρ_in(g) x) and ρ_out(g) f(x) differ by "
            f"{errors[worst]:.2g} (relative), more than {allowed:.0e} in {dtype}."
        )


def check_symmetry(
    env: str | gym.Env | VectorEnv,
    symmetry: Symmetry,
    *,
    samples: int = 2000,
    tolerance: float = 1e-6,
    seed: int = 0,
    simulator: Simulator | None = None,
    transitions: LoggedTransitions | None = None,
    ignore: Sequence[str] = (),
) -> VerificationReport:
    """Raise AssertionError, with the whole report, unless `symmdp.verify` finds the environment symmetric.

    Args:
        env: as in `symmdp.verify`, like the other arguments.
        symmetry: to be checked.
        samples: how many states.
        tolerance: the largest scaled error that is no violation.
        seed: of states, actions and resets.
        simulator: used instead of the one that `env` has.
        transitions: logged ones, in place of a simulator, tested statistically; `samples` plays no role.
        ignore: parts that may differ, such as `"initial states"`.

    Returns:
        The report, when nothing differs.

    Raises:
        AssertionError: a part that is not ignored differs, or could not be checked.
        OptionError: `ignore` names an unknown part; and whatever `symmdp.verify` raises.
    """
    unknown = [part for part in ignore if part not in PARTS]
    if unknown or isinstance(ignore, str):
        raise OptionError(f"ignore lists parts of a report, {', '.join(map(repr, PARTS))}; got {ignore!r}.")
    report = verify(
        env, symmetry, samples=samples, tolerance=tolerance, seed=seed, simulator=simulator, transitions=transitions
    )
    if any(part.part not in ignore and part.passed is not True for part in report.parts):
        raise AssertionError(f"\n{report}")
    return report


def _errors(
    module: Callable[[Tensor], Tensor],
    rep_in: Representation,
    rep_out: Representation,
    samples: int,
    generator: torch.Generator | None,
    dtype: torch.dtype | None,
) -> list[float]:
    if rep_in.group != rep_out.group:
        raise GroupMismatchError(f"The input is moved by {rep_in.group!r}, the output by {rep_out.group!r}; give one group.")
    if not isinstance(samples, int) or samples < 1:
        raise OptionError(f"samples must be an integer of at least 1; got {samples!r}.")
    generator = generator or torch.Generator().manual_seed(0)
    dtype = dtype or _dtype_of(module)
    device = next((p.device for p in module.parameters()), None) if isinstance(module, nn.Module) else None
    x = torch.randn(samples, rep_in.dim, generator=generator, dtype=torch.float64).to(dtype)
    errors = []
    with torch.no_grad():
        found = module(x.to(device))
        if not isinstance(found, Tensor):
            raise ShapeError(f"Expected one tensor of outputs; the module gave a {type(found).__name__}. Check a part of it.")
        y = found.double().cpu()
        if y.shape != (samples, rep_out.dim):
            raise ShapeError(f"Expected outputs of shape ({samples}, {rep_out.dim}); the module gave {tuple(y.shape)}.")
        for g in rep_in.group.numbered:
            moved = _moved(rep_in, g, x.double())
            image = module(moved.to(dtype).to(device)).double().cpu()
            expected = _moved(rep_out, g, y)
            errors.append(float(((image - expected).abs() / y.abs().max().clamp_min(1)).max()))
    return errors


def _moved(rep: Representation, g: int, x: Tensor) -> Tensor:
    """`ρ(g) x` of vectors on the last axis; the matrices of images, which may be huge, are not written out."""
    if rep.source is not None and rep.sign is not None:
        return x[..., torch.tensor(rep.source[g])] * torch.tensor(rep.sign[g], dtype=x.dtype)
    return x @ torch.tensor(rep(g), dtype=x.dtype).T


def _dtype_of(module: Callable[[Tensor], Tensor]) -> torch.dtype:
    if isinstance(module, nn.Module):
        return next((p.dtype for p in module.parameters()), torch.get_default_dtype())
    return torch.get_default_dtype()
