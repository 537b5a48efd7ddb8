"""The photographs that forgeries are made from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from forgebench.errors import InputError, NotFoundError, Problem, ProblemsError
from forgebench.sources.files import IMAGE_SUFFIXES, files_below, sha256

MIN_SIDE = 128


@dataclass(frozen=True)
class Photo:
    """A photograph on disk."""

    path: Path
    name: str
    """Its path below the folder."""
    sha256: str

    @property
    def group(self) -> str:
        """The name of the samples made from it."""
        stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(self.name).stem)[:80]
        return f"{stem}-{self.sha256[:8]}"


def list_photos(folder: Path) -> list[Photo]:
    """All photographs below a folder, sorted by name, each once.

    Raises:
        NotFoundError: If there is no such folder.
        InputError: If it holds fewer than two photographs.
        ProblemsError: If some cannot be used: all of them are named.
    """
    if not folder.is_dir():
        raise NotFoundError(f"Expected a folder of photographs at {folder}, found none.")
    names = [name for name in files_below(folder) if Path(name).suffix.lower() in IMAGE_SUFFIXES]
    problems = [problem for name in names if (problem := _problem(folder / name, name))]
    if problems:
        raise ProblemsError(f"{len(problems)} of {len(names)} photographs cannot be used:", problems)
    photos = {p.sha256: p for p in (Photo(folder / n, n, sha256((folder / n).read_bytes())) for n in reversed(names))}
    if len(photos) < 2:
        raise InputError(f"Expected at least two different photographs below {folder}, found {len(photos)}.")
    return sorted(photos.values(), key=lambda photo: photo.name)


def _problem(path: Path, name: str) -> Problem | None:
    try:
        with Image.open(path) as image:
            small = min(image.size) < MIN_SIDE
            size = f"{image.width}x{image.height}"
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return Problem("unreadable", name, "a photograph", str(error), "Remove it or get it again.")
    if small:
        return Problem("too_small", name, f"at least {MIN_SIDE} pixels on each side", size, "Remove it.")
    return None


@lru_cache(maxsize=16)
def open_photo(photo: Photo) -> NDArray[np.uint8]:
    """The photograph's pixels as displayed, shape (H, W, 3), uint8, RGB."""
    with Image.open(BytesIO(photo.path.read_bytes())) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
