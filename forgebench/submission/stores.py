"""Predictions on disk: a folder, a zip or a Parquet file, read by expected name and never extracted."""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from forgebench.errors import NotFoundError, Problem
from forgebench.schema import Box
from forgebench.submission.layout import (
    BOXES,
    MANIFEST,
    MASKS,
    MAX_MANIFEST,
    MAX_TEXT,
    MEMBERS,
    SCORES,
    TEXTS,
    Store,
    UnreadableError,
    is_part,
    mask_ids,
    printable,
    unexpected,
    unsafe,
)  # fmt: skip
from forgebench.submission.manifest import Output
from forgebench.submission.parquet import ParquetStore
from forgebench.submission.rows import SCORE_HEADERS, TEXT_HEADERS, csv_rows, json_entries
from forgebench.submission.values import MAX_BOXES, box_of

MAX_RATIO = 200
"""Most a zip entry above 1 MiB may shrink: natural predictions do not compress further."""
MAX_ENTRIES = 4_000_000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The compression that is read: it unpacks in bounded memory."""


class _Members:
    """What a folder and a zip have in common: members by name."""

    def _read(self, name: str, limit: int) -> bytes | None:
        raise NotImplementedError

    def _all(self) -> set[str]:
        raise NotImplementedError

    def manifest(self) -> bytes | None:
        """See `Store`."""
        return self._read(MANIFEST, MAX_MANIFEST)

    def holds(self, output: Output) -> bool:
        """See `Store`."""
        return bool(mask_ids(self._all())) if output == "mask" else MEMBERS[output] in self._all()

    def scores(self) -> Iterator[tuple[str, str, str | None]] | None:
        """See `Store`."""
        data = self._read(SCORES, MAX_TEXT)
        return None if data is None else _score_rows(data)

    def ids(self, output: Output) -> Iterator[str]:
        """See `Store`."""
        if output == "mask":
            return iter(sorted(mask_ids(self._all())))
        return (sample_id for sample_id, _ in (self._boxes() if output == "boxes" else self._texts()))

    def mask(self, sample_id: str, limit: int) -> bytes | None:
        """See `Store`."""
        return self._read(f"{MASKS}{sample_id}.png", limit)

    def boxes(self, sample_id: str) -> list[Box | None]:
        """See `Store`."""
        return self._boxes_of.get(sample_id, [])

    def explanation(self, sample_id: str) -> list[str] | None:
        """See `Store`."""
        return self._text_of.get(sample_id)

    @cached_property
    def _boxes_of(self) -> dict[str, list[Box | None]]:
        found: dict[str, list[Box | None]] = {}
        for sample_id, entry in self._boxes():
            mine = found.setdefault(sample_id, [])
            if len(mine) <= MAX_BOXES:
                mine.append(box_of(entry))
        return found

    @cached_property
    def _text_of(self) -> dict[str, list[str]]:
        return dict(self._texts())

    def _boxes(self) -> Iterator[tuple[str, Any]]:
        data = self._read(BOXES, MAX_TEXT)
        for number, entry in enumerate(() if data is None else json_entries(data), 1):
            if not isinstance(entry, dict) or "image_id" not in entry:
                raise UnreadableError(f"an entry without image_id, its number {number}")
            yield str(entry.pop("image_id")), entry

    def _texts(self) -> Iterator[tuple[str, list[str]]]:
        data = self._read(TEXTS, MAX_TEXT)
        rows = iter(()) if data is None else csv_rows(data, TEXT_HEADERS, errors="surrogateescape")
        return ((row[0], row[1:]) for row in islice(rows, 1, None))


def _score_rows(data: bytes) -> Iterator[tuple[str, str, str | None]]:
    rows = csv_rows(data, SCORE_HEADERS)
    columns = len(next(rows))
    for row in rows:
        # What is too much goes to the last column, where it is no number.
        sample_id, score, synthetic = [*row[: columns - 1], ",".join(row[columns - 1 :]), "", ""][:3]
        yield sample_id, score, synthetic if columns == 3 else None


@dataclass(frozen=True)
class FolderStore(_Members):
    """A folder."""

    path: Path

    @cached_property
    def _names(self) -> set[str]:
        top = {entry.name + ("/" if entry.is_dir(follow_symlinks=False) else "") for entry in os.scandir(self.path)}
        masks = self.path / MASKS
        inside = set(os.listdir(masks)) if MASKS in top else set()  # noqa: PTH208
        return top | {MASKS + name for name in inside}

    def _all(self) -> set[str]:
        return self._names

    def problems(self) -> list[Problem]:
        """Links, which could point outside, and members that are not part of the format."""
        try:
            modes = {name: (self.path / name).lstat().st_mode for name in sorted(self._names)}
        except OSError as error:
            return [Problem("unreadable_archive", "", "a readable folder", str(error.strerror), "Let it be read.")]
        found = []
        for name, mode in modes.items():
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                found.append(unsafe(name, "a link" if stat.S_ISLNK(mode) else "not a plain file"))
            elif not is_part(name):
                found.append(unexpected(name))
        return found

    def _read(self, name: str, limit: int) -> bytes | None:
        if name not in self._names:
            return None
        try:
            with (self.path / name).open("rb") as file:
                data = file.read(limit + 1)
        except OSError as error:
            raise UnreadableError(str(error.strerror)) from error
        if len(data) > limit:
            raise UnreadableError(f"more than {limit} bytes")
        return data


@dataclass(frozen=True)
class ZipStore(_Members):
    """A zip archive."""

    path: Path

    @cached_property
    def _zip(self) -> zipfile.ZipFile:
        return zipfile.ZipFile(self.path)

    @cached_property
    def _infos(self) -> dict[str, zipfile.ZipInfo]:
        return {info.filename: info for info in self._zip.infolist()}

    def _all(self) -> set[str]:
        return set(self._infos)

    def problems(self) -> list[Problem]:
        """Everything in the central directory that must not be there; nothing is decompressed for it."""
        try:
            infos = self._zip.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            got = printable(str(error))
            return [Problem("unreadable_archive", "", "a zip archive", got, "Make the archive again.")]
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
        deep = [name for name in self._infos if name.endswith("/" + MANIFEST)]
        if MANIFEST in self._infos or not deep:
            return []
        fix = "Zip what is in the folder, not the folder."
        return [Problem("manifest", "", "submission.json at the top of the archive", "it is in a folder", fix)]

    def _read(self, name: str, limit: int) -> bytes | None:
        info = self._infos.get(name)
        if info is None:
            return None
        if info.file_size > limit:
            raise UnreadableError(f"{info.file_size} bytes, more than {limit}")
        try:
            with self._zip.open(info) as member:
                return member.read(limit)
        except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError, zlib.error) as error:
            raise UnreadableError(str(error)) from error


def _entry_problems(info: zipfile.ZipInfo, seen: set[str]) -> Iterator[Problem]:
    danger = next((words for words, there in _dangers(info, seen).items() if there), None)
    if danger is not None:
        yield unsafe(info.orig_filename, danger)
    elif not is_part(info.filename) and not info.is_dir():
        yield unexpected(info.filename)


def _dangers(info: zipfile.ZipInfo, seen: set[str]) -> dict[str, bool]:
    # zipfile cuts names at NUL and turns backslashes round on Windows: judge the name as it was stored.
    stored = info.orig_filename
    outside = stored.startswith("/") or ".." in stored.split("/") or any(c in stored for c in "\\:\0")
    kind = stat.S_IFMT(info.external_attr >> 16)
    size, packed = info.file_size, info.compress_size
    return {
        "no name": not info.filename,
        "a name that leads out of the archive": outside,
        "a link or a special file": kind not in (0, stat.S_IFREG, stat.S_IFDIR),
        "another member has this name, or differs in case alone": info.filename.casefold() in seen,
        "encrypted": bool(info.flag_bits & 1),
        "neither stored nor deflated": info.compress_type not in _METHODS,
        f"{packed} bytes that unpack to {size}": size > 2**20 and size > MAX_RATIO * max(1, packed),
    }


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
