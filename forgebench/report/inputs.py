"""What was scored, found again: the benchmark and the submissions, checked against the per-image tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forgebench.benchmark import Benchmark, open_benchmark
from forgebench.benchmark.cells import mask_of
from forgebench.errors import ForgeBenchError, InputError, Problem
from forgebench.metrics import pixel_counts
from forgebench.report.entries import Entry
from forgebench.scoring.score import INPUTS
from forgebench.submission import Submission, open_submission

Row = dict[str, Any]
_COLUMNS = ("sample_id", "image", "label", "manipulation", "mask", "width", "height")


def find_benchmark(entries: Sequence[Entry]) -> Benchmark:
    """The benchmark, where an entry says that it lies.

    Raises:
        InputError: If it is at none of the places named: what was looked for, and what is there.
    """
    errors = []
    for entry in entries:
        try:
            found = open_benchmark(Path(_inputs(entry)["benchmark"]))
            check_hash(found, entry)
        except ForgeBenchError as error:
            errors.append(str(error))
        else:
            return found
    raise InputError(" ".join(dict.fromkeys(errors)))


def check_hash(benchmark: Benchmark, entry: Entry) -> None:
    """Make sure that an entry was scored on this benchmark.

    Raises:
        InputError: If it was not.
    """
    expected = entry.record.benchmark.content_hash
    if benchmark.content_hash != expected:
        raise InputError(
            f"Expected the benchmark of content hash {expected[:12]}… at {benchmark.path}, found "
            f"{benchmark.content_hash[:12]}…. Name the one that was scored."
        )


def _inputs(entry: Entry) -> dict[str, str]:
    file = entry.folder / INPUTS
    if not file.is_file():
        raise InputError(f"The score of {entry.title} has no {INPUTS}, which says where its benchmark lies.")
    try:
        inputs = json.loads(file.read_text(encoding="utf-8"))
        return {name: str(inputs[name]) for name in ("benchmark", "submission")}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file} does not say where benchmark and submission lie: {error!r}.") from error


def read_rows(benchmark: Benchmark, split: str, wanted: set[str]) -> dict[str, Row]:
    """The wanted rows by sample id, in the order of the ids; row groups without any are not read.

    Raises:
        InputError: If one is missing.
    """
    rows: dict[str, Row] = {}
    for group in benchmark.row_groups(split):
        if not wanted.isdisjoint(row["sample_id"] for row in group.read(["sample_id"])):
            rows |= {row["sample_id"]: row for row in group.read(_COLUMNS) if row["sample_id"] in wanted}
    if missing := sorted(wanted - set(rows)):
        raise InputError(f"{benchmark.path} lacks {missing[0]}. Run: forgebench verify {benchmark.path}")
    return dict(sorted(rows.items()))


def open_scored(entry: Entry) -> Submission:
    """The submission of an entry, where it lay when it was scored.

    Raises:
        ForgeBenchError: If it is not there, or cannot be read.
    """
    path = _inputs(entry)["submission"]
    submission, problems = open_submission(path)
    if submission is None:
        raise InputError(f"{path} cannot be read. {problems[0]}")
    return submission


def prediction(submission: Submission, entry: Entry, index: int, row: Row) -> NDArray[np.uint8] | None:
    """The mask predicted for one row of the per-image table, shape (H, W), uint8; None where there are no masks.

    Raises:
        InputError: If its score or its counts are not those of the table: another submission lies there now.
    """
    table, size = entry.table, (row["height"], row["width"])
    found = submission.read(row["sample_id"], size)
    if isinstance(found, Problem):
        raise InputError(f"{submission.path} is no longer what was scored: {found}")
    mask = found.mask
    same = found.score == table.score[index] and (mask is not None) == table.localizes
    truth = mask_of(row["mask"])
    if mask is not None and truth is not None:
        counts = pixel_counts(mask, truth)
        here = slice(index, index + 1)
        same &= np.array_equal(counts.tampered, table.hist_tampered[here][0])
        same &= np.array_equal(counts.authentic, table.hist_authentic[here][0])
    if not same:
        raise InputError(
            f"{submission.path} is no longer what was scored: expected the counts of the per-image table for "
            f"{row['sample_id']}, found others. Score it again."
        )
    return mask
