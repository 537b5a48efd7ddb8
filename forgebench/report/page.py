"""The page: one HTML file with everything in it, and nothing fetched from anywhere."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment

from forgebench import pages
from forgebench.benchmark import Benchmark
from forgebench.errors import InputError
from forgebench.metrics import DEFINITIONS
from forgebench.report.comparison import forest
from forgebench.report.curves import figures as plotted
from forgebench.report.entries import DEFINITION, Entry, read_entries
from forgebench.report.every import all_metrics
from forgebench.report.gallery import Gallery, make_gallery
from forgebench.report.paper import LATEX, MARKDOWN, paper_table
from forgebench.report.pictures import ramp_css
from forgebench.report.printed import write_figures
from forgebench.report.published import disagreement
from forgebench.report.ranking import Ranking, rank
from forgebench.report.results import RANKED, UNDEFINED, columns, main_rows, shown
from forgebench.report.robustness import robust
from forgebench.report.slices import sliced
from forgebench.report.words import listed, sentences
from forgebench.scoring.score import REPORT

_PACKAGE = "forgebench.report"
_SCRIPTS = ("plotly-basic.min.js", "table.js", "plots.js", "lightbox.js", "print.js")
_STYLES = ("page.css", "tables.css", "parts.css", "robustness.css", "gallery.css", "print.css")


def write_report(
    scores: Sequence[str | Path],
    out: str | Path | None = None,
    *,
    benchmark: Benchmark | None = None,
    metric: str | None = None,
    markdown: str | Path | None = None,
    latex: str | Path | None = None,
    figures: str | Path | None = None,
) -> Path:
    """Write the report of one or several scores of one benchmark, as one HTML file that needs no network.

    Args:
        scores: Folders written by `forgebench.score`, or folders that hold such folders.
        out: The file; None is `report.html` in the first of them.
        benchmark: What was predicted, for the pictures; None looks where it lay when it was scored. Where it is not
            found the report says so and has no pictures.
        metric: The leading metric, of the definition `forgebench`, by which entries are ordered and compared; None
            takes pixel F1, or image AUC where no entry has a pixel F1.
        markdown: A file for the main table in Markdown.
        latex: A file for the main table in LaTeX.
        figures: A folder for the curves as PDF files, drawn by matplotlib.

    Returns:
        The page's path.

    Raises:
        NotFoundError: If there is no score in one of the folders.
        InputError: If the scores are of different benchmarks, `benchmark` is another one, a file is a folder, the
            metric cannot lead, or there is no matplotlib for the figures.
    """
    entries = read_entries(scores)
    path = Path(scores[0]) / REPORT if out is None else Path(out)
    tables = [(Path(file), form) for file, form in ((markdown, MARKDOWN), (latex, LATEX)) if file is not None]
    _check_files(path, *(file for file, _ in tables))
    lead = leading(entries, metric)
    rankings = {name: rank(entries, name) for name in dict.fromkeys((lead, *RANKED))}
    written = {path: render(entries, make_gallery(entries, benchmark), lead, rankings)}
    written |= {file: paper_table(form, entries, rankings, lead) for file, form in tables}
    for file, text in written.items():
        pages.write(file, text)
    if figures is not None:
        write_figures(entries, figures)
    return path


def _check_files(*paths: Path) -> None:
    for path in paths:
        if path.is_dir():
            raise InputError(f"{path} is a folder. Name the file to write, such as {path / REPORT}")
    if len({path.resolve() for path in paths}) < len(paths):
        raise InputError(f"{paths[-1]} is named for two things. Name a file for each.")


def leading(entries: Sequence[Entry], metric: str | None) -> str:
    """The metric by which entries are ordered.

    Raises:
        InputError: If there is no such metric, or it cannot rank.
    """
    if metric is None:
        found = any(entry.value("pixel_f1") is not None and not entry.warnings for entry in entries)
        return "pixel_f1" if found else "image_auc"
    about = DEFINITIONS[DEFINITION].metric(metric)
    if not about.rankable:
        raise InputError(f"{metric} cannot lead. {about.note} Choose a metric that ranks, such as {RANKED[0]}.")
    return metric


def render(entries: Sequence[Entry], gallery: Gallery, lead: str, rankings: dict[str, Ranking]) -> str:
    """The page's HTML; the same entries give the same bytes."""
    rows = main_rows(entries, rankings, lead)
    return _environment().get_template("page.html.j2").render(
        benchmark=entries[0].record.benchmark,
        statistics=entries[0].record.statistics,
        entries=entries,
        suites=sorted({_suite(entry) for entry in entries}),
        dates=sorted({entry.record.created_utc[:10] for entry in entries}),
        sentences=sentences(entries, rankings, lead),
        columns=[DEFINITIONS[DEFINITION].metric(name) for name in columns(lead)],
        lead=DEFINITIONS[DEFINITION].metric(lead),
        rows=rows,
        forest=forest(entries, rankings[lead]),
        disagreement=disagreement(rows),
        slices=sliced(rows, lead),
        robust=robust(entries),
        tables=all_metrics(entries),
        figures=plotted(entries),
        gallery=gallery,
        **pages.shell(_PACKAGE, _SCRIPTS, _STYLES, f":root {{ --ramp: {ramp_css()}; }}"),
    )  # fmt: skip


def _environment() -> Environment:
    environment = pages.environment(_PACKAGE)
    environment.filters |= {"shown": shown, "quoted": _quoted, "seconds": _seconds, "listed": listed, "p": _p}
    return environment


def _suite(entry: Entry) -> str:
    suite = entry.record.suite
    commit = f" ({suite.commit[:10]}{', changed' if suite.dirty else ''})" if suite.commit else ""
    return f"{suite.version}{commit}"


def _seconds(value: float | None) -> str:
    """Seconds per image as the page shows them."""
    if value is None:
        return UNDEFINED
    return f"{value:.3g}" if value >= 0.001 else "<0.001"


def _p(value: float) -> str:
    """A p-value as the page shows it."""
    return UNDEFINED if math.isnan(value) else f"{value:.2g}"


def _quoted(path: Path) -> str:
    """A folder's name as a shell takes it."""
    return shlex.quote(path.name)
