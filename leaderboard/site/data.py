"""What the board's script reads: one document a benchmark, in it every entry's numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from forgebench.metrics import DEFINITIONS, Metric
from forgebench.metrics.cost import SECONDS
from forgebench.scoring.record import MetricValue
from leaderboard.entry import Compared
from leaderboard.site.shown import Shown

COLUMNS = (
    "pixel_f1", "pixel_iou", "boundary_f", "image_auc", "fpr_authentic", "image_ece", "coverage",
)  # fmt: skip
"""What the definition `forgebench` shows side by side; its other metrics are chosen one at a time."""
_DIGITS = 6


def slug(record_benchmark: tuple[str, str, str]) -> str:
    """The name of a benchmark's files and filter: its name, split, and the start of its content hash.

    >>> slug(("My set/2", "test", "0123456789ab"))
    'my-set-2-test-01234567'
    """
    name, split, content_hash = record_benchmark
    return re.sub(r"[^a-z0-9]+", "-", f"{name} {split}".lower()).strip("-") + f"-{content_hash[:8]}"


def benchmark_of(one: Shown) -> tuple[str, str, str]:
    """Name, split and content hash of what an entry was scored on."""
    part = one.record.benchmark
    return part.name, part.split, part.content_hash


def by_benchmark(entries: Iterable[Shown]) -> dict[str, list[Shown]]:
    """The entries by their benchmark's slug."""
    ordered = sorted(entries, key=lambda one: (benchmark_of(one), one.id))
    return {slug(key): list(some) for key, some in groupby(ordered, key=benchmark_of)}


def document(entries: Sequence[Shown], compared: Sequence[Compared]) -> dict[str, Any]:
    """Everything of one benchmark that the board draws, as plain JSON; an undefined number is null."""
    part = entries[0].record.benchmark
    return {
        "slug": slug(benchmark_of(entries[0])),
        "benchmark": part.model_dump(),
        "seconds": SECONDS,
        "columns": COLUMNS,
        "definitions": _definitions(entries),
        "entries": [_entry(one) for one in entries],
        "comparisons": [_comparison(one) for one in compared if _same(one, entries[0])],
    }


def _same(one: Compared, entry: Shown) -> bool:
    part = entry.record.benchmark
    return (one.content_hash, one.split) == (part.content_hash, part.split)


def _definitions(entries: Sequence[Shown]) -> list[dict[str, Any]]:
    """The definitions in the records, each metric with why it may not rank."""
    named = dict.fromkeys(name for one in entries for name in one.record.definitions)
    return [
        {
            "name": name, "version": DEFINITIONS[name].version, "source": DEFINITIONS[name].source,
            "metrics": [_metric(metric) for metric in DEFINITIONS[name].metrics],
        }
        for name in DEFINITIONS if name in named
    ]  # fmt: skip


def _metric(metric: Metric) -> dict[str, Any]:
    return {
        "id": metric.id, "title": metric.title, "rankable": metric.rankable, "higher": metric.higher_is_better,
        "over": metric.over, "aggregation": metric.aggregation, "threshold": metric.threshold,
        "why": why_unrankable(metric),
    }  # fmt: skip


def why_unrankable(metric: Metric) -> str:
    """The reason why a metric may not rank; empty where it may."""
    return "" if metric.rankable else metric.note or "Its definition does not let it rank."


def _entry(one: Shown) -> dict[str, Any]:
    record, entry = one.record, one.entry
    method = record.method
    return {
        "id": one.id, "method": method.method, "version": method.version, "track": method.supervision,
        "kind": entry.kind, "account": entry.account, "state": entry.state, "supersededBy": entry.superseded_by,
        "date": f"{entry.submitted_utc:%Y-%m-%d}" if entry.submitted_utc else record.created_utc[:10],
        "seconds": method.seconds_per_image, "hardware": method.hardware,
        "values": {f"{m.definition}/{m.metric}": _number(m) for m in record.metrics if m.subset is None},
        "slices": {
            m.subset: _number(m)
            for m in record.metrics
            if m.subset is not None and (m.definition, m.metric) == ("forgebench", "pixel_f1")
        },
        "robustness": _robustness(one),
    }  # fmt: skip


def _number(number: MetricValue) -> list[float | int | None]:
    """Value, interval, samples, undefined samples."""
    return [_short(number.value), _short(number.ci_low), _short(number.ci_high), number.n, number.n_undefined]


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def robustness_area(one: Shown) -> float | None:
    """The mean of the areas under all of an entry's ordered curves; None where a recipe was not scored."""
    if one.robustness is None or one.robustness.missing:
        return None
    areas = [curve.area for curve in one.robustness.curves if curve.clean_at is not None]
    values = [area.value for area in areas if area is not None and area.value is not None]
    return sum(values) / len(values) if values and len(values) == len(areas) else None


def _robustness(one: Shown) -> dict[str, Any] | None:
    found = one.robustness
    if found is None:
        return None
    return {
        "metric": found.metric, "area": _short(robustness_area(one)), "clean": _short(found.clean),
        "curves": [
            {
                "family": curve.family, "unit": curve.unit, "axis": curve.axis, "cleanAt": curve.clean_at,
                "points": [
                    [p.recipe, p.strength, _short(p.value), _short(p.ci_low), _short(p.ci_high)] for p in curve.points
                ],
            }
            for curve in found.curves
        ],
    }  # fmt: skip


def _comparison(one: Compared) -> dict[str, Any]:
    """Tiers, and each pair as first, second, difference, interval, corrected p."""
    ids = sorted(one.records)
    place = {name: index for index, name in enumerate(ids)}
    return {
        "metric": f"{one.definition}/{one.metric}", "test": one.test, "resamples": one.resamples, "seed": one.seed,
        "ids": ids, "tiers": one.tiers,
        "pairs": [
            [place[p.first], place[p.second], *map(_short, (p.value, p.ci_low, p.ci_high, p.p_holm))]
            for p in one.pairs
        ],
    }  # fmt: skip
