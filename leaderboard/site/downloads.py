"""All numbers as CSV and JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from forgebench.pages import write
from leaderboard.entry import Compared, Pair
from leaderboard.site.data import robustness_area
from leaderboard.site.shown import Refused, Shown

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
FILES = ("entries.csv", "metrics.csv", "pairs.csv", "robustness.csv", "board.json")

Row = dict[str, Any]


def cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe before it.

    >>> cell("=1+1"), cell(-0.5), cell("a-b"), cell(None)
    ("'=1+1", -0.5, 'a-b', '')
    """
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def write_downloads(
    folder: Path, entries: Sequence[Shown], compared: Sequence[Compared], refused: Sequence[Refused]
) -> None:
    """Write the tables and one JSON document with all of it."""
    tables = {
        "entries": [_entry(one) for one in entries],
        "metrics": [{"entry": one.id, **m.model_dump()} for one in entries for m in one.record.metrics],
        "pairs": [_pair(one, pair) for one in compared for pair in one.pairs],
        "robustness": [row for one in entries for row in _robustness(one)],
    }
    for name, rows in tables.items():
        write(folder / f"{name}.csv", _csv(rows))
    tiers = [one.model_dump(exclude={"pairs"}) for one in compared]
    gone = [{"entry": one.id, "problems": one.problems} for one in refused]
    document = {"schema_version": 1, **tables, "comparisons": tiers, "refused": gone}
    write(folder / "board.json", json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n")


def _csv(rows: Sequence[Row]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names: Iterable[str] = rows[0] if rows else ()
    writer.writerow(names)
    writer.writerows([cell(row[name]) for name in names] for row in rows)
    return text.getvalue()


def _entry(one: Shown) -> Row:
    record, method, entry = one.record, one.record.method, one.entry
    return {
        "entry": one.id, "benchmark": record.benchmark.name, "split": record.benchmark.split,
        "content_hash": record.benchmark.content_hash, "method": method.method, "version": method.version,
        "kind": entry.kind, "supervision": method.supervision, "account": entry.account, "state": entry.state,
        "superseded_by": entry.superseded_by, "created_utc": record.created_utc,
        "submitted_utc": entry.submitted_utc.isoformat() if entry.submitted_utc else None,
        "seconds_per_image": method.seconds_per_image, "hardware": method.hardware, "paper": method.paper,
        "code": method.code, "robustness_area": robustness_area(one), "record_sha256": record.record_sha256,
        "predictions_sha256": record.predictions.sha256,
    }  # fmt: skip


def _pair(one: Compared, pair: Pair) -> Row:
    about = {"content_hash": one.content_hash, "split": one.split, "metric": one.metric, "definition": one.definition}
    return {**about, **pair.model_dump()}


def _robustness(one: Shown) -> list[Row]:
    if one.robustness is None:
        return []
    about = {"entry": one.id, "metric": one.robustness.metric}
    return [
        {**about, "family": curve.family, "unit": curve.unit, **point.model_dump()}
        for curve in one.robustness.curves
        for point in curve.points
    ]
