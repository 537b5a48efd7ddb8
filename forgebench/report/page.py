"""The page: one HTML file with everything in it, and nothing fetched from anywhere."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment

from forgebench import pages
from forgebench.benchmark import Benchmark
from forgebench.errors import InputError
from forgebench.metrics import DEFINITIONS
from forgebench.report.curves import figures
from forgebench.report.entries import DEFINITION, Entry, read_entries
from forgebench.report.gallery import Gallery, make_gallery
from forgebench.report.pictures import ramp_css
from forgebench.report.ranking import rank
from forgebench.report.results import COLUMNS, RANKED, UNDEFINED, all_metrics, main_rows, shown
from forgebench.report.words import sentences
from forgebench.scoring.score import REPORT

_PACKAGE = "forgebench.report"
_SCRIPTS = ("plotly-basic.min.js", "table.js", "plots.js", "lightbox.js", "print.js")
_STYLES = ("page.css", "tables.css", "gallery.css", "print.css")


def write_report(
    scores: Sequence[str | Path], out: str | Path | None = None, *, benchmark: Benchmark | None = None
) -> Path:
    """Write the report of one or several scores of one benchmark, as one HTML file that needs no network.

    Args:
        scores: Folders written by `forgebench.score`, or folders that hold such folders.
        out: The file; None is `report.html` in the first of them.
        benchmark: What was predicted, for the pictures; None looks where it lay when it was scored. Where it is not
            found the report says so and has no pictures.

    Returns:
        The file's path.

    Raises:
        NotFoundError: If there is no score in one of the folders.
        InputError: If the scores are of different benchmarks, `benchmark` is another one, or `out` is a folder.
    """
    entries = read_entries(scores)
    path = Path(scores[0]) / REPORT if out is None else Path(out)
    if path.is_dir():
        raise InputError(f"{path} is a folder. Name the file to write, such as {path / REPORT}")
    pages.write(path, render(entries, make_gallery(entries, benchmark)))
    return path


def render(entries: Sequence[Entry], gallery: Gallery) -> str:
    """The page's HTML; the same entries give the same bytes."""
    rankings = {metric: rank(entries, metric) for metric in RANKED}
    lead = "pixel_f1" if rankings["pixel_f1"].order else "image_auc"
    return _environment().get_template("page.html.j2").render(
        benchmark=entries[0].record.benchmark,
        statistics=entries[0].record.statistics,
        entries=entries,
        suites=sorted({_suite(entry) for entry in entries}),
        dates=sorted({entry.record.created_utc[:10] for entry in entries}),
        sentences=sentences(entries, rankings),
        columns=[DEFINITIONS[DEFINITION].metric(name) for name in COLUMNS],
        lead=DEFINITIONS[DEFINITION].metric(lead),
        rows=main_rows(entries, rankings, lead),
        tables=all_metrics(entries),
        figures=figures(entries),
        gallery=gallery,
        **pages.shell(_PACKAGE, _SCRIPTS, _STYLES, f":root {{ --ramp: {ramp_css()}; }}"),
    )  # fmt: skip


def _environment() -> Environment:
    environment = pages.environment(_PACKAGE)
    environment.filters |= {"shown": shown, "quoted": _quoted, "seconds": _seconds}
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


def _quoted(path: Path) -> str:
    """A folder's name as a shell takes it."""
    return shlex.quote(path.name)
