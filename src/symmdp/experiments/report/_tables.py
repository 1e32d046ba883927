from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from symmdp.experiments._number import mean_digits, number, steps, steps_between
from symmdp.experiments._results import COLUMNS, MethodResult, improvements, results_csv
from symmdp.experiments._run import Run
from symmdp.experiments._tuning import Tuning
from symmdp.experiments.report._elements import Child, element
from symmdp.experiments.report._key import key
from symmdp.experiments.report._numbers import interval, plain, signed

_SOLVES = "steps_to_solve"


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
    found = element("table", element("thead", element("tr", titles)), element("tbody", body), aria_label=caption)
    box = element("div", found, class_="scroll", tabindex="0", role="region", aria_label=caption)
    return element("div", element("p", caption, class_="caption"), box)


def result_table(results: Sequence[MethodResult]) -> Element:
    """A row for each method: its size, what it reached, and what that cost."""
    threshold = results[0].threshold
    head = ["method", "parameters", "learning rate"]
    if threshold is not None:
        head += ["solved", "steps to solve, median seed", f"median return reaches {threshold:g}"]
    evaluated = any(result.evaluated for result in results)
    diverged = any(result.failures for result in results)
    head += [*(["diverged"] if diverged else []), "final return, IQM", "area under curve, IQM"]
    head += ["seconds + evaluations" if evaluated else "seconds", "steps/s"]
    rows = []
    for k, result in enumerate(results):
        seeds = len(result.seeds)
        cells: list[Child] = [key(result.method, k), f"{result.parameters:,}", _rate(result.learning_rate)]
        if threshold is not None:
            cells += [
                f"{result.solved}/{seeds}",
                _with(steps(result.quartiles[1]), steps_between(*result.steps_interval)),
                _with(steps(result.median_reaches), steps_between(*result.median_reaches_interval)),
            ]
        cells += [
            *([f"{len(result.failures)}/{seeds}"] if diverged else []),
            _mean(result.final_return, result.interval),
            _mean(result.area, result.area_interval),
            number(result.seconds) + (f" + {number(result.evaluation_seconds)}" if result.evaluated else ""),
            number(result.rate, 0),
        ]
        rows.append(cells)
    return table(head, rows, "Each method over all its seeds, with 95 % bootstrap intervals in brackets")


def improvement_table(results: Sequence[MethodResult]) -> Element:
    """How probably a seed of the first method is better than one of each other."""
    first = results[0].method
    rows = [
        [
            key(method, k),
            *(_with(number(found[name][0], 2), interval(found[name][1], 2)) for name in ("final_return", "area_under_curve")),
        ]
        for k, (method, found) in enumerate(improvements(results).items(), start=1)
    ]
    head = ["instead of", "better final return", "larger area under the curve"]
    return table(head, rows, f"Probability that a random seed of {first} is better (ties count half)")


def seed_table(results: Sequence[MethodResult]) -> Element:
    """The numbers of every seed, and the same as a file to save."""
    solves = results[0].threshold is not None
    rows: list[list[Child]] = []
    for k, result in enumerate(results):
        diverged = {failure.seed: failure for failure in result.failures}
        numbers = zip(result.seeds, result.steps_to_solve, result.final_returns, result.areas, strict=True)
        for seed, solved, final, area in numbers:
            failure = diverged.get(seed)
            failed = "–" if failure is None else f"{failure.step:,}" + (f": {failure.reason}" if failure.reason else "")
            cells = [
                str(seed),
                _rate(result.learning_rate),
                steps(solved),
                signed(final),
                signed(area),
                failed,
                result.measured_by,
            ]
            shown = [cell for name, cell in zip(COLUMNS[1:], cells, strict=True) if solves or name != _SOLVES]
            rows.append([key(result.method, k), *shown])
    head = [name.replace("_", " ") for name in COLUMNS if solves or name != _SOLVES]
    content = base64.b64encode(results_csv(results).encode()).decode()
    link = element("a", "Save as results.csv", href=f"data:text/csv;base64,{content}", download="results.csv")
    return element(
        "details",
        element("summary", f"Every seed ({len(rows)} rows)"),
        table(head, rows, "Numbers of every seed"),
        element("p", link),
    )


def tuning_table(tunings: Sequence[tuple[str, Tuning]]) -> Element:
    """The score of each learning rate that was tried, the chosen one marked."""
    rates = sorted({rate for _, tuning in tunings for rate in tuning.rates})
    rows = []
    for method, tuning in tunings:
        scores = dict(zip(tuning.rates, tuning.scores, strict=True))
        cells: list[Child] = [method, " ".join(str(seed) for seed in tuning.seeds)]
        for rate in rates:
            text = signed(scores[rate]) if rate in scores else ""
            cells.append(element("strong", f"{text} ✓") if rate == tuning.chosen else text)
        rows.append([*cells, number(tuning.seconds)])
    head = ["method", "seeds", *(_rate(rate) for rate in rates), "seconds"]
    caption = (
        "Score of each learning rate that was tried: the mean over the run of the median return over seeds; "
        "✓ marks the chosen one"
    )
    return table(head, rows, caption, texts=2)


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


def _with(value: str, bounds: str) -> Element:
    return element("span", value, *([" ", element("span", bounds, class_="interval")] if bounds else []))


def _mean(value: float, bounds: tuple[float, float]) -> Element:
    digits = mean_digits(value, bounds)
    return _with(signed(value, digits), interval(bounds, digits))


def _rate(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:g}"
