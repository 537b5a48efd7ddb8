"""The per-image table: counted in one pass over benchmark and predictions, stored, and read again."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from forgebench import engine
from forgebench.benchmark import Benchmark
from forgebench.benchmark.hashing import frame, hash_of_lines, row_digest
from forgebench.benchmark.opened import RowGroup
from forgebench.errors import InputError, NotFoundError, Problem, ProblemsError
from forgebench.metrics import Table, pixel_counts
from forgebench.metrics.pixel import BINS
from forgebench.schema import COLUMNS, LABELS
from forgebench.submission import Submission

FILE = "per_image.parquet"
OK = "ok"
SLICES = ("manipulation", "width", "height")
"""Columns copied from the benchmark, to slice by."""

_MAY_BE_NULL = ("score", "hist_tampered", "hist_authentic", "manipulation")
_READ = (*(name for name in COLUMNS if name != "image"), "image.path")
"""All but the image's bytes: enough to see that what is scored is what was built."""


@dataclass(frozen=True)
class Scored:
    """The whole pass: the table's rows in the benchmark's order, and the predictions' hash."""

    table: Any
    """A pyarrow table with one row a sample."""
    predictions_hash: str
    """SHA-256 over ids, scores and mask pixels, whatever the container."""


def count(submission: Submission, benchmark: Benchmark, workers: int | None) -> Scored:
    """Count every sample of the submission's split.

    Raises:
        ProblemsError: If the benchmark was changed after it was built: the samples are named.
    """
    import pyarrow as pa

    split = submission.manifest.split
    groups = benchmark.row_groups(split)
    results = engine.run(
        partial(_count_group, submission), groups, total=len(groups), what="scoring", workers=workers, chunk=1
    )
    tables, lines, digests = [], list[bytes](), dict[str, str]()
    for rows, group_lines, group_digests in results:
        tables.append(pa.Table.from_pylist(rows, schema=_schema(submission.localizes)))
        lines += group_lines
        digests |= group_digests
    _refuse_changed(benchmark, split, digests)
    return Scored(pa.concat_tables(tables), hash_of_lines(lines))


def _refuse_changed(benchmark: Benchmark, split: str, digests: dict[str, str]) -> None:
    expected, fix = "the values that were built", f"See all: forgebench verify {benchmark.path}"
    built = benchmark.manifest.rows
    problems = [
        Problem("changed", sample_id, expected, "others", fix)
        for sample_id, digest in digests.items()
        if built.get(sample_id) != digest
    ]
    samples = benchmark.manifest.splits[split].samples
    if len(digests) != samples:
        problems.append(Problem("changed", "", f"{samples} samples", str(len(digests)), fix))
    if problems:
        raise ProblemsError(f"{benchmark.path} was changed after it was built and cannot be scored on:", problems)


def _schema(localizes: bool) -> Any:  # noqa: ANN401
    import pyarrow as pa

    histogram = pa.list_(pa.field("element", pa.int32(), nullable=False), BINS)
    fields = {
        "sample_id": pa.string(), "group": pa.string(), "label": pa.string(), "score": pa.float64(),
        "status": pa.string(), "tampered_px": pa.int64(), "authentic_px": pa.int64(),
        "hist_tampered": histogram, "hist_authentic": histogram,
        "manipulation": pa.string(), "width": pa.int32(), "height": pa.int32(),
    }  # fmt: skip
    columns = [pa.field(name, kind, nullable=name in _MAY_BE_NULL) for name, kind in fields.items()]
    return pa.schema(columns, metadata={"forgebench.localizes": str(localizes).lower()})


_Counted = tuple[list[dict[str, Any]], list[bytes], dict[str, str]]
"""The table's rows, the lines of the predictions' hash, and the digest of each benchmark row."""


def _count_group(submission: Submission, group: RowGroup) -> _Counted:
    rows = group.read(_READ)
    counted = [_count_row(submission, row) for row in rows]
    digests = {row["sample_id"]: row_digest(row) for row in rows}
    return [row for row, _ in counted], [line for _, line in counted], digests


