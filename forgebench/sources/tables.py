"""Data sets that come as Parquet files with image columns, as on the Hugging Face Hub."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from forgebench.errors import InputError
from forgebench.sources.containers import located, parquet
from forgebench.sources.files import files_below

_SHARD = re.compile(r"(?P<split>\w+?)-\d+(-of-\d+)?(-\w+)?\.parquet", re.ASCII)
_SPLITS = {"val": "validation", "valid": "validation", "dev": "validation"}


@dataclass(frozen=True)
class Row:
    """A row of a Parquet file, image columns unread."""

    file: str
    index: int
    values: dict[str, Any]
    """By column; of an image column only whether it holds one."""

    def member(self, column: str) -> str:
        """Where an image's bytes lie, as entries name it."""
        return f"{self.file}::{self.index}/{column}"


def parquet_files(root: Path) -> list[tuple[str, str]]:
    """The Parquet files below a folder, each with the split that its name `SPLIT-00000-of-00009.parquet` says."""
    return [(path, split_of_shard(path)) for path in files_below(root) if path.endswith(".parquet")]


def split_of_shard(path: str) -> str:
    """The split in a Parquet file's name, or `test`."""
    match = _SHARD.fullmatch(PurePosixPath(path).name)
    split = match["split"].casefold() if match else "test"
    return _SPLITS.get(split, split)


def has_columns(root: Path, file: str, columns: Sequence[str]) -> bool:
    """Whether a Parquet file has all these columns."""
    return set(columns) <= set(_open(root, file).schema_arrow.names)


def rows(root: Path, file: str, columns: Sequence[str], images: Sequence[str]) -> Iterator[Row]:
    """All rows of a Parquet file, without the bytes of its images.

    Args:
        root: The data set's folder.
        file: The Parquet file, relative to it, or an address.
        columns: Columns whose values are read.
        images: Image columns: of these it is read only whether a cell holds one.

    Raises:
        InputError: If a column is not there.
    """
    opened = _open(root, file)
    schema = opened.schema_arrow
    if lacking := sorted({*columns, *images} - set(schema.names)):
        raise InputError(f"{file}: expected the columns {', '.join(lacking)}, found {', '.join(schema.names)}")
    wanted = [*columns, *(_light(schema, name) for name in images)]
    index = 0
    for group in range(opened.metadata.num_row_groups):
        table = opened.read_row_group(group, wanted)
        lists = {name: table[name].to_pylist() for name in columns}
        lists |= {name: table[name].is_valid().to_pylist() for name in images}
        for row in range(table.num_rows):
            yield Row(file, index, {name: values[row] for name, values in lists.items()})
            index += 1


def _light(schema: Any, column: str) -> str:  # noqa: ANN401
    """The part of an image column that tells whether a cell is empty and weighs nothing."""
    kind = schema.field(column).type
    return f"{column}.path" if "path" in getattr(kind, "names", ()) else column


def _open(root: Path, file: str) -> Any:  # noqa: ANN401
    try:
        return parquet(located(root, file))
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: expected a Parquet file, found {error}") from error
