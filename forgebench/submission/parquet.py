"""Predictions in one Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from forgebench.errors import Problem
from forgebench.schema import FIELDS, Box
from forgebench.submission.layout import UnreadableError, printable, unsafe
from forgebench.submission.manifest import Output
from forgebench.submission.rows import json_entries
from forgebench.submission.values import MAX_BOXES, box_of

KEY = "forgebench.submission"
"""The file's metadata holds the manifest under this name."""
TYPES = {
    "sample_id": "string", "score": "double", "synthetic": "double", "mask": "binary", "boxes": "string",
    "explanation": f"struct<{', '.join(f'{name}: string' for name in FIELDS)}>",
}  # fmt: skip
"""The columns; the first two must be there. Boxes are JSON text: a Parquet list may hold any number for no bytes."""
_UNPACKED = {"PLAIN", "RLE"}


@dataclass(frozen=True)
class ParquetStore:
    """One Parquet file with a row a sample; a column that holds nothing is as good as none."""

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
        names = [name for name, _ in types]
        wanted = [(name, kind) for name, kind in TYPES.items() if name in names]
        if types != wanted or names[:2] != list(TYPES)[:2]:
            expected = f"columns {TYPES}, of which the first two must be there"
            return [Problem("unreadable_archive", "", expected, printable(str(dict(types))), fix)]
        return [unsafe(self.path.name, f"packed as {packed}, which can unpack to any size")] if packed else []

    def _packed(self) -> str:
        """The compressions and dictionary encodings of the columns; empty where every value is stored as it is."""
        columns = [column for group in range(self._file.num_row_groups) for column in self._chunks(group)]
        kinds = {column.compression for column in columns} - {"UNCOMPRESSED"}
        kinds |= {encoding for column in columns for encoding in column.encodings} - _UNPACKED
        return ", ".join(sorted(kinds))

    def _chunks(self, group: int) -> Iterator[Any]:
        meta = self._file.metadata.row_group(group)
        return (meta.column(number) for number in range(meta.num_columns))

    def manifest(self) -> bytes | None:
        """See `Store`."""
        data: bytes | None = (self._file.metadata.metadata or {}).get(KEY.encode())
        return data

    def holds(self, output: Output) -> bool:
        """See `Store`."""
        return output in self._held

    @cached_property
    def _held(self) -> set[str]:
        """The columns that hold something but nulls."""
        columns = [column for group in range(self._file.num_row_groups) for column in self._chunks(group)]
        return {column.path_in_schema.split(".")[0] for column in columns if _has_values(column)}

    def scores(self) -> Iterator[tuple[str, str, str | None]]:
        """See `Store`."""
        columns = [name for name in ("sample_id", "score", "synthetic") if name in self._held or name != "synthetic"]
        try:
            for batch in self._file.iter_batches(columns=columns):
                for row in batch.to_pylist():
                    synthetic = _number(row["synthetic"]) if "synthetic" in row else None
                    yield str(row["sample_id"]), _number(row["score"]), synthetic
        except _errors() as error:
            raise UnreadableError(str(error)) from error

    def ids(self, output: Output) -> Iterator[str]:
        """None: whatever there is of a sample is in its row."""
        return iter(())

    def mask(self, sample_id: str, limit: int) -> bytes | None:
        """See `Store`."""
        data: bytes | None = self._value(sample_id, "mask")
        if data is not None and len(data) > limit:
            raise UnreadableError(f"more than {limit} bytes")
        return data

    def boxes(self, sample_id: str) -> list[Box | None]:
        """See `Store`."""
        text = self._value(sample_id, "boxes")
        return [] if text is None else list(map(box_of, islice(json_entries(text.encode()), MAX_BOXES + 1)))

    def explanation(self, sample_id: str) -> list[str] | None:
        """See `Store`."""
        fields = self._value(sample_id, "explanation")
        return None if fields is None else ["" if text is None else text for text in fields.values()]

    def _value(self, sample_id: str, column: str) -> Any:  # noqa: ANN401
        if column not in self._held or sample_id not in self._places:
            return None
        group, row = self._places[sample_id]
        try:
            return self._column(group, column)[row].as_py()
        except _errors() as error:
            raise UnreadableError(str(error)) from error

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        """Row group and row of each sample."""
        groups = ((g, self._file.read_row_group(g, columns=["sample_id"])[0]) for g in range(self._file.num_row_groups))
        return {str(s): (g, row) for g, column in groups for row, s in enumerate(column.to_pylist())}

    @cached_property
    def _column(self) -> Any:  # noqa: ANN401
        return lru_cache(maxsize=6)(lambda group, name: self._file.read_row_group(group, columns=[name])[0])


def _has_values(column: Any) -> bool:  # noqa: ANN401
    return column.statistics is None or column.statistics.null_count != column.num_values


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def _errors() -> tuple[type[Exception], ...]:
    """What pyarrow raises on a broken file."""
    from pyarrow import ArrowException

    return (ArrowException, OSError, ValueError, MemoryError)
