"""Predictions in one Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from forgebench.errors import Problem
from forgebench.submission.layout import UnreadableError, printable, unsafe

KEY = "forgebench.submission"
"""The file's metadata holds the manifest under this name."""
_TYPES = {"sample_id": "string", "score": "double", "mask": "binary"}
_UNPACKED = {"PLAIN", "RLE"}


@dataclass(frozen=True)
class ParquetStore:
    """One Parquet file: columns sample_id, score and, where there are masks, mask (PNG files)."""

    path: Path

    @cached_property
    def _file(self) -> Any:  # noqa: ANN401
        import pyarrow.parquet as pq

        return pq.ParquetFile(self.path)

    def problems(self) -> list[Problem]:
        """A file that is no Parquet, has other columns, or could unpack to any size."""
        fix = "Write it with forgebench.write_submission."
        try:
            types = [(field.name, str(field.type)) for field in self._file.schema_arrow]
            packed = self._packed()
        except _errors() as error:
            return [Problem("unreadable_archive", "", "a Parquet file", printable(str(error)), fix)]
        if types not in (list(_TYPES.items()), list(_TYPES.items())[:2]):
            expected = f"columns {_TYPES} (mask where there are masks)"
            return [Problem("unreadable_archive", "", expected, printable(str(dict(types))), fix)]
        return [unsafe(self.path.name, f"packed as {packed}, which can unpack to any size")] if packed else []

    def _packed(self) -> str:
        """The compressions and dictionary encodings of the columns; empty where every value is stored as it is."""
        meta = self._file.metadata
        columns = [meta.row_group(g).column(c) for g in range(meta.num_row_groups) for c in range(meta.num_columns)]
        kinds = {column.compression for column in columns} - {"UNCOMPRESSED"}
        kinds |= {encoding for column in columns for encoding in column.encodings} - _UNPACKED
        return ", ".join(sorted(kinds))

    def manifest(self) -> bytes | None:
        """See `Store`."""
        data: bytes | None = (self._file.metadata.metadata or {}).get(KEY.encode())
        return data

    def scores(self) -> Iterator[tuple[str, str]]:
        """See `Store`."""
        try:
            for batch in self._file.iter_batches(columns=["sample_id", "score"]):
                for row in batch.to_pylist():
                    yield str(row["sample_id"]), "" if row["score"] is None else repr(row["score"])
        except _errors() as error:
            raise UnreadableError(str(error)) from error

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        """Row group and row of each sample's mask."""
        groups = [g for g in range(self._file.num_row_groups) if self._has_masks(g)]
        ids = ((g, self._file.read_row_group(g, columns=["sample_id"])[0]) for g in groups)
        return {str(s): (g, row) for g, column in ids for row, s in enumerate(column.to_pylist())}

    def _has_masks(self, group: int) -> bool:
        if "mask" not in self._file.schema_arrow.names:
            return False
        meta = self._file.metadata.row_group(group)
        statistics = meta.column(len(_TYPES) - 1).statistics
        return statistics is None or statistics.null_count != meta.num_rows

    def mask_ids(self) -> set[str]:
        """See `Store`."""
        return set(self._places)

    def mask(self, sample_id: str, limit: int) -> bytes | None:
        """See `Store`."""
        if sample_id not in self._places:
            return None
        group, row = self._places[sample_id]
        try:
            data: bytes | None = self._group(group)[row].as_py()
        except _errors() as error:
            raise UnreadableError(str(error)) from error
        if data is not None and len(data) > limit:
            raise UnreadableError(f"more than {limit} bytes")
        return data

    @cached_property
    def _group(self) -> Any:  # noqa: ANN401
        return lru_cache(maxsize=4)(lambda group: self._file.read_row_group(group, columns=["mask"])[0])


def _errors() -> tuple[type[Exception], ...]:
    """What pyarrow raises on a broken file."""
    from pyarrow import ArrowException

    return (ArrowException, OSError, ValueError, MemoryError)
