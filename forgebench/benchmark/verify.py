"""Does a benchmark still hold what its manifest says?"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forgebench import engine
from forgebench.benchmark.cells import mask_of, pixels_of
from forgebench.benchmark.hashing import annotation_line, content_line, hash_of_lines, row_digest
from forgebench.benchmark.manifest import SplitCounts
from forgebench.benchmark.opened import Benchmark, RowGroup, row_groups_of
from forgebench.errors import InputError, Problem
from forgebench.schema import COLUMNS, LABELS, features
from forgebench.sources.files import UNDECODABLE, sha256

_BUILD_AGAIN = "Build the benchmark again, or get it again from where it came."


@dataclass(frozen=True)
class _Found:
    """What a row turned out to hold."""

    split: str
    sample_id: str
    label: str
    digest: str
    same_image: bool
    content: bytes
    annotation: bytes


def verify_benchmark(benchmark: Benchmark, workers: int | None = None) -> list[Problem]:
    """Read everything once and compare it with the manifest: every changed sample is named.

    Returns:
        What is wrong; empty for a sound benchmark.
    """
    found: list[_Found] = []
    problems: list[Problem] = []
    problems += _strays(benchmark)
    for split in benchmark.splits:
        for result in _read_split(benchmark, split, workers):
            (problems if isinstance(result, Problem) else found).append(result)  # type: ignore[arg-type]
    whole = not problems
    problems += _samples(benchmark, found, whole)
    if not problems:
        problems += _totals(benchmark, found)
    return sorted(problems)


def _read_split(benchmark: Benchmark, split: str, workers: int | None) -> Iterator[_Found | Problem]:
    jobs: list[tuple[RowGroup, str]] = []
    for file in benchmark.shards(split):
        try:
            groups = row_groups_of(file)
        except InputError as error:
            yield Problem("unreadable", "", f"a readable shard {file.name}", str(error), _BUILD_AGAIN)
            continue
        if _has_our_columns(file):
            jobs += [(group, split) for group in groups]
        else:
            yield Problem("unreadable", "", f"a benchmark's columns in {file.name}", "others", _BUILD_AGAIN)
    for results in engine.run(_check_group, jobs, total=len(jobs), what=f"verifying {split}", workers=workers, chunk=1):
        yield from results


def _has_our_columns(file: Path) -> bool:
    """Whether `datasets` finds the columns, types and label names that every benchmark has."""
    import pyarrow.parquet as pq
    from datasets import Features

    try:
        return bool(Features.from_arrow_schema(pq.read_schema(file)) == features())
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def _strays(benchmark: Benchmark) -> list[Problem]:
    """Shards of no split."""
    known = {file for split in benchmark.splits for file in benchmark.shards(split)}
    expected = f"only shards of {', '.join(benchmark.splits)}"
    strays = set((benchmark.path / "data").glob("*.parquet")) - known
    return [Problem("unknown", "", expected, f"data/{file.name}", "Remove the file.") for file in strays]


def _check_group(job: tuple[RowGroup, str]) -> list[_Found | Problem]:
    group, split = job
    try:
        rows = group.read(COLUMNS)
    except InputError as error:
        where = f"row group {group.index} of {group.file.name}"
        return [Problem("unreadable", "", f"{group.rows} samples in {where}", str(error), _BUILD_AGAIN)]
    return [_check_row(row, split) for row in rows]


def _check_row(row: dict[str, Any], split: str) -> _Found | Problem:
    sample_id = str(row["sample_id"])
    try:
        content = content_line(row, split, mask_of(row["mask"]), mask_of(row["source_mask"]))
        same_image = sha256(row["image"]["bytes"]) == row["sha256"]
        label = LABELS[row["label"]] if row["label"] in (0, 1) else str(row["label"])
        annotation = annotation_line(row, pixels_of(row["scribble"]))
        return _Found(split, sample_id, label, row_digest(row), same_image, content, annotation)
    except (*UNDECODABLE, struct.error) as error:
        return Problem("changed", sample_id, "the values that were built", str(error), _BUILD_AGAIN)


def _samples(benchmark: Benchmark, found: list[_Found], whole: bool) -> Iterator[Problem]:
    """Every sample that is changed, not in the manifest, there twice or, where all could be read, gone."""
    digests = benchmark.manifest.rows
    times = Counter(one.sample_id for one in found)
    for one in found:
        if one.sample_id not in digests:
            yield Problem("unknown", one.sample_id, "only samples that the manifest names", "this one", _BUILD_AGAIN)
        elif not one.same_image:
            yield Problem("changed", one.sample_id, "the image bytes that were built", "others", _BUILD_AGAIN)
        elif one.digest != digests[one.sample_id]:
            expected = "the label, mask and annotations that were built"
            yield Problem("changed", one.sample_id, expected, "at least one other value", _BUILD_AGAIN)
    for sample_id, count in times.items():
        if count > 1:
            yield Problem("duplicate", sample_id, "one row", f"{count}", _BUILD_AGAIN)
    for sample_id in digests.keys() - times.keys() if whole else ():
        yield Problem("missing", sample_id, "the sample that the manifest names", "no such row", _BUILD_AGAIN)


def _totals(benchmark: Benchmark, found: list[_Found]) -> Iterator[Problem]:
    """The manifest's hashes and counts against those of the samples."""
    manifest = benchmark.manifest
    content_hash = manifest.content_hash if manifest.hidden is None else manifest.hidden.public_hash
    pairs: dict[str, tuple[object, object]] = {
        "content hash": (content_hash, hash_of_lines(one.content for one in found)),
        "annotation hash": (manifest.annotation_hash, hash_of_lines(one.annotation for one in found)),
    }
    for split, said in manifest.splits.items():
        labels = Counter(one.label for one in found if one.split == split)
        counted = SplitCounts(samples=labels.total(), **{label: labels[label] for label in LABELS})
        pairs[f"counts of {split}:"] = (said, counted)
    for what, (told, found_out) in pairs.items():
        if told != found_out:
            yield Problem("manifest", "", f"{what} {found_out}, as the samples have it", str(told), _BUILD_AGAIN)
