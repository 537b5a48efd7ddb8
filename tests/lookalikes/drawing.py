"""Generated pixels, and what a sample of a look-alike must become."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Bits = NDArray[np.bool_]

JUNK = ("Thumbs.db", ".DS_Store", "desktop.ini", "._Au_ani_0001.jpg")


@dataclass(frozen=True)
class Truth:
    """What a sample of a look-alike must become."""

    label: str
    image: bytes
    mask: Bits | None
    """Shape (H, W) of the image as displayed."""
    group: str
    manipulation: str | None = None
    source_mask: Bits | None = None
    fix: str | None = None
    """How the action recorded for a known defect begins."""
    split: str = "test"
    scope: str = "tampered"
    boxes: tuple[tuple[float, ...], ...] | None = None
    """Boxes that are given, not derived."""
    scribble: Pixels | None = None
    """A scribble that is given, not derived."""


Truths = dict[str, Truth]
"""By sample id."""


def photo(seed: int, width: int = 48, height: int = 32) -> Pixels:
    """A picture with colour ramps and noise, shape (height, width, 3)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    ramps = np.stack([x * 200 / width, y * 200 / height, (x + y) * 200 / (width + height)], axis=2)
    return (ramps + rng.integers(0, 56, ramps.shape)).astype(np.uint8)


def region(seed: int, width: int = 48, height: int = 32) -> Bits:
    """A filled rectangle away from the border, shape (height, width)."""
    rng = np.random.default_rng(seed)
    left, top = int(rng.integers(2, width // 2)), int(rng.integers(2, height // 2))
    mask = np.zeros((height, width), bool)
    mask[top : top + height // 3, left : left + width // 3] = True
    return mask


def encoded(pixels: Pixels | Bits, kind: str, mode: str | None = None, **options: object) -> bytes:
    """An image file's bytes; a boolean array becomes 0 and 255."""
    grey = pixels * np.uint8(255) if pixels.dtype == bool else pixels
    image = Image.fromarray(grey)
    buffer = BytesIO()
    (image.convert(mode) if mode else image).save(buffer, kind, **options)
    return buffer.getvalue()


def put(path: Path, data: bytes) -> None:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def forgery(seed: int, width: int = 48, height: int = 32) -> tuple[Pixels, Pixels, Bits]:
    """An original, a forgery of it, and where they differ: strongly, so that JPEG does not hide it."""
    original, mask = photo(seed, width, height), region(seed, width, height)
    return original, np.where(mask[..., None], original + np.uint8(128), original), mask


def authentic(data: bytes, group: str, split: str = "test", width: int = 48, height: int = 32) -> Truth:
    """What an authentic image must become."""
    return Truth("authentic", data, np.zeros((height, width), bool), group, split=split)
