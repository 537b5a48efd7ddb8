"""One FiftyOne dataset a benchmark and split, with everything that is known of its samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from forgebench.benchmark import Benchmark
from forgebench.browse.connect import connect
from forgebench.browse.predictions import add_scores
from forgebench.browse.scores import read_scores
from forgebench.browse.truth import INFO, import_truth
from forgebench.browse.views import arrange, save_views

if TYPE_CHECKING:
    import fiftyone as fo


@dataclass(frozen=True)
class Browsed:
    """A FiftyOne dataset, ready to be looked at."""

    dataset: fo.Dataset
    views: dict[str, int]
    """The saved views of the scores given, the most telling first, and how many samples each holds."""
    without_map: dict[str, int]
    """By method, how many valid predictions are shown without their map, because it is not there any more."""


def browse(benchmark: Benchmark, scores: Sequence[str | Path] = (), split: str = "test") -> Browsed:
    """Bring a split and scores of it into FiftyOne; what is there already is updated, not imported twice.

    Args:
        benchmark: What to look at.
        scores: Folders that `forgebench score --out` wrote.
        split: Which split.

    Raises:
        NotFoundError: If there is no such score.
        InputError: If FiftyOne or its database is missing, there is no such split, a score is of another benchmark
            or split, or predictions have changed since they were scored.
    """
    benchmark.check_split(split)
    connect()
    dataset = import_truth(benchmark, split)
    methods = dict(dataset.info[INFO]["methods"])
    given = read_scores(scores, benchmark, split, methods)
    views: dict[str, int] = {}
    without: dict[str, int] = {}
    for one in given:
        without[one.title] = add_scores(dataset, one)
        methods[one.slug] = {"title": one.title, "record": one.record.record_sha256}
        views |= save_views(dataset, one)
    dataset.info[INFO]["methods"] = methods
    arrange(dataset, methods, given)
    return Browsed(dataset, views, {title: count for title, count in without.items() if count})
