from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from symmdp.experiments._number import number
from symmdp.experiments._results import COLUMNS, MethodResult, improvements, results_csv
from symmdp.experiments._run import Run
from symmdp.experiments.report._elements import Child, element
from symmdp.experiments.report._experiment import Tuning
from symmdp.experiments.report._key import key
from symmdp.experiments.report._numbers import bounded, bounded_steps, plain, steps


def table(head: Sequence[Child], rows: Sequence[Sequence[Child]], caption: str, *, texts: int = 1) -> Element:
    """A table in a box of its own that scrolls.

    Args:
        head: of the columns.
        rows: of cells; the first heads its row.
        caption: what the table says.
        texts: columns at the left that hold texts; the others hold numbers, and are aligned at the right.
    """
    titles = [element("th", title, scope="col", class_=None if k < texts else "number") for k, title in enumerate(head)]
    body = [
        element(
            "tr",
            element("th", row[0], scope="row"),
            [element("td", cell, class_=None if k < texts else "number") for k, cell in enumerate(row[1:], start=1)],
        )
        for row in rows
    ]
    found = element("table", element("caption", caption), element("thead", element("tr", titles)), element("tbody", body))
    return element("div", found, class_="scroll", tabindex="0", role="region", aria_label=caption)


def result_table(results: Sequence[MethodResult]) -> Element:
    """A row for each method: its size, what it reached, and what that cost."""
    solves = results[0].threshold is not None
    head = ["method", "parameters", "learning rate"]
    if solves:
        head += ["solved", "steps to solve: median seed [95 %]", "quartiles", "the median return is there at [95 %]"]
    head += ["diverged", "final return: IQM [95 %]", "area under the curve: IQM [95 %]", "seconds", "steps/s"]
    rows = []
    for k, result in enumerate(results):
        low, median, high = result.quartiles
        cells: list[Child] = [key(result.method, k), f"{result.parameters:,}", _rate(result.learning_rate)]
        if solves:
            cells += [
                f"{result.solved}/{len(result.seeds)}",
                bounded_steps(median, result.steps_interval),
                f"{steps(low)} – {steps(high)}",
                bounded_steps(result.median_reaches, result.median_reaches_interval),
            ]
        cells += [
            f"{len(result.failures)}/{len(result.seeds)}",
            bounded(result.final_return, result.interval),
            bounded(result.area, result.area_interval),
            number(result.seconds),
            number(result.rate, 0),
        ]
        rows.append(cells)
    return table(head, rows, "Results of each method, over all its seeds")


def improvement_table(results: Sequence[MethodResult]) -> Element:
    """How probably a seed of the first method is better than one of each other."""
    first = results[0].method
    rows = [
        [key(method, k), *(_probability(*found[name]) for name in ("final_return", "area_under_curve"))]
        for k, (method, found) in enumerate(improvements(results).items(), start=1)
    ]
    head = ["instead of", "better final return [95 %]", "larger area under the curve [95 %]"]
    return table(head, rows, f"Probability that a random seed of {first} is better (ties count half)")


def seed_table(results: Sequence[MethodResult]) -> Element:
    """The numbers of every seed, and the same as a file to save."""
    rows: list[list[Child]] = []
    for k, result in enumerate(results):
        diverged = {failure.seed: failure for failure in result.failures}
        for seed, solved, final, area in zip(
            result.seeds, result.steps_to_solve, result.final_returns, result.areas, strict=True
        ):
            failure = diverged.get(seed)
            failed = "–" if failure is None else f"{failure.step:,}" + (f": {failure.reason}" if failure.reason else "")
            numbers = [str(seed), _rate(result.learning_rate), steps(solved), number(final), number(area), failed]
            rows.append([key(result.method, k), *numbers])
    head = [name.replace("_", " ") for name in COLUMNS]
    content = base64.b64encode(results_csv(results).encode()).decode()
    link = element("a", "Save as results.csv", href=f"data:text/csv;base64,{content}", download="results.csv")
    return element(
        "details",
        element("summary", f"Every seed ({len(rows)} rows)"),
        table(head, rows, "Numbers of every seed"),
        element("p", link),
    )


def tuning_table(tunings: Sequence[Tuning]) -> Element:
    """The score of each learning rate that was tried, the chosen one marked."""
    rates = sorted({rate for tuning in tunings for rate in tuning.rates})
    rows = []
    for tuning in tunings:
        scores = dict(zip(tuning.rates, tuning.scores, strict=True))
        cells: list[Child] = [tuning.method, " ".join(str(seed) for seed in tuning.seeds)]
        for rate in rates:
            text = number(scores[rate]).replace("-", "−") if rate in scores else ""
            cells.append(element("strong", f"{text} ✓") if rate == tuning.chosen else text)
        rows.append(cells)
    head = ["method", "seeds", *(_rate(rate) for rate in rates)]
    return table(head, rows, "Score of each learning rate that was tried; ✓ marks the chosen one", texts=2)


def option_table(runs: Sequence[Run]) -> Element:
    """Every option of the runs; a value that differs between methods is given for each."""
    own = {run.method: _options(run) for run in runs}
    names = list(dict.fromkeys(name for options in own.values() for name in options))
    rows = [
        [element("code", name), _shared({m: plain(o[name]) if name in o else "–" for m, o in own.items()})] for name in names
    ]
    return table(["option", "value"], rows, "All options of the training", texts=2)


def version_table(runs: Sequence[Run]) -> Element:
    """Versions of packages, and the revision of the code."""
    own = {run.method: _versions(run) for run in runs}
    names = list(dict.fromkeys(name for versions in own.values() for name in versions))
    rows = [[name, _shared({method: versions.get(name, "–") for method, versions in own.items()})] for name in names]
    return table(["package", "version"], rows, "Versions", texts=2)


def _options(run: Run) -> dict[str, object]:
    found = dict(run.config.get("options", {}))
    return found | {
        "hidden (of the method)": list(run.hidden),
        "group (of the method)": run.group,
        "seeds": " ".join(str(seed) for seed in run.seeds),
    }


def _versions(run: Run) -> dict[str, str]:
    versions = run.config.get("versions")
    found = {str(name): str(value) for name, value in versions.items()} if isinstance(versions, Mapping) else {}
    return found | {"git revision": str(run.config.get("git_revision") or "not recorded")}


def _shared(values: Mapping[str, str]) -> list[Child]:
    distinct = set(values.values())
    if len(distinct) == 1:
        return [distinct.pop()]
    return [element("span", f"{method}: {value}", class_="each") for method, value in values.items()]


def _probability(value: float, interval: tuple[float, float]) -> str:
    return f"{number(value, 2)} [{number(interval[0], 2)} – {number(interval[1], 2)}]"


def _rate(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:g}"
