"""Compare records on the same samples: paired differences with intervals and corrected p-values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forgebench.errors import InputError
from forgebench.metrics import Table
from forgebench.metrics.intervals import RESAMPLES, bootstrap, percentile_interval
from forgebench.metrics.pixel import Floats
from forgebench.scoring import per_image
from forgebench.scoring.numbers import definitions_named
from forgebench.scoring.record import Record, read_record

if TYPE_CHECKING:
    import pandas as pd

ALPHA = 0.05


@dataclass(frozen=True)
class Entry:
    """One record, read with its per-image table."""

    name: str
    record: Record
    table: Table


@dataclass(frozen=True)
class Difference:
    """How much the first of two entries is ahead of the second."""

    first: str
    second: str
    value: float
    """First minus second."""
    ci_low: float
    ci_high: float
    p: float
    """Two-sided p-value of no difference, by the paired bootstrap."""
    p_holm: float
    """The same, corrected over all pairs (Holm 1979)."""

    @property
    def separated(self) -> bool:
        """Whether the data tell the two apart."""
        return self.p_holm < ALPHA


@dataclass(frozen=True)
class Comparison:
    """Entries by one metric, the best first, and every pair of them."""

    metric: str
    definition: str
    higher_is_better: bool
    values: dict[str, float]
    tiers: dict[str, int]
    """1 for every entry that the data cannot tell from the best; then again among the rest. Where the value is
    undefined, the last."""
    differences: list[Difference]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    def to_frame(self) -> pd.DataFrame:
        """The differences, one row a pair."""
        import pandas as pd

        return pd.DataFrame([asdict(one) for one in self.differences])


def compare(
    records: Sequence[str | Path],
    *,
    metric: str = "pixel_f1",
    definition: str = "forgebench",
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Compare two or more records of one benchmark, image by image.

    Groups are resampled, the same in every entry, so that differences are paired.

    Args:
        records: Record files or their folders, the per-image tables beside them.
        metric: The metric's id.
        definition: Its definition.
        seed: Of the bootstrap.
        resamples: How many.

    Raises:
        InputError: If there are fewer than two, they are not of the same samples, or one was changed.
        NotFoundError: If a record or its table is missing.
    """
    entries = _entries(records)
    spec = definitions_named([definition])[0].metric(metric)
    drawn: dict[str, Floats] = {}
    values: dict[str, float] = {}
    for entry in entries:
        statistic = spec.statistic(entry.table)
        drawn[entry.name] = bootstrap({metric: statistic}, entry.table.group, seed, resamples)[metric]
        values[entry.name] = float(statistic.of(np.ones((1, len(entry.table)), np.int64))[0])
    sign = -1 if spec.higher_is_better else 1
    order = sorted(values, key=lambda name: (np.isnan(values[name]), sign * values[name], name))
    differences = _holm([_difference(a, b, values, drawn) for a, b in combinations(order, 2)])
    ranked = {name: values[name] for name in order}
    return Comparison(metric, definition, spec.higher_is_better, ranked, _tiers(ranked, differences), differences)


def _entries(records: Sequence[str | Path]) -> list[Entry]:
    if len(records) < 2:
        raise InputError(f"Expected two records or more to compare, got {len(records)}.")
    entries: list[Entry] = []
    for path in records:
        record, folder = read_record(path)
        stored = per_image.read_table(folder / per_image.FILE)
        if record.sealed() != record or per_image.table_hash(stored) != record.per_image.sha256:
            raise InputError(f"{folder} was changed after it was scored. See what: forgebench verify {folder}")
        taken = {entry.name for entry in entries}
        name = record.method.method
        entries.append(Entry(name if name not in taken else f"{name} ({path})", record, per_image.metric_table(stored)))
    first = entries[0]
    for entry in entries[1:]:
        same = entry.record.benchmark.content_hash == first.record.benchmark.content_hash
        if not same or not np.array_equal(entry.table.sample_id, first.table.sample_id):
            raise InputError(
                f"{first.name} was scored on {_of(first)}, {entry.name} on {_of(entry)}. "
                "Compare records of one benchmark."
            )
    return entries


def _of(entry: Entry) -> str:
    part = entry.record.benchmark
    return f"{part.name} {part.split} ({part.content_hash[:12]}…, {part.n} samples)"


def _difference(a: str, b: str, values: dict[str, float], drawn: dict[str, Floats]) -> Difference:
    gaps = drawn[a] - drawn[b]
    low, high = percentile_interval(gaps)
    gaps = gaps[~np.isnan(gaps)]
    below, above = int((gaps <= 0).sum()), int((gaps >= 0).sum())
    p = min(1.0, 2 * (min(below, above) + 1) / (len(gaps) + 1)) if len(gaps) else float("nan")
    return Difference(a, b, values[a] - values[b], low, high, p, p)


def _holm(differences: list[Difference]) -> list[Difference]:
    """Holm's step-down correction; undefined p-values stay undefined and are not counted."""
    order = sorted((d for d in differences if not np.isnan(d.p)), key=lambda d: d.p)
    corrected: dict[tuple[str, str], float] = {}
    highest = 0.0
    for rank, one in enumerate(order):
        highest = max(highest, min(1.0, one.p * (len(order) - rank)))
        corrected[one.first, one.second] = highest
    return [
        Difference(**{**asdict(one), "p_holm": corrected.get((one.first, one.second), one.p)}) for one in differences
    ]


def _tiers(ranked: dict[str, float], differences: list[Difference]) -> dict[str, int]:
    separated = {(one.first, one.second): one.separated for one in differences}
    tiers: dict[str, int] = {}
    best = ""
    for name, value in ranked.items():
        if not tiers or separated[best, name] or np.isnan(value) != np.isnan(ranked[best]):
            best = name
            tiers[name] = max(tiers.values(), default=0) + 1
        else:
            tiers[name] = tiers[best]
    return tiers
