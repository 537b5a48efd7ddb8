"""What a definition is: metrics with a name, a source and a version, each bound to the per-image table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypedDict, Unpack

import numpy as np

from forgebench.errors import InputError
from forgebench.metrics import image, pixel
from forgebench.metrics.pixel import Floats
from forgebench.metrics.table import Members, Statistic, Table, Weights, mean, pooled, undefined

Over = Literal["all", "tampered", "authentic", "tampered with mask", "with mask"]
Family = Literal[
    "pixel", "boundary", "region", "image", "false alarms", "classes", "calibration", "text", "cost", "coverage"
]
Interval = Literal["bootstrap", "clopper-pearson", "wilson"]


@dataclass(frozen=True)
class Metric:
    """One number of a definition."""

    id: str
    """Its name in records."""
    title: str
    """Its name for people."""
    over: Over
    """The samples that it is over."""
    aggregation: str
    """How images become one number: `mean over images`, `pooled pixels`, `over images`."""
    statistic: Callable[[Table], Statistic]
    """Binds the metric to a table."""
    threshold: str = "fixed 0.5"
    """The threshold rule: `fixed 0.5`, `frozen`, `all`, `per-image best` or `none`."""
    higher_is_better: bool = True
    rankable: bool = True
    """False where an oracle, an inverted map or silence can win it."""
    interval: Interval = "bootstrap"
    family: Family = "pixel"
    note: str = ""
    """What it rewards, or why it cannot be ranked."""


@dataclass(frozen=True)
class Definition:
    """A set of metrics as one source defines them."""

    name: str
    version: int
    source: str
    metrics: tuple[Metric, ...]
    counts: tuple[str, ...] = ()
    """The families of counts that it needs beside the plain histograms; see `forgebench.metrics.counting`."""
    traps: tuple[str, ...] = ()
    """What it does that a reader would not expect, reproduced on purpose."""

    def metric(self, metric_id: str) -> Metric:
        """The metric of this name.

        Raises:
            InputError: If there is none.
        """
        for metric in self.metrics:
            if metric.id == metric_id:
                return metric
        known = ", ".join(metric.id for metric in self.metrics)
        raise InputError(f"Definition {self.name} has no metric {metric_id!r}. It has: {known}")


class About(TypedDict, total=False):
    """What may be said of a metric beside its number."""

    threshold: str
    higher_is_better: bool
    rankable: bool
    interval: Interval
    family: Family
    note: str


def members(table: Table, over: Over) -> Members:
    """The samples of a table that a metric is over."""
    return {
        "all": np.ones(len(table), bool),
        "tampered": table.tampered,
        "authentic": ~table.tampered,
        "tampered with mask": table.tampered_with_mask,
        "with mask": table.has_truth,
    }[over]


def mean_over(
    name: str, title: str, over: Over, values: Callable[[Table], Floats], **about: Unpack[About]
) -> Metric:
    """The mean over images of a value of each."""

    def statistic(table: Table) -> Statistic:
        return mean(table, values(table), members(table, over))

    return Metric(name, title, over, "mean over images", statistic, **about)


def pooled_pixels(
    name: str,
    title: str,
    number: Callable[[pixel.Histograms, pixel.Histograms, pixel.Histograms], Floats],
    over: Over = "tampered with mask",
    **about: Unpack[About],
) -> Metric:
    """A number of the pixels of all images together."""

    def statistic(table: Table) -> Statistic:
        return pooled(table, members(table, over), number)

    return Metric(name, title, over, "pooled pixels", statistic, **about)


def called(
    name: str,
    title: str,
    number: Callable[[image.Confusion], Floats],
    at: Callable[[Table], float | None] = lambda _: image.THRESHOLD,
    **about: Unpack[About],
) -> Metric:
    """A number of the images called tampered at a threshold; undefined where there is no such threshold."""

    def statistic(table: Table) -> Statistic:
        threshold = at(table)
        if threshold is None:
            return undefined(table, members(table, "all"))
        confusion = partial(image.confusion_counts, table, threshold=threshold)
        counts = table.shared(f"confusion at {threshold}", confusion)
        return Statistic(len(table), 0, lambda weights: number(counts(weights)))

    about = {"family": "image", **about}
    return Metric(name, title, "all", "over images", statistic, **about)


def curve(name: str, title: str, number: Callable[[image.Curve], Floats], **about: Unpack[About]) -> Metric:
    """A number of the images at every threshold."""

    def statistic(table: Table) -> Statistic:
        counts = table.shared("curve", partial(image.curve_counts, table))
        return Statistic(len(table), 0, lambda weights: number(counts(weights)))

    about = {"family": "image", "threshold": "all", **about}
    return Metric(name, title, "all", "over images", statistic, **about)


def combined(first: Callable[[Table], Statistic], second: Callable[[Table], Statistic]) -> Callable[[Table], Statistic]:
    """The harmonic mean of two statistics."""

    def statistic(table: Table) -> Statistic:
        a, b = first(table), second(table)

        def of(weights: Weights) -> Floats:
            return image.harmonic_mean(a.of(weights), b.of(weights))

        return Statistic(len(table), 0, of)

    return statistic
