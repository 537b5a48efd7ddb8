"""One FiftyOne dataset a benchmark and split, with everything that is known of its samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forgebench.benchmark import Benchmark
from forgebench.browse.arrange import arrange
from forgebench.browse.audited import add_audit
from forgebench.browse.connect import connect
from forgebench.browse.numbers import byte_of, definition_named
from forgebench.browse.predictions import add_scores, noted
from forgebench.browse.scores import read_scores
from forgebench.browse.truth import ID, INFO, import_truth
from forgebench.browse.views import save_disagreements, save_manipulations, save_views
from forgebench.errors import InputError

if TYPE_CHECKING:
    import fiftyone as fo


@dataclass(frozen=True)
class Browsed:
    """A FiftyOne dataset, ready to be looked at."""

    dataset: fo.Dataset
    views: dict[str, int]
    """The saved views of what was given, the most telling first, and how many samples each holds."""
    without_map: dict[str, int]
    """By method, how many valid predictions are shown without their map, because it is not there any more."""


def browse(
    benchmark: Benchmark,
    scores: Sequence[str | Path] = (),
    split: str = "test",
    *,
    threshold: float = 0.5,
    definition: str | None = None,
    audit: str | Path | None = None,
) -> Browsed:
    """Bring a split and scores of it into FiftyOne; what is there already is updated, not imported twice.

    Args:
        benchmark: What to look at.
        scores: Folders that `forgebench score --out` wrote.
        split: Which split.
        threshold: Pixels of at least this probability are called tampered, in masks, error maps and numbers.
        definition: Whose numbers of each image to show beside ForgeBench's own.
        audit: What `forgebench audit --out` wrote: its findings and near duplicates become views.

    Raises:
        NotFoundError: If there is no such score or audit.
        InputError: If FiftyOne or its database is missing, there is no such split or definition, the threshold is no
            probability, a score or the audit is of another benchmark or split, or predictions have changed since
            they were scored.
    """
    benchmark.check_split(split)
    byte, defined = byte_of(threshold), None if definition is None else definition_named(definition)
    connect()
    dataset = import_truth(benchmark, split)
    methods: dict[str, Any] = dict(dataset.info[INFO]["methods"])
    given = read_scores(scores, benchmark, split, methods, byte=byte, definition=defined)
    views: dict[str, int] = {}
    without: dict[str, int] = {}
    for one in given:
        without[one.title] = add_scores(dataset, one, methods.get(one.slug))
        methods[one.slug] = noted(one)
        views |= save_views(dataset, one)
    # Set whole: FiftyOne does not notice a change within, and would not save it.
    dataset.info[INFO] = {**dataset.info[INFO], "methods": methods, "path": str(benchmark.path.resolve())}
    views |= save_disagreements(dataset, methods, {one.slug for one in given})
    views |= save_manipulations(dataset)
    if audit is not None:
        views |= add_audit(dataset, audit, benchmark, split)
    arrange(dataset, methods, given)
    return Browsed(dataset, views, {title: count for title, count in without.items() if count})


def ids_in(dataset: fo.Dataset, view: str | None) -> list[str]:
    """The sample ids of a saved view; of the whole dataset where there is no view named.

    Raises:
        InputError: If there is no such view.
    """
    if view is None:
        found: list[str] = dataset.values(ID)
        return found
    if not dataset.has_saved_view(view):
        raise InputError(f"No view {view!r}. There are: {', '.join(dataset.list_saved_views()) or 'none'}")
    return list(dataset.load_saved_view(view).values(ID))
