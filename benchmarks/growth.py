"""How the cost of an equivariant layer grows: over a plain one, against the width and against the order of the group.

Forward and backward at batch 256, two threads, hidden regular representations; measured as in layers.py. The figure is
drawn from the raw results: `--draw-only` draws it again.
"""

import argparse
import csv
from pathlib import Path

import torch

from _record import record
from layers import compared, forward_backward
from symmdp import groups
from symmdp.groups import Group
from symmdp.nn import EquivariantLinear
from symmdp.nn._linear import Mode

BATCH = 256
WIDTHS = [64, 128, 256, 512, 1024]
OF_WIDTH = {"C2": groups.cyclic(2), "C4": groups.cyclic(4), "D4": groups.dihedral(4), "C8": groups.cyclic(8)}
OF_ORDER = {
    "C2": groups.cyclic(2),
    "C4": groups.cyclic(4),
    "S3": groups.symmetric(3),
    "D4": groups.dihedral(4),
    "A4": groups.alternating(4),
    "S4": groups.symmetric(4),
    "A5": groups.alternating(5),
    "S5": groups.symmetric(5),
}
ORDER_WIDTHS = [240, 960]  # multiples of every order
ROOT = Path(__file__).parents[1]
FIGURE = ROOT / "docs" / "figures" / "growth.png"
INK, FAINT = "#222222", "#767676"
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7"]


def measure(what: str, name: str, group: Group, width: int, mode: Mode, rounds: int) -> dict[str, object]:
    """One row."""
    rep = width // group.order * group.regular
    layer, plain = EquivariantLinear(rep, rep, mode=mode), torch.nn.Linear(width, width)
    x = torch.randn(BATCH, width, requires_grad=True)
    found = compared(forward_backward(layer, x), forward_backward(plain, x), rounds)
    print(f"{what:6s} {name:3s} order {group.order:4d} width {width:5d} {mode:9s} {found['ratio']:7.3f} ×", flush=True)
    about = {"what": what, "group": name, "order": group.order, "width": width, "mode": mode, "chosen": layer.mode}
    return {**about, "parameters": sum(p.numel() for p in layer.parameters()), **found}


def rows(rounds: int) -> list[dict[str, object]]:
    """All rows: first against the width, then against the order."""
    found = [measure("width", name, group, w, "auto", rounds) for name, group in OF_WIDTH.items() for w in WIDTHS]
    for width in ORDER_WIDTHS:
        for name, group in OF_ORDER.items():
            modes: list[Mode] = ["auto", "tied", "isotypic"]
            found += [measure("order", name, group, width, mode, rounds) for mode in modes]
    return found


def draw(table: list[dict[str, str]], path: Path) -> None:
    """Ratio against width, and against order; a plain layer is the line at 1."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for colour, name in zip(COLOURS, OF_WIDTH, strict=True):
        points = [(int(r["width"]), float(r["ratio"])) for r in table if r["what"] == "width" and r["group"] == name]
        left.plot(*zip(*points, strict=True), marker="o", color=colour, label=name)
    left.set_xscale("log", base=2)
    left.set_xticks(WIDTHS, map(str, WIDTHS))
    left.set_xlabel("width")
    left.set_ylabel("time / time of torch.nn.Linear")
    left.legend(frameon=False, title="group")
    left.set_title("against the width", loc="left", color=INK)
    for colour, width in zip(COLOURS, ORDER_WIDTHS, strict=False):
        for mode, style in (("auto", "-"), ("tied", ":"), ("isotypic", "--")):
            chosen = [r for r in table if r["what"] == "order" and int(r["width"]) == width and r["mode"] == mode]
            points = sorted((int(r["order"]), float(r["ratio"])) for r in chosen)
            strong = mode == "auto"
            right.plot(
                *zip(*points, strict=True),
                style,
                marker="o" if strong else None,
                color=colour,
                alpha=1 if strong else 0.55,
                linewidth=2 if strong else 1.2,
                label=f"width {width}" if strong else f"… mode={mode}",
            )
    right.set_xscale("log")
    orders = {int(r["order"]): r["group"] for r in table if r["what"] == "order"}
    right.set_xticks(list(orders), [f"{name}\n{order}" for order, name in orders.items()])
    right.minorticks_off()
    right.set_xlabel("group and its order")
    right.legend(frameon=False)
    right.set_title("against the order of the group", loc="left", color=INK)
    for axes in (left, right):
        axes.axhline(1, color=FAINT, linewidth=1.2)
        axes.set_yscale("log", base=2)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.spines[["top", "right"]].set_visible(False)
    left.annotate("a plain layer", (WIDTHS[-1], 1), (0, 4), textcoords="offset points", ha="right", color=FAINT)
    figure.suptitle(
        f"Forward + backward of an equivariant layer, batch {BATCH}", x=0.01, ha="left", fontweight="bold", color=INK
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=160, facecolor="white")


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a raw result."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--draw-only", action="store_true", help="draw the figure from the raw results that are there")
    options = parser.parse_args()
    path = Path(__file__).parent / "results" / "growth.csv"
    if not options.draw_only:
        torch.set_num_threads(2)
        torch.manual_seed(0)
        path = record("growth", rows(options.rounds))
    draw(read(path), FIGURE)
    print(f"raw results: {path}\nfigure: {FIGURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
