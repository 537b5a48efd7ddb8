"""The stored per-image table: opened, hashed, and as arrays for the metrics."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forgebench.benchmark.hashing import frame, hash_of_lines
from forgebench.errors import InputError, NotFoundError
from forgebench.metrics import Table
from forgebench.metrics.pixel import BINS
from forgebench.metrics.table import Frozen
from forgebench.scoring import columns
from forgebench.scoring.columns import FILE, TableAbout
from forgebench.scoring.count import OK

__all__ = ["FILE", "OK", "PerImage", "open_table"]

_AGAIN = "Score the submission again."
_BYTES = {"int": ">i8", "float": ">f8", "histogram": ">i4", "ints": ">i8", "floats": ">f8"}


@dataclass(frozen=True)
class PerImage:
    """A per-image table on disk; histograms stay there until they are read, a row group at a time."""

    file: Path
    about: TableAbout

    @cached_property
    def _parquet(self) -> Any:  # noqa: ANN401
        import pyarrow.parquet as pq

        return pq.ParquetFile(self.file)

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """The row after the last of each row group."""
        meta = self._parquet.metadata
        return np.cumsum([meta.row_group(i).num_rows for i in range(meta.num_row_groups)], dtype=np.int64)

    @cached_property
    def kinds(self) -> dict[str, str]:
        """The kind of each column."""
        return columns.kinds(self.about)

    def __len__(self) -> int:
        return int(self._parquet.metadata.num_rows)

    def column(self, name: str) -> Any:  # noqa: ANN401
        """A whole column: texts and numbers as an array, lists as a list of arrays, histograms as `StoredHistograms`.

        None becomes NaN in a column of floats, 0 in one of ints, an empty array in one of lists, None in texts.
        """
        kind = self.kinds[name]
        if kind == "histogram":
            return StoredHistograms(self, name)
        values = self._parquet.read(columns=[name])[name]
        if kind == "string":
            return np.array(values.to_pylist(), dtype=object)
        if kind in ("ints", "floats"):
            return _lists(values, np.dtype(np.int64 if kind == "ints" else np.float64))
        filled = values.fill_null(0 if kind == "int" else float("nan"))
        return filled.to_numpy().astype(np.int64 if kind == "int" else np.float64)

    def row_group(self, index: int, name: str) -> NDArray[np.int32]:
        """One row group of a column of histograms, shape (n, 256), zeros where there is none."""
        values = self._parquet.read_row_group(index, columns=[name])[name].combine_chunks()
        return _histograms(values)

    def slice_columns(self) -> dict[str, NDArray[Any]]:
        """What slices are made from."""
        names = ("label", "manipulation", "width", "height", "jpeg_quality", "source", "tampered_px", "authentic_px")
        return {name: self.column(name) for name in names}

    def table(self, *, supervision: str | None = None, frozen: Frozen | None = None) -> Table:
        """As arrays, for the metrics.

        Args:
            supervision: The level of annotation that the method was trained with.
            frozen: Thresholds chosen on a calibration split.
        """
        text = {name: self.column(name).astype(str) for name in ("sample_id", "group", "label", "status")}
        extra = {name: self.column(name) for name in self._extra()}
        return Table(
            sample_id=text["sample_id"], group=text["group"], tampered=text["label"] == "tampered",
            score=self.column("score"), valid=text["status"] == OK,
            hist_tampered=self.column("hist_tampered"), hist_authentic=self.column("hist_authentic"),
            tampered_px=self.column("tampered_px"), authentic_px=self.column("authentic_px"),
            localizes=self.about.localizes, outputs=self.about.outputs, extra=extra,
            supervision=supervision, frozen=frozen,
        )  # fmt: skip

    def _extra(self) -> list[str]:
        plain = set(columns.kinds(TableAbout((), ())))
        wanted = [name for name in self.kinds if name not in plain]
        return [*wanted, "manipulation", *(["synthetic"] if "synthetic" in self.about.outputs else [])]

    def sha256(self) -> str:
        """SHA-256 over the table's values, independent of Parquet version, compression and row order.

        Each row is its columns' values, framed; each value big-endian (integers and floats of 8 bytes, counts of a
        histogram of 4). The hash is over the SHA-256 of every row, sorted, and the row of names.
        """
        names = [f"{name} {kind}" for name, kind in self.kinds.items()]
        head = b"".join(frame(name) for name in (*names, *self.about.outputs))
        lines = [hashlib.sha256(head).digest()]
        for group in range(self._parquet.num_row_groups):
            values = self._parquet.read_row_group(group)
            cells = (_cells(values[name].combine_chunks(), kind) for name, kind in self.kinds.items())
            lines += [hashlib.sha256(b"".join(map(frame, row))).digest() for row in zip(*cells, strict=True)]
        return hash_of_lines(lines)


@dataclass(frozen=True)
class StoredHistograms:
    """A column of histograms on disk."""

    table: PerImage
    name: str

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, rows: slice, /) -> NDArray[np.int32]:
        start, stop, _ = rows.indices(len(self))
        if start >= stop:
            return np.empty((0, BINS), np.int32)
        ends = self.table.ends
        groups = range(int(np.searchsorted(ends, start, "right")), int(np.searchsorted(ends, stop, "left")) + 1)
        first = 0 if not groups.start else int(ends[groups.start - 1])
        return np.concatenate([self.table.row_group(g, self.name) for g in groups])[start - first : stop - first]


def _lists(values: Any, dtype: np.dtype[Any]) -> NDArray[np.object_]:  # noqa: ANN401
    """Lists as arrays, empty where there is none."""
    found = np.empty(len(values), object)
    for row, one in enumerate(values.to_pylist()):
        found[row] = np.array([] if one is None else one, dtype)
    return found


def _histograms(values: Any) -> NDArray[np.int32]:  # noqa: ANN401
    block = np.zeros((len(values), BINS), np.int32)
    block[np.asarray(values.is_valid())] = values.drop_null().flatten().to_numpy().reshape(-1, BINS)
    return block


def _cells(values: Any, kind: str) -> Iterator[bytes | None]:  # noqa: ANN401
    """A column's values as bytes, None for null."""
    if kind == "string":
        return (None if text is None else text.encode() for text in values.to_pylist())
    present = values.is_valid().to_pylist()
    if kind in ("int", "float"):
        filled = values.fill_null(0).to_numpy(zero_copy_only=False).astype(_BYTES[kind])
        return (cell.tobytes() if there else None for cell, there in zip(filled, present, strict=True))
    if kind == "histogram":
        filled = _histograms(values).astype(_BYTES[kind])
        return (row.tobytes() if there else None for row, there in zip(filled, present, strict=True))
    lists = values.to_pylist()
    return (None if one is None else np.array(one, _BYTES[kind]).tobytes() for one in lists)


def open_table(path: Path) -> PerImage:
    """Open a per-image table.

    Raises:
        NotFoundError: If there is none.
        InputError: If it cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise NotFoundError(f"Expected the per-image table at {path}, found none. {_AGAIN}")
    try:
        found = pq.ParquetFile(path)
        about = columns.about(found.schema_arrow)
        for group in range(found.num_row_groups if about is not None else 0):
            found.read_row_group(group)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read: {error}. {_AGAIN}") from error
    if about is None:
        raise InputError(f"{path} has other columns than a per-image table. {_AGAIN}")
    return PerImage(path, about)
