import json
import multiprocessing
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from symmdp.catalogue import symmetry_of
from symmdp.errors import OptionError, RunDirectoryError, SymmetryError, WorkerError
from symmdp.experiments import Run, Setup, compare
from symmdp.training import TrainingOptions

OPTIONS = TrainingOptions(
    total_steps=256, environments=4, rollout_steps=32, epochs=1, minibatch=64, hidden=(8,), solved_at=475.0
)
SYMMETRY = symmetry_of("CartPole-v1")


LONG = replace(OPTIONS, total_steps=40_000)


class Quiet:
    """Progress that says nothing."""

    def start(self, label: str, total: int) -> None:
        pass

    def update(self, step: int, mean_return: float | None) -> None:
        pass

    def stop(self) -> None:
        pass


class Interrupt:
    """Progress that sends SIGINT to this process, as Ctrl-C does, when the first method reports its first update."""

    def __init__(self) -> None:
        self.sent = False

    def __call__(self) -> "Interrupt":
        return self

    def start(self, label: str, total: int) -> None:
        pass

    def update(self, step: int, mean_return: float | None) -> None:
        if not self.sent:
            self.sent = True
            os.kill(os.getpid(), signal.SIGINT)

    def stop(self) -> None:
        pass


def test_trains_both_methods_and_writes_results_and_figures(tmp_path: Path) -> None:
    found = compare("CartPole-v1", SYMMETRY, OPTIONS, [0, 3], tmp_path / "c")
    assert found.finished
    assert [result.method for result in found.results] == ["equivariant", "plain"]
    assert all(result.seeds == (0, 3) for result in found.results)
    names = {path.name for path in (tmp_path / "c").iterdir()}
    figures = {f"{name}.{kind}" for name in ("learning_curves", "mirror_image") for kind in ("png", "pdf")}
    assert names == {"config.json", "equivariant", "plain", "results.json", "results.csv", "report.html", *figures}
    assert found.report == tmp_path / "c" / "report.html"
    assert not found.tunings
    assert json.loads((tmp_path / "c" / "results.json").read_text())["headline"] == found.headline
    small, large = sorted(result.parameters for result in found.results)
    assert large <= 1.2 * small


@pytest.mark.slow
def test_interrupted_and_resumed_equals_unbroken(tmp_path: Path) -> None:
    compare("CartPole-v1", SYMMETRY, LONG, [0, 1], tmp_path / "unbroken")
    broken = tmp_path / "broken"
    first = compare("CartPole-v1", SYMMETRY, LONG, [0, 1], broken, progress=Interrupt())
    assert not first.finished
    assert not (broken / "results.json").exists()
    assert Setup.load(broken) == Setup("CartPole-v1", None, (0, 1), LONG, methods=("equivariant", "plain"))
    assert compare("CartPole-v1", SYMMETRY, LONG, [0, 1], broken, resume=True).finished
    for method in ("equivariant", "plain"):
        texts = [(tmp_path / which / method / "episodes.csv").read_bytes() for which in ("unbroken", "broken")]
        assert texts[0] == texts[1]


@pytest.mark.slow
def test_a_method_that_never_began_is_trained_when_resuming(tmp_path: Path) -> None:
    assert compare("CartPole-v1", SYMMETRY, OPTIONS, [0], tmp_path / "c").finished
    shutil.rmtree(tmp_path / "c" / "plain")
    assert compare("CartPole-v1", SYMMETRY, OPTIONS, [0], tmp_path / "c", resume=True).finished
    assert Run.load(tmp_path / "c" / "plain").method == "plain"


@pytest.mark.slow
def test_several_methods_interrupted_and_resumed(tmp_path: Path) -> None:
    """One method at a time: of three, one has finished, one is stopped, and one has not begun."""
    methods = ("canonicalization", "nullspace-basis", "augmentation")
    options = replace(OPTIONS, total_steps=2048)

    def run(name: str, **arguments):
        return compare("CartPole-v1", SYMMETRY, options, [0, 3], tmp_path / name, methods=methods, workers=1, **arguments)

    interrupt = iter([Quiet(), Interrupt(), Quiet()])
    assert not run("broken", progress=lambda: next(interrupt)).finished
    broken = tmp_path / "broken"
    assert not (broken / "augmentation").exists()
    assert Setup.load(broken).methods == methods
    before = {name: (broken / "canonicalization" / name).read_bytes() for name in ("episodes.csv", "metrics.csv")}
    seconds = Run.load(broken / "canonicalization").seconds
    found = run("broken", resume=True)
    assert found.finished
    assert [result.method for result in found.results] == list(methods)
    # What had finished is not trained again.
    assert Run.load(broken / "canonicalization").seconds == seconds
    assert all((broken / "canonicalization" / name).read_bytes() == text for name, text in before.items())
    assert run("unbroken").finished
    for method in methods:
        texts = [(tmp_path / which / method / "episodes.csv").read_bytes() for which in ("unbroken", "broken")]
        assert texts[0] == texts[1]
    with pytest.raises(OptionError, match="methods"):
        compare("CartPole-v1", SYMMETRY, options, [0, 3], broken, methods=methods[:2], resume=True)


