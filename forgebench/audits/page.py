"""The audit as files: `audit.json`, and one HTML page with everything in it that fetches nothing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from html import escape
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from forgebench import pages
from forgebench.audits.document import Audit, BenchmarkAudit, Bins, Categories
from forgebench.errors import InputError

DOCUMENT, PAGE = "audit.json", "audit.html"
SHOWN = 200
"""Rows of a table on the page; `audit.json` has all."""

_PACKAGE = "forgebench.audits"
_SCRIPTS = ("plotly-basic.min.js", "plots.js", "print.js")
_STYLES = ("page.css", "tables.css", "audit.css", "print.css")
_LABELS = ("authentic", "tampered")

Figure = dict[str, Any]


def write_audit(audit: Audit, out: str | Path) -> Path:
    """Write `audit.json` and `audit.html` into a folder.

    Returns:
        The page's path.

    Raises:
        InputError: If `out` is a file.
    """
    out = Path(out)
    if out.is_file():
        raise InputError(f"{out} is a file. Name the folder to write {DOCUMENT} and {PAGE} into.")
    pages.write(out / DOCUMENT, audit.to_json())
    pages.write(out / PAGE, render(audit))
    return out / PAGE


def render(audit: Audit) -> str:
    """The page's HTML; the same audit gives the same bytes."""
    figures = {name: figure for i, one in enumerate(audit.benchmarks) for name, figure in _figures(i, one)}
    return pages.environment(_PACKAGE).get_template("page.html.j2").render(
        audit=audit,
        title=", ".join(one.name for one in audit.benchmarks),
        figures=figures,
        heats=[_heat(one.statistics.heat) for one in audit.benchmarks],
        most=SHOWN,
        **pages.shell(_PACKAGE, _SCRIPTS, _STYLES),
    )  # fmt: skip


def _figures(index: int, one: BenchmarkAudit) -> Iterator[tuple[str, Figure]]:
    held = one.statistics
    found = {
        "megapixels": _bars(_names(held.megapixels), held.megapixels, "megapixels"),
        "formats": _bars(held.formats.names, held.formats, "format"),
        "jpeg_quality": _bars(_names(held.jpeg_quality), held.jpeg_quality, "JPEG quality"),
        "area": _bars(_names(held.area, 100), held.area, "tampered, % of the image"),
    }
    for name, figure in found.items():
        if figure["data"]:
            yield f"{name}-{index}", figure


def _names(bins: Bins, unit: float = 1) -> list[str]:
    return [f"{unit * low:g}–{unit * high:g}" for low, high in pairwise(bins.edges)]


def _bars(names: Sequence[str], counts: Bins | Categories, title: str) -> Figure:
    """Bars of each label's share; empty ends are left out."""
    held = np.flatnonzero(np.array(counts.authentic) + np.array(counts.tampered))
    inside = slice(held[0], held[-1] + 1) if len(held) else slice(0, 0)
    traces = []
    for label in _LABELS:
        values = np.array(getattr(counts, label)[inside])
        if values.sum():
            traces.append({
                "type": "bar", "name": label, "meta": {"label": label}, "x": [escape(name) for name in names[inside]],
                "y": (values / values.sum()).round(5).tolist(), "customdata": values.tolist(),
            })  # fmt: skip
    axes = {
        "xaxis": {"title": {"text": title}, "type": "category"},
        "yaxis": {"title": {"text": "share of images"}, "tickformat": ".0%", "rangemode": "tozero"},
    }
    return {"data": traces, "layout": axes | {"barmode": "group"}}


def _heat(heat: list[list[float]]) -> str:
    """The heat map as a picture whose opacity is the share, relative to the largest; empty without masks."""
    if not heat:
        return ""
    cells = np.array(heat)
    buffer = BytesIO()
    Image.fromarray(np.round(cells / cells.max() * 255).astype(np.uint8)).save(buffer, "PNG")
    return f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"
