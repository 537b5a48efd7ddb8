"""Tiers of entries whose truth is hidden: `python -m leaderboard.service.tiers_job EXACT RECORDS DIGITS`.

The board alone has their exact records and per-image tables; what comes of comparing them is shown rounded.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from forgebench import read_record
from leaderboard.entry import COMPARISONS, Compared, Comparisons
from leaderboard.site.tiers import RANKED, compared


def main(exact: Path, records: Path, digits: int) -> None:
    """Compare the entries below `exact`, benchmark by benchmark, and write it beside the shown records."""
    found = []
    for _, group in groupby(sorted(exact.iterdir(), key=_benchmark), key=_benchmark):
        folders = {folder.name: folder for folder in sorted(group)}
        if len(folders) > 1:
            found += [_shown(compared(folders, metric), records, digits) for metric in _comparable(folders)]
    Comparisons(comparisons=found).write(records / COMPARISONS)


def _benchmark(folder: Path) -> tuple[str, str]:
    about = read_record(folder)[0].benchmark
    return about.content_hash, about.split


def _comparable(folders: dict[str, Path]) -> list[str]:
    has = [{one.metric for one in read_record(folder)[0].metrics} for folder in folders.values()]
    return [metric for metric in RANKED if all(metric in some for some in has)]


def _shown(one: Compared, records: Path, digits: int) -> Compared:
    """With the hashes of the shown records, and rounded as these are."""
    hashes = {name: read_record(records / name)[0].record_sha256 for name in one.records}
    pairs = [
        pair.model_copy(update={k: round(v, digits) for k, v in pair.model_dump().items() if isinstance(v, float)})
        for pair in one.pairs
    ]
    return one.model_copy(update={"records": hashes, "pairs": pairs})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