def _count_row(submission: Submission, row: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    size = (row["height"], row["width"])
    truth = _truth(row, size)
    tampered = 0 if truth is None else int(np.count_nonzero(truth))
    counted = {
        "sample_id": row["sample_id"], "group": row["group"], "label": LABELS[row["label"]],
        "status": OK, "tampered_px": tampered, "authentic_px": 0 if truth is None else truth.size - tampered,
        **{name: row[name] for name in SLICES},
    }  # fmt: skip
    prediction = submission.read(row["sample_id"], size)
    if isinstance(prediction, Problem):
        line = frame(row["sample_id"]) + frame(prediction.code)
        return counted | {"status": prediction.code}, line
    score, mask = prediction
    line = frame(row["sample_id"]) + frame(struct.pack(">d", score)) + frame(_digest(mask))
    counted["score"] = score
    if mask is not None and truth is not None:
        counts = pixel_counts(mask, truth)
        counted |= {"hist_tampered": counts.tampered, "hist_authentic": counts.authentic}
    return counted, line


def _truth(row: dict[str, Any], size: tuple[int, int]) -> NDArray[np.generic] | None:
    if row["mask"] is None:
        return None
    if LABELS[row["label"]] == "authentic":
        return np.zeros(size, bool)
    with Image.open(BytesIO(row["mask"]["bytes"])) as image:
        return np.asarray(image)


def _digest(mask: NDArray[np.uint8] | None) -> bytes | None:
    return None if mask is None else hashlib.sha256(np.ascontiguousarray(mask).data).digest()


def table_hash(table: Any) -> str:  # noqa: ANN401
    """SHA-256 over the per-image table's values, independent of Parquet version, compression and row order."""
    lines = []
    for batch in table.to_batches(max_chunksize=1024):
        for row in batch.to_pylist():
            histograms = (row[name] for name in ("hist_tampered", "hist_authentic"))
            numbers = [struct.pack(">qq", row["tampered_px"], row["authentic_px"])]
            numbers += [b"" if h is None else np.asarray(h, ">i8").tobytes() for h in histograms]
            score = None if row["score"] is None else struct.pack(">d", row["score"])
            texts = (row["sample_id"], row["group"], row["label"], row["status"])
            slices = (None if row[name] is None else str(row[name]) for name in SLICES)
            lines.append(b"".join(map(frame, (*texts, score, *numbers, *slices))))
    localizes = (table.schema.metadata or {}).get(b"forgebench.localizes")
    return hash_of_lines([*lines, frame(localizes)])


def write_table(table: Any, path: Path) -> None:  # noqa: ANN401
    """Write the per-image table."""
    import pyarrow.parquet as pq

    pq.write_table(table, path, compression="zstd", row_group_size=1024)


def read_table(path: Path) -> Any:  # noqa: ANN401
    """Read the per-image table as pyarrow.

    Raises:
        NotFoundError: If there is none.
        InputError: If it cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise NotFoundError(f"Expected the per-image table at {path}, found none. Score the submission again.")
    try:
        table = pq.read_table(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read: {error}. Score the submission again.") from error
    if not table.schema.equals(_schema(localizes=True)):
        raise InputError(f"{path} has other columns than a per-image table. Score the submission again.")
    return table


def metric_table(table: Any) -> Table:  # noqa: ANN401
    """The per-image table as arrays, for the metrics."""
    text = {name: np.array(table[name].to_pylist(), dtype=str) for name in ("sample_id", "group", "label", "status")}
    valid = text["status"] == OK
    score = np.array([np.nan if s is None else s for s in table["score"].to_pylist()], np.float64)
    px = {name: table[name].to_numpy().astype(np.int64) for name in ("tampered_px", "authentic_px")}
    return Table(
        sample_id=text["sample_id"],
        group=text["group"],
        tampered=text["label"] == "tampered",
        score=score,
        valid=valid,
        hist_tampered=_histograms(table["hist_tampered"]),
        hist_authentic=_histograms(table["hist_authentic"]),
        tampered_px=px["tampered_px"],
        authentic_px=px["authentic_px"],
        localizes=(table.schema.metadata or {}).get(b"forgebench.localizes") == b"true",
    )


def _histograms(column: Any) -> NDArray[np.int32]:  # noqa: ANN401
    """A column of 256-bin histograms as shape (N, 256), zeros where there is none."""
    return np.concatenate(list(_blocks(column)) or [np.empty((0, BINS), np.int32)])


def _blocks(column: Any) -> Iterator[NDArray[np.int32]]:  # noqa: ANN401
    for chunk in column.chunks:
        block = np.zeros((len(chunk), BINS), np.int32)
        present = np.asarray(chunk.is_valid())
        block[present] = chunk.drop_null().flatten().to_numpy().reshape(-1, BINS)
        yield block
