"""Tiers and pairwise tests: computed from per-image tables, or taken from whoever may read those."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from forgebench import compare, read_record
from forgebench.metrics import DEFINITIONS
from leaderboard.entry import Compared, Comparisons, Pair
from leaderboard.site.shown import Shown

RANKED = ("pixel_f1", "pixel_iou", "boundary_f", "image_auc")
"""The metrics of the definition `forgebench` that get tiers."""
DEFINITION = "forgebench"


def compared(folders: Mapping[str, Path], metric: str, *, seed: int = 0) -> Compared:
    """Compare entries by one metric, by their ids.

    Args:
        folders: Score folders of one benchmark and split by entry id, two or more, per-image tables in them.
        metric: Of the definition `forgebench`.
        seed: Of the draws.

    Raises:
        InputError, NotFoundError: As `forgebench.compare` does.
    """
    records = {name: read_record(folder)[0] for name, folder in folders.items()}
    ids = _names([(name, records[name].method.method, str(path)) for name, path in folders.items()])
    found = compare(list(folders.values()), metric=metric, definition=DEFINITION, seed=seed)
    first = next(iter(records.values()))
    pairs = [
        Pair(first=ids[one.first], second=ids[one.second], **{name: _plain(getattr(one, name)) for name in _NUMBERS})
        for one in found.differences
    ]
    return Compared(
        content_hash=first.benchmark.content_hash, split=first.benchmark.split, metric=metric, definition=DEFINITION,
        higher_is_better=found.higher_is_better, test=found.test, seed=found.seed, resamples=found.resamples,
        records={name: record.record_sha256 for name, record in records.items()},
        tiers={ids[name]: tier for name, tier in found.tiers.items()}, pairs=pairs,
    )  # fmt: skip


_NUMBERS = ("value", "ci_low", "ci_high", "p", "p_holm", "detectable")


def _names(entries: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    """Entry ids by the names that `forgebench.compare` gives: the method's, with its path where that is taken."""
    ids: dict[str, str] = {}
    for entry, method, path in entries:
        ids[method if method not in ids else f"{method} ({path})"] = entry
    return ids


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value


def all_compared(entries: Sequence[Shown], given: Comparisons) -> list[Compared]:
    """The comparisons of the current entries, benchmark by benchmark and metric by metric.

    Where every per-image table is there they are computed; else those given are taken which name exactly these
    records. Without either there are none, and the board shows no tiers.
    """
    found: list[Compared] = []
    current = sorted((one for one in entries if one.current), key=_benchmark)
    for (content_hash, split), some in groupby(current, key=_benchmark):
        group = list(some)
        hashes = {one.id: one.record.record_sha256 for one in group}
        if all(one.public for one in group) and len(group) > 1:
            found += [compared({one.id: one.folder for one in group}, metric) for metric in _comparable(group)]
        else:
            found += [
                one for one in given.comparisons
                if (one.content_hash, one.split, one.records) == (content_hash, split, hashes)
            ]  # fmt: skip
    return found


def _benchmark(one: Shown) -> tuple[str, str]:
    return one.record.benchmark.content_hash, one.record.benchmark.split


def _comparable(group: Sequence[Shown]) -> list[str]:
    """Those metrics that every record has; a record without boundary counts, say, leaves that comparison out."""
    versions = {one.record.definitions.get(DEFINITION) for one in group}
    if versions != {DEFINITIONS[DEFINITION].version}:
        return []
    has = [{m.metric for m in one.record.metrics if m.definition == DEFINITION and m.subset is None} for one in group]
    return [metric for metric in RANKED if all(metric in some for some in has)]
