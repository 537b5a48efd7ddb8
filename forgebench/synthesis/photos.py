"""The photographs that forgeries are made from: any folder, or whatever place fsspec reaches."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from forgebench import engine
from forgebench.errors import InputError, NotFoundError, Problem, ProblemsError
from forgebench.sources.files import IMAGE_SUFFIXES, UNDECODABLE, sha256
from forgebench.synthesis.plan import Source

MIN_SIDE = 128
Pixels = NDArray[np.uint8]

_CACHED = 4
"""Photographs kept decoded: a forgery and its match share theirs."""


@dataclass(frozen=True)
class Instance:
    """An object that somebody outlined in a photograph."""

    segmentation: Any = field(hash=False)
    """COCO's: polygons, or a run-length code; or the place of a mask file."""
    category: str | None = None


@dataclass(frozen=True)
class Photo:
    """A photograph."""

    path: str
    """Where it lies: a path, or a URL that fsspec opens."""
    name: str
    """Its path below the folder."""
    sha256: str
    format: str
    """Of its file, in Pillow's words."""
    size: tuple[int, int]
    """Width and height as displayed, pixels."""
    objects: tuple[Instance, ...] = ()
    """What is outlined in it."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all of it that samples depend on."""
        return sha256(repr((self.name, self.sha256, self.format, self.size, self.objects)).encode())

    @property
    def group(self) -> str:
        """The name of the samples made from it."""
        stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", PurePosixPath(self.name).stem)[:80]
        return f"{stem}-{self.sha256[:8]}"


def list_photos(
    folder: str | Path,
    *,
    allow_issues: Collection[str] | Literal["all"] = (),
    objects: Mapping[str, tuple[Instance, ...]] | None = None,
    workers: int | None = None,
) -> list[Photo]:
    """All photographs below a folder or URL, sorted by name, each once.

    Args:
        folder: A folder, or a URL that fsspec reaches (`s3://…`, `memory://…`, `https://…`).
        allow_issues: Kinds of problems whose photographs are left out, or `all`; else they stop it.
        objects: What is outlined in the photographs, by their names; see `read_objects`.
        workers: Number of threads that look at them; None takes all cores.

    Raises:
        NotFoundError: If there is no such folder.
        InputError: If it holds fewer than two photographs.
        ProblemsError: If some cannot be used: all of them are named.
    """
    photos, problems = look_at_photos(folder, objects=objects, workers=workers)
    check_allowed(problems, allow_issues, folder)
    if len(photos) < 2:
        raise InputError(f"Expected at least two different photographs below {folder}, found {len(photos)}.")
    return photos


def look_at_photos(
    folder: str | Path, *, objects: Mapping[str, tuple[Instance, ...]] | None = None, workers: int | None = None
) -> tuple[list[Photo], list[Problem]]:
    """The photographs below a folder or URL that can be used, and what is wrong with the others.

    Raises:
        NotFoundError: If there is no such folder.
    """
    places = dict(files_at(folder))
    names = sorted(name for name in places if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES)
    # Threads, for reading and decoding wait for the disk, the network or a C library.
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        looked = pool.map(_look, [(name, places[name]) for name in names])
        seen = list(engine.with_progress(looked, len(names), "reading photographs"))
    found = {one.sha256: one for one in reversed(seen) if isinstance(one, Photo)}
    photos = sorted(found.values(), key=lambda photo: photo.name)
    if objects:
        photos = [_with_objects(photo, objects) for photo in photos]
    return photos, [one for one in seen if isinstance(one, Problem)]


def check_allowed(problems: list[Problem], allow_issues: Collection[str] | Literal["all"], folder: str | Path) -> None:
    """Stop on problems that are not allowed.

    Raises:
        ProblemsError: With all of them.
    """
    stopping = [p for p in problems if allow_issues != "all" and p.code not in allow_issues]
    if stopping:
        kinds = ",".join(sorted({p.code for p in stopping}))
        raise ProblemsError(
            f"{len(stopping)} files below {folder} cannot be used; nothing was written. Mend them, or leave them out "
            f"with --allow-issues {kinds}",
            stopping,
        )


