"""Predictions on disk: a folder, a zip or a Parquet file, read by expected name and never extracted."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol

from forgebench.errors import NotFoundError, Problem

MANIFEST, SCORES, MASKS = "submission.json", "predictions.csv", "masks/"
MAX_TEXT = 256 * 2**20
"""Most bytes of a text file."""
MAX_MASK = 512 * 2**20
MAX_RATIO = 200
"""Most a zip entry above 1 MiB may shrink: natural predictions do not compress further."""
MAX_ENTRIES = 4_000_000
_JUNK = (".DS_Store", "Thumbs.db", "desktop.ini")


class UnreadableError(Exception):
    """A member that cannot be read: what is wrong with it."""


class Store(Protocol):
    """Where predictions lie."""

    @property
    def path(self) -> Path:
        """Where they lie."""

    def problems(self) -> list[Problem]:
        """What makes the container unsafe or unreadable, found without reading any member."""

    def manifest(self) -> bytes | None:
        """The bytes of `submission.json`; None where there is none."""

    def scores(self) -> Iterator[tuple[str, str]] | None:
        """Sample ids and scores as text; None where there are none."""

    def mask_ids(self) -> set[str]:
        """The sample ids that have a mask."""

    def mask(self, sample_id: str) -> bytes | None:
        """A mask's PNG file; None where there is none.

        Raises:
            UnreadableError: If it cannot be read.
        """


def unsafe(name: str, got: str) -> Problem:
    """A member that must not be there."""
    return Problem(
        "unsafe_archive", "", "plain members named as the format says", f"{name!r}: {got}",
        "Make the archive again from submission.json, predictions.csv and masks/ alone.",
    )  # fmt: skip


def unexpected(name: str) -> Problem:
    """A member that is not part of the format; it is never read."""
    return Problem(
        "unexpected_file", "", "submission.json, predictions.csv and masks/<sample_id>.png", repr(name),
        "Remove it; it was not read.",
    )  # fmt: skip


def _known(name: str) -> bool:
    is_mask = name.startswith(MASKS) and name.endswith(".png") and name.count("/") == 1
    return name in (MANIFEST, SCORES, MASKS) or is_mask


def _is_junk(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1] in _JUNK


def _mask_ids(names: set[str]) -> set[str]:
    return {name[len(MASKS) : -len(".png")] for name in names if name.startswith(MASKS) and name.endswith(".png")}


def csv_rows(data: bytes) -> Iterator[tuple[str, str]]:
    """The rows of `predictions.csv`, as text.

    Raises:
        UnreadableError: If it is not CSV with the columns sample_id and score.
    """
    import csv
    import io

    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        header = next(reader, [])
        if header != ["sample_id", "score"]:
            raise UnreadableError(f"a first line {','.join(header)!r} instead of 'sample_id,score'")
        for row in reader:
            if row:
                yield row[0], ",".join(row[1:])
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableError(str(error)) from error


@dataclass(frozen=True)
class FolderStore:
    """A folder."""

    path: Path

    @cached_property
    def _names(self) -> set[str]:
        top = {entry.name + ("/" if entry.is_dir(follow_symlinks=False) else "") for entry in os.scandir(self.path)}
        masks = self.path / MASKS
        inside = set(os.listdir(masks)) if MASKS in top else set()  # noqa: PTH208
        return top | {MASKS + name for name in inside}

    def problems(self) -> list[Problem]:
        """Links, which could point outside, and members that are not part of the format."""
        found = []
        for name in sorted(self._names):
            mode = (self.path / name).lstat().st_mode
            if not (stat.S_ISREG(mode) or name == MASKS):
                found.append(unsafe(name, "a link" if stat.S_ISLNK(mode) else "not a plain file"))
            elif not _known(name) and not _is_junk(name):
                found.append(unexpected(name))
        return found

    def _read(self, name: str, limit: int) -> bytes | None:
        if name not in self._names:
            return None
        with (self.path / name).open("rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise UnreadableError(f"more than {limit} bytes")
        return data

    def manifest(self) -> bytes | None:  # noqa: D102
        return self._read(MANIFEST, MAX_TEXT)

    def scores(self) -> Iterator[tuple[str, str]] | None:  # noqa: D102
        data = self._read(SCORES, MAX_TEXT)
        return None if data is None else csv_rows(data)

    def mask_ids(self) -> set[str]:  # noqa: D102
        return _mask_ids(self._names)

    def mask(self, sample_id: str) -> bytes | None:  # noqa: D102
        return self._read(f"{MASKS}{sample_id}.png", MAX_MASK)


@dataclass(frozen=True)
class ZipStore:
    """A zip archive."""

    path: Path

    @cached_property
    def _zip(self) -> zipfile.ZipFile:
        return zipfile.ZipFile(self.path)

    @cached_property
    def _members(self) -> dict[str, zipfile.ZipInfo]:
        return {info.filename: info for info in self._zip.infolist()}

    def problems(self) -> list[Problem]:
        """Everything in the central directory that must not be there; nothing is decompressed for it."""
        try:
            infos = self._zip.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            return [Problem("unreadable_archive", "", "a zip archive", str(error), "Make the archive again.")]
        if len(infos) > MAX_ENTRIES:
            return [unsafe(self.path.name, f"{len(infos)} entries")]
        found: list[Problem] = []
        seen: set[str] = set()
        for info in infos:
            found += _entry_problems(info, seen)
            seen.add(info.filename.casefold())
        return found + self._nested()

    def _nested(self) -> list[Problem]:
        """The most common mistake: the folder itself was zipped, not what is in it."""
        deep = [name for name in self._members if name.endswith("/" + MANIFEST)]
        if MANIFEST in self._members or not deep:
            return []
        got = f"it is at {deep[0]!r}"
        return [
            Problem(
                "manifest",
                "",
                "submission.json at the top of the archive",
                got,
                "Zip what is in the folder, not the folder.",
            )
        ]

    def _read(self, name: str, limit: int) -> bytes | None:
        info = self._members.get(name)
        if info is None:
            return None
        if info.file_size > limit:
            raise UnreadableError(f"{info.file_size} bytes, more than {limit}")
        try:
            with self._zip.open(info) as member:
                return member.read(limit)
        except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError, _zlib_error()) as error:
            raise UnreadableError(str(error)) from error

    def manifest(self) -> bytes | None:  # noqa: D102
        return self._read(MANIFEST, MAX_TEXT)

    def scores(self) -> Iterator[tuple[str, str]] | None:  # noqa: D102
        data = self._read(SCORES, MAX_TEXT)
        return None if data is None else csv_rows(data)

    def mask_ids(self) -> set[str]:  # noqa: D102
        return _mask_ids(set(self._members))

    def mask(self, sample_id: str) -> bytes | None:  # noqa: D102
        return self._read(f"{MASKS}{sample_id}.png", MAX_MASK)


def _zlib_error() -> type[Exception]:
    import zlib

    return zlib.error


def _entry_problems(info: zipfile.ZipInfo, seen: set[str]) -> Iterator[Problem]:
    name = info.filename
    # zipfile cuts names at NUL and turns backslashes round on Windows: judge the name as it was stored.
    stored = info.orig_filename
    kind = stat.S_IFMT(info.external_attr >> 16)
    parts = stored.replace("\\", "/").split("/")
    if stored.startswith(("/", "\\")) or ".." in parts or "\\" in stored or ":" in stored or "\0" in stored:
        yield unsafe(stored, "a name that leads out of the archive")
    elif kind and not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        yield unsafe(name, "a link or a special file")
    elif name.casefold() in seen:
        yield unsafe(name, "another member has this name, or differs in case alone")
    elif info.flag_bits & 1:
        yield unsafe(name, "encrypted")
    elif info.file_size > 2**20 and info.file_size > MAX_RATIO * max(1, info.compress_size):
        yield unsafe(name, f"{info.compress_size} bytes that unpack to {info.file_size}")
    elif not _known(name) and not _is_junk(name) and not info.is_dir():
        yield unexpected(name)


@dataclass(frozen=True)
class ParquetStore:
    """One Parquet file: columns sample_id, score and, where there are masks, mask (PNG files)."""

    path: Path

    @cached_property
    def _file(self) -> Any:  # noqa: ANN401
        import pyarrow.parquet as pq

        return pq.ParquetFile(self.path)

    def problems(self) -> list[Problem]:
        """A file that is no Parquet, or has other columns."""
        try:
            schema = self._file.schema_arrow
        except (OSError, ValueError) as error:
            return [Problem("unreadable_archive", "", "a Parquet file", str(error), "Write the file again.")]
        types = {field.name: str(field.type) for field in schema}
        wanted = {"sample_id": "string", "score": "double", "mask": "binary"}
        right = all(types[name] == wanted.get(name) for name in types) and {"sample_id", "score"} <= types.keys()
        if right:
            return []
        return [
            Problem(
                "unreadable_archive", "", f"columns {wanted} (mask where there are masks)", str(types),
                "Write it with forgebench.write_submission.",
            )
        ]  # fmt: skip

    def manifest(self) -> bytes | None:  # noqa: D102
        data: bytes | None = (self._file.metadata.metadata or {}).get(b"forgebench.submission")
        return data

    def scores(self) -> Iterator[tuple[str, str]] | None:  # noqa: D102
        return (
            (str(row["sample_id"]), "" if row["score"] is None else repr(row["score"]))
            for batch in self._file.iter_batches(columns=["sample_id", "score"])
            for row in batch.to_pylist()
        )

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        """Row group and row of each sample's mask."""
        if "mask" not in self._file.schema_arrow.names:
            return {}
        ids = (self._file.read_row_group(g, columns=["sample_id"])[0] for g in range(self._file.num_row_groups))
        return {str(s): (g, row) for g, column in enumerate(ids) for row, s in enumerate(column.to_pylist())}

    def mask_ids(self) -> set[str]:  # noqa: D102
        return set(self._places)

    def mask(self, sample_id: str) -> bytes | None:  # noqa: D102
        if sample_id not in self._places:
            return None
        group, row = self._places[sample_id]
        try:
            data: bytes | None = self._group(group)[row].as_py()
        except (OSError, ValueError) as error:
            raise UnreadableError(str(error)) from error
        return data

    @cached_property
    def _group(self) -> Any:  # noqa: ANN401
        return lru_cache(maxsize=4)(lambda group: self._file.read_row_group(group, columns=["mask"])[0])


def open_store(path: Path) -> Store:
    """The predictions at a path: a folder, or a file whose name ends in .zip or .parquet.

    Raises:
        NotFoundError: If there is nothing of the kind.
    """
    if path.is_dir():
        return FolderStore(path)
    kinds: dict[str, type[ZipStore] | type[ParquetStore]] = {".zip": ZipStore, ".parquet": ParquetStore}
    if not path.is_file() or path.suffix.lower() not in kinds:
        raise NotFoundError(f"Expected a submission at {path}: a folder, a .zip or a .parquet file. Found none.")
    return kinds[path.suffix.lower()](path)
