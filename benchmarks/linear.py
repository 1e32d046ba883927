"""Time of an equivariant linear layer over that of `torch.nn.Linear` of the same width, measured in turn.

Hidden regular representations; two threads. Each ratio is the median over rounds of (median equivariant / median plain),
the two timed one after the other in every round, so that a change in the machine's speed hits both.
"""

import argparse
import statistics
from collections.abc import Callable

import torch
from torch.utils.benchmark import Timer

from _record import record
from symmdp import groups
from symmdp.nn import EquivariantLinear

GROUPS = {
    "trivial": groups.trivial(),
    "C2": groups.cyclic(2),
    "C4": groups.cyclic(4),
    "D4": groups.dihedral(4),
    "C8": groups.cyclic(8),
}


def seconds(call: Callable[[], object]) -> float:
    timer = Timer("call()", globals={"call": call}, num_threads=torch.get_num_threads())
    return timer.blocked_autorange(min_run_time=0.05).median


def forward_backward(layer: torch.nn.Module, x: torch.Tensor) -> Callable[[], object]:
    parameters = [x, *layer.parameters()]
    gradient = torch.ones(x.shape[0], x.shape[1])
    return lambda: torch.autograd.grad(layer(x), parameters, gradient)


def forward(layer: torch.nn.Module, x: torch.Tensor) -> Callable[[], object]:
    def call() -> object:
        with torch.no_grad():
            return layer(x)

    return call


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widths", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 256])
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(2)
    rows = []
    for width in options.widths:
        plain = torch.nn.Linear(width, width)
        for batch in options.batches:
            for name, group in GROUPS.items():
                rep = width // group.order * group.regular
                layer = EquivariantLinear(rep, rep)
                x = torch.randn(batch, width, requires_grad=True)
                row: dict[str, object] = {"width": width, "batch": batch, "group": name}
                for what, call in (("forward_backward", forward_backward), ("forward_no_grad", forward)):
                    timed = [(seconds(call(layer, x)), seconds(call(plain, x))) for _ in range(options.rounds)]
                    row[f"{what}_microseconds"] = round(statistics.median(t for t, _ in timed) * 1e6, 1)
                    row[f"{what}_plain_microseconds"] = round(statistics.median(t for _, t in timed) * 1e6, 1)
                    row[f"{what}_ratio"] = round(statistics.median(a / b for a, b in timed), 3)
                rows.append(row)
                print(
                    f"width {width:4d}  batch {batch:4d}  {name:8s} forward + backward {row['forward_backward_ratio']:6} ×"
                    f"   forward without gradients {row['forward_no_grad_ratio']:6} ×",
                    flush=True,
                )
    print(f"raw results: {record('linear', rows)}")


if __name__ == "__main__":
    main()
