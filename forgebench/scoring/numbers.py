"""From the per-image table to the record's list of metrics: value, interval, n, by definition and slice."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from forgebench.errors import InputError
from forgebench.metrics import DEFINITIONS, Definition, Metric, Table
from forgebench.metrics.definitions import members
from forgebench.metrics.families import families
from forgebench.metrics.intervals import (
    RESAMPLES,
    bca_interval,
    bootstrap,
    clopper_pearson,
    jackknife,
    percentile_interval,
    wilson,
)
from forgebench.metrics.pixel import Floats
from forgebench.metrics.table import Members, Statistic
from forgebench.scoring.record import MetricValue

Interval = Literal["percentile", "bca"]
_EXACT = {"clopper-pearson": clopper_pearson, "wilson": wilson}


@dataclass(frozen=True)
class _Number:
    """One metric of one definition on one subset."""

    definition: Definition
    metric: Metric
    subset: str | None
    table: Table
    statistic: Statistic

    @property
    def key(self) -> str:
        return f"{self.definition.name}/{self.metric.id}/{self.subset}"


def definitions_named(names: Sequence[str]) -> list[Definition]:
    """The definitions of these names; `all` is every one.

    Raises:
        InputError: If there is no such definition.
    """
    if "all" in names:
        return list(DEFINITIONS.values())
    unknown = [name for name in names if name not in DEFINITIONS]
    if unknown:
        raise InputError(f"No definition {', '.join(unknown)}. There are: {', '.join(DEFINITIONS)}, all")
    return [DEFINITIONS[name] for name in dict.fromkeys(names)]


def compute(
    table: Table,
    definitions: Sequence[Definition],
    seed: int,
    *,
    resamples: int = RESAMPLES,
    interval: Interval = "percentile",
    subsets: Iterable[tuple[str, Members]] = (),
) -> list[MetricValue]:
    """Every metric of every definition, with its 95 % interval: of all samples first, then of each subset."""
    parts: list[tuple[str | None, Table]] = [(None, table)]
    parts += [(name, table.only(inside)) for name, inside in subsets]
    numbers = [
        _Number(definition, metric, subset, part, _where_drawn(metric, part, subset))
        for subset, part in parts
        for definition in definitions
        for metric in definition.metrics
    ]
    # What nothing can be said of is not drawn 2000 times.
    statistics = {one.key: one.statistic for one in numbers if one.statistic.n > one.statistic.n_undefined}
    drawn = bootstrap(statistics, table.drawn_by, seed, resamples)
    left_out = jackknife(statistics, table.drawn_by) if interval == "bca" else {}
    return [_metric_value(one, drawn.get(one.key), left_out.get(one.key)) for one in numbers]


def _where_drawn(metric: Metric, part: Table, subset: str | None) -> Statistic:
    """The statistic, undefined in a resample that has none of a subset's samples, whatever it says of nothing."""
    statistic = metric.statistic(part)
    if subset is None:
        return statistic
    held = part.by_unit(members(part, metric.over))
    return replace(statistic, of=lambda weights: np.where(weights @ held > 0, statistic.of(weights), np.nan))


def _metric_value(one: _Number, drawn: Floats | None, left_out: Floats | None) -> MetricValue:
    value = float(one.statistic.of(one.table.whole)[0])
    ends = (math.nan, math.nan) if drawn is None else _interval(one, value, drawn, left_out)
    low, high = (None if math.isnan(value) or math.isnan(end) else end for end in ends)
    return MetricValue(
        metric=one.metric.id,
        definition=one.definition.name,
        version=one.definition.version,
        subset=one.subset,
        value=None if math.isnan(value) else value,
        ci_low=low,
        ci_high=high,
        n=one.statistic.n,
        n_undefined=one.statistic.n_undefined,
        rankable=one.metric.rankable,
        higher_is_better=one.metric.higher_is_better,
    )


def _interval(one: _Number, value: float, drawn: Floats, left_out: Floats | None) -> tuple[float, float]:
    exact = _EXACT.get(one.metric.interval)
    if exact is not None:
        n = int(members(one.table, one.metric.over).sum()) - one.statistic.n_undefined
        return exact(round(value * n), n) if n else (math.nan, math.nan)
    return percentile_interval(drawn) if left_out is None else bca_interval(drawn, value, left_out)


def counts_of(definitions: Sequence[Definition], without: Iterable[str] = ()) -> list[str]:
    """The families of counts that definitions need, but for those that are to be left out.

    Raises:
        InputError: If what is to be left out is no family.
    """
    left_out = {family.name for family in families(tuple(without))}
    return [name for definition in definitions for name in definition.counts if name not in left_out]
