"""Time of equivariant layers over plain ones of the same width, measured in turn in one run.

Hidden regular representations; two threads. Every ratio is the median over rounds of (equivariant / plain), the two timed
one after the other in each round, so that a change in the machine's speed hits both. Also: a two-layer policy network, and
the construction of large layers.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from _record import record
from symmdp import groups
from symmdp.maps import EquivariantMaps
from symmdp.nn import EquivariantLinear, EquivariantMLP
from symmdp.representations import Representation, imprimitive

GROUPS = {"C2": groups.cyclic(2), "C4": groups.cyclic(4), "D4": groups.dihedral(4), "C8": groups.cyclic(8)}
Call = Callable[[], object]


def seconds(call: Call, least: float = 0.02) -> float:
    """The mean of as many calls as take `least` seconds, after one that is not counted."""
    call()
    count, began = 0, time.perf_counter()
    while (now := time.perf_counter()) - began < least or count < 3:
        call()
        count += 1
    return (now - began) / max(count - 1, 1) if count > 3 else (time.perf_counter() - began) / count


def compared(equivariant: Call, plain: Call, rounds: int) -> dict[str, float]:
    """Medians of both, in microseconds, and of their ratio."""
    timed = [(seconds(equivariant), seconds(plain)) for _ in range(rounds)]
    return {
        "microseconds": round(statistics.median(t for t, _ in timed) * 1e6, 1),
        "plain_microseconds": round(statistics.median(t for _, t in timed) * 1e6, 1),
        "ratio": round(statistics.median(a / b for a, b in timed), 3),
    }


def forward_backward(module: torch.nn.Module, x: torch.Tensor) -> Call:
    parameters = [x, *module.parameters()]
    gradient = torch.randn_like(module(x))
    return lambda: torch.autograd.grad(module(x), parameters, gradient)


def forward(module: torch.nn.Module, x: torch.Tensor) -> Call:
    def call() -> object:
        with torch.no_grad():
            return module(x)

    return call


def layers(widths: list[int], batches: list[int], rounds: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for width in widths:
        plain = torch.nn.Linear(width, width)
        for name, group in GROUPS.items():
            rep = width // group.order * group.regular
            layer = EquivariantLinear(rep, rep)
            for batch in batches:
                x = torch.randn(batch, width, requires_grad=True)
                for what, call in (("training", forward_backward), ("no grad", forward)):
                    found = compared(call(layer, x), call(plain, x), rounds)
                    about = {"what": what, "group": name, "width": width, "batch": batch, "mode": layer.mode}
                    rows.append({**about, **found})
                    print(
                        f"{what:9s} {name:3s} width {width:4d} batch {batch:4d} {layer.mode:9s} {found['ratio']:7.3f} ×",
                        flush=True,
                    )
    return rows


def networks(rounds: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for width in (64, 256):
        c2 = groups.cyclic(2)
        state = Representation(c2, [torch.eye(4).numpy(), -torch.eye(4).numpy()])
        network = EquivariantMLP(state, c2.regular, (width, width))
        linear, tanh = torch.nn.Linear, torch.nn.Tanh
        plain = torch.nn.Sequential(linear(4, width), tanh(), linear(width, width), tanh(), linear(width, 2))
        x = torch.randn(256, 4, requires_grad=True)
        found = compared(forward_backward(network, x), forward_backward(plain, x), rounds)
        rows.append({"what": "policy", "group": "C2", "width": width, "batch": 256, "mode": "auto", **found})
        print(f"policy    C2  width {width:4d} batch  256 auto      {found['ratio']:7.3f} ×", flush=True)
    return rows


def construction() -> list[dict[str, object]]:
    c8 = groups.cyclic(8)
    rep = 64 * c8.regular
    c2 = groups.cyclic(2)
    coordinates = imprimitive(groups.wreath_product(c2, 16), Representation(c2, [[[1]], [[-1]]]), 16)
    cases: list[tuple[str, str, int, Call]] = [
        ("construction", "C8", 512, lambda: EquivariantLinear(rep, rep)),
        ("construction tied", "C8", 512, lambda: EquivariantLinear(rep, rep, mode="tied")),
        ("maps", "C2 ≀ S16", 32, lambda: EquivariantMaps(2 * coordinates, 2 * coordinates).tied),
    ]
    rows: list[dict[str, object]] = []
    for what, name, width, call in cases:
        call()
        measured = statistics.median(seconds(call, 0.05) for _ in range(5))
        about = {"what": what, "group": name, "width": width, "batch": 0, "mode": "auto"}
        rows.append({**about, "microseconds": round(measured * 1e6, 1), "plain_microseconds": "", "ratio": ""})
        print(f"{what} {name} width {width}: {measured * 1e3:.1f} ms", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widths", type=int, nargs="+", default=[64, 128, 256, 512, 1024])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 256, 1024])
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(2)
    torch.manual_seed(0)
    rows = layers(options.widths, options.batches, options.rounds)
    rows += networks(options.rounds) + construction()
    print(f"raw results: {record('layers', rows)}")


if __name__ == "__main__":
    main()
