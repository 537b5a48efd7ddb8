"""Compare records on the same samples: paired differences with intervals and corrected p-values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from forgebench.errors import InputError
from forgebench.metrics import Table
from forgebench.metrics.intervals import RESAMPLES, bootstrap, percentile_interval
from forgebench.metrics.pixel import Floats
from forgebench.metrics.significance import (
    ALPHA,
    holm,
    minimum_detectable_difference,
    paired_bootstrap_p,
    permutation_p,
    swapped_tables,
    tiers,
)
from forgebench.scoring.numbers import definitions_named
from forgebench.scoring.record import Record
from forgebench.scoring.scored import Scored, read_scored
from forgebench.scoring.slices import subsets

if TYPE_CHECKING:
    import pandas as pd

Test = Literal["bootstrap", "permutation"]


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
    """Two-sided p-value of no difference, by the paired test."""
    p_holm: float
    """The same, corrected over all pairs (Holm 1979)."""
    detectable: float
    """The smallest true difference that the test finds with 80 % power on these images."""

    @property
    def separated(self) -> bool:
        """Whether the data tell the two apart."""
        return self.p_holm < ALPHA


@dataclass(frozen=True)
class Comparison:
    """Entries by one metric, the best first, and every pair of them."""

    metric: str
    definition: str
    subset: str | None
    higher_is_better: bool
    test: Test
    seed: int
    resamples: int
    values: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    tiers: dict[str, int]
    """1 for every entry that the data cannot tell from the best; then again among the rest. Where the value is
    undefined, the last."""
    differences: list[Difference]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, but for NaN where something is undefined."""
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
    subset: str | None = None,
    test: Test = "bootstrap",
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Compare two or more records of one benchmark, image by image.

    Groups are resampled, or swapped between the two entries, whole and the same in every entry: differences are
    paired. Intervals are percentiles of the paired bootstrap, whatever the test.

    Args:
        records: Record files or their folders, the per-image tables beside them.
        metric: The metric's id.
        definition: Its definition.
        subset: A slice, such as `manipulation=splice`; None takes all samples.
        test: `bootstrap`, or `permutation`, exact under the hypothesis that the two entries are alike.
        seed: Of the draws.
        resamples: How many.

    Raises:
        InputError: If there are fewer than two, they are not of the same samples, or one was changed.
        NotFoundError: If a record or its table is missing.
    """
    if test not in get_args(Test):
        raise InputError(f"No test {test!r}. There are: {', '.join(get_args(Test))}")
    entries = _entries(records, subset)
    spec = definitions_named([definition])[0].metric(metric)
    statistics = {entry.name: spec.statistic(entry.table) for entry in entries}
    tables = {entry.name: entry.table for entry in entries}
    units = entries[0].table.drawn_by
    drawn = bootstrap(statistics, units, seed, resamples)
    values = {name: float(one.of(tables[name].whole)[0]) for name, one in statistics.items()}
    sign = -1 if spec.higher_is_better else 1
    order = sorted(values, key=lambda name: (np.isnan(values[name]), sign * values[name], name))
    pairs = list(combinations(order, 2))
    if test == "bootstrap":
        found = [paired_bootstrap_p(drawn[a] - drawn[b], units[1]) for a, b in pairs]
    else:
        swapped = [swapped_tables(tables[a], tables[b], spec.statistic) for a, b in pairs]
        found = [permutation_p(one, units, seed, resamples) for one in swapped]
    differences = [
        _difference(pair, values, drawn, p, float(corrected))
        for pair, p, corrected in zip(pairs, found, holm(found), strict=True)
    ]
    return Comparison(
        metric, definition, subset, spec.higher_is_better, test, seed, resamples,
        {name: values[name] for name in order}, {name: percentile_interval(drawn[name]) for name in order},
        _tiers(order, values, differences), differences,
    )  # fmt: skip


def _difference(
    pair: tuple[str, str], values: dict[str, float], drawn: dict[str, Floats], p: float, corrected: float
) -> Difference:
    first, second = pair
    gaps = drawn[first] - drawn[second]
    detectable = minimum_detectable_difference(gaps, paired=True).value
    return Difference(
        first, second, values[first] - values[second], *percentile_interval(gaps), p, corrected, detectable
    )


def _tiers(order: Sequence[str], values: dict[str, float], differences: Sequence[Difference]) -> dict[str, int]:
    separated = {
        (one.first, one.second): one.separated or math.isnan(values[one.first]) != math.isnan(values[one.second])
        for one in differences
    }
    return tiers(order, separated)


def _entries(records: Sequence[str | Path], subset: str | None) -> list[Entry]:
    if len(records) < 2:
        raise InputError(f"Expected two records or more to compare, got {len(records)}.")
    entries: list[Entry] = []
    for path in records:
        scored = read_scored(path).unchanged()
        record = scored.record
        taken = {entry.name for entry in entries}
        name = record.method.method
        name = name if name not in taken else f"{name} ({path})"
        entries.append(Entry(name, record, _part(scored, subset)))
    first = entries[0]
    for entry in entries[1:]:
        same = entry.record.benchmark.content_hash == first.record.benchmark.content_hash
        if not same or not np.array_equal(entry.table.sample_id, first.table.sample_id):
            raise InputError(
                f"{first.name} was scored on {_of(first)}, {entry.name} on {_of(entry)}. "
                "Compare records of one benchmark."
            )
    return entries


def _part(scored: Scored, subset: str | None) -> Table:
    table = scored.table
    if subset is None:
        return table
    found = dict(subsets([subset.partition("=")[0]], scored.stored.slice_columns()))
    if subset not in found:
        raise InputError(f"No samples are in {subset}. There are: {', '.join(found) or 'none of that slice'}")
    return table.only(found[subset])


def _of(entry: Entry) -> str:
    part = entry.record.benchmark
    return f"{part.name} {part.split} ({part.content_hash[:12]}…, {part.n} samples)"
