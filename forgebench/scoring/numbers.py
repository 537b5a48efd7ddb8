"""From the per-image table to the record's list of metrics: value, interval, n, by definition."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from forgebench.errors import InputError
from forgebench.metrics import DEFINITIONS, Definition, Metric, Table
from forgebench.metrics.definitions import members
from forgebench.metrics.intervals import RESAMPLES, bootstrap, clopper_pearson, percentile_interval
from forgebench.metrics.table import Statistic
from forgebench.scoring.record import MetricValue


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
    table: Table, definitions: Sequence[Definition], seed: int, resamples: int = RESAMPLES
) -> list[MetricValue]:
    """Every metric of every definition, with its 95 % interval."""
    values = []
    for definition in definitions:
        statistics = {metric.id: metric.statistic(table) for metric in definition.metrics}
        drawn = bootstrap(statistics, table.group, seed, resamples)
        for metric in definition.metrics:
            statistic = statistics[metric.id]
            value = float(statistic.of(np.ones((1, len(table)), np.int64))[0])
            interval = _interval(metric, table, value, drawn[metric.id])
            values.append(_metric_value(definition, metric, statistic, value, interval))
    return values


def _interval(
    metric: Metric, table: Table, value: float, drawn: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> tuple[float, float]:
    if metric.interval == "clopper-pearson":
        n = int(members(table, metric.over).sum())
        return clopper_pearson(round(value * n), n) if n else (math.nan, math.nan)
    return percentile_interval(drawn)


def _metric_value(
    definition: Definition, metric: Metric, statistic: Statistic, value: float, interval: tuple[float, float]
) -> MetricValue:
    low, high = (None if math.isnan(value) or math.isnan(end) else end for end in interval)
    return MetricValue(
        metric=metric.id,
        definition=definition.name,
        version=definition.version,
        subset=None,
        value=None if math.isnan(value) else value,
        ci_low=low,
        ci_high=high,
        n=statistic.n,
        n_undefined=statistic.n_undefined,
        rankable=metric.rankable,
        higher_is_better=metric.higher_is_better,
    )
