"""The benchmarks' own parts that could break without a sign: no time is measured here."""

import csv
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def load(name: str) -> ModuleType:
        monkeypatch.delitem(sys.modules, name, raising=False)
        return __import__(name)

    return load


def test_the_growth_figure_is_drawn_from_its_raw_results(script, tmp_path: Path) -> None:
    growth = script("growth")
    rows = [
        {"what": "width", "group": name, "order": 2, "width": w, "mode": "auto"}
        for name in growth.OF_WIDTH
        for w in growth.WIDTHS
    ]
    rows += [
        {"what": "order", "group": name, "order": group.order, "width": width, "mode": mode}
        for name, group in growth.OF_ORDER.items()
        for width in growth.ORDER_WIDTHS
        for mode in ("auto", "tied", "isotypic")
    ]
    raw = tmp_path / "growth.csv"
    with raw.open("w", newline="") as file:
        file.write("# a header\n")
        writer = csv.DictWriter(file, [*rows[0], "ratio"])
        writer.writeheader()
        writer.writerows({**row, "ratio": 1.5} for row in rows)
    growth.draw(growth.read(raw), tmp_path / "figures" / "growth.png")
    assert (tmp_path / "figures" / "growth.png").stat().st_size > 10_000


def test_every_order_divides_the_widths(script) -> None:
    growth = script("growth")
    assert max(group.order for group in growth.OF_ORDER.values()) == 120
    assert all(width % group.order == 0 for width in growth.ORDER_WIDTHS for group in growth.OF_ORDER.values())


def test_a_peer_that_does_not_install_is_reported_and_the_others_go_on(script, tmp_path: Path, monkeypatch) -> None:
    peers = script("peers")

    def install(peer, folder):
        return Path(sys.executable), "no wheel for this Python" if peer.name == "broken" else None

    def measure(python, worker, group, width, rounds):
        return {"construction_ms": 1.0, "microseconds": 2.0, "plain_microseconds": 1.0, "ratio": 2.0}

    monkeypatch.setattr(peers, "install", install)
    monkeypatch.setattr(peers, "measure", measure)
    broken, good = (peers.Peer(name, (("nothing",),), ("numpy",)) for name in ("broken", "good"))
    rows = peers.compare(tmp_path, 1, (broken, good))
    assert [row["library"] for row in rows] == [name for name in ("symmdp", "broken", "good") for _ in peers.CASES]
    assert {row["problem"] for row in rows if row["library"] == "broken"} == {"no wheel for this Python"}
    assert {row["ratio"] for row in rows if row["library"] == "good"} == {2.0}


def test_a_requirement_that_does_not_exist_gives_its_reason(script, tmp_path: Path) -> None:
    peers = script("peers")
    absent = tmp_path / "absent-1.0.whl"
    _, problem = peers.install(peers.Peer("absent", ((str(absent),),), ()), tmp_path)
    assert problem is not None
    assert "absent" in problem
    assert not (tmp_path / "absent" / ".installed").exists()


def test_workers_that_fail_or_print_nothing_are_reported(script, tmp_path: Path) -> None:
    peers = script("peers")
    worker = tmp_path / "worker.py"
    worker.write_text("raise SystemExit('no such group')")
    assert peers.measure(Path(sys.executable), worker, "C4", 64, 1) == {"problem": "no such group"}
    assert all(peer.worker.exists() for peer in peers.PEERS)


def test_the_finite_mdps_have_the_symmetries_that_they_are_made_with(script, monkeypatch: pytest.MonkeyPatch) -> None:
    finite = script("finite")
    measured = finite.measure(finite.torus_of_agents(2, 3), "value iteration")
    assert measured["states of the image"] == 3  # both in one cell, beside one another, or diagonally so
    lake = finite.frozen_lake(11)
    assert finite.measure(lake, "policy iteration")["states of the image"] < lake.states / 4
    monkeypatch.setattr(finite, "AGREE", -1.0)
    with pytest.raises(SystemExit, match="the values differ"):
        finite.measure(lake, "value iteration")


def test_the_reproduction_is_drawn_from_its_raw_results(script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = script("draw_reproduction")
    monkeypatch.setattr(draw, "RESULTS", tmp_path)
    monkeypatch.setattr(draw, "FIGURE", tmp_path / "reproduction.png")
    tables = {name: [""] for name in ("sample_efficiency_cartpole", "sample_efficiency_grid_world", "pong")}
    for name, environments in (tables | {"locomotion": ["Swimmer-v5", "Walker2d-v5"]}).items():
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            file.write("# a header\nenvironment,method,seed,step,return\n")
            for environment in environments:
                for method, slope in (("equivariant", 2), ("plain", 1)):
                    for seed in range(3):
                        file.writelines(f"{environment},{method},{seed},{t * 10},{slope * t}\n" for t in range(40))
    curves = draw.curves_of("locomotion", "Swimmer-v5", window=20)
    steps, values = curves["equivariant"][2]
    assert steps[0] == 190
    assert values[0] == 2 * 9.5  # the mean of the first 20 returns
    assert steps[-1] == 390
    draw.main()
    assert (tmp_path / "reproduction.png").stat().st_size > 10_000