def test_each_method_has_its_learning_rate(tmp_path: Path) -> None:
    rates = {"plain": 0.02}
    arguments = {"methods": ("equivariant", "plain"), "learning_rates": rates}
    assert compare("CartPole-v1", SYMMETRY, OPTIONS, [0], tmp_path / "c", **arguments).finished
    used = [
        json.loads((tmp_path / "c" / m / "config.json").read_text())["options"]["learning_rate"] for m in arguments["methods"]
    ]
    assert used == [OPTIONS.learning_rate, 0.02]
    assert Setup.load(tmp_path / "c").method_rates == rates
    with pytest.raises(OptionError, match="learning_rates"):
        compare("CartPole-v1", SYMMETRY, OPTIONS, [0], tmp_path / "c", resume=True)


@pytest.mark.parametrize("methods", [(), ("plain", "plain"), ("plain", "square")])
def test_bad_methods_write_nothing(tmp_path: Path, methods: tuple[str, ...]) -> None:
    with pytest.raises(OptionError, match=r"each once|no method 'square'"):
        compare("CartPole-v1", SYMMETRY, OPTIONS, [0], tmp_path / "c", methods=methods)
    with pytest.raises(OptionError, match="'square', which is not compared"):
        compare("CartPole-v1", SYMMETRY, OPTIONS, [0], tmp_path / "c", learning_rates={"square": 0.1})
    with pytest.raises(OptionError, match="learning_rate must be"):
        compare("CartPole-v1", SYMMETRY, OPTIONS, [0], tmp_path / "c", learning_rates={"plain": -0.1})
    assert not (tmp_path / "c").exists()


@pytest.mark.slow
def test_a_method_whose_process_dies(tmp_path: Path) -> None:
    class Killer(Quiet):
        def update(self, step: int, mean_return: float | None) -> None:
            for child in multiprocessing.active_children():
                os.kill(child.pid or 0, signal.SIGKILL)

    methods = ("equivariant", "plain", "mirror-loss")
    options = replace(OPTIONS, total_steps=2048)
    logs = iter([Quiet(), Killer()])
    with pytest.raises(WorkerError, match=r"trained plain policies.*died \(exit code -9\).*resume the comparison in"):
        compare("CartPole-v1", SYMMETRY, options, [0], tmp_path / "c", methods=methods, workers=1, progress=lambda: next(logs))
    assert Run.load(tmp_path / "c" / "equivariant").total_steps == 2048
    found = compare("CartPole-v1", SYMMETRY, options, [0], tmp_path / "c", methods=methods, resume=True)
    assert [result.method for result in found.results] == list(methods)


@pytest.mark.parametrize("seeds", [[], [0, 0], [-1]])
def test_bad_seeds_write_nothing(tmp_path: Path, seeds: list[int]) -> None:
    with pytest.raises(OptionError):
        compare("CartPole-v1", SYMMETRY, OPTIONS, seeds, tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_trivial_symmetry_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SymmetryError, match="trivial group"):
        compare("CartPole-v1", SYMMETRY.restrict_to_trivial(), OPTIONS, [0], tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunDirectoryError, match="never overwritten"):
        compare("CartPole-v1", SYMMETRY, OPTIONS, [0], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_resuming_something_else_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / "c"
    with pytest.raises(RunDirectoryError, match="no run directory"):
        compare("CartPole-v1", SYMMETRY, OPTIONS, [0], directory, resume=True)
    compare("CartPole-v1", SYMMETRY, OPTIONS, [0], directory)
    with pytest.raises(OptionError, match="learning_rate"):
        compare("CartPole-v1", SYMMETRY, replace(OPTIONS, learning_rate=0.5), [0], directory, resume=True)
    with pytest.raises(OptionError, match="seeds"):
        compare("CartPole-v1", SYMMETRY, OPTIONS, [1], directory, resume=True)
    with pytest.raises(RunDirectoryError, match="not a comparison"):
        compare("CartPole-v1", SYMMETRY, OPTIONS, [0], directory / "equivariant", resume=True)
