"""The entries of a report: scores found on disk, read, and checked to be of one benchmark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from forgebench.errors import InputError, NotFoundError
from forgebench.metrics import Table
from forgebench.scoring import per_image, read_record
from forgebench.scoring.per_image import open_table
from forgebench.scoring.record import FILE, MetricValue, Record
from forgebench.scoring.scored import table_of

DEFINITION = "forgebench"
"""The definition that the page's headline numbers are of."""


@dataclass(frozen=True)
class Entry:
    """One scored submission."""

    title: str
    """Its name on the page, unique there."""
    folder: Path
    record: Record
    table: Table
    warnings: tuple[str, ...] = ()
    """What about the record or its table does not hold."""

    @property
    def lost(self) -> int:
        """How many samples have no valid prediction."""
        return self.record.benchmark.n - self.record.predictions.n_valid

    @cached_property
    def _numbers(self) -> dict[tuple[str, str | None], MetricValue]:
        return {(one.metric, one.subset): one for one in self.record.metrics if one.definition == DEFINITION}

    def number(self, metric: str, subset: str | None = None) -> MetricValue | None:
        """The record's number of this metric over all samples or over a slice; None where it was not scored."""
        return self._numbers.get((metric, subset))

    def value(self, metric: str) -> float | None:
        """The number's value; None where it is undefined or was not scored."""
        number = self.number(metric)
        return None if number is None else number.value


def read_entries(scores: Sequence[str | Path]) -> list[Entry]:
    """Read scores, and make sure that they are of one benchmark.

    Args:
        scores: Folders written by `forgebench.score`, or folders that hold such folders.

    Raises:
        NotFoundError: If one of them is neither.
        InputError: If there are none, one cannot be read, or they are of different benchmarks.
    """
    if not scores:
        raise InputError("Expected at least one folder written by forgebench score, got none.")
    folders = list(dict.fromkeys(folder for path in scores for folder in _score_folders(Path(path))))
    records = [read_record(folder)[0] for folder in folders]
    _check_same_benchmark(folders, records)
    return [_entry(*parts) for parts in zip(_titles(folders, records), folders, records, strict=True)]


def _score_folders(path: Path) -> list[Path]:
    if (path / FILE).is_file():
        return [path.resolve()]
    found = sorted(file.parent.resolve() for file in path.glob(f"*/{FILE}")) if path.is_dir() else []
    if not found:
        raise NotFoundError(
            f"Expected a score at {path}: a folder with {FILE}, or a folder of such folders. Found none. "
            "Make one with: forgebench score SUB --benchmark BENCH --out DIR"
        )
    return found


def _check_same_benchmark(folders: list[Path], records: list[Record]) -> None:
    first = records[0].benchmark
    for folder, record in zip(folders, records, strict=True):
        other = record.benchmark
        if (other.content_hash, other.split) != (first.content_hash, first.split):
            raise InputError(
                f"{folders[0]} was scored on {_of(records[0])}, {folder} on {_of(record)}. "
                "A report is of one benchmark and split: write one report for each."
            )


def _of(record: Record) -> str:
    part = record.benchmark
    return f"{part.name} {part.split} ({part.content_hash[:12]}…, {part.n} samples)"


def _titles(folders: list[Path], records: list[Record]) -> list[str]:
    """The shortest of three names that is an entry's own."""
    methods = [record.method.method for record in records]
    pairs = list(zip(methods, folders, strict=True))
    forms = [methods, [f"{m} ({f.name})" for m, f in pairs], [f"{m} ({f})" for m, f in pairs]]
    counts = [Counter(form) for form in forms]
    titles = []
    for names in zip(*forms, strict=True):
        own = (name for name, count in zip(names, counts, strict=True) if count[name] == 1)
        titles.append(next(own, names[-1]))
    return titles


def _entry(title: str, folder: Path, record: Record) -> Entry:
    stored = open_table(folder / per_image.FILE)
    warnings = []
    if record.sealed().record_sha256 != record.record_sha256:
        warnings.append("the record was changed after it was made: its hash does not match")
    if stored.sha256() != record.per_image.sha256:
        warnings.append("the per-image table is not the one that the record names: its hash does not match")
    return Entry(title, folder, record, table_of(stored, record), tuple(warnings))
