"""Bytes of a file, or of a member of a Parquet file or an LMDB environment: `CONTAINER::MEMBER`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from forgebench.errors import ForgeBenchError

ABOUT_BYTES = 2**18
"""What a member is taken to weigh where shards are planned."""


def read_bytes(root: Path, path: str) -> bytes:
    """The bytes of a file below the root; of a member, where the path names one.

    Members are `FOLDER::KEY` of an LMDB environment, and `FILE.parquet::ROW/COLUMN` of an image column.

    Raises:
        OSError: If there is no such file or member.
        ForgeBenchError: If lmdb is needed and not installed.
    """
    container, _, member = path.partition("::")
    if not member or (root / path).is_file():
        return (root / path).read_bytes()
    if container.endswith(".parquet"):
        row, column = member.split("/", 1)
        return _cell(located(root, container), int(row), column)
    data = lmdb_get(root / container, member)
    if data is None:
        raise FileNotFoundError(f"no {member} in {container}")
    return data


def located(root: Path, container: str) -> str:
    """Where a file or container lies: below the root, or at the address that it is."""
    return container if "://" in container else str(root / container)


def stamp(root: Path, path: str) -> tuple[int, int]:
    """A file's size in bytes and time of change, a member's the container's; zeros where there is none."""
    container, _, member = path.partition("::")
    file = root / container
    if file.is_dir() and member:
        file /= "data.mdb"
    if "://" in container or not file.exists():
        return (ABOUT_BYTES, 0) if member else (0, 0)
    stat = file.stat()
    return (ABOUT_BYTES if member else stat.st_size), stat.st_mtime_ns


def lmdb_get(folder: Path, key: str) -> bytes | None:
    """The value of a key, or None.

    Raises:
        OSError: If the environment cannot be read.
        ForgeBenchError: If lmdb is not installed.
    """
    try:
        import lmdb
    except ImportError as error:
        raise ForgeBenchError("This data set lies in LMDB: pip install 'forgebench[sources]'") from error
    try:
        with _environment(str(folder)).begin() as transaction:
            value: bytes | None = transaction.get(key.encode())
    except lmdb.Error as error:
        raise OSError(f"{folder}: {error}") from error
    return value


@lru_cache(maxsize=4)
def _environment(folder: str) -> Any:  # noqa: ANN401
    import lmdb

    return lmdb.open(folder, readonly=True, lock=False, readahead=False, max_readers=1)


@lru_cache(maxsize=4)
def parquet(file: str) -> Any:  # noqa: ANN401
    """A Parquet file, opened; an address such as `hf://…` is read over the network."""
    import fsspec
    import pyarrow.parquet as pq

    return pq.ParquetFile(fsspec.open(file).open())


@lru_cache(maxsize=3)
def _row_group(file: str, index: int, column: str) -> Any:  # noqa: ANN401
    return parquet(file).read_row_group(index, [column])[column]


def _cell(file: str, row: int, column: str) -> bytes:
    """The bytes of an image cell; only its row group is read."""
    index, metadata = 0, parquet(file).metadata
    while row >= (rows := metadata.row_group(index).num_rows):
        row, index = row - rows, index + 1
    value = _row_group(file, index, column)[row].as_py()
    data: bytes | None = value["bytes"] if isinstance(value, dict) else value
    if data is None:
        raise FileNotFoundError(f"no bytes in column {column}, row {row} of row group {index}")
    return data
