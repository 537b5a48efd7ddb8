"""Uploads and records in any store that fsspec knows: by the SHA-256 of what they hold."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec

from forgebench import ForgeBenchError

_BLOCK = 2**20


class ChangedObjectError(ForgeBenchError):
    """A stored object is not what its name says."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Storage:
    """Objects by their SHA-256, and parts of uploads by upload and offset.

    An object gets its name when it is whole. One that nothing refers to, because something crashed before it was
    committed, is removed by `collect`.
    """

    def __init__(self, url: str) -> None:
        self._fs, self._root = fsspec.core.url_to_fs(url)

    def put(self, path: Path) -> str:
        """Store a file; its SHA-256 comes back."""
        digest = sha256_of(path)
        target, temporary = self._object(digest), f"{self._root}/incoming/{uuid4().hex}"
        self._make_room(target, temporary)
        try:
            self._fs.put_file(str(path), temporary)
            self._fs.mv(temporary, target)
        except BaseException:
            self._forget(temporary)
            raise
        return digest

    def put_bytes(self, data: bytes) -> str:
        """Store bytes; their SHA-256 comes back."""
        digest = hashlib.sha256(data).hexdigest()
        self._write(self._object(digest), data)
        return digest

    def get(self, digest: str, path: Path) -> Path:
        """An object as a file.

        Raises:
            ChangedObjectError: If it is not there, or not what its name says.
        """
        try:
            self._fs.get_file(self._object(digest), str(path))
        except FileNotFoundError as error:
            raise ChangedObjectError(f"The object {digest} is gone. Restore it from a backup.") from error
        if sha256_of(path) != digest:
            raise ChangedObjectError(f"The object {digest} was changed. Restore it from a backup.")
        return path

    def get_bytes(self, digest: str) -> bytes:
        """A small object's bytes.

        Raises:
            ChangedObjectError: If it is not there, or not what its name says.
        """
        try:
            data = bytes(self._fs.cat_file(self._object(digest)))
        except FileNotFoundError as error:
            raise ChangedObjectError(f"The object {digest} is gone. Restore it from a backup.") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise ChangedObjectError(f"The object {digest} was changed. Restore it from a backup.")
        return data

    def objects(self) -> Iterator[tuple[str, float]]:
        """Every object, and when it was written (seconds since 1970)."""
        for path, about in self._files("objects"):
            yield path.rsplit("/", 1)[-1], _written(about)

    def remove(self, digest: str) -> None:
        """Remove an object."""
        self._forget(self._object(digest))

    def put_part(self, upload: str, offset: int, data: bytes) -> None:
        """Store a part of an upload."""
        self._write(f"{self._root}/parts/{upload}/{offset:020d}", data)

    def join(self, upload: str, ends: int, path: Path) -> str:
        """The parts of an upload as one file, up to `ends` bytes; its SHA-256 comes back."""
        digest, length = hashlib.sha256(), 0
        with path.open("wb") as file:
            while length < ends:
                data = self._fs.cat_file(f"{self._root}/parts/{upload}/{length:020d}")
                file.write(data)
                digest.update(data)
                length += len(data)
        return digest.hexdigest()

    def remove_parts(self, upload: str) -> None:
        """Remove what was received of an upload."""
        folder = f"{self._root}/parts/{upload}"
        with suppress(FileNotFoundError):
            self._fs.rm(folder, recursive=True)

    def uploads(self) -> set[str]:
        """The uploads that there are parts of."""
        return {path.rsplit("/", 2)[-2] for path, _ in self._files("parts")}

    def collect(self, kept: set[str], *, older_than: float) -> list[str]:
        """Remove objects that are not kept and what was never finished, where old; the names come back."""
        before = time.time() - older_than
        gone = [digest for digest, written in self.objects() if digest not in kept and written < before]
        for digest in gone:
            self.remove(digest)
        for path, about in self._files("incoming"):
            if _written(about) < before:
                self._forget(path)
        return gone

    def _object(self, digest: str) -> str:
        return f"{self._root}/objects/{digest[:2]}/{digest}"

    def _write(self, target: str, data: bytes) -> None:
        temporary = f"{self._root}/incoming/{uuid4().hex}"
        self._make_room(target, temporary)
        try:
            self._fs.pipe_file(temporary, data)
            self._fs.mv(temporary, target)
        except BaseException:
            self._forget(temporary)
            raise

    def _make_room(self, *paths: str) -> None:
        for path in paths:
            self._fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)

    def _forget(self, path: str) -> None:
        if self._fs.exists(path):
            self._fs.rm_file(path)

    def _files(self, folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
        self._fs.invalidate_cache()
        found = self._fs.find(f"{self._root}/{folder}", detail=True)
        yield from found.items()


def _written(about: dict[str, Any]) -> float:
    """When a file was written, as its store says: each in its own words."""
    for name in ("mtime", "LastModified", "last_modified", "updated", "created"):
        said = about.get(name)
        if isinstance(said, datetime):
            return said.timestamp()
        if isinstance(said, int | float):
            return float(said)
        if isinstance(said, str):
            return datetime.fromisoformat(said).timestamp()
    return time.time()
