from __future__ import annotations

import base64
import math
import shlex
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from xml.etree.ElementTree import Element

from symmdp.errors import RunDirectoryError
from symmdp.experiments._headline import best_of, headline, ratio_of_steps
from symmdp.experiments._learning_curves import measure
from symmdp.experiments._method_style import style_of
from symmdp.experiments._number import number
from symmdp.experiments._results import MethodResult, improvements
from symmdp.experiments._run import Run
from symmdp.experiments.report._curve_figures import Curves, mean_figure, quartile_figure, seed_figure
from symmdp.experiments.report._elements import element, to_html
from symmdp.experiments.report._experiment import Experiment, experiments_in
from symmdp.experiments.report._seed_figures import final_figure, steps_figure
from symmdp.experiments.report._tables import (
    improvement_table,
    option_table,
    result_table,
    seed_table,
    table,
    tuning_table,
    version_table,
)
from symmdp.training._run_directory import write_atomically

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"  # the page cannot load anything


def write_report(directory: Path | str) -> tuple[Path, tuple[str, ...]]:
    """Write `report.html` into the directory of a run, of a comparison, or of several.

    It holds results, figures, options, versions and commands, and loads nothing from elsewhere. What is not finished is
    reported as far as it is, and the report says so.

    Returns:
        where it was written, and the verdict on each run or comparison.

    Raises:
        RunDirectoryError: there is none, or the report cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    path = Path(directory)
    experiments, unreadable = experiments_in(path)
    results = [tuple(MethodResult.of(run) for run in experiment.runs) for experiment in experiments]
    page = report_page(path, experiments, results, unreadable)
    try:
        write_atomically(path / "report.html", page.encode())
    except OSError as error:
        raise RunDirectoryError(f"Cannot write to {path}: {error.strerror or error}.") from None
    return path / "report.html", tuple(verdict(e, r) for e, r in zip(experiments, results, strict=True))


def report_page(
    directory: Path,
    experiments: Sequence[Experiment],
    results: Sequence[Sequence[MethodResult]],
    unreadable: Sequence[str] = (),
) -> str:
    """The report as HTML.

    Args:
        directory: as it was given, for the command that makes the report.
        experiments: at least one.
        results: of the runs of each.
        unreadable: what could not be read, a sentence each.
    """
    pairs = list(zip(experiments, results, strict=True))
    several = len(pairs) > 1
    title = f"{len(pairs)} experiments" if several else _title(experiments[0])
    main = [element("p", sentence, class_="warning", role="note") for sentence in unreadable]
    if several:
        main.append(element("h1", title))
        main.append(_overview(pairs))
    for k, (experiment, own) in enumerate(pairs):
        main.append(element("article", _sections(experiment, own, several), id=f"experiment-{k + 1}"))
    main.append(_repeat(directory, experiments))
    page = element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
            element("link", rel="icon", href="data:,"),
            element("title", f"{title} – symmdp"),
            element("style", _style(experiments)),
        ),
        element("body", element("main", main)),
        lang="en",
    )
    return f"<!doctype html>\n{to_html(page)}\n"


def verdict(experiment: Experiment, results: Sequence[MethodResult]) -> str:
    """What came out, in a sentence; of an experiment that is not finished, only that."""
    if not experiment.finished:
        return "Not finished, so there is no verdict: the numbers below are those so far."
    if len(results) > 1:
        return headline(results)
    (result,) = results
    if result.threshold is None:
        return f"Final return {number(result.final_return)} (interquartile mean over {_seeds(result)})."
    median, whose = result.median_steps, "the median evaluation" if result.evaluated else "the median seed"
    when = f"{whose} in {median:,.0f} steps" if math.isfinite(median) else f"{whose} not"
    return f"{result.solved} of {_seeds(result)} solve{'s' if result.solved == 1 else ''} it, {when}."


def _title(experiment: Experiment) -> str:
    if len(experiment.methods) == 1:
        return f"{experiment.environment_id}: {experiment.methods[0]}"
    if len(experiment.methods) == 2:
        return f"{experiment.environment_id}: {experiment.methods[0]} and {experiment.methods[1]}"
    return f"{experiment.environment_id}: {experiment.methods[0]} and {len(experiment.methods) - 1} baselines"


def _sections(experiment: Experiment, results: Sequence[MethodResult], several: bool) -> list[Element]:
    runs, level = experiment.runs, "h2" if several else "h1"
    found = [element(level, _title(experiment))]
    if runs:
        run = runs[0]
        group = next((run.group for run in runs if run.group not in ("", "trivial")), "")
        facts = [run.algorithm.upper(), f"group {group}" if group else "", f"{_seeds(results[0])} of each method"]
        facts.insert(0, f"folder {experiment.directory.name}" if several else "")
        facts += [f"{run.total_steps:,} environment steps of each seed"]
        found.append(element("p", " · ".join(fact for fact in facts if fact), class_="facts"))
    found.append(element("p", verdict(experiment, results), class_="verdict"))
    found.extend(element("p", gap, class_="warning", role="note") for gap in experiment.gaps)
    if not runs:
        return found
    curves = Curves.of(runs)
    found.append(_section("Learning curves", quartile_figure(curves)))
    found.append(
        _section(
            "Results", result_table(results), element("p", _explanation(runs, results), class_="note"), seed_table(results)
        )
    )
    found.append(_section("Seeds", steps_figure(results), final_figure(results)))
    found.append(_section("Interquartile means", mean_figure(curves)))
    if len(results) > 1:
        found.append(
            _section("Probability of improvement", improvement_table(results), element("p", _improvement_note(), class_="note"))
        )
    found.append(_section("Every seed's curve", seed_figure(curves)))
    if experiment.mirror_image is not None:
        source = f"data:image/png;base64,{base64.b64encode(experiment.mirror_image).decode()}"
        text = (
            "A state and its mirror image, with the actions of the policies in both: those of the equivariant one are mirrored."
        )
        image = element("img", src=source, alt=text)
        caption = element(
            "figcaption", "A state of the environment, its image under the symmetry, and what policies do in both."
        )
        box = element("div", image, class_="scroll picture", tabindex="0", role="region", aria_label="Mirror image")
        found.append(_section("Mirror image", element("figure", caption, box)))
    if experiment.tunings:
        remarks = [f"{method}: {tuning.remark}" for method, tuning in experiment.tunings if tuning.remark]
        notes = [element("p", remark, class_="warning", role="note") for remark in remarks]
        found.append(_section("Learning rates", tuning_table(experiment.tunings), *notes))
    found.append(_section("Configuration", element("div", option_table(runs), version_table(runs), class_="pair")))
    return found


def _section(title: str, *contents: Element | None) -> Element:
    return element("section", element("h3", title), contents)


def _overview(pairs: Sequence[tuple[Experiment, Sequence[MethodResult]]]) -> Element:
    """A row for each experiment, with a link to it."""
    rows = []
    for k, (experiment, results) in enumerate(pairs, start=1):
        link = element("a", _title(experiment), href=f"#experiment-{k}")
        name = element("span", link, element("span", experiment.directory.name, class_="folder"))
        rows.append([name, verdict(experiment, results), *_comparison(experiment, results)])
    head = ["experiment", "verdict", "ratio of median steps [95 %]", "P(better final return)"]
    contents = table(head, rows, "All experiments: the first method against the best of the others", texts=2)
    return element("div", contents, class_="overview")


def _comparison(experiment: Experiment, results: Sequence[MethodResult]) -> tuple[str, str]:
    if not experiment.finished or len(results) < 2:
        return "–", "–"
    best = best_of(results[1:])
    probability, _ = improvements((results[0], best))[best.method]["final_return"]
    if best.threshold is None:
        return "–", number(probability, 2)
    return ratio_of_steps(results[0], best), number(probability, 2)


def _explanation(runs: Sequence[Run], results: Sequence[MethodResult]) -> str:
    text = f"Measured by the {measure(runs)}. "
    if results[0].threshold is not None:
        text += (
            f"A seed is solved when that first reaches {results[0].threshold:g}; the median seed is the one by which half of "
            "them are. The median return reaches it where more than half of the seeds are that good at the same step. "
        )
    return text + (
        "IQM: interquartile mean over seeds. The area under the learning curve is divided by its steps, so it is a return. "
        "A seed that diverged counts: it never solves the environment, and its return and area are the worst."
    )


def _improvement_note() -> str:
    return (
        "0.5 means that neither is better. Where all seeds reach the same final return, only the area tells them apart. "
        "Agarwal et al. 2021, Deep RL at the edge of the statistical precipice."
    )


def _repeat(directory: Path, experiments: Sequence[Experiment]) -> Element:
    """The commands that made all this."""
    made = list(dict.fromkeys(str(run.config["command"]) for e in experiments for run in e.runs if run.config.get("command")))
    revisions = list(
        dict.fromkeys(str(run.config["git_revision"]) for e in experiments for run in e.runs if run.config.get("git_revision"))
    )
    checkouts = [f"git checkout {revision.removesuffix('-dirty')}" for revision in revisions]
    commands = [*checkouts, *made, f"symmdp report {shlex.quote(str(directory))}"]
    dirty = any(revision.endswith("-dirty") for revision in revisions)
    text = "Into a new directory, with the versions above: training, then this report." + (
        " The code had changes that were not committed." if dirty else ""
    )
    return element(
        "section",
        element("h3", "Repeat"),
        element("p", text, class_="note"),
        element("pre", element("code", "\n".join(commands)), tabindex="0"),
    )


def _style(experiments: Sequence[Experiment]) -> str:
    """The style sheet, with the colours of the methods.

    Positions of different experiments may hold different methods, so each experiment has its own.
    """
    rules = []
    for number_, experiment in enumerate(experiments, start=1):
        for k, run in enumerate(experiment.runs):
            style, scope = style_of(run.method, k), f"#experiment-{number_} .m{k}"
            rules.append(f"{scope}{{--light:{style.light};--dark:{style.dark}}}")
    return files("symmdp.experiments.report").joinpath("report.css").read_text(encoding="utf-8") + "\n".join(rules) + "\n"


def _seeds(result: MethodResult) -> str:
    return f"{len(result.seeds)} seed{'' if len(result.seeds) == 1 else 's'}"