def files_at(folder: str | Path) -> Iterator[tuple[str, str]]:
    """All files below a folder or URL: names relative to it, and where they lie.

    Raises:
        NotFoundError: If there is no such folder.
    """
    from fsspec.core import url_to_fs

    text = str(folder)
    try:
        system, root = url_to_fs(text)
    except (ValueError, ImportError) as error:
        raise InputError(f"{text} is no place that fsspec reaches: {error}") from error
    if not system.isdir(root):
        raise NotFoundError(f"Expected a folder of photographs at {text}, found none.")
    root = root.rstrip("/")
    for path in system.find(root):
        name = PurePosixPath(path[len(root) :].lstrip("/"))
        if not any(part.startswith(".") for part in name.parts):
            yield str(name), system.unstrip_protocol(path) if "://" in text else path


def read_bytes(path: str) -> bytes:
    """The bytes of a file or URL."""
    if "://" not in path:
        return Path(path).read_bytes()
    import fsspec

    with fsspec.open(path, "rb") as file:
        data: bytes = file.read()
    return data


def _look(job: tuple[str, str]) -> Photo | Problem:
    name, path = job
    try:
        data = read_bytes(path)
        with Image.open(BytesIO(data)) as image:
            kind = image.format or ""
            turned = image.getexif().get(0x0112, 1) >= 5
            size = (image.height, image.width) if turned else image.size
            # All of the file is read, but only an eighth of the pixels made.
            image.draft("RGB", (image.width // 8, image.height // 8))
            image.load()
    except UNDECODABLE as error:
        found = str(error) or type(error).__name__
        return Problem("unreadable", name, "a photograph", found, "Remove it or get it again.")
    if min(size) < MIN_SIDE:
        wanted = f"at least {MIN_SIDE} pixels on each side"
        return Problem("too_small", name, wanted, f"{size[0]}x{size[1]}", "Remove it.")
    return Photo(path, name, sha256(data), kind, size)


def _with_objects(photo: Photo, objects: Mapping[str, tuple[Instance, ...]]) -> Photo:
    return Photo(photo.path, photo.name, photo.sha256, photo.format, photo.size, objects.get(photo.name, ()))


@lru_cache(maxsize=_CACHED)
def open_photo(photo: Photo, size: tuple[int, int]) -> Pixels:
    """A photograph's pixels as displayed, at a size no larger than its own.

    Args:
        photo: The photograph.
        size: Width and height wanted, pixels.

    Returns:
        Shape (H, W, 3), uint8, RGB, read-only.
    """
    with Image.open(BytesIO(read_bytes(photo.path))) as image:
        if size != photo.size:
            # A JPEG decoder halves for next to nothing; what is left to do is at least a factor of two.
            image.draft("RGB", (2 * max(size), 2 * max(size)))
        ImageOps.exif_transpose(image, in_place=True)
        upright = image if image.mode == "RGB" else image.convert("RGB")
        if upright.size != size:
            upright = upright.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        return np.asarray(upright)


def size_at(photo: Photo, scale: float, max_side: int | None) -> tuple[int, int]:
    """Width and height that a photograph is brought to; never larger than it is."""
    if max_side is not None:
        scale = min(scale, max_side / max(photo.size))
    if scale >= 1:
        return photo.size
    return max(16, round(photo.size[0] * scale)), max(16, round(photo.size[1] * scale))


@dataclass(frozen=True)
class Album:
    """Photographs by their content, for making samples again."""

    folder: str

    def find(self, source: Source) -> Photo:
        """The photograph that a sample was made from: by its name, or wherever it lies now.

        Raises:
            NotFoundError: If the folder does not hold it.
        """
        places = dict(files_at(self.folder))
        likely = [source.name, *(name for name in places if name != source.name)]
        for name in likely:
            if name in places and sha256(read_bytes(places[name])) == source.sha256:
                found = _look((name, places[name]))
                if isinstance(found, Photo):
                    return found
        raise NotFoundError(
            f"{self.folder} does not hold the photograph {source.name} (SHA-256 {source.sha256}) that the sample was "
            "made from. Give --photos the folder that it was made from."
        )
